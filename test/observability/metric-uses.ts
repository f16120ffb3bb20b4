/** Which metrics and labels PromQL names. No parser: enough for the queries of this repository, which promtool has accepted. */

/** A metric in a query, with the labels that it is selected by. */
export interface MetricUse {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** What a query names. */
export interface QueryUses {
  readonly metrics: readonly MetricUse[];
  /** Labels that it groups or joins by. */
  readonly grouping: readonly string[];
}

const words = new Set([
  "and",
  "or",
  "unless",
  "bool",
  "offset",
  "by",
  "without",
  "on",
  "ignoring",
  "group_left",
  "group_right",
]);
const grouped = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const metricWithSelector = /(?<![\w:.$])([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?(?!\s*\()(?![\w:])/g;

/** Takes a query apart. */
export function usesOf(expr: string): QueryUses {
  const plain = expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replaceAll(/\[[^\]]*\]/g, "");
  const grouping = [...plain.matchAll(grouped)].flatMap(([, labels = ""]) =>
    labels
      .split(",")
      .map((label) => label.trim())
      .filter((label) => label !== ""),
  );
  const metrics = [...plain.replaceAll(grouped, " ").matchAll(metricWithSelector)]
    .filter(([, metric = ""]) => !words.has(metric))
    .map(([, metric = "", selector = ""]) => ({
      metric,
      labels: [...selector.matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!=|!~|=)/g)].map(([, label = ""]) => label),
    }));
  return { metrics, grouping };
}

/** Labels that a text of an alert or the legend of a panel shows. */
export function labelsIn(text: string): string[] {
  const alert = [...text.matchAll(/\{\{\s*\$labels\.(\w+)/g)];
  const legend = [...text.matchAll(/\{\{\s*(\w+)\s*\}\}/g)];
  return [...alert, ...legend].map(([, label = ""]) => label);
}

/** Labels by metric, of what a node tells on `/metrics`; metrics without a sample are there too, without labels. */
export function metricsIn(exposition: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const of = (metric: string) => found.get(metric) ?? found.set(metric, new Set()).get(metric) ?? new Set();
  for (const line of exposition.split("\n")) {
    const [, type = "", kind = ""] = /^# TYPE (\S+) (\S+)/.exec(line) ?? [];
    if (type !== "")
      for (const suffix of kind === "histogram" ? ["_bucket", "_sum", "_count"] : [""]) of(type + suffix);
    const [, metric = "", labels = ""] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line) ?? [];
    if (metric !== "") for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) of(metric).add(label);
  }
  return found;
}
