/**
 * Applies a member's sequenced stream to the topology store of its domain.
 *
 * The transactions of an event, accepted and rejected, and the position in the stream are written in one database
 * transaction: whatever happens, an event is applied once. Whatever the sizes of the batches and however often the process
 * starts anew, the same stream gives the same store.
 */
import { decodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import type { MemberId } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { formatMicros, type Micros } from "@pulumi-canton/protocol/timestamp.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type pg from "pg";
import type { StoredTransaction, TransactionToAppend } from "./stored-transaction.ts";
import { readPosition, type SubscriptionPosition, writePosition } from "./subscription-position.ts";
import { applyTopologyMessage } from "./topology-message.ts";
import type { TopologyStore } from "./topology-store.ts";
import { checkedTraceparent, type RecordStep, secondsSince, stepRecorder } from "./transaction-steps.ts";

/** An event of the stream, as the sequencer client delivers it (its `ReceivedEvent` is one). */
export interface SequencedTopologyEvent {
  /** Place in the member's stream: 0, 1, 2, … */
  readonly counter: bigint;
  readonly timestamp: Micros;
  readonly envelopes: readonly { readonly content: Buffer }[];
}

/** A topology message, or an envelope, that was void as a whole. */
export interface RefusedEnvelope {
  readonly counter: bigint;
  readonly problem: string;
}

/** What came of events. */
export interface Processed {
  /** The last event applied so far. */
  readonly position: SubscriptionPosition;
  /** The transactions that were stored, accepted and rejected, in order. */
  readonly stored: readonly StoredTransaction[];
  readonly refused: readonly RefusedEnvelope[];
}

/**
 * Work of the node that is committed together with events, or not at all. Runs once for every event that is applied, after
 * its topology was decided; may run again after a retry, so it does nothing but work with the client.
 *
 * @param state the state after the event
 */
export type AlongsideEvent = (
  client: pg.PoolClient,
  event: SequencedTopologyEvent,
  state: TopologyState,
) => Promise<void>;

/** What a {@link TopologyProcessor} needs. */
export interface TopologyProcessorOptions {
  database: Database;
  /** The store of the domain. */
  store: TopologyStore;
  domainId: UniqueIdentifier;
  /** Whose stream it is. */
  member: MemberId;
  logger: Logger;
  /** Default: to the log alone. */
  record?: RecordStep | undefined;
}

/** The stream skips events, or starts later than the store expects. */
export class StreamGapError extends Error {
  override readonly name = "StreamGapError";
}

/** Applies the stream of one member of one domain. */
export class TopologyProcessor {
  readonly #options: TopologyProcessorOptions;
  #position: SubscriptionPosition | undefined;

  private constructor(options: TopologyProcessorOptions, position: SubscriptionPosition | undefined) {
    this.#options = options;
    this.#position = position;
  }

  /** Opens the processor where the database says that it stopped. */
  static async open(options: TopologyProcessorOptions): Promise<TopologyProcessor> {
    const { database, store, domainId, member } = options;
    if (store.id !== domainId) throw new Error(`the store ${store.id} is not that of the domain ${domainId}`);
    return new TopologyProcessor(options, await readPosition(database, domainId, member));
  }

  /** The last event that was applied; undefined before the first. */
  get position(): SubscriptionPosition | undefined {
    return this.#position;
  }

  /** The counter of the event that is to come next: what to subscribe from. */
  get nextCounter(): bigint {
    return this.#position === undefined ? 0n : this.#position.counter + 1n;
  }

  /** The topology state of the domain. */
  get state(): TopologyState {
    return this.#options.store.state;
  }

  /**
   * Applies events, all or none of them. Those that were applied before are passed over.
   *
   * Envelopes that hold something else than domain topology messages are left to the node; one that cannot be read, or
   * whose message does not come from the domain manager, is void, and the stream goes on.
   *
   * @param events in the order of the stream
   * @throws StreamGapError when an event is missing before one of them
   */
  async process(
    events: SequencedTopologyEvent | readonly SequencedTopologyEvent[],
    alongside?: AlongsideEvent,
  ): Promise<Processed> {
    const { store, domainId, member, logger, record = stepRecorder(logger) } = this.#options;
    const received = new Date();
    const list = "counter" in events ? [events] : events;
    const { stored, result } = await store.update(async (before, client) => {
      let position = await readPosition(client, domainId, member);
      let state = before;
      const append: TransactionToAppend[] = [];
      const refused: RefusedEnvelope[] = [];
      for (const event of list) {
        const expected = position === undefined ? 0n : position.counter + 1n;
        if (event.counter < expected) continue;
        if (event.counter > expected || event.timestamp <= (position?.timestamp ?? event.timestamp - 1n)) {
          throw new StreamGapError(
            `event ${event.counter} of ${member} at ${event.timestamp} does not follow event ${position?.counter ?? "(none)"} at ${position?.timestamp ?? "(no time)"}: expected event ${expected}`,
          );
        }
        const applied = this.#apply(state, event);
        state = applied.state;
        append.push(...applied.append);
        refused.push(...applied.problems.map((problem) => ({ counter: event.counter, problem })));
        position = { counter: event.counter, timestamp: event.timestamp };
        await alongside?.(client, event, state);
      }
      if (position !== undefined) await writePosition(client, domainId, member, position);
      return { append, state, result: { position, refused } };
    });
    this.#position = result.position;
    for (const each of result.refused) logger.warn({ domainId, ...each }, "A sequenced envelope was refused");
    for (const transaction of stored) {
      const { sequenced, rejection } = transaction;
      record(rejection === undefined ? "effective" : "rejected", transaction, {
        domainId,
        member,
        sequenced: formatMicros(sequenced),
        received,
        seconds: secondsSince(sequenced),
        ...(rejection === undefined ? {} : { reason: rejection }),
      });
    }
    if (result.position === undefined) throw new RangeError("there was no event to process");
    return { position: result.position, stored, refused: result.refused };
  }

  /** The topology of one event. */
  #apply(
    before: TopologyState,
    { timestamp: sequencedAt, envelopes }: SequencedTopologyEvent,
  ): { state: TopologyState; append: TransactionToAppend[]; problems: string[] } {
    const { domainId } = this.#options;
    let state = before;
    const append: TransactionToAppend[] = [];
    const problems: string[] = [];
    for (const { content } of envelopes) {
      try {
        const decoded = decodeEnvelopeContent(content);
        if (decoded.kind !== "domain-topology-message") continue;
        const applied = applyTopologyMessage(state, decoded.message, { domainId, sequencedAt });
        if (applied.accepted) {
          state = applied.state;
          append.push(
            ...applied.append.map((entry, place) => ({
              ...entry,
              traceparent: checkedTraceparent(decoded.traceparents?.[place]),
            })),
          );
        } else problems.push(applied.problem);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        problems.push(error.message);
      }
    }
    return { state, append, problems };
  }
}
