import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { ClusterRole } from "@pulumi/kubernetes/rbac/v1/clusterRole.js";
import { ClusterRoleBinding } from "@pulumi/kubernetes/rbac/v1/clusterRoleBinding.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import type { Input } from "@pulumi/pulumi";
import { stringify } from "yaml";
import type { RuleGroup } from "../alerts/rule-groups.ts";
import { httpPorts, partLabels } from "./names.ts";
import { budget, dataVolume, metadata, type Place, podDefaults } from "./place.ts";
import { containerSecurity, podSecurity, probes, type Resources, resources, revisionOf, spread } from "./pods.ts";

const part = "prometheus";
const user = 65534;

/** What Prometheus runs with. */
export interface PrometheusArgs {
  readonly image: string;
  readonly replicas: number;
  readonly resources: Resources;
  readonly retentionDays: number;
  readonly volumeGiB: number;
  /** The configuration file. */
  readonly config: object;
  readonly rules: readonly RuleGroup[];
  /** Namespaces whose pods it may list: those of the nodes, and its own. */
  readonly nodeNamespaces: readonly string[];
  /** It may ask the kubelets of all machines for metrics. */
  readonly volumes: boolean;
}

/** Prometheus with its rules, its volume, and the right to find the pods that it scrapes. */
export function prometheus(place: Place, args: PrometheusArgs): void {
  const { name, options } = place;
  const files = {
    "prometheus.yml": stringify(args.config),
    "canton.rules.yml": stringify({ groups: args.rules }),
  };
  const serviceAccount = new ServiceAccount(
    `${name}-prometheus`,
    { metadata: metadata(place, part), automountServiceAccountToken: false },
    options,
  );
  mayListPods(place, args.nodeNamespaces);
  if (args.volumes) mayAskKubelets(place);
  const config = new ConfigMap(`${name}-prometheus`, { metadata: metadata(place, part), data: files }, options);
  const service = new Service(
    `${name}-prometheus`,
    {
      metadata: metadata(place, part),
      spec: {
        selector: partLabels(part),
        ports: [{ name: "http", port: httpPorts[part], targetPort: "http" }],
        // Replicas scrape at different moments: a reader stays with one.
        sessionAffinity: "ClientIP",
      },
    },
    options,
  );
  new StatefulSet(
    `${name}-prometheus`,
    {
      metadata: metadata(place, part),
      spec: {
        replicas: args.replicas,
        serviceName: service.metadata.name,
        podManagementPolicy: "Parallel",
        selector: { matchLabels: partLabels(part) },
        template: {
          metadata: {
            labels: metadata(place, part).labels,
            annotations: revisionOf(...Object.values(files)),
          },
          spec: {
            ...podDefaults(place),
            automountServiceAccountToken: true,
            serviceAccountName: serviceAccount.metadata.name,
            securityContext: podSecurity(user),
            ...spread(part),
            containers: [
              {
                name: part,
                image: args.image,
                args: [
                  "--config.file=/etc/prometheus/prometheus.yml",
                  "--storage.tsdb.path=/prometheus",
                  `--storage.tsdb.retention.time=${args.retentionDays}d`,
                  // The log that is not compacted yet comes on top.
                  `--storage.tsdb.retention.size=${Math.floor(args.volumeGiB * 0.8 * 1024)}MB`,
                  `--web.listen-address=0.0.0.0:${httpPorts[part]}`,
                ],
                env: [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
                ports: [{ name: "http", containerPort: httpPorts[part] }],
                ...probes("/-/healthy", "/-/ready"),
                resources: resources(args.resources),
                securityContext: containerSecurity,
                volumeMounts: [
                  { name: "config", mountPath: "/etc/prometheus", readOnly: true },
                  { name: "data", mountPath: "/prometheus" },
                ],
              },
            ],
            volumes: [{ name: "config", configMap: { name: config.metadata.name } }],
          },
        },
        volumeClaimTemplates: dataVolume(place, args.volumeGiB),
      },
    },
    options,
  );
  budget(place, part, args.replicas);
}

/** In the namespaces of the nodes and its own, and nothing but pods. */
function mayListPods(place: Place, nodeNamespaces: readonly string[]): void {
  const namespaces: [string, Input<string>][] = [
    ["own", place.namespace],
    ...nodeNamespaces.map((namespace): [string, string] => [namespace, namespace]),
  ];
  for (const [key, namespace] of namespaces) {
    const resource = `${place.name}-prometheus-${key}`;
    const objectMetadata = { ...metadata({ ...place, namespace }, part, "canton-monitoring-prometheus") };
    const role = new Role(
      resource,
      { metadata: objectMetadata, rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }] },
      place.options,
    );
    new RoleBinding(
      resource,
      {
        metadata: objectMetadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: part, namespace: place.namespace }],
      },
      place.options,
    );
  }
}

/** Metrics of machines are no namespace's: this right is for the cluster, and for metrics alone. */
function mayAskKubelets(place: Place): void {
  const { labels } = metadata(place, part);
  // Objects of the cluster: other deployments have theirs.
  const objectMetadata = { name: `${place.name}-volumes`, labels };
  const role = new ClusterRole(
    `${place.name}-volumes`,
    {
      metadata: objectMetadata,
      rules: [
        { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
        { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
      ],
    },
    place.options,
  );
  new ClusterRoleBinding(
    `${place.name}-volumes`,
    {
      metadata: objectMetadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
      subjects: [{ kind: "ServiceAccount", name: part, namespace: place.namespace }],
    },
    place.options,
  );
}
