import type { Alert, MetricSource } from "./alert.ts";
import { exporterAlerts } from "./exporter-alerts.ts";
import { nodeAlerts } from "./node-alerts.ts";
import { recordingRules } from "./recording-rules.ts";
import { type AlertThresholds, thresholdsWith } from "./thresholds.ts";

/** What of the rules is wanted. */
export interface RuleOptions {
  /** Whose metrics there are: alerts on others would never fire, which looks as if all was well. Default: `["nodes"]`. */
  readonly sources?: readonly MetricSource[];
  /** Limits that differ from the default. Example: `{ latencySeconds: 0.5 }`. */
  readonly thresholds?: Partial<AlertThresholds>;
  /** Where the runbooks are; an alert's section is appended. Default: {@link defaultRunbooks}; better a URL that people can open. */
  readonly runbooks?: string;
}

/** The runbooks in this repository. */
export const defaultRunbooks = "docs/runbooks.md";

/** A rule as Prometheus, Loki's ruler, and the operator's PrometheusRule all write it. */
export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Rules that are evaluated together. */
export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** The alerts that are wanted, by group. Pure. */
export function alertGroups({ sources = ["nodes"], thresholds }: RuleOptions = {}) {
  const limit = thresholdsWith(thresholds);
  return [...nodeAlerts(limit), ...exporterAlerts(limit)].filter(({ source }) => sources.includes(source));
}

/** Recording rules and alerts, as Prometheus takes them. Pure. */
export function ruleGroups(options: RuleOptions = {}): RuleGroup[] {
  const { sources = ["nodes"], runbooks } = options;
  return [
    ...(sources.includes("nodes") ? [{ name: "canton-recording", rules: recordingRules }] : []),
    ...alertGroups(options).map(({ name, alerts }) => ({
      name,
      rules: alerts.map((alert) => alertRule(alert, runbooks)),
    })),
  ];
}

/**
 * Alerts that Loki's ruler reads out of logs. Canton's participants tell of a commitment mismatch in their log alone; ours have
 * no commitments, so that there is nothing to look for. Pure.
 *
 * @param namespaces where Canton's images run
 */
export function logRuleGroups(namespaces: readonly string[], runbooks?: string): RuleGroup[] {
  const commitmentMismatch: Alert = {
    name: "CommitmentMismatch",
    expr: `sum by (namespace, pod) (count_over_time({namespace=~"${namespaces.join("|")}"} |= "ACS_COMMITMENT_MISMATCH" [10m])) > 0`,
    for: "0m",
    severity: "critical",
    summary: "Participant {{ $labels.pod }} and another one disagree about their contracts",
    description:
      "The commitment of a counter-participant does not match the participant's own: one of both has a wrong contract store.",
  };
  return [{ name: "canton-ledger", rules: [alertRule(commitmentMismatch, runbooks)] }];
}

function alertRule(alert: Alert, runbooks = defaultRunbooks): Rule {
  const { name, expr, for: duration, severity, summary, description } = alert;
  return {
    alert: name,
    expr,
    ...(duration !== "0m" && { for: duration }),
    labels: { severity },
    annotations: { summary, description, runbook_url: `${runbooks}#${name.toLowerCase()}` },
  };
}
