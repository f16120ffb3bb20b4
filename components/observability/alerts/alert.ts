/** Alerts as data: what they look at, when they fire, and what a person is told. Pure. */

/** How urgent an alert is, from most to least: somebody is woken; somebody looks during the day; nobody needs to act now. */
export const severities = ["critical", "warning", "info"] as const;
/** One of {@link severities}. */
export type Severity = (typeof severities)[number];

/** Who tells the metrics of a group of alerts: the nodes of this repository, or somebody else's exporter. */
export const metricSources = ["nodes", "postgres-exporter", "kubelet", "cert-manager", "monitoring"] as const;
/** One of {@link metricSources}. */
export type MetricSource = (typeof metricSources)[number];

/** An alert. */
export interface Alert {
  /** Names what is wrong, and its section in docs/runbooks.md. Example: `"NodeDown"`. */
  readonly name: string;
  /** PromQL that gives a series for everything that is wrong. */
  readonly expr: string;
  /** How long it has to be so. Example: `"5m"`. */
  readonly for: string;
  readonly severity: Severity;
  /** One line, with Prometheus' templates for labels and value. */
  readonly summary: string;
  /** What it means and the number behind it. */
  readonly description: string;
  /** Alerts that need not be told while this one fires, of the things that have the same values of `equal`. */
  readonly mutes?: { readonly matchers: readonly string[]; readonly equal: readonly string[] };
}

/** Alerts that stand on the metrics of one source. */
export interface AlertGroup {
  /** Example: `"canton-availability"`. */
  readonly name: string;
  readonly source: MetricSource;
  readonly alerts: readonly Alert[];
}

/** A rule that computes a series from others, so that alerts and dashboards share one definition. */
export interface RecordingRule {
  /** `level:metric:operation`. */
  readonly record: string;
  readonly expr: string;
}
