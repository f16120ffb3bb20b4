import type { RecordingRule } from "./alert.ts";

const bucketsOf = (metric: string, selector: string, by: string) =>
  `sum by (namespace, role, node, ${by}le) (rate(${metric}_bucket${selector}[5m]))`;
const quantile = (q: number, metric: string, selector = "", by = "") =>
  `histogram_quantile(${q}, ${bucketsOf(metric, selector, by)})`;

/** Status codes that are the fault of the node, not of its caller. */
export const nodeFaults = "INTERNAL|UNKNOWN|DATA_LOSS|UNAVAILABLE|RESOURCE_EXHAUSTED|DEADLINE_EXCEEDED";

const unary = '{type="unary"}';
const callsPerServer = (selector: string) =>
  `sum by (namespace, role, node, server) (rate(grpc_server_request_seconds_count${selector}[5m]))`;

/** What alerts and dashboards both look at. Streams are left out of the latencies: they live as long as their callers. */
export const recordingRules: readonly RecordingRule[] = [
  {
    record: "canton_node_method:grpc_server_request_seconds:p50",
    expr: quantile(0.5, "grpc_server_request_seconds", unary, "server, method, "),
  },
  {
    record: "canton_node_method:grpc_server_request_seconds:p99",
    expr: quantile(0.99, "grpc_server_request_seconds", unary, "server, method, "),
  },
  { record: "canton_node_server:grpc_server_requests:rate5m", expr: callsPerServer(unary) },
  {
    record: "canton_node_server:grpc_server_faults:ratio5m",
    expr: `(${callsPerServer(`{type="unary", code=~"${nodeFaults}"}`)} or 0 * ${callsPerServer(unary)}) / (${callsPerServer(unary)} > 0)`,
  },
  { record: "canton_node:sequencer_batch_seconds:p99", expr: quantile(0.99, "sequencer_batch_seconds") },
  {
    record: "canton_node_step:canton_topology_step_seconds:p95",
    expr: quantile(0.95, "canton_topology_step_seconds", "", "step, "),
  },
  {
    record: "canton_pod:nodejs_heap_used:ratio",
    expr: "nodejs_heap_size_used_bytes / nodejs_heap_size_limit_bytes",
  },
];
