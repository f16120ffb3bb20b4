import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import type { Deployment } from "../deployment/deployment.ts";
import { commonLabels, componentLabel } from "../platform/kubernetes/labels.ts";
import { portNames } from "../platform/kubernetes/layout.ts";
import { type AlertChannels, alertSecrets, channelsOf } from "./alert-channels.ts";
import type { MetricSource } from "./alerts/alert.ts";
import { alertGroups, type RuleOptions, ruleGroups } from "./alerts/rule-groups.ts";
import type { AlertThresholds } from "./alerts/thresholds.ts";
import { alertmanagerConfigSpec } from "./config/alertmanager.ts";
import { renderDashboard } from "./dashboards/dashboard.ts";
import { dashboards } from "./dashboards/dashboards.ts";

/** Arguments of `MonitoringObjects`. */
export interface MonitoringObjectsArgs {
  /** The deployment that they are part of. */
  readonly deployment: Deployment;
  /** Namespace of the objects: one that the operator looks at. It is there. Example: `"monitoring"`. */
  readonly namespace: string;
  /** Namespaces of the nodes. Example: `["canton"]`. */
  readonly nodes: readonly string[];
  /** Labels by which the operator chooses its objects. Example: `{ release: "kube-prometheus-stack" }`. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Seconds between two scrapes. Default: 30. */
  readonly intervalSeconds?: number;
  /**
   * Whose metrics that Prometheus has: there are alerts on these alone. Exporters of databases have to label their metrics with
   * `database`. Default: `["nodes"]`. Example: `["nodes", "kubelet", "cert-manager"]`.
   */
  readonly sources?: readonly MetricSource[];
  /** Limits of alerts that differ from the default. */
  readonly thresholds?: Partial<AlertThresholds>;
  /** Where the runbooks are, for links in messages. Default: `docs/runbooks.md`. */
  readonly runbooks?: string;
  /**
   * Who is told of alerts of nodes. The Alertmanager has to look at their namespaces (`alertmanagerConfigNamespaceSelector`).
   * Default: as it is configured already.
   */
  readonly channels?: AlertChannels;
}

/**
 * For a Prometheus operator that is there: PodMonitor, PrometheusRule, AlertmanagerConfig, and dashboards in ConfigMaps that
 * Grafana's sidecar finds by the label `grafana_dashboard`.
 *
 * Nodes are monitored by pod and not by Service: a passive replica is no endpoint of its Service, and is looked at too.
 *
 * Resources: 7, and with channels 2 more for every namespace of nodes.
 *
 * Cost: nothing of its own; some thousand series a node.
 */
export class MonitoringObjects extends ComponentResource {
  constructor(name: string, args: MonitoringObjectsArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:observability:MonitoringObjects", name, {}, options);
    const { deployment, namespace, nodes, channels, intervalSeconds = 30 } = args;
    if (nodes.length === 0) throw new Error("nodes: got none; expected at least one namespace");
    const labels = { ...commonLabels(deployment), ...args.labels };
    const parent = { parent: this };
    const rules: RuleOptions = {
      sources: args.sources ?? ["nodes"],
      ...(args.thresholds && { thresholds: args.thresholds }),
      ...(args.runbooks !== undefined && { runbooks: args.runbooks }),
    };
    const object = (kind: string, apiVersion: string, objectName: string, spec: object, into = namespace) =>
      new CustomResource(
        `${name}-${objectName}${into === namespace ? "" : `-${into}`}`,
        {
          apiVersion: `monitoring.coreos.com/${apiVersion}`,
          kind,
          metadata: { name: objectName, namespace: into, labels },
          spec,
        },
        parent,
      );

    // The alerts know the job by the end of its name.
    object("PodMonitor", "v1", `${deployment.name}-canton-nodes`, {
      namespaceSelector: { matchNames: nodes },
      selector: { matchLabels: { [componentLabel]: "node" } },
      podMetricsEndpoints: [{ port: portNames.health, path: "/metrics", interval: `${intervalSeconds}s` }],
    });
    object("PrometheusRule", "v1", `${deployment.name}-alerts`, { groups: ruleGroups(rules) });
    for (const dashboard of dashboards) {
      new ConfigMap(
        `${name}-${dashboard.uid}`,
        {
          metadata: {
            name: `${deployment.name}-${dashboard.uid}`,
            namespace,
            labels: { ...labels, grafana_dashboard: "1" },
          },
          data: { [`${dashboard.uid}.json`]: JSON.stringify(renderDashboard(dashboard)) },
        },
        parent,
      );
    }
    if (channels !== undefined) {
      const secretName = `${deployment.name}-alert-channels`;
      const spec = alertmanagerConfigSpec({
        channels: channelsOf(channels),
        groups: alertGroups(rules),
        secretName,
        ...(channels.routes && { routes: channels.routes }),
      });
      // The operator has a route take alerts of the namespace that it is in, and no others.
      for (const into of nodes) {
        new Secret(
          `${name}-alert-channels-${into}`,
          { metadata: { name: secretName, namespace: into, labels }, stringData: alertSecrets(channels) },
          parent,
        );
        object("AlertmanagerConfig", "v1alpha1", `${deployment.name}-alerts`, spec, into);
      }
    }
    this.registerOutputs({});
  }
}
