/**
 * Reads members' streams from the backend, for all subscriptions of a sequencer together.
 *
 * A subscription asks for what comes after the counter it has; the reader answers all that ask with one pair of queries, again whenever the log has grown. Because one snapshot answers all of them,
 * the sequencer's own stream (the topology of the domain) can be applied before anything of the same snapshot is given to others: nobody is served by a topology older than the event.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { decompressBatch, type Envelope } from "@pulumi-canton/protocol/envelope/batch.ts";
import { encodeSequencedEvent, type SequencedEvent } from "@pulumi-canton/protocol/envelope/sequenced-event.ts";
import { CompressedBatch_CompressionAlgorithm as Compression } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/sequencing.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { maxSequencingTimeExceeded } from "./batch-writer.ts";
import { type PackedMessage, unpackMessage } from "./packed-batch.ts";

/** A message as it is stored, with all that any member may see of it. */
export class StoredEvent {
  /** Microseconds since the epoch. */
  readonly timestamp: bigint;
  readonly sender: number;
  readonly messageId: string;
  readonly error: string | undefined;
  readonly traceparent: string | undefined;
  readonly #payload: Buffer;
  #envelopes: Envelope[] | undefined;

  constructor(timestamp: bigint, { sender, messageId, error, traceparent, payload }: PackedMessage) {
    this.timestamp = timestamp;
    this.sender = sender;
    this.messageId = messageId;
    this.error = error ?? undefined;
    this.traceparent = traceparent ?? undefined;
    this.#payload = payload;
  }

  /** All envelopes; decoded once for all members. */
  get envelopes(): readonly Envelope[] {
    this.#envelopes ??= decompressBatch(
      { algorithm: Compression.None_, compressedBatch: this.#payload },
      this.#payload.length,
    );
    return this.#envelopes;
  }
}

/** An event at its position in one member's stream. */
export interface MemberEvent {
  counter: bigint;
  event: StoredEvent;
}

/** Whose stream an event is written for. */
export interface StreamOwner {
  domainId: string;
  member: string;
  /** The member's number in the backend. */
  memberNumber: number;
}

/** What a member is told of an event: only the envelopes addressed to it, and the message id only if it is its own. */
export function contentFor(owner: StreamOwner, { counter, event }: MemberEvent): SequencedEvent {
  const header = { counter, timestamp: event.timestamp, domainId: owner.domainId };
  const { messageId } = event;
  if (event.error !== undefined) {
    const kind = event.error === maxSequencingTimeExceeded ? "batch_refused" : "batch_invalid";
    return { kind: "deliver-error", ...header, messageId, reason: { kind, text: event.error } };
  }
  const envelopes = event.envelopes.filter(({ recipients }) => recipients.includes(owner.member));
  return {
    kind: "deliver",
    ...header,
    messageId: event.sender === owner.memberNumber ? messageId : undefined,
    envelopes,
  };
}

/** The bytes of an event as a member gets them; the same from every sequencer. */
export function serializedFor(owner: StreamOwner, event: MemberEvent): Buffer {
  return encodeSequencedEvent(contentFor(owner, event));
}

/** The stream that is applied before anything of the same snapshot is served: the sequencer's own. */
export interface LeadingStream {
  member: number;
  /** The counter of the first event that was not applied yet. */
  nextCounter: bigint;
  /** Applies events, in order, durably. When it throws, it is called again with the same events. */
  apply: (events: readonly MemberEvent[]) => Promise<void>;
}

/** Options of a reader. */
export interface EventReaderOptions {
  database: Database;
  logger: Logger;
  /** Most events that one answer has. Default 200. */
  pageEvents?: number;
  /** Most bytes of payload that one round of queries fetches; a single larger message is fetched alone. Default 16 MiB. */
  pageBytes?: number;
  /** The log is looked at this often even when the database does not notify. Milliseconds, default 500. */
  pollIntervalMs?: number;
  /** Told whether the last round of queries went well: for health. */
  onState?: (error: unknown) => void;
}

interface Request {
  member: number;
  counter: bigint;
  resolve: (events: MemberEvent[]) => void;
}

interface Position {
  counter: bigint;
  batch: bigint;
  /** Of the event in its batch. */
  offset: number;
  timestamp: bigint;
}

const positionsStatement = {
  name: "sequencer_positions",
  // The block that the counter lies in and those after it.
  text: `SELECT q.n::integer AS n, d.first_counter, d.batch, b.base_timestamp, d.offsets
FROM unnest($1::integer[], $2::bigint[]) WITH ORDINALITY AS q (member, counter, n)
CROSS JOIN LATERAL (
  SELECT first_counter, batch, offsets FROM sequencer_deliveries
  WHERE member = q.member
    AND first_counter >= coalesce(
      (SELECT max(first_counter) FROM sequencer_deliveries WHERE member = q.member AND first_counter <= q.counter), 0)
    AND first_counter + cardinality(offsets) > q.counter
  ORDER BY first_counter
  LIMIT $3
) d
JOIN sequencer_batches b ON b.id = d.batch
ORDER BY q.n, d.first_counter`,
};

const eventsStatement = {
  name: "sequencer_events",
  // In the order asked for, as many as fit. Only these are cut out of their batches.
  text: `SELECT n::integer AS n, substring(content FROM start + 1 FOR size) AS message FROM (
  SELECT *, sum(size) OVER (ORDER BY n) - size AS before FROM (
    SELECT q.n, c.content, coalesce(c.ends[q.k], 0) AS start, c.ends[q.k + 1] - coalesce(c.ends[q.k], 0) AS size
    FROM unnest($1::bigint[], $2::integer[]) WITH ORDINALITY AS q (batch, k, n)
    JOIN sequencer_contents c ON c.batch = q.batch
  ) cut
) wanted WHERE before < $3 ORDER BY n`,
};

/** Reads streams for all subscriptions. Runs until it is closed. */
export class EventReader {
  readonly #options: Required<Omit<EventReaderOptions, "onState">> & Pick<EventReaderOptions, "onState">;
  #requests: Request[] = [];
  #leading: LeadingStream | undefined;
  /** Those who wait for the leading stream to be applied up to its end. */
  #behind: (() => void)[] = [];
  #wake = Promise.withResolvers<void>();
  #closed = false;
  readonly #running: Promise<void>;

  constructor(options: EventReaderOptions) {
    this.#options = { pageEvents: 200, pageBytes: 16 * 1024 * 1024, pollIntervalMs: 500, ...options };
    this.#running = this.#run();
  }

  /**
   * Sets the stream that is applied before anything else is served; nothing is served while it cannot be applied. Resolves
   * when all of it that there is was applied once.
   */
  lead(stream: LeadingStream): Promise<void> {
    this.#leading = stream;
    return this.caughtUp();
  }

  /** Resolves when all of the leading stream that there is now was applied. */
  caughtUp(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#behind.push(resolve);
    this.wake();
    return promise;
  }

  /** The log has grown. */
  wake(): void {
    this.#wake.resolve();
  }

  /**
   * The next events of a member's stream, at least one: waits until there is one.
   *
   * @param counter of the first event wanted
   * @throws the signal's reason when it aborts
   */
  async next(member: number, counter: bigint, signal: AbortSignal): Promise<MemberEvent[]> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<MemberEvent[]>();
    const request: Request = { member, counter, resolve };
    const onAbort = () => {
      this.#requests = this.#requests.filter((other) => other !== request);
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    this.#requests.push(request);
    this.wake();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Stops reading. Requests in progress stay unanswered: their signals end them. */
  async close(): Promise<void> {
    this.#closed = true;
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#wake = Promise.withResolvers();
      let more = false;
      try {
        more = await this.#round();
        this.#options.onState?.(undefined);
      } catch (error) {
        this.#options.logger.warn({ error }, "Reading the log failed; trying again");
        this.#options.onState?.(error);
        // Whoever asks does not hear of it: it waits, as if nothing had been sequenced.
        await new Promise((resolve) => setTimeout(resolve, this.#options.pollIntervalMs));
        continue;
      }
      if (more) {
        // Lets the subscriptions take what they got and ask for the next page.
        await nextTurn();
        continue;
      }
      const poll = setTimeout(() => this.wake(), this.#options.pollIntervalMs);
      await this.#wake.promise;
      clearTimeout(poll);
    }
  }

  /** Answers what can be answered; true when there is certainly more to do. */
  async #round(): Promise<boolean> {
    const leading = this.#leading;
    const behind = [...this.#behind];
    const caughtUp = () => {
      this.#behind = this.#behind.filter((waiting) => !behind.includes(waiting));
      for (const resolve of behind) resolve();
    };
    const requests = [...this.#requests];
    const asked = [
      ...requests.map(({ member, counter }) => ({ member, counter })),
      ...(leading === undefined ? [] : [{ member: leading.member, counter: leading.nextCounter }]),
    ];
    if (asked.length === 0) return false;
    const positions = await this.#positions(asked);
    const found = new Map(positions.flatMap((each) => each.map((position) => [position.timestamp, position])));
    if (found.size === 0) {
      if (leading !== undefined) caughtUp();
      return false;
    }
    const events = await this.#events([...found.values()]);

    // An answer stops before the first event that did not fit into this round.
    const answers = positions.map((each) => {
      const missing = each.findIndex(({ timestamp }) => !events.has(timestamp));
      const known = missing < 0 ? each : each.slice(0, missing);
      return known.map(({ counter, timestamp }) => ({ counter, event: events.get(timestamp) as StoredEvent }));
    });
    let complete = answers.every((answer, index) => answer.length === positions[index]?.length);

    let bound: bigint | undefined;
    if (leading !== undefined) {
      const ledTo = positions.at(-1) ?? [];
      const led = answers.at(-1) ?? [];
      if (led.length > 0) {
        await leading.apply(led);
        leading.nextCounter = (led.at(-1) as MemberEvent).counter + 1n;
      }
      if (led.length < ledTo.length || ledTo.length >= this.#options.pageEvents) {
        // There may be more of the leading stream: nothing later than what was applied may be served yet.
        bound = led.at(-1)?.event.timestamp ?? -1n;
        complete = false;
      } else caughtUp();
    }
    requests.forEach((request, index) => {
      const all = answers[index] ?? [];
      const answer = bound === undefined ? all : all.filter(({ event }) => event.timestamp <= bound);
      if (answer.length === 0) return;
      this.#requests = this.#requests.filter((other) => other !== request);
      request.resolve(answer);
    });
    return !complete;
  }

  async #positions(asked: readonly { member: number; counter: bigint }[]): Promise<Position[][]> {
    const { pageEvents } = this.#options;
    const { rows } = await this.#options.database.pool.query<{
      n: number;
      first_counter: bigint;
      batch: bigint;
      base_timestamp: bigint;
      offsets: number[];
    }>({
      ...positionsStatement,
      values: [`{${asked.map(({ member }) => member)}}`, `{${asked.map(({ counter }) => counter)}}`, pageEvents],
    });
    const positions = asked.map((): Position[] => []);
    for (const row of rows) {
      const wanted = asked[row.n - 1]?.counter as bigint;
      const found = positions[row.n - 1] as Position[];
      const first = row.first_counter;
      for (let index = 0; index < row.offsets.length && found.length < pageEvents; index++) {
        const counter = first + BigInt(index);
        if (counter < wanted) continue;
        const offset = row.offsets[index] as number;
        found.push({ counter, batch: row.batch, offset, timestamp: row.base_timestamp + BigInt(offset) });
      }
    }
    return positions;
  }

  /** Events by their timestamps, from the earliest on: as many as fit into a round, at least one. */
  async #events(positions: readonly Position[]): Promise<Map<bigint, StoredEvent>> {
    const inOrder = positions.toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
    const { rows } = await this.#options.database.pool.query<{ n: number; message: Buffer }>({
      ...eventsStatement,
      values: [
        `{${inOrder.map(({ batch }) => batch)}}`,
        `{${inOrder.map(({ offset }) => offset)}}`,
        this.#options.pageBytes,
      ],
    });
    return new Map(
      rows.map(({ n, message }) => {
        const { timestamp } = inOrder[n - 1] as Position;
        return [timestamp, new StoredEvent(timestamp, unpackMessage(message))];
      }),
    );
  }
}
