import { decodeKeyPair, type SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { namespaceOf } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import {
  type AttackedDomain,
  allAttacks,
  attackedDomain,
  RULES_OF_MANAGERS,
} from "@pulumi-canton/protocol/testing/attacks.ts";
import { messageAttacks } from "@pulumi-canton/protocol/testing/message-attacks.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import {
  addition,
  encodeSignedTransaction,
  type SignedTopologyTransaction,
  signTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importSnapshot } from "./import-snapshot.ts";
import { eventOf, openTestProcessor, startOfTime, startTestDomain, type TestDomain } from "./testing/test-domain.ts";
import { startTestNode, type TestNode } from "./testing/test-node.ts";
import type { TopologyProcessor } from "./topology-processor.ts";

// What a store takes in, whichever way: a manager's own, what is sequenced, and what a member starts from. That the nodes
// use nothing else is shown with the nodes themselves, by participant/lying-domain-manager.test.ts.

let domain: TestDomain;
let node: TestNode;
let attacked: AttackedDomain;
/** Key of the namespace, and of the domain manager. */
let domainKey: SigningKeyPair;
let managerKey: SigningKeyPair;
let history: SignedTopologyTransaction[];

async function keyPair(fingerprint: string): Promise<SigningKeyPair> {
  const pair = decodeKeyPair((await domain.node.keys.exportKeyPair(fingerprint)) ?? Buffer.alloc(0));
  if (pair.purpose !== "signing") throw new Error("not a signing key");
  return pair;
}

beforeAll(async () => {
  domain = await startTestDomain("mydomain");
  node = await startTestNode("member");
  domainKey = await keyPair(namespaceOf(domain.domainId));
  managerKey = await keyPair(domain.node.manager.state.keysOf(`DOM::${domain.domainId}`).signing[0]?.id ?? "");
  attacked = attackedDomain(domain.domainId, domainKey);
  for (const tx of attacked.history) await domain.node.manager.add(tx, { force: true });
  history = await domain.authorized();
});
afterAll(async () => {
  await domain?.[Symbol.asyncDispose]();
  await node?.[Symbol.asyncDispose]();
});

test("a topology manager refuses every attack, by its rule, and keeps nothing of it", async () => {
  const { manager } = domain.node;
  const before = manager.state.fingerprint();
  for (const { rule, what, tx } of allAttacks(attacked)) {
    // Of other domains it may know as much as it likes: the domain's store is another one.
    if (rule === "WRONG_DOMAIN") continue;
    await expect(manager.add(tx), what).rejects.toMatchObject({ reason: rule });
    expect((await manager.addAll([tx]))[0], what).toMatchObject({ accepted: false, reason: rule });
  }
  expect(manager.state.fingerprint()).toBe(before);
  expect(await domain.authorized()).toEqual(history);
});

describe("a member that follows the stream", () => {
  let processor: TopologyProcessor;
  let next = 1;

  beforeAll(async () => {
    processor = await openTestProcessor(node, domain.domainId);
    await processor.process(eventOf(0, await domain.message(history)));
    expect(processor.state.fingerprint()).toBe(domain.node.manager.state.fingerprint());
  });

  test("refuses every attack that the domain manager distributes, alone or between what is in order", async () => {
    const before = processor.state.fingerprint();
    const attacks = allAttacks(attacked).filter(({ rule }) => !RULES_OF_MANAGERS.includes(rule));
    for (const { rule, what, tx } of attacks) {
      const { stored } = await processor.process(eventOf(next++, await domain.message([tx])));
      expect(stored, what).toMatchObject([{ rejection: expect.stringContaining(`${rule}: `) }]);
    }
    const { stored } = await processor.process(eventOf(next++, await domain.message(attacks.map(({ tx }) => tx))));
    expect(stored.filter(({ rejection }) => rejection === undefined)).toEqual([]);
    expect(processor.state.fingerprint()).toBe(before);
  });

  test("refuses every message that is not the domain manager's, or not for it, or not in time", async () => {
    const before = processor.state.fingerprint();
    const sequencedAt = eventOf(next).timestamp;
    const attacks = await messageAttacks(attacked, { domainId: domain.domainId, managerKey, sequencedAt });
    for (const { what, message } of Object.values(attacks).flat()) {
      const { stored, refused } = await processor.process(eventOf(next++, message));
      expect(refused, what).toHaveLength(1);
      expect(stored, what).toEqual([]);
    }
    expect(processor.state.fingerprint()).toBe(before);
  });

  test("gives a message that is delivered twice no second effect", async () => {
    const before = processor.state.fingerprint();
    const { stored } = await processor.process(eventOf(next++, await domain.message(history)));
    const accepted = stored.filter(({ rejection }) => rejection === undefined);
    // Parameters have no element id: setting them to what they were is nothing that the owner could not want.
    expect(accepted.map(({ signed }) => signed.transaction.mapping.kind)).toEqual([
      "DomainParametersChange",
      "DomainParametersChange",
    ]);
    expect(processor.state.fingerprint()).toBe(before);
  });
});

test("nobody starts from a snapshot in which anything is not in order, or that is another than it was", async () => {
  const item = (tx: SignedTopologyTransaction) => ({
    sequenced: timestampToProto(startOfTime),
    validFrom: undefined,
    validUntil: undefined,
    transaction: encodeSignedTransaction(tx),
  });
  await using fresh = await startTestNode("fresh");
  const empty = await fresh.stores.open(domain.domainId);
  for (const { rule, what, tx } of allAttacks(attacked)) {
    if (RULES_OF_MANAGERS.includes(rule)) continue;
    await expect(importSnapshot(empty, { items: [...history, tx].map(item) }), what).rejects.toMatchObject({
      reason: "INVALID_TOPOLOGY_SNAPSHOT",
      message: expect.stringContaining(rule),
    });
    expect(empty.position).toBe(0n);
    expect(empty.state.size).toBe(0);
  }
  // Left out, or in another order: what builds on it is not authorised.
  for (const items of [history.slice(1), history.toReversed()]) {
    await expect(importSnapshot(empty, { items: items.map(item) })).rejects.toMatchObject({
      message: expect.stringContaining("UNAUTHORIZED_TOPOLOGY_TRANSACTION"),
    });
  }
  const cut = Buffer.from(encodeSignedTransaction(history[0] as SignedTopologyTransaction)).subarray(1);
  await expect(
    importSnapshot(empty, { items: [{ ...item(history[0] as SignedTopologyTransaction), transaction: cut }] }),
  ).rejects.toThrow();

  await importSnapshot(empty, { items: history.map(item) });
  await importSnapshot(empty, { items: history.map(item) });
  expect(empty.state.fingerprint()).toBe(domain.node.manager.state.fingerprint());
  expect(empty.position).toBe(BigInt(history.length));
  const party = {
    kind: "PartyToParticipant",
    side: "Both",
    party: attacked.participant.replace("PAR::", ""),
    participant: attacked.participant,
    permission: "Submission",
  } as const;
  const longer = [...history, signTransaction(addition(party), attacked.participantKey)];
  await expect(importSnapshot(empty, { items: longer.map(item) })).rejects.toMatchObject({
    reason: "TOPOLOGY_SNAPSHOT_DIFFERS",
  });
});
