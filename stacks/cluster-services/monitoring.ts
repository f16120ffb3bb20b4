/** What looks after the nodes of a cluster. */
import { type Output, secret } from "@pulumi/pulumi";
import type { WatchedDatabase } from "@pulumi-canton/components/observability/kubernetes/postgres-exporter.ts";
import { Monitoring, type MonitoringArgs } from "@pulumi-canton/components/observability/monitoring.ts";
import {
  MonitoringObjects,
  type MonitoringObjectsArgs,
} from "@pulumi-canton/components/observability/monitoring-objects.ts";
import type { MonitoringConfig } from "./monitoring-config.ts";
import type { Place } from "./place.ts";

/** What people look at. */
export interface MadeMonitoring {
  readonly grafanaUrl?: Output<string | undefined>;
  /** Secret. */
  readonly grafanaPassword?: Output<string | undefined>;
}

/**
 * A monitoring of the stack's own, or objects for the operator that is there.
 *
 * @param watched servers of the stack, besides those of the configuration
 * @param ingress namespace through which browsers come to Grafana, where it has a URL
 */
export function makeMonitoring(
  config: MonitoringConfig,
  place: Place,
  watched: readonly WatchedDatabase[],
  ingress: string | undefined,
): MadeMonitoring {
  const { deployment, namespaces, cluster, options } = place;
  // Keys that were left out are not there at all: to this the types do not attest.
  const common = {
    deployment,
    nodes: namespaces.nodes,
    channels: config.channels && secretChannels(config.channels),
    thresholds: config.thresholds,
    ...(config.runbooks !== undefined && { runbooks: config.runbooks }),
  };
  if (config.by === "operator") {
    const { namespace, labels, intervalSeconds, sources } = config;
    const args = { ...common, namespace, labels, intervalSeconds, sources };
    new MonitoringObjects("monitoring", args as MonitoringObjectsArgs, options);
    return {};
  }
  const { metrics, logs, grafana, databases, cantonNamespaces, images, pullSecrets } = config;
  const args = {
    ...common,
    namespace: namespaces.monitoring,
    storageClass: cluster.storageClass,
    metrics,
    logs: logs === false || logs.siem === undefined ? logs : { ...logs, siem: withSecret(logs.siem, "authorization") },
    grafana:
      grafana === false || grafana.url === undefined || ingress === undefined
        ? grafana
        : { ...grafana, ingressNamespace: ingress },
    databases: [...watched, ...databases.map((database) => withSecret(database, "password"))],
    cantonNamespaces,
    images,
    imagePullSecrets: pullSecrets,
  };
  const { grafanaUrl, grafanaPassword } = new Monitoring("monitoring", args as MonitoringArgs, options);
  return { grafanaUrl, grafanaPassword };
}

type Channels = NonNullable<MonitoringConfig["channels"]>;

function secretChannels({ mail, slack, pagerDuty, routes }: Channels) {
  return {
    ...(mail && { mail: mail.password === undefined ? mail : withSecret(mail, "password") }),
    ...(slack && { slack: withSecret(slack, "webhookUrl") }),
    ...(pagerDuty && { pagerDuty: withSecret(pagerDuty, "routingKey") }),
    ...(routes && { routes }),
  };
}

/** The engine hands secrets of the configuration over as text: the state is to have them as secrets again. */
function withSecret<Section extends object>(section: Section, key: keyof Section & string) {
  return { ...section, [key]: secret(section[key]) };
}
