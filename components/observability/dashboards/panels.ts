import { chosen, type Panel, type Row } from "./dashboard.ts";

/** Panels that several dashboards show, of the nodes of a role. */

/** Whether nodes do their work. */
export function availability(roles: string): Panel {
  return {
    title: "Ready",
    description: "On when a replica of the node does its work. Off for minutes: NodeDown.",
    kind: "stat",
    unit: "bool_on_off",
    queries: [{ expr: `max by (node) (canton_node_ready{${chosen}, role=~"${roles}"})`, legend: "{{node}}" }],
    limit: 1,
    lowIsBad: true,
  };
}

/** Whether the parts of nodes work. */
export function partsOfNodes(roles: string): Panel {
  return {
    title: "Parts that do not work",
    description: "0.5 is degraded, 0 has failed; the log says why. A passive replica's part that waits to lead is 0.",
    kind: "timeseries",
    unit: "short",
    queries: [
      {
        expr: `min by (node, component) (canton_component_health{${chosen}, role=~"${roles}"}) < 1`,
        legend: "{{node}} {{component}}",
      },
    ],
  };
}

/** What nodes use of what they have. */
export function resources(roles: string): Row {
  const of = `${chosen}, role=~"${roles}"`;
  const panel = (title: string, description: string, unit: Panel["unit"], expr: string, limit?: number): Panel => ({
    title,
    description,
    kind: "timeseries",
    unit,
    queries: [{ expr, legend: "{{node}} {{pod}}" }],
    ...(limit !== undefined && { limit }),
  });
  return {
    title: "Resources",
    panels: [
      panel(
        "Processor",
        "1 is a whole processor: a node's program can use no more.",
        "short",
        `rate(process_cpu_seconds_total{${of}}[$__rate_interval])`,
        1,
      ),
      panel(
        "Heap in use",
        "At 100% the process ends.",
        "percentunit",
        `canton_pod:nodejs_heap_used:ratio{${of}}`,
        0.85,
      ),
      panel(
        "Event loop lag, p99",
        "How late the node gets to what it has to do.",
        "s",
        `nodejs_eventloop_lag_p99_seconds{${of}}`,
        0.5,
      ),
      {
        title: "Database connections",
        description: "In use of those that may be open; work that waits for one is drawn too.",
        kind: "timeseries",
        unit: "short",
        queries: [
          {
            expr: `database_pool_connections{${of}} - database_pool_idle_connections`,
            legend: "{{node}} {{pool}} in use",
          },
          { expr: `database_pool_connections_max{${of}}`, legend: "{{node}} {{pool}} limit" },
          { expr: `database_pool_waiting{${of}} > 0`, legend: "{{node}} {{pool}} waiting" },
        ],
      },
    ],
  };
}

/** Calls that nodes answer. */
export function calls(roles: string): Row {
  const of = `${chosen}, role=~"${roles}"`;
  return {
    title: "Calls",
    panels: [
      {
        title: "Calls",
        description: "Unary calls answered a second, refused ones included.",
        kind: "timeseries",
        unit: "reqps",
        queries: [{ expr: `canton_node_server:grpc_server_requests:rate5m{${of}}`, legend: "{{node}} {{server}}" }],
      },
      {
        title: "Calls by outcome",
        description:
          "Refusals (such as NOT_FOUND) are the callers'; INTERNAL, UNAVAILABLE and the like are the node's.",
        kind: "timeseries",
        unit: "reqps",
        queries: [
          {
            expr: `sum by (code) (rate(grpc_server_requests_total{${of}, code!="OK"}[$__rate_interval]))`,
            legend: "{{code}}",
          },
        ],
      },
      {
        title: "Failed by the node's fault",
        description: "Share of the calls of the last five minutes.",
        kind: "timeseries",
        unit: "percentunit",
        queries: [{ expr: `canton_node_server:grpc_server_faults:ratio5m{${of}}`, legend: "{{node}} {{server}}" }],
        limit: 0.05,
      },
    ],
  };
}
