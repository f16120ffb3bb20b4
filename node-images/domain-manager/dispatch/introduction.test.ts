import { generateSigningKeyPair, type SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import { signDomainTopologyMessage } from "@pulumi-canton/protocol/envelope/domain-topology-message.ts";
import { decide } from "@pulumi-canton/protocol/topology/decide.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import {
  addition,
  removal,
  type SignedTopologyTransaction,
  signTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { applyTopologyMessage } from "@pulumi-canton/topology/topology-message.ts";
import { expect, test } from "vitest";
import { introductionOf, keyTransactions } from "./introduction.ts";

const [rootKey, delegate, oldKey, newKey] = Array.from({ length: 4 }, () => generateSigningKeyPair()) as [
  SigningKeyPair,
  SigningKeyPair,
  SigningKeyPair,
  SigningKeyPair,
];
const namespace = rootKey.publicKey.id;
const domainId = `mydomain::${namespace}`;
const add = (mapping: TopologyMapping, by: SigningKeyPair) => signTransaction(addition(mapping), by);
const keyOf = (pair: SigningKeyPair, by: SigningKeyPair) =>
  add({ kind: "OwnerToKeyMapping", owner: `DOM::${domainId}`, key: { purpose: "signing", key: pair.publicKey } }, by);
const delegation = (to: SigningKeyPair) =>
  add({ kind: "NamespaceDelegation", namespace, targetKey: to.publicKey, isRootDelegation: to === rootKey }, rootKey);
const ofIdentifier = add({ kind: "IdentifierDelegation", uid: domainId, targetKey: delegate.publicKey }, rootKey);
const parties = Array.from({ length: 8 }, (_, n) =>
  add(
    {
      kind: "PartyToParticipant",
      side: "From",
      party: `p${n}::${namespace}`,
      participant: `PAR::${domainId}`,
      permission: "Submission",
    },
    rootKey,
  ),
);
const oldMapping = keyOf(oldKey, rootKey);
const withoutOld = signTransaction(removal(oldMapping.transaction), rootKey);

/** Histories in which the manager has another key today than it had at the beginning. */
const histories: [string, SignedTopologyTransaction[]][] = [
  ["by the namespace's key", [delegation(rootKey), oldMapping, ...parties, keyOf(newKey, rootKey), withoutOld]],
  [
    "by a delegate of the namespace",
    [delegation(rootKey), oldMapping, ...parties, delegation(delegate), keyOf(newKey, delegate), withoutOld],
  ],
  [
    "by a delegate of the domain's identifier",
    [delegation(rootKey), oldMapping, ...parties, ofIdentifier, keyOf(newKey, delegate), withoutOld],
  ],
];

/** What a participant that knows nothing makes of a history, sent today in messages of so many transactions. */
async function catchUp(history: readonly SignedTopologyTransaction[], size: number, introduce: boolean) {
  const published = TopologyState.replay(history);
  let state = TopologyState.empty;
  const refused: string[] = [];
  for (let next = 0; next < history.length; next += size) {
    const missed = history.slice(next, next + size);
    const received = history.slice(0, next + size);
    const later = keyTransactions(published, domainId).filter((tx) => !received.includes(tx));
    const transactions = [...(introduce ? introductionOf(later, published, domainId) : []), ...missed];
    const message = await signDomainTopologyMessage({ domainId, notSequencedAfter: 2n, transactions }, (content) =>
      sign(newKey, "domain-topology-message", content),
    );
    const applied = applyTopologyMessage(state, message, { domainId, sequencedAt: 1n });
    if (applied.accepted) state = applied.state;
    else refused.push(applied.problem);
  }
  return { state, published, refused };
}

test.each(histories)(
  "a participant that reads the past can verify it with the keys of today: %s",
  async (_by, history) => {
    for (const tx of history) {
      const at = TopologyState.replay(history.slice(0, history.indexOf(tx)));
      expect(decide(at, tx, { force: true }).accepted).toBe(true);
    }
    for (const size of [1, 2, 3, 5, 100]) {
      const { state, published, refused } = await catchUp(history, size, true);
      expect(refused).toEqual([]);
      expect(state.fingerprint()).toBe(published.fingerprint());
    }
    // Without it the first message is signed with a key that nobody has told it of.
    expect((await catchUp(history, 3, false)).refused).not.toEqual([]);
  },
);
