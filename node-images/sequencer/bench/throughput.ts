/**
 * How many messages a second the sequencers put in order, against what the same PostgreSQL takes by plain batched inserts.
 *
 * The ceiling writes what cannot be left out (time, sender, message id, payload) into a table with a primary key, in batches
 * as large as the sequencers': no order between connections, no recipients, no counters, no deduplication.
 *
 * Ceiling and sequencers take turns, in changing order, and the ratio is the median of the rounds': what else the machine does
 * falls on both.
 */
import { randomUUID } from "node:crypto";
import { compressBatch } from "@pulumi-canton/protocol/envelope/batch.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createTestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { newMessageId } from "@pulumi-canton/sequencer-client/send.ts";
import pg from "pg";
import type { BatchWriter, SequencingRequest } from "../backend/batch-writer.ts";
import { type Backend, openBackend } from "../backend/open-backend.ts";
import { sequencerConfig, startTestSequencer, TestDomain } from "../testing/test-domain.ts";

/**
 * What a row is about: `ceiling` plain batched inserts; `sequenced` messages put in order, without clients; `delivered` messages
 * from a client to a subscriber with much outstanding; `delivered-alone` the same one at a time.
 */
export type ThroughputKind = "ceiling" | "sequenced" | "delivered" | "delivered-alone";

/** One line of the result. */
export interface ThroughputRow {
  kind: ThroughputKind;
  /** What was measured, in words. */
  what: string;
  messagesPerSecond: number;
  /** Of the ceiling; 1 for the ceiling itself. */
  ratio: number;
  /** Least ratio that is wanted; undefined where nothing is. */
  goal: number | undefined;
  /** Latency of one message, in milliseconds; undefined where it says nothing. */
  p50Ms: number | undefined;
  p99Ms: number | undefined;
}

/** What to measure. */
export interface ThroughputOptions {
  /** URL of a superuser of the PostgreSQL to measure on. */
  postgresUrl: string;
  /** Length of each measurement in milliseconds; that of ceiling and sequencers is divided into rounds. Default 3000. */
  durationMs?: number;
  /** Payload of a message in bytes. Default 300. */
  payloadBytes?: number;
}

const batchMessages = 500;
const connections = 2;
const members = 10;
/** Turns of ceiling and sequencers; odd. */
const rounds = 5;
/** Least share of the ceiling that the sequencers are to reach. */
const sequencedGoal = 0.5;

/** Runs loops side by side for a while; answers how much they did a second. */
async function rate(durationMs: number, loops: number, step: (loop: number) => Promise<number>): Promise<number> {
  const begun = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: loops }, async (_, loop) => {
      while (performance.now() - begun < durationMs) {
        const more = await step(loop);
        done += more;
      }
    }),
  );
  return (done * 1000) / (performance.now() - begun);
}

function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  ) as number;
}

interface Rate {
  perSecond: number;
  latencies: number[];
}

function latenciesOf(rates: readonly Rate[]): Pick<ThroughputRow, "p50Ms" | "p99Ms"> {
  const sorted = rates.flatMap(({ latencies }) => latencies).sort((a, b) => a - b);
  return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}

/** Connections for plain batched inserts, and the empty table. */
async function openPlain(postgresUrl: string, database: string): Promise<pg.Pool> {
  const url = new URL(postgresUrl);
  url.pathname = `/${database}`;
  const pool = new pg.Pool({ connectionString: url.href, max: connections });
  // A connection that is cut, idle or in use, would end the process; the statement that uses it fails by itself.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  await pool.query(
    "CREATE TABLE plain (ts bigint PRIMARY KEY, sender integer NOT NULL, message_id text NOT NULL, payload bytea NOT NULL)",
  );
  return pool;
}

/** Plain batched inserts a second. */
async function plainInserts(pool: pg.Pool, durationMs: number, payloadBytes: number, from: number): Promise<number> {
  const payload = Buffer.alloc(payloadBytes * batchMessages, 7);
  const positions = Array.from({ length: batchMessages }, (_, index) => index);
  let next = from;
  return await rate(durationMs, connections, async () => {
    const first = next;
    next += batchMessages;
    await pool.query({
      name: "plain",
      text: `INSERT INTO plain SELECT $1::bigint + n, sender, message_id, substring($4::bytea FROM ((n - 1) * $5::integer + 1)::integer FOR $5::integer)
             FROM unnest($2::integer[], $3::text[]) WITH ORDINALITY AS m (sender, message_id, n)`,
      values: [
        first,
        `{${positions.map((position) => position % members)}}`,
        positions.map(() => randomUUID()),
        payload,
        payloadBytes,
      ],
    });
    return batchMessages;
  });
}

/** Messages a second through the writers of two sequencers: ordered, deduplicated, durable, with all recipients. */
async function ordered(backends: readonly Backend[], durationMs: number, payloadBytes: number): Promise<Rate> {
  const names = Array.from({ length: members }, (_, index) => `PAR::m${index}::1220${"0".repeat(64)}`);
  const numbers = [...((await backends[0]?.members.register(names))?.values() ?? [])];
  const payload = compressBatch([
    { content: Buffer.alloc(payloadBytes - 110, 7), recipients: [names[0] as string] },
  ]).compressedBatch;
  const maxSequencingTime = BigInt(Date.now() + 3_600_000) * 1000n;
  const latencies: number[] = [];
  let sent = 0;
  const message = (): SequencingRequest => ({
    sender: numbers[sent++ % members] as number,
    messageId: newMessageId(),
    maxSequencingTime,
    recipients: [numbers[sent % members] as number],
    payload,
  });
  // Enough outstanding that each writer can fill its next batch while others are written.
  const outstanding = backends.length * batchMessages * 4;
  const begun = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let open = outstanding;
  // Callbacks, not `rate`: thousands of async loops would cost about as much as the writers, in the same thread.
  const send = (writer: BatchWriter): void => {
    const sentAt = performance.now();
    if (sentAt - begun >= durationMs) {
      if (--open === 0) resolve();
      return;
    }
    writer.write(message()).then(() => {
      latencies.push(performance.now() - sentAt);
      send(writer);
    }, reject);
  };
  for (let index = 0; index < outstanding; index++) send((backends[index % backends.length] as Backend).writer);
  await promise;
  return { perSecond: (latencies.length * 1000) / (performance.now() - begun), latencies };
}

/** Messages a second from a signing client through two sequencers' gRPC to a subscriber that decodes each. */
async function endToEnd(domain: TestDomain, durationMs: number, payloadBytes: number, outstanding: number) {
  const [alice, bob] = [await domain.join("alice"), await domain.join("bob")];
  const senders = domain.connections.map((connection) => domain.client(alice, { connections: [connection] }));
  const begun = new Map<string, number>();
  const latencies: number[] = [];
  const done = new AbortController();
  let end: string | undefined;
  const reading = domain.client(bob).subscribe({ fromCounter: 0n, signal: done.signal }, async ({ envelopes }) => {
    const id = envelopes[0]?.content.subarray(0, 36).toString() ?? "";
    const at = begun.get(id);
    if (at !== undefined) latencies.push(performance.now() - at);
    begun.delete(id);
    if (id === end) done.abort();
  });
  const padding = Buffer.alloc(Math.max(0, payloadBytes - 150), 7);
  const send = async (loop: number, id: string) => {
    const content = Buffer.concat([Buffer.from(id), padding]);
    await senders[loop % senders.length]?.send({ envelopes: [{ content, recipients: [bob.member] }] });
  };
  const startedAt = performance.now();
  await rate(durationMs, outstanding, async (loop) => {
    const id = randomUUID();
    begun.set(id, performance.now());
    await send(loop, id);
    return 1;
  });
  end = randomUUID();
  await send(0, end);
  await reading;
  // Sent is not delivered: the subscriber may be behind, and its time counts.
  const perSecond = (latencies.length * 1000) / (performance.now() - startedAt);
  return { perSecond, latencies };
}

/** The ceiling and, against it, the writers of two sequencers. */
export async function sequencingRows(
  postgresUrl: string,
  durationMs: number,
  payloadBytes: number,
): Promise<ThroughputRow[]> {
  await using plainDatabase = await createTestDatabase(postgresUrl);
  await using backendDatabase = await createTestDatabase(postgresUrl);
  const pool = await openPlain(postgresUrl, plainDatabase.storage.database);
  const open = () => openBackend({ storage: backendDatabase.storage, logger: silentLogger });
  const backends = [await open(), await open()];
  const ceilings: number[] = [];
  const sequenced: Rate[] = [];
  try {
    const roundMs = durationMs / rounds;
    // A table that is small, a cache that is cold and code that is not compiled yet say nothing: a turn of each that does not count.
    for (let round = -1; round < rounds; round++) {
      const turns = [
        async () => {
          const perSecond = await plainInserts(pool, roundMs, payloadBytes, (round + 1) * 1e9);
          if (round >= 0) ceilings.push(perSecond);
        },
        async () => {
          const writing = await ordered(backends, roundMs, payloadBytes);
          if (round >= 0) sequenced.push(writing);
        },
      ];
      for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
    }
  } finally {
    await pool.end();
    for (const backend of backends) await backend.close();
  }
  const ceiling = median(ceilings);
  return [
    {
      kind: "ceiling",
      what: "plain batched inserts (ceiling)",
      messagesPerSecond: ceiling,
      ratio: 1,
      goal: undefined,
      p50Ms: undefined,
      p99Ms: undefined,
    },
    {
      kind: "sequenced",
      what: "sequenced by two sequencers, saturated",
      messagesPerSecond: median(sequenced.map(({ perSecond }) => perSecond)),
      ratio: median(sequenced.map(({ perSecond }, round) => perSecond / (ceilings[round] as number))),
      goal: sequencedGoal,
      ...latenciesOf(sequenced),
    },
  ];
}

/** Two whole sequencers with a client and a subscriber, all in this process. */
export async function deliveryRows(
  postgresUrl: string,
  durationMs: number,
  payloadBytes: number,
  ceiling: number,
): Promise<ThroughputRow[]> {
  await using servedBackend = await createTestDatabase(postgresUrl);
  await using first = await createTestDatabase(postgresUrl);
  await using second = await createTestDatabase(postgresUrl);
  const rows: ThroughputRow[] = [];
  const sequencers = [
    await startTestSequencer(sequencerConfig("sequencer1", first.storage, servedBackend.storage)),
    await startTestSequencer(sequencerConfig("sequencer2", second.storage, servedBackend.storage)),
  ];
  const domain = new TestDomain();
  try {
    await domain.start(sequencers);
    const delivered = async (kind: ThroughputKind, what: string, outstanding: number) => {
      const measured = await endToEnd(domain, durationMs, payloadBytes, outstanding);
      const messagesPerSecond = measured.perSecond;
      const ratio = messagesPerSecond / ceiling;
      rows.push({ kind, what, messagesPerSecond, ratio, goal: undefined, ...latenciesOf([measured]) });
    };
    await delivered("delivered", "signed, over gRPC, to a subscriber, saturated", 128);
    await delivered("delivered-alone", "signed, over gRPC, to a subscriber, one at a time", 1);
  } finally {
    domain.close();
    for (const sequencer of sequencers) await sequencer.close();
  }
  return rows;
}

/** Measures; takes about five times the duration. */
export async function sequencerThroughput(options: ThroughputOptions): Promise<ThroughputRow[]> {
  const { postgresUrl, durationMs = 3_000, payloadBytes = 300 } = options;
  const rows = await sequencingRows(postgresUrl, durationMs, payloadBytes);
  const ceiling = (rows[0] as ThroughputRow).messagesPerSecond;
  return [...rows, ...(await deliveryRows(postgresUrl, durationMs, payloadBytes, ceiling))];
}
