import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import type {
  RegisterTopologyRequest,
  RegisterTopologyState,
} from "@pulumi-canton/protocol/envelope/register-topology.ts";
import { addition, encodeSignedTransaction, signTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { type Database, openDatabase } from "@pulumi-canton/runtime/database.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuthorizedEntry, AuthorizedLog } from "./authorized-log.ts";
import { DispatchStore } from "./dispatch-store.ts";
import { TopologyDispatcher } from "./topology-dispatcher.ts";

const pair = generateSigningKeyPair();
const member = `PAR::p::${pair.publicKey.id}`;
let nextDomain = 0;

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({
    storage: testDatabase.storage,
    migrations: new URL("../migrations/", import.meta.url),
    logger: silentLogger,
  });
});

afterAll(async () => {
  await database.close(0);
  await testDatabase.drop();
});

class MemoryLog implements AuthorizedLog {
  readonly entries: AuthorizedEntry[] = [];
  readonly #listeners = new Set<() => void>();

  authorize(name: string): AuthorizedEntry {
    const mapping = {
      kind: "PartyToParticipant" as const,
      side: "Both" as const,
      party: `${name}::${pair.publicKey.id}`,
      participant: member,
      permission: "Submission" as const,
    };
    return this.#append(signTransaction(addition(mapping), pair));
  }

  authorizeState(domain: string): AuthorizedEntry {
    const mapping = {
      kind: "ParticipantState" as const,
      side: "To" as const,
      domain,
      participant: member,
      permission: "Submission" as const,
      trustLevel: "Ordinary" as const,
    };
    return this.#append(signTransaction(addition(mapping), pair));
  }

  #append(signed: ReturnType<typeof signTransaction>): AuthorizedEntry {
    const position = BigInt(this.entries.length + 1);
    const entry = { position, signed, serialized: encodeSignedTransaction(signed), sequenced: position };
    this.entries.push(entry);
    for (const listener of this.#listeners) listener();
    return entry;
  }

  async after(position: bigint, limit: number) {
    return this.entries.filter((entry) => entry.position > position).slice(0, limit);
  }

  async at(positions: readonly bigint[]) {
    return this.entries.filter((entry) => positions.includes(entry.position));
  }

  onAppend(listener: () => void) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** A domain manager that knows what it has, and answers as it is told to. */
class ScriptedManager {
  readonly domainId: string;
  /** What was taken in, by unique path, in order. */
  readonly taken: string[] = [];
  readonly requests: RegisterTopologyRequest[] = [];
  /** What happens to the n-th request that arrives. */
  script: (n: number) => "answer" | "lose-request" | "lose-answer" = () => "answer";
  judge: (path: string) => RegisterTopologyState = () => "ACCEPTED";

  constructor(domainId: string) {
    this.domainId = domainId;
  }

  receive(request: RegisterTopologyRequest, answer: (results: RegisterTopologyState[]) => void): void {
    const fate = this.script(this.requests.length);
    this.requests.push(request);
    if (fate === "lose-request") throw new Error("the sequencer is away");
    const results = request.transactions.map(({ uniquePath }): RegisterTopologyState => {
      if (this.taken.includes(uniquePath)) return "DUPLICATE";
      const state = this.judge(uniquePath);
      if (state === "ACCEPTED") this.taken.push(uniquePath);
      return state;
    });
    if (fate === "answer") answer(results);
  }
}

function setUp() {
  const domainId = `d${nextDomain++}::${pair.publicKey.id}`;
  const log = new MemoryLog();
  const manager = new ScriptedManager(domainId);
  /** What the participant has read back from the domain. */
  const seen = new Set<string>();
  const start = () => {
    const stopping = new AbortController();
    let answered = Promise.resolve();
    const dispatcher: TopologyDispatcher = new TopologyDispatcher({
      domainId,
      member,
      log,
      store: new DispatchStore(database, domainId),
      isKnownToDomain: ({ signed }) => seen.has(signed.uniquePath),
      resendAfterMs: 20,
      logger: silentLogger,
      send: async (request) =>
        manager.receive(request, (results) => {
          // One after another, as the events of a stream are read.
          answered = answered.then(() =>
            dispatcher.answered({
              requestedBy: request.requestedBy,
              participant: request.participant,
              requestId: request.requestId,
              domainId,
              results: results.map((state) => ({ state, errorMessage: state === "REJECTED" ? "no" : "" })),
            }),
          );
        }),
    });
    const running = dispatcher.run(stopping.signal);
    return {
      dispatcher,
      stop: async () => {
        stopping.abort(new Error("stopped"));
        await running;
      },
    };
  };
  return { domainId, log, manager, seen, start };
}

describe("the topology dispatcher", () => {
  test("pushes what there is and what comes, in order, and is idle afterwards", async () => {
    const { log, manager, seen, start } = setUp();
    const before = ["a", "b", "c"].map((name) => log.authorize(name));
    const { dispatcher, stop } = start();
    await expect.poll(() => manager.taken.length).toBe(3);
    const after = ["d", "e"].map((name) => log.authorize(name));
    expect((await dispatcher.queues()).dispatcher + manager.taken.length).toBeGreaterThanOrEqual(5);
    await expect.poll(() => manager.taken.length).toBe(5);
    expect(manager.taken).toEqual([...before, ...after].map(({ signed }) => signed.uniquePath));
    await expect.poll(async () => (await dispatcher.queues()).dispatcher).toBe(0);
    // Accepted, but not yet read back: the clients' queue, until the domain's topology has them.
    expect(await dispatcher.queues()).toEqual({ dispatcher: 0, clients: 5 });
    for (const path of manager.taken) seen.add(path);
    dispatcher.domainChanged();
    expect(await dispatcher.queues()).toEqual({ dispatcher: 0, clients: 0 });
    await stop();
  });

  test("leaves out what is about another domain", async () => {
    const { domainId, log, manager, start } = setUp();
    log.authorizeState("other::1220");
    const mine = log.authorizeState(domainId);
    const { dispatcher, stop } = start();
    await expect.poll(() => manager.taken.length).toBe(1);
    expect(manager.taken).toEqual([mine.signed.uniquePath]);
    log.authorizeState("other::1220");
    await expect.poll(async () => (await dispatcher.queues()).dispatcher).toBe(0);
    await stop();
  });

  test("remembers what was rejected with its reason, goes on, and offers it again at the next connection", async () => {
    const { log, manager, start } = setUp();
    const bad = log.authorize("bad");
    const good = log.authorize("good");
    manager.judge = (path) => (path === bad.signed.uniquePath ? "REJECTED" : "ACCEPTED");
    const first = start();
    await expect.poll(() => first.dispatcher.rejections()).toEqual([{ position: bad.position, reason: "no" }]);
    expect(manager.taken).toEqual([good.signed.uniquePath]);
    expect((await first.dispatcher.queues()).dispatcher).toBe(0);
    await first.stop();
    manager.judge = () => "ACCEPTED";
    const second = start();
    await expect.poll(() => second.dispatcher.rejections()).toEqual([]);
    expect(manager.taken).toEqual([good.signed.uniquePath, bad.signed.uniquePath]);
    await second.stop();
  });

  test("tells of what was rejected, and offers it again when asked to", async () => {
    const { log, manager, start } = setUp();
    manager.judge = () => "REJECTED";
    const { dispatcher, stop } = start();
    const told: string[] = [];
    const stopListening = dispatcher.onRejected(({ signed }, reason) => told.push(`${signed.uniquePath}: ${reason}`));
    const path = log.authorize("bad").signed.uniquePath;
    await expect.poll(() => told).toEqual([`${path}: no`]);
    dispatcher.offerAgain();
    await expect.poll(() => told).toEqual([`${path}: no`, `${path}: no`]);
    manager.judge = () => "ACCEPTED";
    dispatcher.offerAgain();
    await expect.poll(() => dispatcher.rejections()).toEqual([]);
    expect(manager.taken).toEqual([path]);
    stopListening();
    await stop();
  });

  test("an answer that was read before, or is for nobody, changes nothing", async () => {
    const { log, manager, domainId, start } = setUp();
    log.authorize("a");
    const { dispatcher, stop } = start();
    await expect.poll(async () => (await dispatcher.queues()).dispatcher).toBe(0);
    const [request] = manager.requests;
    if (request === undefined) throw new Error("nothing was sent");
    const { requestedBy, participant, requestId } = request;
    const results = [{ state: "REJECTED" as const, errorMessage: "late" }];
    await dispatcher.answered({ requestedBy, participant, requestId, domainId, results });
    expect(await dispatcher.rejections()).toEqual([]);
    await stop();
  });

  test("takes everything to the domain exactly once and in order, whatever is lost and however often it is killed", async () => {
    const fates = fc.array(fc.constantFrom("answer" as const, "lose-request" as const, "lose-answer" as const), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 8 }),
        fates,
        fc.integer({ min: 0, max: 3 }),
        async (count, script, kills) => {
          const { log, manager, start } = setUp();
          manager.script = (n) => script[n] ?? "answer";
          let running = start();
          for (let n = 0; n < count; n++) {
            log.authorize(`party${n}`);
            if (n < kills) {
              await running.stop();
              running = start();
            }
          }
          const { dispatcher } = running;
          await expect
            .poll(async () => (await dispatcher.queues()).dispatcher, { timeout: 10_000, interval: 5 })
            .toBe(0);
          expect(manager.taken).toEqual(log.entries.map(({ signed }) => signed.uniquePath));
          // A repetition has the id and the content of the request that it repeats.
          const contents = new Map<string, string[]>();
          for (const { requestId, transactions } of manager.requests) {
            const paths = transactions.map(({ uniquePath }) => uniquePath);
            expect(contents.get(requestId) ?? paths).toEqual(paths);
            contents.set(requestId, paths);
          }
          await running.stop();
        },
      ),
      { numRuns: 25 },
    );
  });
});
