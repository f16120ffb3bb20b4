import { decodeKeyPair, generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import {
  type DomainTopologyMessage,
  signDomainTopologyMessage,
} from "@pulumi-canton/protocol/envelope/domain-topology-message.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import {
  addition,
  removal,
  type SignedTopologyTransaction,
  signTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import fc from "fast-check";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { clear, dump, failingAt, forgettingOnce } from "./testing/failing-database.ts";
import { eventOf, openTestProcessor, startOfTime, startTestDomain, type TestDomain } from "./testing/test-domain.ts";
import { startTestNode, startTestParticipant, type TestNode } from "./testing/test-node.ts";
import type { SequencedTopologyEvent, TopologyProcessor } from "./topology-processor.ts";
import { TopologyStores } from "./topology-stores.ts";

const attacker = generateSigningKeyPair();

/** A processor on the same database, as after a restart of the process. */
function restart(node: TestNode, domainId: string, database: Database = node.database): Promise<TopologyProcessor> {
  return openTestProcessor({ database, stores: new TopologyStores(database) }, domainId);
}

describe("TopologyProcessor", () => {
  let domain: TestDomain;
  let participant: TestNode & { uid: string };
  let node: TestNode;
  let processor: TopologyProcessor;
  let bootstrap: DomainTopologyMessage;
  /** Transactions of the participant, which the domain has not seen. */
  let identity: SignedTopologyTransaction[];

  beforeAll(async () => {
    domain = await startTestDomain("mydomain");
    participant = await startTestParticipant("alice");
    bootstrap = await domain.message(await domain.authorized());
    identity = (await participant.manager.store.log(0n)).map(({ signed }) => signed);
  });
  afterAll(async () => {
    await domain[Symbol.asyncDispose]();
    await participant[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    node = await startTestNode("member");
    processor = await restart(node, domain.domainId);
  });
  afterEach(async () => node[Symbol.asyncDispose]());

  const rows = async () => {
    const store = await node.stores.open(domain.domainId);
    await store.refresh();
    return store.query({ time: { kind: "range" }, includeRejected: true });
  };

  it("trusts nothing but the domain id: the first message brings the manager's key", async () => {
    const { stored, refused, position } = await processor.process(eventOf(0, bootstrap));
    expect(refused).toEqual([]);
    expect(stored.filter(({ rejection }) => rejection !== undefined)).toEqual([]);
    expect(position).toEqual({ counter: 0n, timestamp: startOfTime });
    expect(processor.nextCounter).toBe(1n);
    expect(processor.state.fingerprint()).toBe(domain.node.manager.state.fingerprint());
    expect(stored.every(({ sequenced, validFrom }) => sequenced === startOfTime && validFrom === startOfTime)).toBe(
      true,
    );
  });

  it("refuses a first message that is not signed with a key that the domain's namespace gave its manager", async () => {
    const namespace = attacker.publicKey.id;
    const targetKey = attacker.publicKey;
    const root: TopologyMapping = { kind: "NamespaceDelegation", namespace, targetKey, isRootDelegation: true };
    const owner = `DOM::${domain.domainId}`;
    const key: TopologyMapping = {
      kind: "OwnerToKeyMapping",
      owner,
      key: { purpose: "signing", key: attacker.publicKey },
    };
    const transactions = [root, key].map((mapping) => signTransaction(addition(mapping), attacker));
    const forged = await signDomainTopologyMessage({ ...bootstrap, transactions }, (content) =>
      sign(attacker, "domain-topology-message", content),
    );
    const { refused, stored } = await processor.process(eventOf(0, forged));
    expect(refused).toMatchObject([{ counter: 0n, problem: expect.stringContaining("not a valid one") }]);
    expect(stored).toEqual([]);
    expect(processor.state.size).toBe(0);
    // The stream goes on.
    await processor.process(eventOf(1, bootstrap));
    expect(processor.state.fingerprint()).toBe(domain.node.manager.state.fingerprint());
  });

  it("refuses messages of another domain, that are late, changed, or unreadable, and passes over other envelopes", async () => {
    await processor.process(eventOf(0, bootstrap));
    const otherDomain = await domain.message(identity, { domainId: `other::${domain.domainId.split("::")[1]}` });
    const late = await domain.message(identity, { notSequencedAfter: startOfTime - 1n });
    const changed = { ...(await domain.message(identity)), transactions: identity.slice(1) };
    const before = await rows();
    const unreadable = Buffer.from("nonsense");
    const { refused } = await processor.process(eventOf(1, otherDomain, late, changed, unreadable));
    expect(refused.map(({ problem }) => problem)).toEqual([
      expect.stringContaining("is for the domain other::"),
      expect.stringContaining("valid until"),
      expect.stringContaining("not a valid one"),
      expect.stringContaining("envelope_content"),
    ]);
    expect(await rows()).toEqual(before);
    expect(processor.position?.counter).toBe(1n);
  });

  it("stores each transaction with what was decided of it", async () => {
    await processor.process(eventOf(0, bootstrap));
    const stolen = signTransaction(
      addition({
        kind: "OwnerToKeyMapping",
        owner: `PAR::${participant.uid}`,
        key: { purpose: "signing", key: attacker.publicKey },
      }),
      attacker,
    );
    const [root, ...rest] = identity as [SignedTopologyTransaction, ...SignedTopologyTransaction[]];
    const message = await domain.message([...rest, root, stolen, root, ...rest]);
    const { stored } = await processor.process(eventOf(1, message));
    expect(stored.map(({ rejection }) => rejection?.split(":")[0])).toEqual([
      "UNAUTHORIZED_TOPOLOGY_TRANSACTION",
      "UNAUTHORIZED_TOPOLOGY_TRANSACTION",
      undefined,
      "UNAUTHORIZED_TOPOLOGY_TRANSACTION",
      "DUPLICATE_TRANSACTION",
      undefined,
      undefined,
    ]);
    expect(processor.state.keysOf(`PAR::${participant.uid}`).signing).toHaveLength(1);
  });

  it("follows the manager to a new key that the message itself brings, and no longer trusts the old one", async () => {
    await processor.process(eventOf(0, bootstrap));
    await using other = await startTestDomain("rotating");
    const follower = await openTestProcessor(node, other.domainId);
    await follower.process(eventOf(0, await other.message(await other.authorized())));
    const { manager, keys } = other.node;
    const owner = `DOM::${other.domainId}`;
    const old = manager.state.keysOf(owner).signing[0];
    if (old === undefined) throw new Error("no key");
    const after = manager.store.position;
    const key = await keys.generateSigningKey({ name: "rotated" });
    await manager.authorize({ kind: "OwnerToKeyMapping", owner, key: { purpose: "signing", key } }, "Add");
    await manager.authorize({ kind: "OwnerToKeyMapping", owner, key: { purpose: "signing", key: old } }, "Remove");
    const rotation = await other.message(await other.authorized(after));
    expect(rotation.signature.signedBy).toBe(key.id);
    expect((await follower.process(eventOf(1, rotation))).refused).toEqual([]);
    const byOldKey = await signDomainTopologyMessage(
      { domainId: other.domainId, notSequencedAfter: startOfTime * 2n, transactions: identity },
      (content) => keys.sign(old.id, "domain-topology-message", content),
    );
    expect((await follower.process(eventOf(2, byOldKey))).refused).toHaveLength(1);
    expect(follower.state.fingerprint()).toBe(manager.state.fingerprint());
  });

  it("applies an event once, however often it is delivered, and notices a gap", async () => {
    await processor.process([eventOf(0, bootstrap), eventOf(1)]);
    const before = await dump(node.database);
    await processor.process([eventOf(0, bootstrap), eventOf(1)]);
    await (await restart(node, domain.domainId)).process(eventOf(0, bootstrap));
    expect(await dump(node.database)).toEqual(before);
    await expect(processor.process(eventOf(3))).rejects.toThrow(/expected event 2/);
    await expect(processor.process([eventOf(2), eventOf(4)])).rejects.toThrow(/expected event 3/);
    await expect(processor.process({ ...eventOf(2), timestamp: startOfTime })).rejects.toThrow(/does not follow/);
    expect(await dump(node.database)).toEqual(before);
    expect((await processor.process(eventOf(2))).position.counter).toBe(2n);
  });

  it("applies nothing of an event when any statement fails, and all of it when it is tried again", async () => {
    await processor.process(eventOf(0, bootstrap));
    const removals = [removal(identity.at(-1)?.transaction ?? raise())];
    const removed = await Promise.all(removals.map((transaction) => signedByParticipant(participant, transaction)));
    const event = eventOf(1, await domain.message(identity), await domain.message(removed));
    const before = await dump(node.database);
    let failures = 0;
    for (let at = 0; ; at += 1) {
      const failing = await restart(node, domain.domainId, failingAt(node.database, at));
      const alongside = async (client: pg.PoolClient) => {
        await client.query("INSERT INTO topology_watermarks VALUES ('alongside', 'event', 1)");
      };
      const failed = await failing.process(event, alongside).then(
        () => false,
        (error: Error) => error.message === "the statement failed",
      );
      if (!failed) break;
      failures += 1;
      expect(await dump(node.database)).toEqual(before);
      expect(failing.position?.counter).toBe(0n);
      expect(failing.state.fingerprint()).toBe(processor.state.fingerprint());
    }
    // lock, position, alongside, one insertion for all transactions, the end of one, the head of the store, position
    expect(failures).toBe(3 + 1 + 1 + 1 + 1 + 1);
    await using reference = await startTestNode("reference");
    const straight = await openTestProcessor(reference, domain.domainId);
    await straight.process(eventOf(0, bootstrap));
    await straight.process(event, async (client) => {
      await client.query("INSERT INTO topology_watermarks VALUES ('alongside', 'event', 1)");
    });
    expect(await dump(node.database)).toEqual(await dump(reference.database));
  });

  it("applies an event once when the database cuts the connection in the middle of it", async () => {
    let cut = false;
    await processor.process(eventOf(0, bootstrap), async () => {
      if (cut) return;
      cut = true;
      await node.testDatabase.terminateConnections();
    });
    expect(cut).toBe(true);
    expect(processor.state.fingerprint()).toBe(domain.node.manager.state.fingerprint());
    expect(await rows()).toHaveLength(bootstrap.transactions.length);
  });

  it("applies an event once when it never learns that its commit took effect", async () => {
    const forgetful = forgettingOnce(node.database);
    const unsure = await restart(node, domain.domainId, forgetful);
    await expect(unsure.process(eventOf(0, bootstrap))).rejects.toThrow("the connection was lost");
    await unsure.process(eventOf(0, bootstrap));
    expect(unsure.position?.counter).toBe(0n);
    expect(unsure.state.fingerprint()).toBe(domain.node.manager.state.fingerprint());
    expect(await rows()).toHaveLength(bootstrap.transactions.length);
  });

  it("comes to the same in chunks of any size, with restarts and repeats", async () => {
    const pool = await transactionPool(domain, participant, identity);
    await using straightNode = await startTestNode("straight");
    const chosen = fc.array(fc.nat({ max: pool.length - 1 }), { minLength: 1, maxLength: 6 });
    const plan = fc.record({
      events: fc.array(fc.array(chosen, { maxLength: 2 }), { minLength: 1, maxLength: 12 }),
      chunks: fc.array(
        fc.record({ size: fc.integer({ min: 1, max: 5 }), again: fc.nat({ max: 3 }), restart: fc.boolean() }),
        {
          minLength: 1,
        },
      ),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ events, chunks }) => {
        for (const { database } of [node, straightNode]) await clear(database);
        const stream: SequencedTopologyEvent[] = [eventOf(0, bootstrap)];
        for (const messages of events) {
          const sent = messages.map((indexes) =>
            domain.message(
              indexes.map((index) => pool[index] ?? raise()),
              { notSequencedAfter: startOfTime * 2n },
            ),
          );
          stream.push(eventOf(stream.length, ...(await Promise.all(sent))));
        }
        const straight = await restart(straightNode, domain.domainId);
        for (const event of stream) await straight.process(event);

        let chunked = await restart(node, domain.domainId);
        for (let next = 0, turn = 0; next < stream.length; turn += 1) {
          const chunk = chunks[turn % chunks.length] ?? raise();
          const from = Math.max(0, next - chunk.again);
          await chunked.process(stream.slice(from, next + chunk.size));
          next += chunk.size;
          if (chunk.restart) chunked = await restart(node, domain.domainId);
        }
        expect(await dump(node.database)).toEqual(await dump(straightNode.database));
        expect(chunked.state.fingerprint()).toBe(straight.state.fingerprint());
        expect((await restart(node, domain.domainId)).state.fingerprint()).toBe(straight.state.fingerprint());
      }),
      { numRuns: 25 },
    );
  });
});

function raise(): never {
  throw new Error("there is none");
}

async function signedByParticipant(node: TestNode, transaction: Parameters<typeof signTransaction>[0]) {
  const bytes = await node.keys.exportKeyPair(node.manager.state.authorizingKeys(transaction.mapping)[0] ?? "");
  const pair = decodeKeyPair(bytes ?? Buffer.alloc(0));
  if (pair.purpose !== "signing") throw new Error("not a signing key");
  return signTransaction(transaction, pair);
}

/** Transactions that depend on one another, repeat, contradict, and come from people who may not. */
async function transactionPool(
  domain: TestDomain,
  participant: TestNode & { uid: string },
  identity: readonly SignedTopologyTransaction[],
): Promise<SignedTopologyTransaction[]> {
  const member = `PAR::${participant.uid}`;
  const namespace = participant.uid.split("::")[1] ?? "";
  const state = (side: "From" | "To", permission: "Submission" | "Disabled"): TopologyMapping => ({
    kind: "ParticipantState",
    side,
    domain: domain.domainId,
    participant: member,
    permission,
    trustLevel: "Ordinary",
  });
  const party = (name: string): TopologyMapping => ({
    kind: "PartyToParticipant",
    side: "Both",
    party: `${name}::${namespace}`,
    participant: member,
    permission: "Submission",
  });
  const delegated = generateSigningKeyPair();
  const delegation: TopologyMapping = {
    kind: "NamespaceDelegation",
    namespace,
    targetKey: delegated.publicKey,
    isRootDelegation: false,
  };
  const own = await Promise.all(
    [state("To", "Submission"), state("To", "Disabled"), party("one"), party("two"), delegation].map((mapping) =>
      signedByParticipant(participant, addition(mapping)),
    ),
  );
  const byDelegate = [party("two"), party("three")].map((mapping) => signTransaction(addition(mapping), delegated));
  const byDomain = await Promise.all(
    [state("From", "Submission"), state("From", "Disabled")].map((mapping) =>
      signedByParticipant(domain.node, addition(mapping)),
    ),
  );
  const stolen = [party("one"), state("From", "Submission")].map((mapping) =>
    signTransaction(addition(mapping), attacker),
  );
  const removals = await Promise.all(
    [...own, ...identity].map(({ transaction }) => signedByParticipant(participant, removal(transaction))),
  );
  return [...identity, ...own, ...byDelegate, ...byDomain, ...stolen, ...removals];
}
