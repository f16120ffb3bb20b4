/**
 * The life of a topology transaction in logs and metrics: every node writes a line for each step that the transaction takes
 * in it, with the transaction's own trace id, so that one search finds the whole way through all nodes.
 *
 * Steps as in the seed's "Life of a Party": 3 authorised and 4 stored, 5 dispatched, 6 decided, 7 and 8 stored by the domain
 * manager, 9 broadcast, 10 sequenced, 11 effective at each member.
 */
import { createHash } from "node:crypto";
import { formatMicros, type Micros } from "@pulumi-canton/protocol/timestamp.ts";
import { describeMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import type { SignedTopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import {
  childSpan,
  currentTrace,
  formatTraceparent,
  parseTraceparent,
  withTrace,
} from "@pulumi-canton/runtime/trace.ts";
import { Histogram, type Registry } from "prom-client";

/** What a node does with a transaction. */
export const transactionSteps = [
  /** Written to the store `Authorized` of the node, which the node or another signed. */
  "stored",
  /** A participant is about to send it to the domain manager. */
  "dispatched",
  /** The domain manager has taken or refused a participant's request. */
  "decided",
  /** The participant has read the domain manager's answer. */
  "answered",
  /** The domain manager is about to send it to all members. */
  "broadcast",
  /** The domain manager knows the time at which it was sequenced. */
  "sequenced",
  /** A member has verified it and added it to its topology of the domain. */
  "effective",
  /** A member has verified it and does not accept it. */
  "rejected",
] as const;
/** One of {@link transactionSteps}. */
export type TransactionStep = (typeof transactionSteps)[number];

/** A transaction with the trace that it belongs to. */
export interface TracedTransaction {
  readonly signed: SignedTopologyTransaction;
  /** W3C `traceparent`; undefined where it is not known. */
  readonly traceparent?: string | undefined;
}

/** What is told of a step besides the transaction. */
export interface StepFacts {
  /** Seconds that the step took: goes into the metric. */
  readonly seconds?: number;
  readonly [field: string]: unknown;
}

/** Writes down that a transaction took a step. */
export type RecordStep = (step: TransactionStep, transaction: TracedTransaction, facts?: StepFacts) => void;

/** The id of a transaction in logs: SHA-256 of the bytes that are signed, in hexadecimal digits; the same in all nodes. */
export function transactionHash({ transactionBytes }: Pick<SignedTopologyTransaction, "transactionBytes">): string {
  return createHash("sha256").update(transactionBytes).digest("hex");
}

/** The running trace as a `traceparent`; undefined outside of any. */
export function currentTraceparent(): string | undefined {
  const trace = currentTrace();
  return trace === undefined ? undefined : formatTraceparent(trace);
}

/** A `traceparent` that somebody else sent, when it is one. */
export function checkedTraceparent(given: string | undefined): string | undefined {
  const trace = parseTraceparent(given);
  return trace === undefined ? undefined : formatTraceparent(trace);
}

/** Runs a function in the trace of a transaction, or in the running one when that is not known. */
export function inTraceOf<T>({ traceparent }: Pick<TracedTransaction, "traceparent">, run: () => T): T {
  const trace = parseTraceparent(traceparent);
  return trace === undefined ? run() : withTrace(childSpan(trace), run);
}

/** Seconds since a moment in microseconds. */
export function secondsSince(moment: Micros): number {
  return (Date.now() * 1000 - Number(moment)) / 1e6;
}

/** What is told of a transaction that was stored: when it was authorised, and how long storing it took. */
export function authorisation({ sequenced }: { readonly sequenced: Micros }): StepFacts {
  return { authorised: formatMicros(sequenced), seconds: secondsSince(sequenced) };
}

/**
 * Makes what writes steps to a node's log and, where there is a registry, to `canton_topology_step_seconds`.
 *
 * @param registry the node's metrics; once a registry
 */
export function stepRecorder(logger: Logger, registry?: Registry): RecordStep {
  const histogram =
    registry &&
    new Histogram({
      name: "canton_topology_step_seconds",
      help: "Seconds that a topology transaction took for a step of its life, since the step before it",
      labelNames: ["step"],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600],
      registers: [registry],
    });
  return (step, traced, facts = {}) => {
    if (facts.seconds !== undefined) histogram?.observe({ step }, Math.max(0, facts.seconds));
    const { transaction } = traced.signed;
    inTraceOf(traced, () =>
      logger.info(
        {
          step,
          transaction: transactionHash(traced.signed),
          element: transaction.elementId,
          operation: transaction.operation,
          mapping: describeMapping(transaction.mapping),
          ...facts,
        },
        `Topology transaction ${step}`,
      ),
    );
  };
}
