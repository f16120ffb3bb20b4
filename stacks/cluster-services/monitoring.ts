/** What looks after the nodes of a cluster. */
import { type Output, type Resource, secret } from "@pulumi/pulumi";
import type { TraefikIngress } from "@pulumi-canton/components/ingress/traefik-ingress.ts";
import { httpPorts } from "@pulumi-canton/components/observability/kubernetes/names.ts";
import type { WatchedDatabase } from "@pulumi-canton/components/observability/kubernetes/postgres-exporter.ts";
import { Monitoring, type MonitoringArgs } from "@pulumi-canton/components/observability/monitoring.ts";
import {
  MonitoringObjects,
  type MonitoringObjectsArgs,
} from "@pulumi-canton/components/observability/monitoring-objects.ts";
import type { GrafanaRoute, MonitoringConfig, OwnMonitoring } from "./monitoring-config.ts";
import type { Place } from "./place.ts";

/** What people look at. */
export interface MadeMonitoring {
  readonly grafanaUrl?: Output<string | undefined>;
  /** Secret. */
  readonly grafanaPassword?: Output<string | undefined>;
  /** Its namespace, where it makes that itself. */
  readonly namespace?: Resource | undefined;
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
  const { metrics, logs, databases, cantonNamespaces, images, pullSecrets, highlyAvailable } = config;
  const args = {
    ...common,
    namespace: namespaces.monitoring,
    storageClass: cluster.storageClass,
    metrics,
    logs: logs === false || logs.siem === undefined ? logs : { ...logs, siem: withSecret(logs.siem, "authorization") },
    grafana: config.grafana && grafanaOf(config.grafana, ingress),
    databases: [...watched, ...databases.map((database) => withSecret(database, "password"))],
    cantonNamespaces,
    images,
    imagePullSecrets: pullSecrets,
    existingNamespace: !config.createNamespace,
    ...(highlyAvailable !== undefined && { highlyAvailable }),
  };
  const {
    grafanaUrl,
    grafanaPassword,
    madeNamespace: namespace,
  } = new Monitoring("monitoring", args as MonitoringArgs, options);
  return { grafanaUrl, grafanaPassword, namespace };
}

function grafanaOf({ url, adminPassword }: Exclude<OwnMonitoring["grafana"], false>, ingress: string | undefined) {
  return {
    ...(adminPassword !== undefined && { adminPassword }),
    ...(url !== undefined && { url, ...(ingress !== undefined && { ingressNamespace: ingress }) }),
  };
}

/** The way to Grafana through a Traefik that takes routes of the monitoring's namespace. */
export function routeToGrafana(
  { url, certificateSecret, allowedRanges }: GrafanaRoute,
  { namespaces }: Place,
  traefik: TraefikIngress,
): void {
  const route = { name: "grafana", services: ["grafana"], port: httpPorts.grafana, mode: "http" } as const;
  traefik.routes("grafana-route", {
    namespace: namespaces.monitoring,
    routes: [{ ...route, host: new URL(url).host, certificateSecret, allowedRanges }],
  });
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
