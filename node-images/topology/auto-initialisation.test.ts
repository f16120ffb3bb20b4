import type { Database } from "@pulumi-canton/runtime/database.ts";
import { describe, expect, it } from "vitest";
import {
  autoInitialise,
  domainManagerInitialisation,
  type InitialisedMember,
  participantInitialisation,
} from "./auto-initialisation.ts";
import { KeyStore } from "./key-store.ts";
import { NodeIdentity } from "./node-identity.ts";
import { quiet, startTestNode, type TestNode } from "./testing/test-node.ts";
import { TopologyManager } from "./topology-manager.ts";
import { TopologyStores } from "./topology-stores.ts";

/** A database in which, after some writes, the process is dead: nothing that follows happens. */
function dyingAfter(database: Database, writes: number): Database {
  let left = writes;
  const live = <T>(run: () => Promise<T>): Promise<T> => {
    if (left <= 0) return Promise.reject(new Error("killed"));
    left -= 1;
    return run();
  };
  return {
    ...database,
    query: (sql, values) =>
      /^\s*SELECT/i.test(sql) ? database.query(sql, values) : live(() => database.query(sql, values)),
    transaction: (fn, options) => live(() => database.transaction(fn, options)),
  };
}

async function initialise(node: TestNode, member: InitialisedMember, database: Database, name = node.name) {
  const keys = new KeyStore(database);
  const store = await new TopologyStores(database).authorized();
  const manager = new TopologyManager({ store, keys, node: {} });
  const nodeIdentifier = { type: "config" } as const;
  const identity = new NodeIdentity(database);
  return autoInitialise({ name, nodeIdentifier, member, identity, keys, manager, logger: quiet });
}

async function authorized(node: TestNode) {
  const store = await new TopologyStores(node.database).authorized();
  return (await store.log(0n)).map(({ signed }) => signed.transaction.mapping);
}

describe("autoInitialise", () => {
  it("gives a participant a namespace, a signing and an encryption key, its identity and the transactions", async () => {
    await using node = await startTestNode("alice");
    const uid = await node.initialise(participantInitialisation);
    const names = ["alice-namespace", "alice-signing", "alice-encryption"];
    const keys = await node.keys.list();
    expect(keys.map(({ name }) => name)).toEqual(names);
    expect(uid).toBe(`alice::${keys[0]?.fingerprint}`);
    expect(await node.identity.get()).toBe(uid);
    expect(await authorized(node)).toMatchObject([
      { kind: "NamespaceDelegation", namespace: keys[0]?.fingerprint, isRootDelegation: true },
      { kind: "OwnerToKeyMapping", owner: `PAR::${uid}`, key: { purpose: "signing" } },
      { kind: "OwnerToKeyMapping", owner: `PAR::${uid}`, key: { purpose: "encryption" } },
    ]);
  });

  it("gives a domain manager a namespace and a signing key", async () => {
    await using node = await startTestNode("bob", "domain");
    const uid = await node.initialise(domainManagerInitialisation);
    expect((await node.keys.list()).map(({ name }) => name)).toEqual(["bob-namespace", "bob-topology-manager-signing"]);
    expect(await authorized(node)).toMatchObject([
      { kind: "NamespaceDelegation" },
      { kind: "OwnerToKeyMapping", owner: `DOM::${uid}`, key: { purpose: "signing" } },
    ]);
  });

  it("takes the identifier from the name, the configuration, or chance", async () => {
    for (const [nodeIdentifier, expected] of [
      [{ type: "config" }, /^node1::1220[0-9a-f]{64}$/],
      [{ type: "explicit", name: "Some Name" }, /^Some Name::1220/],
      [{ type: "random" }, /^[0-9a-f]{32}::1220/],
    ] as const) {
      await using node = await startTestNode("node1");
      const { name, identity, keys, manager } = node;
      const member = participantInitialisation;
      const uid = await autoInitialise({ name, nodeIdentifier, member, identity, keys, manager, logger: quiet });
      expect(uid).toMatch(expected);
    }
  });

  it("goes on where it stopped, whichever write a process dies after, and ends with the same", async () => {
    let deaths = 0;
    for (let writes = 0; ; writes += 1) {
      await using node = await startTestNode("carol");
      const died = await initialise(node, participantInitialisation, dyingAfter(node.database, writes)).then(
        () => false,
        (error: Error) => error.message === "killed",
      );
      const before = await node.identity.get();
      // A process that dies again and again gets there too.
      for (let more = 1; more < 4; more += 1) {
        const killed = initialise(node, participantInitialisation, dyingAfter(node.database, more));
        await killed.catch(() => undefined);
      }
      const uid = await initialise(node, participantInitialisation, node.database);
      if (before !== undefined) expect(uid).toBe(before);
      expect((await node.keys.list()).map(({ name }) => name)).toEqual([
        "carol-namespace",
        "carol-signing",
        "carol-encryption",
      ]);
      expect((await authorized(node)).map(({ kind }) => kind)).toEqual([
        "NamespaceDelegation",
        "OwnerToKeyMapping",
        "OwnerToKeyMapping",
      ]);
      if (!died) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(6);
  });

  it("does nothing to a node that is initialised, even under another name", async () => {
    await using node = await startTestNode("dave");
    const uid = await node.initialise(participantInitialisation);
    expect(await initialise(node, participantInitialisation, node.database)).toBe(uid);
    expect(await initialise(node, participantInitialisation, node.database, "renamed")).toBe(uid);
    expect(await node.keys.list()).toHaveLength(3);
    expect(await authorized(node)).toHaveLength(3);
  });

  it("leaves a node alone that was given an identity whose namespace key it does not hold", async () => {
    await using node = await startTestNode("erin");
    const uid = `byhand::1220${"ab".repeat(32)}`;
    await node.identity.set(uid);
    expect(await node.initialise(participantInitialisation)).toBe(uid);
    expect(await node.keys.list()).toEqual([]);
    expect(await authorized(node)).toEqual([]);
  });
});

describe("NodeIdentity", () => {
  it("is set once", async () => {
    await using node = await startTestNode("frank");
    expect(await node.identity.get()).toBeUndefined();
    await node.identity.set("frank::1220aa");
    await expect(node.identity.set("frank::1220bb")).rejects.toMatchObject({ uid: "frank::1220aa" });
    await expect(new NodeIdentity(node.database).set("frank::1220aa")).rejects.toMatchObject({ uid: "frank::1220aa" });
    await expect(node.identity.set("no identifier")).rejects.toThrow(/missing namespace/);
  });
});
