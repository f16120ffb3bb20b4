import { generateSigningKeyPair, type SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { defaultDynamicDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import {
  addition,
  removal,
  type SignedTopologyTransaction,
  signTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { CommitOutcomeUnknownError, type Database } from "@pulumi-canton/runtime/database.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TransactionQuery, TransactionToAppend } from "./stored-transaction.ts";
import { startTestNode, type TestNode } from "./testing/test-node.ts";
import { TopologyStore } from "./topology-store.ts";
import { TopologyStores } from "./topology-stores.ts";

const pair: SigningKeyPair = generateSigningKeyPair();
const namespace = pair.publicKey.id;
const domainId = `domain::${namespace}`;

function party(name: string): SignedTopologyTransaction {
  const mapping: TopologyMapping = {
    kind: "PartyToParticipant",
    side: "Both",
    party: `${name}::${namespace}`,
    participant: `PAR::p::${namespace}`,
    permission: "Submission",
  };
  return signTransaction(addition(mapping), pair);
}

function parameters(maxRatePerParticipant: number): SignedTopologyTransaction {
  const all = { ...defaultDynamicDomainParameters(), maxRatePerParticipant };
  return signTransaction(addition({ kind: "DomainParametersChange", domain: domainId, parameters: all }), pair);
}

const remove = (added: SignedTopologyTransaction) => signTransaction(removal(added.transaction), pair);

/** Appends without asking whether it is right: that is the business of the manager and the processor. */
async function append(store: TopologyStore, ...transactions: TransactionToAppend[]) {
  const { stored } = await store.update((before) => ({
    append: transactions,
    state: transactions.reduce(
      (state, { signed, rejection }) => (rejection === undefined ? state.apply(signed) : state),
      before,
    ),
    result: undefined,
  }));
  return stored;
}

describe("TopologyStore", () => {
  let node: TestNode;
  let store: TopologyStore;
  let count = 0;
  beforeAll(async () => {
    node = await startTestNode("store");
  });
  afterAll(async () => node[Symbol.asyncDispose]());
  beforeEach(async () => {
    count += 1;
    store = await TopologyStore.open(node.database, `store${count}::${namespace}`);
  });

  const reopen = () => TopologyStore.open(node.database, store.id);
  const names = async (query: Partial<TransactionQuery>) =>
    (await store.query({ time: { kind: "range" }, ...query })).map(({ signed: { transaction }, rejection }) => {
      const { mapping } = transaction;
      const about = mapping.kind === "PartyToParticipant" ? mapping.party.split("::")[0] : mapping.kind;
      return `${rejection === undefined ? "" : "rejected "}${transaction.operation} ${about}`;
    });

  it("finds what is about somebody by the beginning of a name, whatever its characters, also in rows of before", async () => {
    const signed = ["a", "ab", "a_b", "a-b", "a b", "aXb", "b"].map(party);
    await append(store, ...signed.map((each) => ({ signed: each })));
    const find = async () => {
      const kinds = ["PartyToParticipant"] as const;
      expect(await names({ kinds, subject: "a_" })).toEqual(["Add a_b"]);
      expect(await names({ kinds, subject: "a" })).toHaveLength(6);
      expect(await names({ kinds, subject: "a::" })).toEqual(["Add a"]);
      expect(await names({ kinds, subject: "", counterpart: "p::" })).toHaveLength(7);
      expect(await names({ kinds, subject: "b", counterpart: "p" })).toEqual(["Add b"]);
      expect(await names({ kinds, counterpart: "q" })).toEqual([]);
      expect(await names({ time: { kind: "head" }, subject: "ab" })).toEqual(["Add ab"]);
    };
    await find();
    await node.database.query("UPDATE topology_transactions SET subject = NULL, counterpart = NULL");
    await reopen();
    await find();
  });

  it("knows what was in force when", async () => {
    const [one, two] = [party("one"), party("two")];
    await append(store, { signed: one, sequenced: 10n }, { signed: two, sequenced: 20n });
    await append(store, { signed: remove(one), sequenced: 30n });
    expect(await names({ time: { kind: "head" } })).toEqual(["Add two"]);
    expect(await names({ time: { kind: "snapshot", at: 9n } })).toEqual([]);
    expect(await names({ time: { kind: "snapshot", at: 10n } })).toEqual(["Add one"]);
    expect(await names({ time: { kind: "snapshot", at: 29n } })).toEqual(["Add one", "Add two"]);
    expect(await names({ time: { kind: "snapshot", at: 30n } })).toEqual(["Add two"]);
    expect(await names({ time: { kind: "range" } })).toEqual(["Add one", "Add two", "Remove one"]);
    expect(await names({ time: { kind: "range", from: 20n } })).toEqual(["Add two", "Remove one"]);
    expect(await names({ time: { kind: "range", until: 20n } })).toEqual(["Add one", "Add two"]);
    expect(await names({ time: { kind: "range", from: 11n, until: 29n } })).toEqual(["Add two"]);
    expect([...(await store.stateAt(29n)).transactions()]).toHaveLength(2);
    expect((await store.stateAt(29n)).get(one.uniquePath)?.transactionBytes).toEqual(one.transactionBytes);
    const [first] = await store.query({ time: { kind: "range" } });
    expect(first).toMatchObject({ sequenced: 10n, validFrom: 10n, validUntil: 30n, position: 1n });
  });

  it("filters by kind, operation, signer, and what makes up a state", async () => {
    const one = party("one");
    await append(store, { signed: one }, { signed: parameters(1) }, { signed: remove(one) });
    expect(await names({ kinds: ["DomainParametersChange"] })).toEqual(["Replace DomainParametersChange"]);
    expect(await names({ kinds: [] })).toEqual([]);
    expect(await names({ operation: "Remove" })).toEqual(["Remove one"]);
    expect(await names({ stateOnly: true })).toEqual(["Add one", "Replace DomainParametersChange"]);
    expect(await names({ signedBy: namespace.slice(0, 10) })).toHaveLength(3);
    expect(await names({ signedBy: "1220zz" })).toEqual([]);
  });

  it("replaces domain parameters", async () => {
    await append(store, { signed: parameters(1), sequenced: 10n });
    await append(store, { signed: parameters(2), sequenced: 20n });
    const head = await store.query({ time: { kind: "head" } });
    expect(head.map(({ sequenced }) => sequenced)).toEqual([20n]);
    expect((await reopen()).state.domainParameters(domainId)?.maxRatePerParticipant).toBe(2);
    expect((await store.stateAt(15n)).domainParameters(domainId)?.maxRatePerParticipant).toBe(1);
  });

  it("keeps what was rejected, in force at no time", async () => {
    await append(
      store,
      { signed: party("one"), sequenced: 10n },
      { signed: party("two"), sequenced: 10n, rejection: "no" },
    );
    expect(await names({})).toEqual(["Add one"]);
    expect(await names({ includeRejected: true })).toEqual(["Add one", "rejected Add two"]);
    expect(await names({ time: { kind: "snapshot", at: 10n }, includeRejected: true })).toEqual(["Add one"]);
    expect((await store.log(0n)).map(({ position }) => position)).toEqual([1n]);
    expect((await reopen()).state.size).toBe(1);
  });

  it("is read in order by several readers, each with a watermark that never goes back", async () => {
    await append(store, ...["a", "b", "c", "d"].map((name) => ({ signed: party(name) })));
    expect((await store.log(1n, { upTo: 3n })).map(({ position }) => position)).toEqual([2n, 3n]);
    expect((await store.log(0n, { limit: 2 })).map(({ position }) => position)).toEqual([1n, 2n]);
    expect(await store.watermark("one")).toBe(0n);
    await store.advanceWatermark("one", 3n);
    await store.advanceWatermark("one", 2n);
    await store.advanceWatermark("two", 4n);
    expect([await store.watermark("one"), await store.watermark("two")]).toEqual([3n, 4n]);
    expect(await store.countAfter(await store.watermark("one"))).toBe(1);
  });

  it("remembers after a restart which element ids are used up", async () => {
    const one = party("one");
    await append(store, { signed: one }, { signed: remove(one) });
    const { state, position } = await reopen();
    expect(position).toBe(2n);
    expect(state.size).toBe(0);
    expect(state.getRemoval(one.uniquePath)).toBeDefined();
  });

  it("changes nothing when the decision throws", async () => {
    await append(store, { signed: party("one") });
    const { state } = store;
    const failing = store.update(async () => {
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(store.state).toBe(state);
    await append(store, { signed: party("two") });
    expect(await names({})).toEqual(["Add one", "Add two"]);
  });

  it("takes in what another process wrote before it decides", async () => {
    const other = await reopen();
    const one = party("one");
    await append(other, { signed: one });
    expect(store.position).toBe(0n);
    await store.update((state) => {
      expect(state.get(one.uniquePath)).toBeDefined();
      return { append: [], state, result: undefined };
    });
    await append(other, { signed: party("two") });
    await store.refresh();
    expect(store.state.fingerprint()).toBe(other.state.fingerprint());
  });

  it("takes in its own commit whose outcome it never learned", async () => {
    let forget = false;
    const forgetful: Database = {
      ...node.database,
      transaction: async (fn, options) => {
        const result = await node.database.transaction(fn, options);
        if (forget) throw new CommitOutcomeUnknownError("the connection was lost");
        return result;
      },
    };
    store = await TopologyStore.open(forgetful, store.id);
    forget = true;
    const one = party("one");
    await expect(append(store, { signed: one })).rejects.toThrow("the connection was lost");
    expect(store.state.get(one.uniquePath)).toBeDefined();
    forget = false;
    await append(store, { signed: party("two") });
    expect(await names({})).toEqual(["Add one", "Add two"]);
    expect((await reopen()).state.fingerprint()).toBe(store.state.fingerprint());
  });

  it("decides one update after the other, among all processes", async () => {
    const stores = [store, await reopen(), await reopen()];
    const adding = Array.from({ length: 30 }, (_, i) =>
      append(stores[i % 3] as TopologyStore, { signed: party(`p${i}`) }),
    );
    await Promise.all(adding);
    const positions = (await store.log(0n)).map(({ position }) => position);
    expect(positions).toEqual(Array.from({ length: 30 }, (_, i) => BigInt(i + 1)));
    await store.refresh();
    expect(store.state.size).toBe(30);
  });
});

describe("TopologyStores", () => {
  it("opens a store once, and lists domains before Authorized", async () => {
    await using node = await startTestNode("stores");
    const stores = new TopologyStores(node.database);
    const [first, again] = await Promise.all([stores.open(domainId), stores.open(domainId)]);
    expect(first).toBe(again);
    expect(await stores.ids()).toEqual([domainId, "Authorized"]);
  });
});
