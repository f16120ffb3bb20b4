/**
 * Puts messages in order: the only place that writes events.
 *
 * Messages that arrive while a batch is being written wait and go into the next one together (group commit): under load a commit is shared by hundreds of messages, without load nothing waits.
 * The order, the timestamps and the counters are made by `sequencer_write` in the database, which all sequencers of the domain share.
 */
import { type Database, databaseErrorKind } from "@pulumi-canton/runtime/database.ts";
import { unavailable } from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import pg from "pg";
import { type PackedMessage, packBatch } from "./packed-batch.ts";

/** A message whose members are known by their numbers. */
export interface SequencingRequest {
  sender: number;
  messageId: string;
  /** Microseconds since the epoch. */
  maxSequencingTime: bigint;
  /** Who gets it, each once; the sender gets a receipt whether it is among them or not. */
  recipients: readonly number[];
  /** Serialized batch, not compressed. */
  payload: Buffer;
  /** Set when the message is refused, for example for unknown recipients: then only the sender hears of it. */
  error?: string | undefined;
  traceparent?: string | undefined;
}

/** What became of a message. */
export interface SequencingOutcome {
  /** Microseconds since the epoch; unique in the domain. */
  timestamp: bigint;
  /** Why it was delivered to nobody; undefined: delivered. */
  error: string | undefined;
}

/** Limits of a writer. */
export interface BatchWriterOptions {
  database: Database;
  logger: Logger;
  /** Most messages in one batch; the database takes up to 10000. Default 500. */
  maxBatchMessages?: number;
  /** A batch is closed when it has this many bytes of payload. Default 4 MiB. */
  maxBatchBytes?: number;
  /** Most bytes of payload that wait; more is refused with OVERLOADED. Default 64 MiB. */
  maxQueuedBytes?: number;
  /** Most messages that wait. Default 20000. */
  maxQueuedMessages?: number;
  /** Batches written at the same time: one commits, one waits for its turn, one is stored. Default 3. */
  parallelBatches?: number;
  /** Told after every batch: for metrics. */
  onBatch?: (batch: { messages: number; milliseconds: number }) => void;
}

/** Told to a member whose message came too late. */
export const maxSequencingTimeExceeded =
  "MAX_SEQUENCING_TIME_EXCEEDED: the maximum sequencing time passed before the message was sequenced";

interface Queued {
  request: SequencingRequest;
  /** Under which it is pending. */
  key: string;
  error: string | null;
  resolve: (outcome: SequencingOutcome) => void;
  reject: (error: unknown) => void;
}

interface WriteResult {
  base: bigint | null;
  too_late: bigint | null;
}

const writeStatement = {
  name: "sequencer_write",
  text: "SELECT base, too_late FROM sequencer_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
};

const seenQuery = `SELECT s.n::integer AS n, b.base_timestamp + m.event - b.id AS ts, m.error
  FROM unnest($1::integer[], $2::text[]) WITH ORDINALITY AS s (sender, message_id, n)
  JOIN sequencer_messages m ON m.message_id = s.message_id AND m.sender = s.sender
  CROSS JOIN LATERAL (SELECT id, base_timestamp FROM sequencer_batches WHERE id <= m.event ORDER BY id DESC LIMIT 1) b`;

/** The state that \`sequencer_write\` fails with when a message is too late, which it finds when its work is done. */
const tooLateState = "SQ001";

/** The payload that is stored of a refused message. */
const nothing = Buffer.alloc(0);

/** Later than any time that a request can name. */
const never = 9_000_000_000_000_000_000n;

/** Whose stream a message of a batch goes into, as `sequencer_write` takes it: positions `offsets[first[m] - 1]` to `offsets[last[m] - 1]` to `members[m]`. */
export function deliveriesByMember(
  messages: readonly { request: Pick<SequencingRequest, "sender" | "recipients">; error: string | null }[],
): { members: number[]; first: number[]; last: number[]; offsets: number[] } {
  const byMember = new Map<number, number[]>();
  const add = (member: number, position: number) => {
    const positions = byMember.get(member);
    if (positions === undefined) byMember.set(member, [position]);
    // The sender may be among its own recipients: it gets one event.
    else if (positions.at(-1) !== position) positions.push(position);
  };
  messages.forEach(({ request, error }, position) => {
    add(request.sender, position);
    if (error === null) for (const recipient of request.recipients) add(recipient, position);
  });
  const all = [...byMember.values()];
  let end = 0;
  const last = all.map(({ length }) => (end += length));
  return {
    members: [...byMember.keys()],
    first: last.map((to, index) => to - (all[index] as number[]).length + 1),
    last,
    offsets: all.flat(),
  };
}

/** Writes messages in batches. Safe for concurrent use. */
export class BatchWriter {
  readonly #options: Required<Omit<BatchWriterOptions, "onBatch">> & Pick<BatchWriterOptions, "onBatch">;
  readonly #queue: Queued[] = [];
  /** Messages that wait or are being written, by sender and id: one that is sent again meanwhile shares the outcome. */
  readonly #pending = new Map<string, Promise<SequencingOutcome>>();
  readonly #idle: (() => void)[] = [];
  #queuedBytes = 0;
  #turn: NodeJS.Immediate | undefined;
  #writing = 0;
  #closed = false;

  constructor(options: BatchWriterOptions) {
    this.#options = {
      maxBatchMessages: 500,
      maxBatchBytes: 4 * 1024 * 1024,
      maxQueuedBytes: 64 * 1024 * 1024,
      maxQueuedMessages: 20_000,
      parallelBatches: 3,
      ...options,
    };
  }

  /** Messages that wait to be written. */
  get queued(): number {
    return this.#queue.length;
  }

  /**
   * Sequences a message and resolves when that is durable. A message that was sequenced before, by any sequencer of the domain, gets its first outcome again.
   *
   * @throws CantonError SEQUENCER_OVERLOADED when too much waits already; SEQUENCER_UNAVAILABLE when the database did not answer: the message may or may not have been sequenced, sending it
   *   again is safe.
   */
  write(request: SequencingRequest): Promise<SequencingOutcome> {
    const { maxQueuedBytes, maxQueuedMessages } = this.#options;
    const key = `${request.sender} ${request.messageId}`;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    if (this.#closed) return Promise.reject(unavailable("SEQUENCER_SHUTTING_DOWN", "The sequencer is shutting down"));
    if (this.#queuedBytes + request.payload.length > maxQueuedBytes || this.#queue.length >= maxQueuedMessages) {
      return Promise.reject(
        unavailable("SEQUENCER_OVERLOADED", `${this.#queue.length} messages wait to be sequenced; send more slowly`),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<SequencingOutcome>();
    this.#pending.set(key, promise);
    this.#queuedBytes += request.payload.length;
    this.#queue.push({ request, key, error: request.error ?? null, resolve, reject });
    // Not at once: what arrives in the same turn of the event loop belongs into the same batch.
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#writeNext();
    });
    return promise;
  }

  /** Refuses new messages and resolves when those accepted are written. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#writing > 0 || this.#queue.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #writeNext(): void {
    while (this.#writing < this.#options.parallelBatches && this.#queue.length > 0) {
      const batch = this.#takeBatch();
      this.#writing++;
      const begun = performance.now();
      this.#writeBatch(batch)
        .catch((error: unknown) => this.#fail(batch, error))
        .finally(() => {
          this.#writing--;
          this.#options.onBatch?.({ messages: batch.length, milliseconds: performance.now() - begun });
          this.#writeNext();
          if (this.#writing === 0) for (const resolve of this.#idle.splice(0)) resolve();
        });
    }
  }

  #takeBatch(): Queued[] {
    const { maxBatchBytes, maxBatchMessages } = this.#options;
    let size = 0;
    let count = 0;
    while (count < this.#queue.length && count < maxBatchMessages) {
      const next = (this.#queue[count] as Queued).request.payload.length;
      if (count > 0 && size + next > maxBatchBytes) break;
      size += next;
      count++;
    }
    this.#queuedBytes -= size;
    return this.#queue.splice(0, count);
  }

  /**
   * Writes a batch. Nearly always that is one call; when the database finds that some messages are too late, or were sequenced
   * before, nothing is written, and the rest is tried again.
   */
  async #writeBatch(batch: readonly Queued[]): Promise<void> {
    let rest = batch;
    while (rest.length > 0) {
      let result: WriteResult;
      try {
        result = await this.#call(rest);
      } catch (error) {
        if (error instanceof pg.DatabaseError && error.code === tooLateState) {
          result = { base: null, too_late: BigInt(error.detail as string) };
        } else if (databaseErrorKind(error) === "duplicate") {
          rest = await this.#answerSeen(rest, error);
          continue;
        } else throw error;
      }
      const { base, too_late: tooLate } = result;
      if (base !== null) {
        for (const [position, message] of rest.entries()) this.#answer(message, base + BigInt(position), message.error);
        return;
      }
      for (const message of rest) {
        if (message.request.maxSequencingTime < (tooLate ?? 0n)) message.error ??= maxSequencingTimeExceeded;
      }
    }
  }

  #answer({ key, resolve }: Queued, timestamp: bigint, error: string | null): void {
    this.#pending.delete(key);
    resolve({ timestamp, error: error ?? undefined });
  }

  /** Answers messages that were sequenced before with what became of them; gives back the others. */
  async #answerSeen(messages: readonly Queued[], cause: unknown): Promise<Queued[]> {
    const requests = messages.map(({ request }) => request);
    const { rows } = await this.#options.database.read<{ n: number; ts: bigint; error: string | null }>(seenQuery, [
      `{${requests.map(({ sender }) => sender)}}`,
      requests.map(({ messageId }) => messageId),
    ]);
    if (rows.length === 0) throw cause;
    for (const { n, ts, error } of rows) this.#answer(messages[n - 1] as Queued, ts, error);
    const seen = new Set(rows.map(({ n }) => n));
    return messages.filter((_, position) => !seen.has(position + 1));
  }

  async #call(messages: readonly Queued[]): Promise<WriteResult> {
    let deadline = never;
    const packed = messages.map(({ request, error }): PackedMessage => {
      const { sender, messageId, traceparent = null } = request;
      if (error !== null) return { sender, messageId, error, traceparent, payload: nothing };
      if (request.maxSequencingTime < deadline) deadline = request.maxSequencingTime;
      return { sender, messageId, error, traceparent, payload: request.payload };
    });
    const { members, first, last, offsets } = deliveriesByMember(messages);
    const { content, ends } = packBatch(packed);
    const errors = packed.map(({ error }) => error);
    const { rows } = await this.#options.database.pool.query<WriteResult>({
      ...writeStatement,
      values: [
        `{${packed.map(({ sender }) => sender)}}`,
        packed.map(({ messageId }) => messageId),
        errors.every((error) => error === null) ? [] : errors,
        content,
        `{${ends}}`,
        `{${members}}`,
        `{${first}}`,
        `{${last}}`,
        `{${offsets}}`,
        deadline,
      ],
    });
    return rows[0] as WriteResult;
  }

  #fail(batch: readonly Queued[], error: unknown): void {
    this.#options.logger.warn({ error, messages: batch.length }, "A batch was not written");
    const told = unavailable(
      "SEQUENCER_UNAVAILABLE",
      "The sequencer's database does not answer; send the message again",
      {
        cause: error,
      },
    );
    for (const { key, reject } of batch) {
      this.#pending.delete(key);
      reject(told);
    }
  }
}
