import { randomUUID } from "node:crypto";
import { compressBatch } from "@pulumi-canton/protocol/envelope/batch.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deliveriesByMember, maxSequencingTimeExceeded, type SequencingRequest } from "./batch-writer.ts";
import { type MemberEvent, serializedFor } from "./event-reader.ts";
import { type Backend, openBackend } from "./open-backend.ts";

let testDatabase: TestDatabase;
let first: Backend;
let second: Backend;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  // Small batches and pages, so that a test crosses their bounds often.
  const open = () =>
    openBackend({
      storage: testDatabase.storage,
      logger: silentLogger,
      writer: { maxBatchMessages: 7 },
      reader: { pageEvents: 5, pageBytes: 2_000 },
    });
  [first, second] = await Promise.all([open(), open()]);
});

afterAll(async () => {
  await Promise.all([first?.close(), second?.close()]);
  await testDatabase?.drop();
});

const later = () => BigInt(Date.now() + 60_000) * 1000n;

async function newMembers(count: number): Promise<{ names: string[]; ids: number[] }> {
  const names = Array.from({ length: count }, (_, index) => `PAR::m${index}::${randomUUID()}`);
  const ids = await first.members.register(names);
  return { names, ids: names.map((name) => ids.get(name) as number) };
}

function message(
  names: readonly string[],
  ids: readonly number[],
  sender: number,
  recipients: readonly number[],
  text = "x",
): SequencingRequest {
  const envelopes = recipients.map((recipient) => ({
    content: Buffer.from(`${text} for ${recipient}`),
    recipients: [names[recipient] as string],
  }));
  return {
    sender: ids[sender] as number,
    messageId: randomUUID(),
    maxSequencingTime: later(),
    recipients: recipients.map((recipient) => ids[recipient] as number),
    payload: compressBatch(envelopes).compressedBatch,
  };
}

/** Reads a member's stream from a counter until it has `count` events. */
async function read(backend: Backend, member: number, from: bigint, count: number): Promise<MemberEvent[]> {
  const events: MemberEvent[] = [];
  while (events.length < count) {
    events.push(...(await backend.reader.next(member, from + BigInt(events.length), AbortSignal.timeout(10_000))));
  }
  return events.slice(0, count);
}

test("any interleaving through both sequencers gives every member one order, all recipients or none, and nobody else", async () => {
  const size = 4;
  const plan = fc.array(
    fc.record({
      sender: fc.nat(size - 1),
      recipients: fc.uniqueArray(fc.nat(size - 1), { maxLength: size }),
      through: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(plan, fc.nat(), async (sends, seed) => {
      const { names, ids } = await newMembers(size);
      const requests = sends.map(({ sender, recipients }, index) =>
        message(names, ids, sender, recipients, `${index}`),
      );
      const outcomes = await Promise.all(
        requests.map((request, index) => (sends[index]?.through ? first : second).writer.write(request)),
      );
      const timestamps = outcomes.map(({ timestamp }) => timestamp);
      expect(new Set(timestamps).size).toBe(sends.length);

      for (const [position, member] of ids.entries()) {
        const expected = sends
          .map(({ sender, recipients }, index) => ({
            index,
            concerned: sender === position || recipients.includes(position),
          }))
          .filter(({ concerned }) => concerned)
          .map(({ index }) => index)
          .sort((a, b) => ((timestamps[a] as bigint) < (timestamps[b] as bigint) ? -1 : 1));
        const [one, other] = await Promise.all([
          read(first, member, 0n, expected.length),
          read(second, member, 0n, expected.length),
        ]);
        const owner = { domainId: "da::1220", member: names[position] as string, memberNumber: member };
        expect(one.map((event) => serializedFor(owner, event))).toEqual(
          other.map((event) => serializedFor(owner, event)),
        );
        expect(one.map(({ counter }) => counter)).toEqual(expected.map((_, counter) => BigInt(counter)));
        expect(one.map(({ event }) => event.messageId)).toEqual(expected.map((index) => requests[index]?.messageId));
        for (const [at, index] of expected.entries()) {
          const seen = (one[at] as MemberEvent).event.envelopes.filter(({ recipients }) =>
            recipients.includes(owner.member),
          );
          const wanted = sends[index]?.recipients.includes(position) ? [`${index} for ${position}`] : [];
          expect(seen.map(({ content }) => content.toString())).toEqual(wanted);
        }
        // Resuming anywhere gives the same.
        if (expected.length > 0) {
          const from = seed % expected.length;
          const resumed = await read(seed % 2 === 0 ? first : second, member, BigInt(from), expected.length - from);
          expect(resumed.map(({ counter, event }) => [counter, event.timestamp])).toEqual(
            one.slice(from).map(({ counter, event }) => [counter, event.timestamp]),
          );
        }
      }
    }),
    { numRuns: 25 },
  );
});

test("a message that is sent again, through either sequencer and in any batch, is sequenced once", async () => {
  const { names, ids } = await newMembers(2);
  const sent = message(names, ids, 0, [1]);
  const others = Array.from({ length: 10 }, () => message(names, ids, 0, [1]));
  const [a, b, c] = await Promise.all([
    first.writer.write(sent),
    second.writer.write(sent),
    first.writer.write(sent),
    ...others.map((other, index) => (index % 2 === 0 ? first : second).writer.write(other)),
  ]);
  const again = await second.writer.write(sent);
  expect([b, c, again]).toEqual([a, a, a]);
  const events = await read(first, ids[1] as number, 0n, 11);
  expect(events.filter(({ event }) => event.messageId === sent.messageId)).toHaveLength(1);
  // The same id of another sender is another message.
  const foreign = await first.writer.write({ ...sent, sender: ids[1] as number });
  expect(foreign.timestamp).not.toBe(a?.timestamp);
});

test("a message after its maximum sequencing time is an error for its sender and nothing for anybody else", async () => {
  const { names, ids } = await newMembers(2);
  const good = message(names, ids, 0, [1]);
  const late = { ...message(names, ids, 0, [1]), maxSequencingTime: 1n };
  const [first1, refused] = await Promise.all([first.writer.write(good), first.writer.write(late)]);
  expect(first1.error).toBeUndefined();
  expect(refused.error).toBe(maxSequencingTimeExceeded);
  expect(await first.writer.write(late)).toEqual(refused);
  const bySender = await read(first, ids[0] as number, 0n, 2);
  expect(bySender.map(({ event }) => event.error)).toEqual(
    first1.timestamp < refused.timestamp
      ? [undefined, maxSequencingTimeExceeded]
      : [maxSequencingTimeExceeded, undefined],
  );
  await first.writer.write(message(names, ids, 0, [1]));
  const byRecipient = await read(first, ids[1] as number, 0n, 2);
  expect(byRecipient.every(({ event }) => event.error === undefined)).toBe(true);
});

test("batches that have the same messages in another order do not wait for each other in a circle", async () => {
  const { names, ids } = await newMembers(1);
  for (let round = 0; round < 5; round++) {
    const sent = Array.from({ length: 28 }, () => message(names, ids, 0, []));
    const [forwards, backwards] = await Promise.all([
      Promise.all(sent.map((each) => first.writer.write(each))),
      Promise.all(sent.toReversed().map((each) => second.writer.write(each))),
    ]);
    expect(backwards.toReversed()).toEqual(forwards);
    expect(new Set(forwards.map(({ timestamp }) => timestamp)).size).toBe(sent.length);
  }
});

test("a message whose maximum sequencing time passes while its batch waits for its turn is refused, the others are not", async () => {
  const { names, ids } = await newMembers(1);
  const { pool } = second.database;
  const other = await pool.connect();
  try {
    await other.query("BEGIN");
    await other.query("SELECT FROM sequencer_clock FOR UPDATE");
    const good = message(names, ids, 0, []);
    const soon = { ...message(names, ids, 0, []), maxSequencingTime: BigInt(Date.now() + 300) * 1000n };
    const writing = Promise.all([first.writer.write(good), first.writer.write(soon)]);
    const waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while ((await pool.query(waiting)).rowCount === 0);
    await other.query("SELECT pg_sleep(greatest(0, $1::float8 / 1e6 - extract(epoch FROM clock_timestamp())) + 0.01)", [
      soon.maxSequencingTime,
    ]);
    await other.query("COMMIT");
    const [delivered, refused] = await writing;
    expect([delivered.error, refused.error]).toEqual([undefined, maxSequencingTimeExceeded]);
    expect((await read(first, ids[0] as number, 0n, 2)).map(({ event }) => event.error)).toEqual([
      undefined,
      maxSequencingTimeExceeded,
    ]);
  } finally {
    other.release();
  }
});

test("too much waiting is refused, and what was accepted is written", async () => {
  const { names, ids } = await newMembers(1);
  const small = await openBackend({
    storage: testDatabase.storage,
    logger: silentLogger,
    writer: { maxQueuedMessages: 3 },
  });
  const results = await Promise.allSettled(
    Array.from({ length: 5 }, () => small.writer.write(message(names, ids, 0, []))),
  );
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled", "rejected", "rejected"]);
  expect((results[4] as PromiseRejectedResult).reason).toMatchObject({ reason: "SEQUENCER_OVERLOADED" });
  await small.close();
});

test("nothing is served before the sequencer's own stream of the same time was applied", async () => {
  const { names, ids } = await newMembers(2);
  const leader = await openBackend({ storage: testDatabase.storage, logger: silentLogger, reader: { pageEvents: 3 } });
  const applied: bigint[] = [];
  await leader.reader.lead({
    member: ids[0] as number,
    nextCounter: 0n,
    apply: async (events) => {
      if (Math.random() < 0.3) throw new Error("the database was away for a moment");
      applied.push(...events.map(({ event }) => event.timestamp));
    },
  });
  for (let index = 0; index < 30; index++) await first.writer.write(message(names, ids, index % 2, [0, 1]));
  let next = 0n;
  while (next < 30n) {
    for (const { counter, event } of await leader.reader.next(ids[1] as number, next, AbortSignal.timeout(20_000))) {
      expect(applied).toContain(event.timestamp);
      next = counter + 1n;
    }
  }
  expect(applied).toEqual([...new Set(applied)]);
  await leader.close();
});

test("readers and writers go on when the database's connections are cut", async () => {
  const { names, ids } = await newMembers(2);
  const reading = read(second, ids[1] as number, 0n, 60);
  const sending = (async () => {
    for (let index = 0; index < 60; index++) {
      const sent = message(names, ids, 0, [1]);
      if (index % 20 === 10) await testDatabase.terminateConnections();
      for (;;) {
        const outcome = await first.writer.write(sent).catch(() => undefined);
        if (outcome !== undefined) break;
      }
    }
  })();
  await sending;
  const events = await reading;
  expect(events.map(({ counter }) => counter)).toEqual(events.map((_, index) => BigInt(index)));
  expect(new Set(events.map(({ event }) => event.messageId)).size).toBe(60);
});

test("a member that is disabled is so at every sequencer", async () => {
  const { names } = await newMembers(1);
  const [name] = names as [string];
  const { promise, resolve } = Promise.withResolvers<void>();
  second.onMembersChanged = resolve;
  expect(await first.members.disable(name)).toBe(true);
  await promise;
  expect(second.members.isDisabled(name)).toBe(true);
  expect(await first.members.disable("PAR::nobody::1220")).toBe(false);
});

test("acknowledgements never go back", async () => {
  const { names } = await newMembers(1);
  const [name] = names as [string];
  await first.members.acknowledge(name, 20n);
  await second.members.acknowledge(name, 10n);
  expect((await first.members.list()).find(({ member }) => member === name)?.acknowledged).toBe(20n);
});

test("a sender among its own recipients gets one event", () => {
  const messages = [
    { request: { sender: 1, recipients: [1, 2] }, error: null },
    { request: { sender: 2, recipients: [1] }, error: "refused" },
    { request: { sender: 1, recipients: [] }, error: null },
  ];
  expect(deliveriesByMember(messages)).toEqual({ members: [1, 2], first: [1, 3], last: [2, 4], offsets: [0, 2, 0, 1] });
});
