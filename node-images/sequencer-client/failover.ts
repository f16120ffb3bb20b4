/** Making a call at whichever sequencer answers. */
import { status } from "@grpc/grpc-js";
import { type CantonError, deadlineExceeded, describeError, isCantonError } from "@pulumi-canton/runtime/errors.ts";
import type { ConnectionSet, SequencerConnection } from "./connection-set.ts";
import { type AccessOptions, authenticationRefused, type SequencerAccess } from "./sequencer-access.ts";

/** Longest time for one attempt at one sequencer, in milliseconds: then another one gets its chance. */
const attemptMs = 10_000;

/** How long to try. */
export interface FailoverOptions extends AccessOptions {
  /** Goes on for this many milliseconds when every sequencer refuses the member. */
  refusalGraceMs: number;
}

/**
 * Which sequencers have refused a member. They learn of a new one a moment apart, and later than the member itself may: only
 * when all refuse it, and that for a while, it is an answer.
 */
export class Refusals {
  readonly #by = new Set<SequencerConnection>();
  readonly #sequencers: number;
  readonly #graceMs: number;
  #since: number | undefined;

  constructor(sequencers: number, graceMs: number) {
    this.#sequencers = sequencers;
    this.#graceMs = graceMs;
  }

  /** Adds a refusal; true when there is no point in trying on. */
  areFinal(connection: SequencerConnection): boolean {
    this.#by.add(connection);
    this.#since ??= performance.now();
    return this.#by.size === this.#sequencers && performance.now() - this.#since >= this.#graceMs;
  }

  /** A sequencer let the member in. */
  clear(): void {
    this.#by.clear();
    this.#since = undefined;
  }
}

/** True for errors that say nothing about the request: another sequencer, or the same one later, may answer. */
export function isOutage(error: unknown): error is CantonError {
  if (!isCantonError(error)) return false;
  switch (error.code) {
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.UNAUTHENTICATED:
    case status.CANCELLED:
    case status.ABORTED:
    // A fault inside the sequencer, or a connection reset in the middle of an answer.
    case status.INTERNAL:
    case status.UNKNOWN:
      return true;
    default:
      return error.retryable;
  }
}

/**
 * Calls until a sequencer answers: broken ones are left for others, and tried again later.
 *
 * @param run one attempt; its own deadline is passed in
 * @throws what the last attempt threw, when that was an answer; SEQUENCER_SEND_TIMEOUT at the deadline
 */
export async function callWithFailover<T>(
  connections: ConnectionSet,
  access: SequencerAccess,
  { signal, deadlineMs, refusalGraceMs }: FailoverOptions,
  run: (connection: SequencerConnection, options: AccessOptions) => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  const late = AbortSignal.timeout(Math.min(deadlineMs, 2 ** 31 - 1));
  const both = AbortSignal.any([signal, late]);
  const refusals = new Refusals(connections.size, refusalGraceMs);
  let renewed = false;
  let last: unknown;
  while (true) {
    try {
      const connection = await connections.next(both);
      const remaining = deadline - performance.now();
      try {
        const result = await run(connection, { signal: both, deadlineMs: Math.max(1, Math.min(attemptMs, remaining)) });
        connection.succeeded();
        return result;
      } catch (error) {
        both.throwIfAborted();
        last = error;
        if (isCantonError(error) && error.code === status.UNAUTHENTICATED) {
          access.rejected(connection);
          // A token that expired is no fault of the sequencer: once, try again there.
          if (!renewed) {
            renewed = true;
            continue;
          }
        }
        if (isCantonError(error) && error.reason === authenticationRefused) {
          connection.failed(error);
          if (refusals.areFinal(connection)) throw error;
          continue;
        }
        if (!isOutage(error)) {
          connection.succeeded();
          throw error;
        }
        connection.failed(error);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!late.aborted) throw error;
      throw deadlineExceeded(
        "SEQUENCER_SEND_TIMEOUT",
        `no sequencer answered within ${Math.round(deadlineMs)} ms, so it is not known what became of the request (last: ${last === undefined ? "not reached" : describeError(last)})`,
        { cause: last },
      );
    }
  }
}
