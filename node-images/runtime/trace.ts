/**
 * W3C trace context: which request the running code works for.
 *
 * The context travels through gRPC metadata as `traceparent` (https://www.w3.org/TR/trace-context/) and inside a process
 * through an `AsyncLocalStorage`, so that logs and outgoing calls name the request without anyone passing it along.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";

/** The request that code works for. */
export interface TraceContext {
  /** 32 lower-case hex digits, the same in every process that takes part in the request. */
  readonly traceId: string;
  /** 16 lower-case hex digits, this step of the request. */
  readonly spanId: string;
  /** Whether the caller asked for the trace to be recorded. */
  readonly sampled: boolean;
}

/** The name of the gRPC metadata key and HTTP header that carries the context. */
export const traceparentHeader = "traceparent";

const storage = new AsyncLocalStorage<TraceContext>();

/** A context for a request that starts here. */
export function newTrace(): TraceContext {
  return { traceId: randomBytes(16).toString("hex"), spanId: randomBytes(8).toString("hex"), sampled: false };
}

/** A step of the same request, with a span id of its own. */
export function childSpan(parent: TraceContext): TraceContext {
  return { ...parent, spanId: randomBytes(8).toString("hex") };
}

/**
 * Reads a `traceparent` header.
 *
 * @returns `undefined` when the header is absent or malformed: the receiver then starts a trace, as the standard asks
 */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header ?? "");
  if (match === null) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", more] = match;
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a `traceparent` header, version 00. */
export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.sampled ? "01" : "00"}`;
}

/** The context of the running code, or `undefined` outside of any request. */
export function currentTrace(): TraceContext | undefined {
  return storage.getStore();
}

/** Runs a function, and all that it starts, in a context. */
export function withTrace<T>(trace: TraceContext, run: () => T): T {
  return storage.run(trace, run);
}

/** Runs a function in the current context, or in a new one when there is none: for work that a node starts by itself. */
export function ensureTrace<T>(run: () => T): T {
  return currentTrace() === undefined ? withTrace(newTrace(), run) : run();
}
