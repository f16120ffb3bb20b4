import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { defaultDynamicDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { addition, signTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { unavailable } from "@pulumi-canton/runtime/errors.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StoredTransaction } from "./stored-transaction.ts";
import { startTestNode, startTestParticipant, type TestNode } from "./testing/test-node.ts";
import { TopologyManager } from "./topology-manager.ts";
import { TopologyStores } from "./topology-stores.ts";

describe("TopologyManager", () => {
  let node: TestNode & { uid: string };
  let manager: TopologyManager;
  let namespace: string;
  const hosting = (name: string, permission: "Submission" | "Observation" = "Submission"): TopologyMapping => ({
    kind: "PartyToParticipant",
    side: "Both",
    party: `${name}::${namespace}`,
    participant: `PAR::${node.uid}`,
    permission,
  });
  const inForce = async () =>
    (await manager.store.query({ time: { kind: "head" } })).map(({ signed }) => signed.transaction.mapping);
  beforeAll(async () => {
    node = await startTestParticipant("alice");
    manager = node.manager;
    namespace = node.uid.split("::")[1] ?? "";
  });
  afterAll(async () => node[Symbol.asyncDispose]());

  it("adds what it signs, and tells observers once it is committed", async () => {
    const seen: StoredTransaction[] = [];
    const stop = manager.onAdded((stored) => seen.push(...stored));
    const signed = await manager.authorize(hosting("observed"), "Add");
    stop();
    await manager.authorize(hosting("unobserved"), "Add");
    expect(seen.map((stored) => stored.signed)).toEqual([signed]);
    expect(seen[0]).toMatchObject({ store: "Authorized", validUntil: undefined, rejection: undefined });
    expect(manager.state.get(signed.uniquePath)).toBe(signed);
    expect((await inForce()).filter((mapping) => mapping.kind === "PartyToParticipant")).toHaveLength(2);
  });

  it("removes by mapping, under the element id of what it removes", async () => {
    const added = await manager.authorize(hosting("removed"), "Add");
    const removed = await manager.authorize(hosting("removed"), "Remove");
    expect(removed.transaction).toEqual({ ...added.transaction, operation: "Remove" });
    expect(manager.state.get(added.uniquePath)).toBeUndefined();
    await expect(manager.authorize(hosting("removed"), "Remove")).rejects.toMatchObject({
      reason: "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE",
    });
    // What was removed may be said anew.
    const again = await manager.authorize(hosting("removed"), "Add");
    expect(again.transaction.elementId).not.toBe(added.transaction.elementId);
  });

  it("replaces what says something else about the same thing, if asked to", async () => {
    await manager.authorize(hosting("replaced", "Submission"), "Add");
    await manager.authorize(hosting("replaced", "Observation"), "Add", { replaceExisting: true });
    expect(manager.state.inSlotOf(hosting("replaced")).map(({ transaction }) => transaction.mapping)).toEqual([
      hosting("replaced", "Observation"),
    ]);
    // Without being asked both stand, and the lesser permission counts.
    await manager.authorize(hosting("replaced", "Submission"), "Add");
    expect(manager.state.inSlotOf(hosting("replaced"))).toHaveLength(2);
    expect(manager.state.hostingParticipants(`replaced::${namespace}`).get(`PAR::${node.uid}`)).toBe("Observation");
  });

  it("signs with the key of least power that it holds, and with the one it is told to", async () => {
    const key = await node.keys.generateSigningKey({ name: "delegate" });
    const delegation: TopologyMapping = {
      kind: "NamespaceDelegation",
      namespace,
      targetKey: key,
      isRootDelegation: false,
    };
    const root = await manager.authorize(delegation, "Add");
    expect(root.key.id).toBe(namespace);
    expect((await manager.authorize(hosting("delegated"), "Add")).key.id).toBe(key.id);
    expect((await manager.authorize(hosting("rooted"), "Add", { signedBy: namespace })).key.id).toBe(namespace);
    const uid = `someone::${namespace}`;
    const identifier = await manager.authorize({ kind: "IdentifierDelegation", uid, targetKey: key }, "Add");
    expect(identifier.key.id).toBe(namespace);
    await expect(manager.authorize(delegation, "Remove")).rejects.toMatchObject({
      reason: "REMOVING_KEY_DANGLING_TRANSACTIONS_MUST_BE_FORCED",
    });
    await node.keys.deletePrivateKey(key.id);
    expect((await manager.authorize(hosting("after"), "Add")).key.id).toBe(namespace);
    await expect(manager.authorize(hosting("never"), "Add", { signedBy: key.id })).rejects.toMatchObject({
      reason: "SECRET_KEY_NOT_IN_STORE",
    });
    await manager.authorize(delegation, "Remove", { force: true });
  });

  it("keeps the node's last key for a namespace, and its root certificate, unless forced", async () => {
    await using detached = await startTestNode("detached");
    await using online = await startTestNode("online");
    const rootKey = await detached.keys.generateSigningKey({ name: "root" });
    const onlineKey = await online.keys.generateSigningKey({ name: "online" });
    await detached.keys.importPublicKey({ purpose: "signing", key: onlineKey }, "online");
    const delegation = (targetKey: typeof rootKey, isRootDelegation: boolean): TopologyMapping => ({
      kind: "NamespaceDelegation",
      namespace: rootKey.id,
      targetKey,
      isRootDelegation,
    });
    const root = await detached.manager.authorize(delegation(rootKey, true), "Add");
    const forced = { reason: "REMOVING_KEY_DANGLING_TRANSACTIONS_MUST_BE_FORCED" };
    await expect(detached.manager.authorize(delegation(rootKey, true), "Remove")).rejects.toMatchObject(forced);
    const delegated = await detached.manager.authorize(delegation(onlineKey, true), "Add");
    for (const tx of [root, delegated]) await online.manager.add(tx);
    await expect(online.manager.authorize(delegation(onlineKey, true), "Remove")).rejects.toMatchObject(forced);
    // With another key of the node it does not lock itself out.
    const next = await online.keys.generateSigningKey({ name: "next" });
    await online.manager.authorize(delegation(next, true), "Add", { signedBy: onlineKey.id });
    await online.manager.authorize(delegation(next, true), "Remove", { signedBy: onlineKey.id });
    await online.manager.authorize(delegation(onlineKey, true), "Remove", { force: true });
    expect(online.manager.state.effectiveNamespaceDelegations(rootKey.id)).toEqual([root]);
    await detached.manager.authorize(delegation(rootKey, true), "Remove", { force: true });
    expect(detached.manager.state.mayActForNamespace(rootKey.id, rootKey.id, false)).toBe(false);
  });

  it("keeps the last key of a member unless forced", async () => {
    const owner = `SEQ::${node.uid}`;
    const key = { purpose: "signing", key: await node.keys.generateSigningKey() } as const;
    await manager.authorize({ kind: "OwnerToKeyMapping", owner, key }, "Add");
    await expect(manager.authorize({ kind: "OwnerToKeyMapping", owner, key }, "Remove")).rejects.toMatchObject({
      reason: "REMOVING_LAST_KEY_MUST_BE_FORCED",
      metadata: { participant: "alice", purpose: "signing" },
    });
    await manager.authorize({ kind: "OwnerToKeyMapping", owner, key }, "Remove", { force: true });
    expect(manager.state.countKeys(owner, "signing")).toBe(0);
  });

  it("lets the ledger time tolerance of a domain rise only by force, and refuses operations that there are not", async () => {
    const parameters = defaultDynamicDomainParameters();
    const change = (seconds: bigint): TopologyMapping => ({
      kind: "DomainParametersChange",
      domain: node.uid,
      parameters: { ...parameters, ledgerTimeRecordTimeTolerance: seconds * 1_000_000n },
    });
    await manager.authorize(change(60n), "Replace");
    await manager.authorize(change(30n), "Replace");
    await expect(manager.authorize(change(31n), "Replace")).rejects.toMatchObject({
      reason: "INCREASE_OF_LEDGER_TIME_RECORD_TIME_TOLERANCE",
    });
    await manager.authorize(change(31n), "Replace", { force: true });
    expect(manager.state.domainParameters(node.uid)?.ledgerTimeRecordTimeTolerance).toBe(31_000_000n);
    expect((await inForce()).filter(({ kind }) => kind === "DomainParametersChange")).toHaveLength(1);
    await expect(manager.authorize(change(30n), "Add")).rejects.toMatchObject({ reason: "INCOMPATIBLE_OP_MAPPING" });
    await expect(manager.authorize(hosting("x"), "Replace")).rejects.toMatchObject({
      reason: "INCOMPATIBLE_OP_MAPPING",
    });
  });

  it("adds what others signed, each with its outcome, and refuses forgeries without saying why", async () => {
    const pair = generateSigningKeyPair();
    const root = signTransaction(
      addition({
        kind: "NamespaceDelegation",
        namespace: pair.publicKey.id,
        targetKey: pair.publicKey,
        isRootDelegation: true,
      }),
      pair,
    );
    const stranger = signTransaction(addition(hosting("stolen")), pair);
    const forged = { ...root, signature: { ...root.signature, signature: Buffer.alloc(64) } };
    expect(await manager.addAll([root, stranger, root, forged])).toMatchObject([
      { accepted: true },
      { accepted: false, reason: "UNAUTHORIZED_TOPOLOGY_TRANSACTION" },
      { accepted: false, reason: "DUPLICATE_TRANSACTION" },
      { accepted: false, reason: "INVALID_TOPOLOGY_TX_SIGNATURE_ERROR" },
    ]);
    await expect(manager.add(root)).rejects.toMatchObject({ reason: "DUPLICATE_TRANSACTION" });
    await expect(manager.add(stranger)).rejects.toMatchObject({ redacted: true });
  });

  it("refuses what is about another domain, when it is the manager of one", async () => {
    const domainId = `mydomain::${namespace}`;
    const restricted = new TopologyManager({ store: manager.store, keys: node.keys, node: {}, domainId });
    const state = (domain: string): TopologyMapping => ({
      kind: "ParticipantState",
      side: "From",
      domain,
      participant: "PAR::ghost::xyz",
      permission: "Submission",
      trustLevel: "Ordinary",
    });
    await expect(restricted.authorize(state(`other::${namespace}`), "Add")).rejects.toMatchObject({
      reason: "WRONG_DOMAIN",
    });
    await restricted.authorize(state(domainId), "Add");
    expect(manager.state.isAdmitted(domainId, "PAR::ghost::xyz")).toBe(true);
  });

  it("leaves nothing behind of what is refused, or of what cannot be committed", async () => {
    const { state } = manager;
    const head = await inForce();
    const failing = () => Promise.reject(unavailable("TEST", "no"));
    const refusing = new TopologyManager({ store: manager.store, keys: node.keys, node: {}, check: failing });
    await expect(refusing.authorize(hosting("unchecked"), "Add")).rejects.toMatchObject({ reason: "TEST" });
    await expect(manager.authorize(hosting("unwritten"), "Add", { alongside: failing })).rejects.toMatchObject({
      reason: "TEST",
    });
    expect(manager.state).toBe(state);
    expect(await inForce()).toEqual(head);
    await manager.authorize(hosting("written"), "Add");
  });

  it("commits with what is done alongside", async () => {
    const alongside = async (client: { query(sql: string): Promise<unknown> }) => {
      await client.query("INSERT INTO topology_watermarks VALUES ('Authorized', 'alongside', 7)");
    };
    await manager.authorize(hosting("alongside"), "Add", { alongside });
    expect(await manager.store.watermark("alongside")).toBe(7n);
  });

  it("gives every one of many concurrent transactions its own place and time", async () => {
    const names = Array.from({ length: 25 }, (_, i) => `many${i}`);
    await Promise.all(names.map((name) => manager.authorize(hosting(name), "Add")));
    const log = await manager.store.log(0n);
    const times = log.map(({ sequenced }) => sequenced);
    expect(times).toEqual([...new Set(times)].sort((a, b) => (a < b ? -1 : 1)));
    expect(log.map(({ position }) => position)).toEqual(log.map((_, i) => BigInt(i + 1)));
  });

  it("has the same state after a restart", async () => {
    const reopened = await new TopologyStores(node.database).authorized();
    expect(reopened.state.fingerprint()).toBe(manager.state.fingerprint());
    expect(reopened.position).toBe(manager.store.position);
  });
});
