import { afterEach, beforeEach, expect, test } from "vitest";
import { type Database, openDatabase } from "./database.ts";
import { Health } from "./health.ts";
import { type ContendOptions, contend, type Term } from "./leadership.ts";
import { silentLogger } from "./logger.ts";
import { createTestDatabase, type TestDatabase } from "./testing/database.ts";

let testDatabase: TestDatabase;
let database: Database;
const stops: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({ storage: testDatabase.storage, migrations: [], logger: silentLogger });
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await database.close();
  await testDatabase.drop();
});

/** A contender that leads until its term ends, and tells of its terms in order. */
function contender(options: Partial<ContendOptions> = {}) {
  const controller = new AbortController();
  const terms: Term[] = [];
  const waiters: (() => void)[] = [];
  const running = contend({
    storage: testDatabase.storage,
    name: "participant",
    logger: silentLogger,
    signal: controller.signal,
    lead: async (term) => {
      terms.push(term);
      for (const wake of waiters.splice(0)) wake();
      await new Promise<void>((resolve) => term.signal.addEventListener("abort", () => resolve()));
    },
    ...options,
  });
  running.catch(() => undefined);
  const stop = () => {
    controller.abort(new Error("stopping"));
    return running.catch(() => undefined);
  };
  stops.push(stop);
  const term = async (number: number): Promise<Term> => {
    while (terms.length < number) await new Promise<void>((resolve) => waiters.push(resolve));
    return terms[number - 1] as Term;
  };
  return { terms, term, stop, running };
}

/** Those of this test's database: pg_locks shows the whole server, and other tests use it at the same time. */
const ownAdvisoryLocks =
  "locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

test("one leads at a time; when it stops the next takes over with a greater number", async () => {
  const contenders = [contender(), contender(), contender()];
  const leading = () => contenders.flatMap(({ terms }) => terms).filter(({ signal }) => !signal.aborted);
  const left = new Set(contenders);
  let before = 0n;
  while (left.size > 0) {
    const leader = await Promise.race([...left].map(async (each) => ({ each, term: await each.term(1) })));
    expect(leading()).toEqual([leader.term]);
    expect(leader.term.number).toBeGreaterThan(before);
    before = leader.term.number;
    left.delete(leader.each);
    await leader.each.stop();
    expect(leader.term.signal.aborted).toBe(true);
  }
});

test("contenders for different names do not wait for each other", async () => {
  const one = contender({ name: "one" });
  const two = contender({ name: "two" });
  await Promise.all([one.term(1), two.term(1)]);
});

test("a leader whose connection dies leads no more, and the standby takes over", async () => {
  const first = contender();
  const old = await first.term(1);
  const second = contender();
  await waitingForLock();
  // The leader's connection only: the standby waits in the same queue.
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE ${ownAdvisoryLocks} AND granted AND pid <> pg_backend_pid()`,
  );
  const next = await second.term(1);
  expect(next.number).toBe(old.number + 1n);
  await new Promise<void>((resolve) =>
    old.signal.aborted ? resolve() : old.signal.addEventListener("abort", () => resolve()),
  );
  expect(old.signal.reason).toMatchObject({ reason: "LEADERSHIP_LOST" });
  await second.stop();
  expect((await first.term(2)).number).toBe(old.number + 2n);
});

async function waitingForLock(): Promise<void> {
  const { rowCount } = await database.read(`SELECT 1 FROM pg_locks WHERE ${ownAdvisoryLocks} AND NOT granted`);
  if (rowCount === 0) await waitingForLock();
}

test("an old leader's transactions fail once another leads; the leader's do not", async () => {
  const first = contender();
  const old = await first.term(1);
  await database.transaction(async (client) => await old.fence(client));
  await first.stop();
  const next = await contender().term(1);
  await expect(database.transaction(async (client) => await old.fence(client))).rejects.toMatchObject({
    reason: "NOT_THE_LEADER",
  });
  await database.transaction(async (client) => await next.fence(client));
});

test("a new leader waits for the transactions that an old one has fenced", async () => {
  const first = contender();
  const old = await first.term(1);
  const events: string[] = [];
  const fenced = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const writing = database.transaction(async (client) => {
    await old.fence(client);
    fenced.resolve();
    await finish.promise;
    events.push("old transaction ends");
  });
  await fenced.promise;
  await first.stop();
  const next = contender()
    .term(1)
    .then(() => events.push("new term begins"));
  await waitingForRow();
  finish.resolve();
  await Promise.all([writing, next]);
  expect(events).toEqual(["old transaction ends", "new term begins"]);
});

async function waitingForRow(): Promise<void> {
  const { rowCount } = await database.read(
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO leadership%'",
  );
  if (rowCount === 0) await waitingForRow();
}

test("what the leader's work throws ends the contention", async () => {
  const failing = contender({
    lead: async () => {
      throw new Error("cannot lead");
    },
  });
  await expect(failing.running).rejects.toThrow("cannot lead");
  await contender().term(1);
});

test("only the leader is ready", async () => {
  const healthOf = () => {
    const health = new Health();
    health.markStarted();
    return health;
  };
  const [one, two] = [healthOf(), healthOf()];
  const first = contender({ health: one });
  await first.term(1);
  const second = contender({ health: two });
  await waitingForLock();
  expect([one.ready, two.ready]).toEqual([true, false]);
  expect(two.whyNotReady()).toMatch(/leadership: another process leads participant/);
  await first.stop();
  await second.term(1);
  expect(two.ready).toBe(true);
});
