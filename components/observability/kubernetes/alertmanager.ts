import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import type { Input } from "@pulumi/pulumi";
import { stringify } from "yaml";
import { alertSecretsFolder } from "../config/alertmanager.ts";
import { alertmanagerPeerPort, httpPorts, partLabels } from "./names.ts";
import { budget, dataVolume, metadata, type Place, podDefaults } from "./place.ts";
import { containerSecurity, podSecurity, probes, resources, revisionOf, spread } from "./pods.ts";

const part = "alertmanager";
const user = 65534;

/** What Alertmanager runs with. */
export interface AlertmanagerArgs {
  readonly image: string;
  readonly replicas: number;
  /** The configuration file. */
  readonly config: object;
  /** Files with secrets, by name. */
  readonly secrets: Readonly<Record<string, Input<string>>>;
}

/** Alertmanager; replicas tell each other what was sent, so that it is sent once. */
export function alertmanager(place: Place, args: AlertmanagerArgs): void {
  const { name, options } = place;
  const file = stringify(args.config);
  const secret = new Secret(
    `${name}-alertmanager`,
    { metadata: metadata(place, part), stringData: args.secrets },
    options,
  );
  const config = new ConfigMap(
    `${name}-alertmanager`,
    { metadata: metadata(place, part), data: { "alertmanager.yml": file } },
    options,
  );
  const service = new Service(
    `${name}-alertmanager`,
    {
      metadata: metadata(place, part),
      spec: {
        clusterIP: "None",
        // Replicas find each other before they are ready.
        publishNotReadyAddresses: true,
        selector: partLabels(part),
        ports: [
          { name: "http", port: httpPorts[part], targetPort: "http" },
          { name: "peers", port: alertmanagerPeerPort, targetPort: "peers" },
        ],
      },
    },
    options,
  );
  const peers = Array.from({ length: args.replicas }, (_, index) => `${part}-${index}.${part}:${alertmanagerPeerPort}`);
  new StatefulSet(
    `${name}-alertmanager`,
    {
      metadata: metadata(place, part),
      spec: {
        replicas: args.replicas,
        serviceName: service.metadata.name,
        podManagementPolicy: "Parallel",
        selector: { matchLabels: partLabels(part) },
        template: {
          metadata: { labels: metadata(place, part).labels, annotations: revisionOf(file) },
          spec: {
            ...podDefaults(place),
            securityContext: podSecurity(user),
            ...spread(part),
            containers: [
              {
                name: part,
                image: args.image,
                args: [
                  "--config.file=/etc/alertmanager/alertmanager.yml",
                  "--storage.path=/alertmanager",
                  `--web.listen-address=0.0.0.0:${httpPorts[part]}`,
                  ...(args.replicas > 1
                    ? [
                        `--cluster.listen-address=0.0.0.0:${alertmanagerPeerPort}`,
                        ...peers.map((peer) => `--cluster.peer=${peer}`),
                      ]
                    : ["--cluster.listen-address="]),
                ],
                ports: [
                  { name: "http", containerPort: httpPorts[part] },
                  { name: "peers", containerPort: alertmanagerPeerPort },
                ],
                ...probes("/-/healthy", "/-/ready"),
                resources: resources({ cpu: "20m", memory: "128Mi" }),
                securityContext: containerSecurity,
                volumeMounts: [
                  { name: "config", mountPath: "/etc/alertmanager", readOnly: true },
                  { name: "secrets", mountPath: alertSecretsFolder, readOnly: true },
                  { name: "data", mountPath: "/alertmanager" },
                ],
              },
            ],
            volumes: [
              { name: "config", configMap: { name: config.metadata.name } },
              { name: "secrets", secret: { secretName: secret.metadata.name, defaultMode: 0o440 } },
            ],
          },
        },
        // Silences, and what was told: small, and needed after a restart.
        volumeClaimTemplates: dataVolume(place, 1),
      },
    },
    options,
  );
  budget(place, part, args.replicas);
}
