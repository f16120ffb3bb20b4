/** Prometheus metrics of a process, served on `/metrics`. */
import { getHeapStatistics } from "node:v8";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** The registry of a process and the metrics that every node has. A node adds its own with `new Counter({ …, registers: [metrics.registry] })`. */
export interface Metrics {
  readonly registry: Registry;
  /** Calls that our servers answered, by server, method and status code. */
  readonly grpcServerRequests: Counter<"server" | "method" | "code">;
  /** Seconds from the arrival of a call to its status; for streams, how long they lived. */
  readonly grpcServerSeconds: Histogram<"server" | "method" | "type" | "code">;
  /** Calls in progress. */
  readonly grpcServerActive: Gauge<"server" | "method">;
  /** Messages that our server streams sent. */
  readonly grpcServerMessagesSent: Counter<"server" | "method">;
  /** When the certificate that a server shows expires, in seconds since 1970. */
  readonly grpcServerCertificateExpiry: Gauge<"server">;
  /** The pools of connections to databases, by the key of the configuration. */
  readonly databasePools: Map<string, DatabasePool>;
}

/** What a pool of database connections tells of itself. */
export interface DatabasePool {
  /** Connections that are open. */
  readonly totalCount: number;
  /** Those of them that nobody uses. */
  readonly idleCount: number;
  /** Who waits for one. */
  readonly waitingCount: number;
  /** How many may be open. */
  readonly options: { readonly max: number };
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
  const registers = [registry];
  if (options.processMetrics ?? true) {
    collectDefaultMetrics({ register: registry });
    new Gauge({
      name: "nodejs_heap_size_limit_bytes",
      help: "Bytes that the heap may take; a process that needs more ends",
      registers,
      collect() {
        this.set(getHeapStatistics().heap_size_limit);
      },
    });
  }
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
      help: "Seconds from the arrival of a call to its status; type is unary or stream",
      labelNames: ["server", "method", "type", "code"],
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
    grpcServerCertificateExpiry: new Gauge({
      name: "grpc_server_certificate_expiry_timestamp_seconds",
      help: "When the certificate that a server shows expires, in seconds since 1970",
      labelNames: ["server"],
      registers,
    }),
    databasePools: databasePools(registry),
  };
}

function databasePools(registry: Registry): Map<string, DatabasePool> {
  const pools = new Map<string, DatabasePool>();
  const gauge = (name: string, help: string, value: (pool: DatabasePool) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ["pool"],
      registers: [registry],
      collect() {
        for (const [pool, state] of pools) this.set({ pool }, value(state));
      },
    });
  gauge("database_pool_connections", "Open connections to the database", ({ totalCount }) => totalCount);
  gauge("database_pool_idle_connections", "Open connections that nobody uses", ({ idleCount }) => idleCount);
  gauge("database_pool_connections_max", "Connections that may be open", ({ options }) => options.max);
  gauge("database_pool_waiting", "Pieces of work that wait for a connection", ({ waitingCount }) => waitingCount);
  return pools;
}
