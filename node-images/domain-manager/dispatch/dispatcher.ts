/**
 * Sends every newly authorised transaction of the domain, in order, to all active members.
 *
 * A message is fixed in the database before it is sent, and its id is the same on every repetition: the sequencer
 * sequences it once. What is sequenced is recorded before the next message is planned. A crash between any two of these
 * steps loses and repeats nothing.
 */
import { formatMicros, type Micros } from "@pulumi-canton/protocol/timestamp.ts";
import { abortableSleep, backoffDelays } from "@pulumi-canton/runtime/backoff.ts";
import { describeError, isCantonError } from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import {
  inTraceOf,
  type RecordStep,
  secondsSince,
  stepRecorder,
  type TracedTransaction,
} from "@pulumi-canton/topology/transaction-steps.ts";
import { type DispatchStore, messageIdOf, type PendingSend, type StoredDispatch } from "./dispatch-store.ts";
import {
  afterSend,
  type BatchLimits,
  type DispatchState,
  defaultBatchLimits,
  type LogEntry,
  nextSend,
  type Sized,
} from "./plan.ts";
import type { Wakeup } from "./wakeup.ts";

/** How long after a send is begun the message may be sequenced, in milliseconds. */
const sendTimeoutMs = 60_000;

/** A transaction to send, and when it was authorised for the domain. */
export type DispatchedTransaction = TracedTransaction & { readonly sequenced: Micros };

/** The transactions that were authorised, in order. */
export interface DispatchLog {
  /** The participants that are active after the entry at this position (0: at the beginning). */
  activeAt(position: bigint): Promise<ReadonlySet<string>>;
  /** Entries behind `after`, at most `limit`. */
  waiting(after: bigint, limit: number): Promise<readonly LogEntry[]>;
  /** Entries behind `after` and up to `upTo`, at most `limit`. */
  missed(after: bigint, upTo: bigint, limit: number): Promise<readonly Sized[]>;
  /** The transactions behind `after` and up to `upTo`. */
  transactions(after: bigint, upTo: bigint): Promise<readonly DispatchedTransaction[]>;
}

/** What the dispatcher works with. */
export interface DispatcherOptions {
  readonly store: DispatchStore;
  readonly log: DispatchLog;
  /** The domain's own members, which receive every broadcast: SEQ::, MED:: and DOM::. */
  readonly domainMembers: readonly string[];
  /**
   * Makes the signed message around transactions; it is void when it is sequenced later than `notSequencedAfter`. A
   * participant that catches up to a position knows the domain as it was: the message has to introduce it as it is.
   */
  readonly encode: (
    transactions: readonly TracedTransaction[],
    notSequencedAfter: Micros,
    options: { catchUpTo: bigint | undefined },
  ) => Promise<Buffer>;
  /** Resolves with the sequencing time once the message is sequenced; throws SEQUENCER_DELIVER_ERROR when it never will be. */
  readonly send: (
    message: { messageId: string; content: Buffer; recipients: readonly string[]; maxSequencingTime: Micros },
    signal: AbortSignal,
  ) => Promise<bigint>;
  /** Resolves when the own subscription has processed everything that was sequenced before the call. */
  readonly ownStreamIsCurrent: (signal: AbortSignal) => Promise<void>;
  /** Rung whenever something may have been authorised. */
  readonly wakeup: Wakeup;
  readonly logger: Logger;
  /** Default: to the log alone. */
  readonly record?: RecordStep;
  readonly limits?: BatchLimits;
}

/**
 * Runs until the signal aborts. Sends that fail are repeated with backoff, without end.
 *
 * @throws the signal's reason when aborted; an error of the database
 */
export async function runDispatcher(options: DispatcherOptions, signal: AbortSignal): Promise<never> {
  const { store, log, wakeup, logger, limits = defaultBatchLimits } = options;
  let delays = backoffDelays({ maxDelayMs: 5_000 });
  // What is in the database is the truth: it is read again after every failure, whose outcome may be unknown.
  let state: DispatchState | undefined;
  let pending: PendingSend | undefined;
  let current = false;

  while (true) {
    signal.throwIfAborted();
    const rung = wakeup.arm();
    try {
      if (!current) {
        // Only the own stream shows whether the database is as new as what was sent, or was put back to an older copy.
        await options.ownStreamIsCurrent(signal);
        current = true;
      }
      if (state === undefined) {
        const stored = await load(options, signal);
        state = { ...stored, active: await log.activeAt(stored.dispatched) };
        pending = stored.pending;
      }
      if (pending === undefined) {
        const planned = await nextSend(
          state,
          await log.waiting(state.dispatched, limits.transactions),
          (after, upTo, limit) => log.missed(after, upTo, limit),
          limits,
        );
        if (planned === undefined) {
          await rung(signal);
          continue;
        }
        pending = await store.plan(planned);
      }
      const sequenced = pending.sequenced ?? (await sendPending(options, pending, signal));
      const activeAfter = pending.catchUp === undefined ? await log.activeAt(pending.upTo) : state.active;
      const next = afterSend(state, pending, activeAfter);
      await store.sent(pending, next, sequenced);
      logger.info(
        {
          ...(pending.catchUp === undefined ? {} : { "catch-up": pending.catchUp }),
          from: pending.after + 1n,
          "up-to": pending.upTo,
          participants: pending.participants,
          sequenced,
        },
        "Dispatched topology transactions",
      );
      state = next;
      pending = undefined;
      delays = backoffDelays({ maxDelayMs: 5_000 });
    } catch (error) {
      signal.throwIfAborted();
      state = undefined;
      const delayMs = delays.next().value;
      logger.warn({ error: describeError(error), delayMs }, "Dispatching topology transactions failed, trying again");
      await abortableSleep(delayMs, signal);
    }
  }
}

/** The stored state. The outcome of a pending message is looked up first: it may have been sequenced without our knowing. */
async function load({ store, ownStreamIsCurrent }: DispatcherOptions, signal: AbortSignal): Promise<StoredDispatch> {
  const loaded = async () => {
    const stored = await store.load();
    if (stored === undefined) throw new Error("the members of the domain have no common start yet");
    return stored;
  };
  const stored = await loaded();
  if (stored.pending === undefined || stored.pending.sequenced !== undefined) return stored;
  // It may be so long ago that the sequencer would not recognise a repetition by its id.
  await ownStreamIsCurrent(signal);
  return loaded();
}

async function sendPending(options: DispatcherOptions, pending: PendingSend, signal: AbortSignal): Promise<bigint> {
  const { record = stepRecorder(options.logger) } = options;
  const maxSequencingTime = BigInt(Date.now() + sendTimeoutMs) * 1000n;
  const transactions = await options.log.transactions(pending.after, pending.upTo);
  const content = await options.encode(transactions, maxSequencingTime, {
    catchUpTo: pending.catchUp === undefined ? undefined : pending.upTo,
  });
  const recipients =
    pending.catchUp === undefined ? [...options.domainMembers, ...pending.participants] : pending.participants;
  const messageId = messageIdOf(pending);
  // What one participant missed was broadcast before: for the life of a transaction its catching up is told by its own log.
  const broadcast = pending.catchUp === undefined ? transactions : [];
  for (const transaction of broadcast) {
    record("broadcast", transaction, { messageId, recipients, seconds: secondsSince(transaction.sequenced) });
  }
  const begun = BigInt(Date.now()) * 1000n;
  try {
    const sequenced = await inTraceOf(transactions[0] ?? {}, () =>
      options.send({ messageId, content, recipients, maxSequencingTime }, signal),
    );
    for (const transaction of broadcast) {
      const seconds = Number(sequenced - begun) / 1e6;
      record("sequenced", transaction, { messageId, sequenced: formatMicros(sequenced), seconds });
    }
    return sequenced;
  } catch (error) {
    // Sequenced as an error: to nobody, and never again under this id.
    if (isCantonError(error) && error.reason === "SEQUENCER_DELIVER_ERROR") await options.store.nextAttempt(pending);
    throw error;
  }
}
