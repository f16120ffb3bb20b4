/** Prometheus metrics of a process, served on `/metrics`. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** The registry of a process and the metrics that every node has. A node adds its own with `new Counter({ …, registers: [metrics.registry] })`. */
export interface Metrics {
  readonly registry: Registry;
  /** Calls that our servers answered, by server, method and status code. */
  readonly grpcServerRequests: Counter<"server" | "method" | "code">;
  /** Seconds from the arrival of a call to its status; for streams, how long they lived. */
  readonly grpcServerSeconds: Histogram<"server" | "method" | "code">;
  /** Calls in progress. */
  readonly grpcServerActive: Gauge<"server" | "method">;
  /** Messages that our server streams sent. */
  readonly grpcServerMessagesSent: Counter<"server" | "method">;
}

/**
 * Makes the metrics of a process.
 *
 * @param labels on every metric, for example `{ node: "sequencer1", role: "sequencer" }`
 * @param options.processMetrics CPU, memory, event loop and garbage collection of this process; default true
 */
export function createMetrics(
  labels: Record<string, string> = {},
  options: { processMetrics?: boolean } = {},
): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels(labels);
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    grpcServerRequests: new Counter({
      name: "grpc_server_requests_total",
      help: "Calls answered, by status code",
      labelNames: ["server", "method", "code"],
      registers,
    }),
    grpcServerSeconds: new Histogram({
      name: "grpc_server_request_seconds",
      help: "Seconds from the arrival of a call to its status",
      labelNames: ["server", "method", "code"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    grpcServerActive: new Gauge({
      name: "grpc_server_active_requests",
      help: "Calls in progress",
      labelNames: ["server", "method"],
      registers,
    }),
    grpcServerMessagesSent: new Counter({
      name: "grpc_server_stream_messages_sent_total",
      help: "Messages sent by server streams",
      labelNames: ["server", "method"],
      registers,
    }),
  };
}
