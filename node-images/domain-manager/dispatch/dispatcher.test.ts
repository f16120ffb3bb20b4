import { type Database, openDatabase } from "@pulumi-canton/runtime/database.ts";
import { failedPrecondition, unavailable } from "@pulumi-canton/runtime/errors.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DispatchStore } from "./dispatch-store.ts";
import { type DispatchLog, runDispatcher } from "./dispatcher.ts";
import { Wakeup } from "./wakeup.ts";

let owned: TestDatabase;
let database: Database;
beforeAll(async () => {
  owned = await createTestDatabase();
  const migrations = new URL("../migrations/", import.meta.url);
  database = await openDatabase({ storage: owned.storage, migrations, logger: silentLogger });
});
afterAll(async () => {
  await database.close();
  await owned.drop();
});
beforeEach(async () => {
  await database.query("DELETE FROM domain_manager_domain");
  await database.query("INSERT INTO domain_manager_domain (snapshot, dispatched) VALUES ('', 0)");
});

/** A log of entries 1 to `length` with which nobody becomes active. */
function logOf(length: number): DispatchLog {
  const positions = Array.from({ length }, (_, i) => BigInt(i + 1));
  const entries = (after: bigint) =>
    positions.filter((p) => p > after).map((position) => ({ position, size: 1, activeAfter: new Set<string>() }));
  return {
    activeAt: async () => new Set(),
    waiting: async (after) => entries(after),
    missed: async (after, upTo) => entries(after).filter(({ position }) => position <= upTo),
    transactions: async () => [],
  };
}

/** Runs the dispatcher until `length` entries are dispatched. */
async function dispatch(
  length: number,
  send: (messageId: string) => Promise<bigint>,
  ownStreamIsCurrent: () => Promise<void> = async () => undefined,
) {
  const store = new DispatchStore(database);
  const done = new AbortController();
  const running = runDispatcher(
    {
      store,
      log: logOf(length),
      domainMembers: ["SEQ::d", "MED::d", "DOM::d"],
      encode: async () => Buffer.from("content"),
      send: ({ messageId }) => send(messageId),
      ownStreamIsCurrent,
      wakeup: new Wakeup(),
      logger: silentLogger,
    },
    done.signal,
  );
  const loaded = () => store.load().catch(() => undefined);
  while ((await loaded())?.dispatched !== BigInt(length)) await new Promise((resolve) => setTimeout(resolve, 5));
  done.abort(new Error("done"));
  await expect(running).rejects.toThrow("done");
  return store.load();
}

test("a message that was sequenced as an error goes out again under another id", async () => {
  const ids: string[] = [];
  const after = await dispatch(3, async (messageId) => {
    ids.push(messageId);
    if (ids.length === 1) throw failedPrecondition("SEQUENCER_DELIVER_ERROR", "too late");
    return 77n;
  });
  expect(ids).toEqual(["topology-1-0", "topology-1-1"]);
  expect(after).toMatchObject({ dispatched: 3n, lastSent: 77n, pending: undefined });
});

test("a message whose outcome is not known goes out again under the same id", async () => {
  const ids: string[] = [];
  await dispatch(3, async (messageId) => {
    ids.push(messageId);
    if (ids.length < 3) throw unavailable("SEQUENCER_SEND_TIMEOUT", "no answer");
    return 1n;
  });
  expect(ids).toEqual(["topology-1-0", "topology-1-0", "topology-1-0"]);
});

test("a message that came back through the own stream is not sent again, however long ago that was", async () => {
  const ids: string[] = [];
  const after = await dispatch(
    3,
    async (messageId) => {
      ids.push(messageId);
      throw unavailable("SEQUENCER_SEND_TIMEOUT", "no answer");
    },
    async () => {
      const store = new DispatchStore(database);
      await database.transaction((client) => store.cameBack(client, "topology-1-0", 42n));
      // Of another message, or of another attempt: says nothing.
      await database.transaction((client) => store.cameBack(client, "topology-1-1", 43n));
      await database.transaction((client) => store.cameBack(client, "registration-1-0-0", 44n));
    },
  );
  expect(ids).toEqual(["topology-1-0"]);
  expect(after).toMatchObject({ dispatched: 3n, lastSent: 42n, pending: undefined });
});

test("the database goes away in between: nothing is skipped", async () => {
  const ids = new Set<string>();
  await dispatch(2, async (messageId) => {
    if (!ids.has(messageId)) await owned.terminateConnections();
    ids.add(messageId);
    return 5n;
  });
  expect([...ids]).toEqual(["topology-1-0"]);
});
