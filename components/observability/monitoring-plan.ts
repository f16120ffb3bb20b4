/** What a `Monitoring` makes, worked out before any of it is made. Pure. */
import { componentLabel } from "../platform/kubernetes/labels.ts";
import { portNames, portNumbers } from "../platform/kubernetes/layout.ts";
import { type AlertChannels, channelsOf } from "./alert-channels.ts";
import { alertGroups, logRuleGroups, type RuleOptions, ruleGroups } from "./alerts/rule-groups.ts";
import { alertmanagerConfig, alertSecretsFolder } from "./config/alertmanager.ts";
import { fluentBitConfig, fluentBitParsers } from "./config/fluent-bit.ts";
import { grafanaDataSources } from "./config/grafana.ts";
import { logStore, lokiConfig } from "./config/loki.ts";
import { prometheusConfig } from "./config/prometheus.ts";
import { httpPorts, type Part } from "./kubernetes/names.ts";
import { networkPolicies } from "./kubernetes/network.ts";
import type { MonitoringArgs } from "./monitoring.ts";

/** What is made. */
export type MonitoringPlan = ReturnType<typeof monitoringPlan>;

/** Where a part is reached in the cluster. */
export function urlOf(part: Part, namespace: string): string {
  return `http://${part}.${namespace}.svc:${httpPorts[part]}`;
}

/** What everything runs with, but for images and secrets: known before anything is made. @throws Error naming the argument that is wrong */
export function monitoringPlan(args: MonitoringArgs) {
  const { deployment, nodes, channels, cantonNamespaces = [], databases = [], metrics = {} } = args;
  const namespace = args.namespace ?? `${deployment.name}-monitoring`;
  checkNames("nodes", nodes);
  checkNames("namespace", [namespace]);
  checkNames("cantonNamespaces", cantonNamespaces, true);
  checkNames(
    "databases",
    databases.map(({ name }) => name),
    true,
  );
  if (nodes.includes(namespace)) {
    throw new Error(`namespace: got "${namespace}", which is one of nodes; expected a namespace of its own`);
  }
  const within = (key: string, value: number, least: number, most: number) => {
    if (!(Number.isInteger(value) && value >= least && value <= most)) {
      throw new Error(`${key}: got ${value}; expected a whole number from ${least} to ${most}`);
    }
    return value;
  };
  const intervalSeconds = within("metrics.intervalSeconds", metrics.intervalSeconds ?? 30, 5, 60);
  const volumes = metrics.volumes ?? false;
  const replicas = (args.highlyAvailable ?? deployment.environment === "production") ? 2 : 1;
  const logs = args.logs === false ? undefined : (args.logs ?? {});
  if (logs === undefined && cantonNamespaces.length > 0) {
    throw new Error("logs: got false; cantonNamespaces needs them, as a commitment mismatch is told in logs alone");
  }
  const shown = args.grafana === false ? undefined : (args.grafana ?? {});
  const rules: RuleOptions = {
    sources: [
      "nodes",
      "monitoring",
      ...(databases.length > 0 ? (["postgres-exporter"] as const) : []),
      ...(volumes ? (["kubelet"] as const) : []),
    ],
    ...(args.thresholds && { thresholds: args.thresholds }),
    ...(args.runbooks !== undefined && { runbooks: args.runbooks }),
  };
  const store = logs && logStore(logs.bucket, logs.region);
  const present: Part[] = [
    "prometheus",
    "alertmanager",
    ...(logs === undefined ? [] : (["loki", "fluent-bit"] as const)),
    ...(shown === undefined ? [] : (["grafana"] as const)),
    ...(databases.length === 0 ? [] : (["postgres-exporter"] as const)),
  ];
  const siem = logs?.siem && { url: logs.siem.url };
  const collector = logs && {
    config: fluentBitConfig({
      namespaces: [...new Set([...nodes, ...cantonNamespaces])],
      loki: `loki.${namespace}.svc`,
      ...(siem && { siem }),
    }),
    parsers: fluentBitParsers(),
  };
  return {
    namespace,
    policies: networkPolicies({
      parts: present,
      nodes: { namespaces: nodes, port: portNumbers.health },
      volumes,
      alertPorts: alertPorts(channels),
      databasePorts: databases.map(({ port = 5432 }) => port),
      bucket: store !== undefined && store.kind !== "filesystem",
      ...(siem && { siemPort: Number(new URL(siem.url).port || 443) }),
      ...(shown?.ingressNamespace !== undefined && { grafanaFrom: shown.ingressNamespace }),
    }),
    prometheus: {
      replicas,
      resources: { cpu: "250m", memory: "1Gi" },
      retentionDays: within("metrics.retentionDays", metrics.retentionDays ?? 30, 1, 3650),
      volumeGiB: within("metrics.volumeGiB", metrics.volumeGiB ?? 50, 5, 10_000),
      nodeNamespaces: nodes,
      volumes,
      rules: ruleGroups(rules),
      config: prometheusConfig({
        namespaces: nodes,
        podLabels: { [componentLabel]: "node" },
        portName: portNames.health,
        ownNamespace: namespace,
        intervalSeconds,
        // Prometheus puts in the name of its pod.
        externalLabels: { deployment: deployment.name, prometheus_replica: "${POD_NAME}" },
        volumes,
      }),
    },
    alertmanager: {
      replicas,
      config: alertmanagerConfig({
        channels: channelsOf(channels),
        groups: alertGroups(rules),
        secretsFolder: alertSecretsFolder,
        ...(channels.routes && { routes: channels.routes }),
      }),
    },
    loki: logs &&
      store && {
        resources: { cpu: "250m", memory: "1Gi" },
        volumeGiB: within("logs.volumeGiB", logs.volumeGiB ?? (store.kind === "filesystem" ? 100 : 20), 5, 10_000),
        rules: cantonNamespaces.length === 0 ? [] : logRuleGroups(cantonNamespaces, args.runbooks),
        identity: { annotations: logs.identity?.annotations ?? {}, podLabels: logs.identity?.podLabels ?? {} },
        config: lokiConfig({
          store,
          retentionDays: within("logs.retentionDays", logs.retentionDays ?? 365, 1, 3650),
          ingestionMegabytes: within("logs.ingestionMegabytes", logs.ingestionMegabytes ?? 8, 1, 1000),
          ...(cantonNamespaces.length > 0 && { alertmanagerUrl: urlOf("alertmanager", namespace) }),
        }),
      },
    fluentBit: collector,
    grafana: shown && {
      dataSources: grafanaDataSources({
        prometheus: urlOf("prometheus", namespace),
        alertmanager: urlOf("alertmanager", namespace),
        ...(logs !== undefined && { loki: urlOf("loki", namespace) }),
      }),
      ...(shown.url !== undefined && { url: shown.url }),
    },
  };
}

function alertPorts({ mail, slack, pagerDuty }: AlertChannels): number[] {
  return [
    ...(mail === undefined ? [] : [Number(mail.smarthost.split(":")[1])]),
    ...(slack === undefined && pagerDuty === undefined ? [] : [443]),
  ];
}

function checkNames(key: string, names: readonly string[], mayBeNone = false): void {
  if (names.length === 0 && !mayBeNone) throw new Error(`${key}: got none; expected at least one namespace`);
  for (const name of names) {
    if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
      throw new Error(`${key}: got "${name}"; expected up to 63 lower-case letters, digits and hyphens`);
    }
  }
  if (new Set(names).size < names.length) throw new Error(`${key}: got a name twice in ${names.join(", ")}`);
}
