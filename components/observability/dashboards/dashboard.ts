/** Grafana dashboards as data: what is shown, not where. Pure. */

/** How numbers are written; Grafana's own ids. */
export type Unit = "short" | "s" | "bytes" | "percentunit" | "ops" | "reqps" | "bool_on_off" | "dtdurations";

/** A series, or several. */
export interface Query {
  /** PromQL. `$namespace` and `$node` are what the reader has chosen. */
  readonly expr: string;
  /** What a series is called. Example: `"{{node}} p99"`. */
  readonly legend: string;
}

/** A panel. */
export interface Panel {
  readonly title: string;
  /** What it shows and what to make of it. */
  readonly description: string;
  readonly kind: "timeseries" | "stat";
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** From here on it is red. */
  readonly limit?: number;
  /** Red below instead of above. */
  readonly lowIsBad?: boolean;
}

/** Panels side by side. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** A dashboard. */
export interface Dashboard {
  /** Its name in URLs and files. Example: `"canton-participant"`. */
  readonly uid: string;
  readonly title: string;
  /** Roles whose nodes can be chosen, as a regular expression. Example: `"participant"`. */
  readonly roles: string;
  readonly rows: readonly Row[];
}

/** What every query of a dashboard narrows down to. */
export const chosen = 'namespace=~"$namespace", node=~"$node"';

const columns = 24;
const heights = { timeseries: 8, stat: 4 } as const;
const source = { type: "prometheus", uid: "${datasource}" };

/** The dashboard as Grafana reads it. */
export function renderDashboard({ uid, title, roles, rows }: Dashboard) {
  let y = 0;
  let id = 0;
  const panels: object[] = [];
  for (const row of rows) {
    panels.push({
      id: ++id,
      type: "row",
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: columns, h: 1 },
      panels: [],
    });
    y += 1;
    const w = Math.floor(columns / row.panels.length);
    const h = Math.max(...row.panels.map(({ kind }) => heights[kind]));
    row.panels.forEach((panel, index) => {
      panels.push(renderPanel(panel, ++id, { x: index * w, y, w, h }));
    });
    y += h;
  }
  return {
    uid,
    title,
    tags: ["canton"],
    schemaVersion: 39,
    editable: false,
    refresh: "30s",
    time: { from: "now-6h", to: "now" },
    templating: { list: variables(roles) },
    panels,
  };
}

function renderPanel(panel: Panel, id: number, gridPos: object) {
  const { title, description, kind, unit, queries, limit, lowIsBad = false } = panel;
  const [below, above] = lowIsBad ? ["red", "green"] : ["green", "red"];
  const steps = [
    { color: limit === undefined ? "green" : below, value: null },
    ...(limit === undefined ? [] : [{ color: above, value: limit }]),
  ];
  return {
    id,
    type: kind,
    title,
    description,
    gridPos,
    datasource: source,
    fieldConfig: {
      defaults: {
        unit,
        thresholds: { mode: "absolute", steps },
        ...(kind === "timeseries" && {
          custom: {
            fillOpacity: 5,
            showPoints: "never",
            thresholdsStyle: { mode: limit === undefined ? "off" : "line" },
          },
        }),
      },
      overrides: [],
    },
    options:
      kind === "stat"
        ? { reduceOptions: { calcs: ["lastNotNull"] }, colorMode: "background", textMode: "value_and_name" }
        : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: source,
      expr,
      legendFormat: legend,
    })),
  };
}

function variables(roles: string) {
  const query = (name: string, label: string, text: string) => ({
    name,
    label,
    type: "query",
    datasource: source,
    query: { query: text, refId: name },
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: ".*",
    current: { text: "All", value: "$__all" },
    sort: 1,
  });
  return [
    { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", current: {} },
    query("namespace", "Namespace", "label_values(canton_node_ready, namespace)"),
    query("node", "Node", `label_values(canton_node_ready{namespace=~"$namespace", role=~"${roles}"}, node)`),
  ];
}
