import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { stringify } from "yaml";
import type { RuleGroup } from "../alerts/rule-groups.ts";
import { lokiFolder, lokiRulesFolder } from "../config/loki.ts";
import { httpPorts, partLabels } from "./names.ts";
import { dataVolume, metadata, type Place, podDefaults } from "./place.ts";
import { containerSecurity, podSecurity, probes, type Resources, resources, revisionOf } from "./pods.ts";

const part = "loki";
const user = 10001;

/** What Loki runs with. */
export interface LokiArgs {
  readonly image: string;
  readonly resources: Resources;
  readonly volumeGiB: number;
  /** The configuration file. */
  readonly config: object;
  /** Alerts that are read out of logs. */
  readonly rules: readonly RuleGroup[];
  /** How its pod acts as a cloud identity that may use the bucket. */
  readonly identity: {
    readonly annotations: Readonly<Record<string, string>>;
    readonly podLabels: Readonly<Record<string, string>>;
  };
}

/** Loki, whole in one process, with a volume for what is not in its bucket yet. */
export function loki(place: Place, args: LokiArgs): void {
  const { name, options } = place;
  const file = stringify(args.config);
  const rules = stringify({ groups: args.rules });
  const objectMetadata = metadata(place, part);
  const serviceAccount = new ServiceAccount(
    `${name}-loki`,
    {
      metadata: {
        ...objectMetadata,
        ...(Object.keys(args.identity.annotations).length > 0 && { annotations: args.identity.annotations }),
      },
      automountServiceAccountToken: false,
    },
    options,
  );
  const config = new ConfigMap(
    `${name}-loki`,
    { metadata: objectMetadata, data: { "loki.yaml": file, "canton.yaml": rules } },
    options,
  );
  const service = new Service(
    `${name}-loki`,
    {
      metadata: objectMetadata,
      spec: { selector: partLabels(part), ports: [{ name: "http", port: httpPorts[part], targetPort: "http" }] },
    },
    options,
  );
  const item = (key: string) => ({ name: config.metadata.name, items: [{ key, path: key }] });
  new StatefulSet(
    `${name}-loki`,
    {
      metadata: objectMetadata,
      spec: {
        replicas: 1,
        serviceName: service.metadata.name,
        selector: { matchLabels: partLabels(part) },
        template: {
          metadata: {
            labels: { ...objectMetadata.labels, ...args.identity.podLabels },
            annotations: revisionOf(file, rules),
          },
          spec: {
            ...podDefaults(place),
            serviceAccountName: serviceAccount.metadata.name,
            securityContext: podSecurity(user),
            // What it holds in memory goes to the volume or the bucket first.
            terminationGracePeriodSeconds: 120,
            containers: [
              {
                name: part,
                image: args.image,
                args: ["-config.file=/etc/loki/loki.yaml"],
                ports: [{ name: "http", containerPort: httpPorts[part] }],
                ...probes("/loki/api/v1/status/buildinfo", "/ready"),
                resources: resources(args.resources),
                securityContext: containerSecurity,
                volumeMounts: [
                  { name: "config", mountPath: "/etc/loki", readOnly: true },
                  { name: "rules", mountPath: `${lokiRulesFolder}/fake`, readOnly: true },
                  { name: "data", mountPath: lokiFolder },
                  { name: "tmp", mountPath: "/tmp" },
                ],
              },
            ],
            volumes: [
              { name: "config", configMap: item("loki.yaml") },
              { name: "rules", configMap: item("canton.yaml") },
              { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
            ],
          },
        },
        volumeClaimTemplates: dataVolume(place, args.volumeGiB),
      },
    },
    options,
  );
}
