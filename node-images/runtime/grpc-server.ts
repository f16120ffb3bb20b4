/**
 * The gRPC server of a node: TLS, deadlines, cancellation, backpressure, trace context, metrics, limits and orderly closing
 * around handlers that know nothing of it.
 */

import type { EventEmitter } from "node:events";
import {
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { untilAborted } from "./abort.ts";
import { ConfigError, isLoopback, nonLoopbackRefusal, type ServerConfig, type ServerTlsConfig } from "./config.ts";
import { CantonError, deadlineExceeded, invalidArgument, isCantonError, plainError, toWireError } from "./errors.ts";
import { healthService } from "./grpc-health.ts";
import type { CallContext, GrpcService, MethodShape } from "./grpc-service.ts";
import { Health } from "./health.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { PortInUseError } from "./port-in-use.ts";
import { loadTls } from "./tls.ts";
import { childSpan, newTrace, parseTraceparent, traceparentHeader, withTrace } from "./trace.ts";

export {
  type CallContext,
  type GrpcService,
  type Handler,
  type Handlers,
  implement,
  notBuilt,
} from "./grpc-service.ts";

/** Largest message that a server or client takes when nothing else is said, in bytes: 10 MiB, as Canton. */
export const defaultMaxInboundMessageSize = 10 * 1024 * 1024;

/** What {@link startGrpcServer} needs. */
export interface GrpcServerOptions {
  /** Key of the server in the configuration, for example `adminApi`: in messages, logs and metrics. */
  name: string;
  server: ServerConfig;
  services: readonly GrpcService[];
  logger: Logger;
  metrics?: Metrics | undefined;
  /** What grpc.health.v1.Health tells. Default: serving. */
  health?: Health | undefined;
  /** In bytes; `server.maxInboundMessageSize` wins. Default {@link defaultMaxInboundMessageSize}. */
  maxInboundMessageSize?: number | undefined;
}

/** A gRPC server that serves. */
export interface RunningServer {
  /** The port; differs from the configured one when that is 0. */
  readonly port: number;
  /**
   * Stops taking calls, ends server streams with UNAVAILABLE so that their callers go elsewhere, and waits for the others;
   * those that still run after the grace time are aborted. May be called again: the shortest grace time wins.
   *
   * @param graceMs default 5000
   */
  close(graceMs?: number): Promise<void>;
}

/** A request that was read, or why it could not be. */
type Parsed = { value: unknown } | { malformed: string };

type AnyCall = (ServerUnaryCall<Parsed, unknown> | ServerReadableStream<Parsed, unknown>) | AnyWritableCall;
type AnyWritableCall = ServerWritableStream<Parsed, unknown>;

interface ServerState extends GrpcServerOptions {
  /** Aborts when the server starts closing. */
  closing: AbortSignal;
  /** Aborts when calls that still run are cut off. */
  cutOff: AbortSignal;
}

/** A request that cannot be read is the caller's error and says so, instead of gRPC's INTERNAL. */
function parser(shape: MethodShape): (bytes: Buffer) => Parsed {
  return (bytes) => {
    try {
      return { value: shape.requestDeserialize(bytes) };
    } catch (error) {
      return { malformed: error instanceof Error ? error.message : String(error) };
    }
  };
}

function unwrap(parsed: Parsed): unknown {
  if ("value" in parsed) return parsed.value;
  throw invalidArgument("PROTO_DESERIALIZATION_FAILURE", "Deserialization of protobuf message failed", {
    metadata: { reason: parsed.malformed },
  });
}

async function* unwrapAll(stream: AsyncIterable<Parsed>): AsyncGenerator<unknown> {
  for await (const parsed of stream) yield unwrap(parsed);
}

function deadlineOf(call: AnyCall): Date | undefined {
  const deadline = call.getDeadline();
  if (deadline instanceof Date) return deadline;
  return Number.isFinite(deadline) ? new Date(deadline) : undefined;
}

/** The signal of one call, and the function that ends its bookkeeping. */
function callSignal(call: AnyCall, stream: boolean, state: ServerState): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  const deadline = deadlineOf(call);
  const late = () =>
    controller.abort(deadlineExceeded("REQUEST_DEADLINE_EXCEEDED", "The deadline of the request has passed"));
  const gone = () => {
    if (deadline !== undefined && Date.now() >= deadline.getTime()) late();
    else controller.abort(plainError(status.CANCELLED, "The caller cancelled the request or went away"));
  };
  const shutDown = () =>
    controller.abort(
      new CantonError({
        code: status.UNAVAILABLE,
        reason: "SERVER_IS_SHUTTING_DOWN",
        category: 1,
        message: "The server is shutting down",
        retryDelayMs: 1000,
      }),
    );
  const ending = stream ? state.closing : state.cutOff;
  const timer =
    deadline === undefined ? undefined : setTimeout(late, Math.min(deadline.getTime() - Date.now(), 2 ** 31 - 1));
  const emitter: EventEmitter = call;
  emitter.on("cancelled", gone);
  ending.addEventListener("abort", shutDown);
  if (call.cancelled) gone();
  else if (ending.aborted) shutDown();
  return {
    signal: controller.signal,
    done: () => {
      clearTimeout(timer);
      emitter.off("cancelled", gone);
      ending.removeEventListener("abort", shutDown);
    },
  };
}

/** What the caller is told for an error: an abort of its own call is told as such, whatever the handler made of it. */
function asTold(error: unknown, signal: AbortSignal): unknown {
  const abortOfCall =
    signal.aborted && (error === signal.reason || (error as Error | undefined)?.name === "AbortError");
  return abortOfCall ? signal.reason : error;
}

function logOutcome(logger: Logger, context: CallContext, error: unknown, seconds: number): void {
  const fields = { method: context.method, peer: context.peer, ms: Math.round(seconds * 1000) };
  if (error === undefined) logger.debug(fields, "Call answered");
  else if (!isCantonError(error)) logger.error({ ...fields, error }, "Call failed on an unexpected error");
  else {
    const { code, reason, category, metadata } = error;
    const refusal = { ...fields, code: status[code], reason, category, text: error.message, metadata };
    // Callers without permission are no fault of the node's.
    const isRefusal = code === status.UNAUTHENTICATED || code === status.PERMISSION_DENIED;
    if (error.redacted && !isRefusal)
      logger.error({ ...refusal, error }, "Call failed; the caller was told the trace id only");
    else if (code === status.CANCELLED || code === status.UNIMPLEMENTED) logger.debug(refusal, "Call refused");
    else logger.info(refusal, "Call refused");
  }
}

/** Runs one call: context, trace, metrics, log; answers through `answer` or `refuse`. */
function runCall(
  call: AnyCall,
  shape: MethodShape,
  state: ServerState,
  body: (context: CallContext) => Promise<() => void>,
  refuse: (error: ReturnType<typeof toWireError>) => void,
): void {
  const start = performance.now();
  const header = call.metadata.get(traceparentHeader)[0];
  const parent = parseTraceparent(typeof header === "string" ? header : undefined);
  const trace = parent === undefined ? newTrace() : childSpan(parent);
  const { signal, done } = callSignal(call, shape.responseStream, state);
  const context: CallContext = {
    metadata: call.metadata,
    signal,
    deadline: deadlineOf(call),
    traceId: trace.traceId,
    peer: call.getPeer(),
    method: shape.path,
  };
  const labels = { server: state.name, method: shape.path };
  state.metrics?.grpcServerActive.inc(labels);
  const finish = (error: unknown, code: status) => {
    done();
    const seconds = (performance.now() - start) / 1000;
    state.metrics?.grpcServerActive.dec(labels);
    state.metrics?.grpcServerRequests.inc({ ...labels, code: status[code] });
    const type = shape.responseStream || shape.requestStream ? "stream" : "unary";
    state.metrics?.grpcServerSeconds.observe({ ...labels, type, code: status[code] }, seconds);
    logOutcome(state.logger, context, error, seconds);
  };
  withTrace(trace, () => {
    body(context).then(
      (answer) => {
        finish(undefined, status.OK);
        answer();
      },
      (thrown: unknown) => {
        const error = asTold(thrown, signal);
        const wire = toWireError(error, trace.traceId);
        finish(error, wire.code);
        refuse(wire);
      },
    );
  });
}

/** Writes one message and waits while the caller has enough unread ones. */
async function send(call: AnyWritableCall, value: unknown, signal: AbortSignal): Promise<void> {
  if (call.write(value)) return;
  const drained = Promise.withResolvers<void>();
  call.once("drain", drained.resolve);
  try {
    await untilAborted(drained.promise, signal);
  } finally {
    call.off("drain", drained.resolve);
  }
}

/** Pulls a stream handler at the pace of the caller. */
async function pump(
  call: AnyWritableCall,
  values: AsyncIterable<unknown>,
  context: CallContext,
  state: ServerState,
): Promise<void> {
  const { signal, method } = context;
  const iterator = values[Symbol.asyncIterator]();
  let exhausted = false;
  try {
    while (true) {
      const next = await untilAborted(Promise.resolve(iterator.next()), signal);
      if (next.done === true) {
        exhausted = true;
        return;
      }
      await send(call, next.value, signal);
      state.metrics?.grpcServerMessagesSent.inc({ server: state.name, method });
    }
  } finally {
    if (!exhausted) {
      // Not awaited: a generator that is busy with something else ends when that is done; the caller need not wait for it.
      Promise.resolve(iterator.return?.()).catch((error: unknown) => {
        state.logger.warn({ error, method }, "Stream handler failed while it was being ended");
      });
    }
  }
}

type UnaryCall = ServerUnaryCall<Parsed, unknown>;
type ReadableCall = ServerReadableStream<Parsed, unknown>;

function requestOf(call: AnyCall, shape: MethodShape): unknown {
  if (shape.requestStream) return unwrapAll(call as ReadableCall);
  return unwrap((call as UnaryCall | AnyWritableCall).request);
}

function register(server: Server, method: GrpcService["methods"][number], state: ServerState): void {
  const { shape, handle, admit } = method;
  const unary = (call: UnaryCall | ReadableCall, callback: sendUnaryData<unknown>) => {
    runCall(
      call,
      shape,
      state,
      async (context) => {
        await admit?.(context);
        const response = handle(requestOf(call, shape), context) as Promise<unknown>;
        const value = await untilAborted(Promise.resolve(response), context.signal);
        // Serialised here, so that a response that does not fit its message is logged and told like any other fault.
        const bytes = shape.responseSerialize(value);
        return () => callback(null, bytes);
      },
      (error) => callback(error),
    );
  };
  const streaming = (call: AnyWritableCall) => {
    runCall(
      call,
      shape,
      state,
      async (context) => {
        await admit?.(context);
        const values = handle(requestOf(call, shape), context) as AsyncIterable<unknown>;
        await pump(call, values, context, state);
        return () => call.end();
      },
      (error) => call.emit("error", error),
    );
  };
  const identity = (bytes: unknown) => bytes as Buffer;
  const [handler, serialize, type] = shape.responseStream
    ? ([streaming, shape.responseSerialize, shape.requestStream ? "bidi" : "serverStream"] as const)
    : ([unary, identity, shape.requestStream ? "clientStream" : "unary"] as const);
  const added = server.register<Parsed, any>(shape.path, handler as any, serialize, parser(shape), type);
  if (!added) throw new TypeError(`the rpc ${shape.path} is served twice`);
}

function credentials(
  name: string,
  tls: ServerTlsConfig | undefined,
  { logger, metrics }: Pick<GrpcServerOptions, "logger" | "metrics">,
): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { ca, certChain, privateKey, certificate } = loadTls(`${name}.tls`, tls);
  if (certChain === undefined || privateKey === undefined)
    throw new ConfigError([`${name}.tls.certChainFile is required`]);
  if (certificate !== undefined) {
    const { validToDate, validTo } = certificate;
    metrics?.grpcServerCertificateExpiry.set({ server: name }, validToDate.getTime() / 1000);
    if (validToDate < new Date())
      logger.error({ file: tls.certChainFile, validTo }, "The server's certificate has expired");
  }
  return ServerCredentials.createSsl(
    ca ?? null,
    [{ cert_chain: certChain, private_key: privateKey }],
    tls.clientCaFile !== undefined,
  );
}

function bind(server: Server, name: string, config: ServerConfig, creds: ServerCredentials): Promise<number> {
  const { address, port } = config;
  const host = address.includes(":") && !address.startsWith("[") ? `[${address}]` : address;
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, creds, (error, bound) => {
      if (error === null) resolve(bound);
      else if (error.message.includes("EADDRINUSE")) reject(new PortInUseError(`${name}.port`, address, port));
      else if (/EADDRNOTAVAIL|ENOTFOUND|Name resolution/.test(error.message)) {
        reject(new ConfigError([`${name}.address: this machine has no address ${JSON.stringify(address)}`]));
      } else if (error.message.includes("EACCES")) {
        reject(new ConfigError([`${name}.port: this user may not listen on port ${port}; expected 1024 or more`]));
      } else reject(error);
    });
  });
}

/**
 * Starts a gRPC server with the services and grpc.health.v1.Health.
 *
 * @throws ConfigError for an address that other machines reach without TLS, and for TLS files that cannot be used
 * @throws PortInUseError
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<RunningServer> {
  const { name, server: config, services, logger } = options;
  if (config.tls === undefined && !isLoopback(config.address)) {
    throw new ConfigError([`${name}.tls ${nonLoopbackRefusal(config.address)}`]);
  }
  const creds = credentials(name, config.tls, options);
  const maxSize = config.maxInboundMessageSize ?? options.maxInboundMessageSize ?? defaultMaxInboundMessageSize;
  const server = new Server({
    "grpc.max_receive_message_length": maxSize,
    "grpc.max_send_message_length": -1,
    // One connection cannot exhaust the node with calls; a client that needs more opens another.
    "grpc.max_concurrent_streams": 1_000,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
  });
  const closing = new AbortController();
  const cutOff = new AbortController();
  const state: ServerState = { ...options, closing: closing.signal, cutOff: cutOff.signal };
  const health = options.health ?? servingHealth();
  for (const service of [...services, healthService(health)]) {
    for (const method of service.methods) register(server, method, state);
  }
  const port = await bind(server, name, config, creds);
  logger.info({ server: name, address: config.address, port, tls: config.tls !== undefined }, "Serving gRPC");

  let closed: Promise<void> | undefined;
  const close = async (graceMs = 5_000): Promise<void> => {
    const timer = setTimeout(() => {
      cutOff.abort();
      // The next turn of the event loop: calls that were cut off get to tell their callers.
      setImmediate(() => server.forceShutdown());
    }, graceMs);
    closed ??= new Promise<void>((resolve) => {
      server.tryShutdown(() => resolve());
      closing.abort();
    });
    await closed;
    clearTimeout(timer);
  };
  return { port, close };
}

function servingHealth(): Health {
  const health = new Health();
  health.markStarted();
  return health;
}
