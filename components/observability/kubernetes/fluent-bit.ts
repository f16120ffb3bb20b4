import { DaemonSet } from "@pulumi/kubernetes/apps/v1/daemonSet.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import type { Input } from "@pulumi/pulumi";
import { fluentBitFolder, siemAuthorizationVariable } from "../config/fluent-bit.ts";
import { httpPorts, partLabels } from "./names.ts";
import { metadata, type Place, podDefaults } from "./place.ts";
import { containerSecurity, probes, resources, revisionOf } from "./pods.ts";

const part = "fluent-bit";

/** What Fluent Bit runs with. */
export interface FluentBitArgs {
  readonly image: string;
  /** The configuration file, and the file of parsers beside it. */
  readonly config: string;
  readonly parsers: string;
  /** What the SIEM wants in the header Authorization; absent: there is no SIEM. */
  readonly siemAuthorization?: Input<string>;
}

/**
 * Fluent Bit on every machine. The files that it reads are root's, so it runs as root, without any capability, and sees the
 * logs read-only; it has no access to the API: a file's name says whose it is.
 */
export function fluentBit(place: Place, args: FluentBitArgs): void {
  const { name, options } = place;
  const objectMetadata = metadata(place, part);
  const config = new ConfigMap(
    `${name}-fluent-bit`,
    { metadata: objectMetadata, data: { "fluent-bit.conf": args.config, "parsers.conf": args.parsers } },
    options,
  );
  const env = [];
  if (args.siemAuthorization !== undefined) {
    const secret = new Secret(
      `${name}-fluent-bit`,
      { metadata: objectMetadata, stringData: { authorization: args.siemAuthorization } },
      options,
    );
    const secretKeyRef = { name: secret.metadata.name, key: "authorization" };
    env.push({ name: siemAuthorizationVariable, valueFrom: { secretKeyRef } });
  }
  new DaemonSet(
    `${name}-fluent-bit`,
    {
      metadata: objectMetadata,
      spec: {
        selector: { matchLabels: partLabels(part) },
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%" } },
        template: {
          metadata: { labels: objectMetadata.labels, annotations: revisionOf(args.config, args.parsers) },
          spec: {
            ...podDefaults(place),
            securityContext: { runAsUser: 0, runAsGroup: 0, seccompProfile: { type: "RuntimeDefault" } },
            // Nodes may run on machines that are kept for them.
            tolerations: [{ operator: "Exists" }],
            containers: [
              {
                name: part,
                image: args.image,
                command: ["/fluent-bit/bin/fluent-bit"],
                args: ["--config=/fluent-bit/config/fluent-bit.conf"],
                ...(env.length > 0 && { env }),
                ports: [{ name: "http", containerPort: httpPorts[part] }],
                ...probes("/api/v1/health"),
                resources: resources({ cpu: "50m", memory: "192Mi" }),
                securityContext: containerSecurity,
                volumeMounts: [
                  { name: "config", mountPath: "/fluent-bit/config", readOnly: true },
                  { name: "logs", mountPath: "/var/log", readOnly: true },
                  { name: "state", mountPath: fluentBitFolder },
                ],
              },
            ],
            volumes: [
              { name: "config", configMap: { name: config.metadata.name } },
              { name: "logs", hostPath: { path: "/var/log", type: "Directory" } },
              { name: "state", hostPath: { path: `/var/lib/${name}-fluent-bit`, type: "DirectoryOrCreate" } },
            ],
          },
        },
      },
    },
    options,
  );
}
