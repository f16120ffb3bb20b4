import { generateSigningKeyPair, type SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { newUnauthenticatedMember, participantMember } from "@pulumi-canton/protocol/identity/member.ts";
import { uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import {
  addition,
  encodeSignedTransaction,
  removal,
  type SignedTopologyTransaction,
  signTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { expect, test } from "vitest";
import { type DomainRules, decideRequest } from "./decide-request.ts";
import type { OnboardingPolicy } from "./judge.ts";

const domainKey = generateSigningKeyPair();
const domainId = uniqueIdentifier("mydomain", domainKey.publicKey.id);
const key = generateSigningKeyPair();
const uid = uniqueIdentifier("alice", key.publicKey.id);
const participant = participantMember(uid);

const signed = (mapping: TopologyMapping, by: SigningKeyPair = key) => signTransaction(addition(mapping), by);
const rootOf = (pair: SigningKeyPair) =>
  signed(
    { kind: "NamespaceDelegation", namespace: pair.publicKey.id, targetKey: pair.publicKey, isRootDelegation: true },
    pair,
  );
const stateOf = (side: "From" | "To") =>
  ({
    kind: "ParticipantState",
    side,
    domain: domainId,
    participant,
    permission: "Submission",
    trustLevel: "Ordinary",
  }) as const;
const root = rootOf(key);
const ownKey = signed({
  kind: "OwnerToKeyMapping",
  owner: participant,
  key: { purpose: "signing", key: key.publicKey },
});
const ownSide = signed(stateOf("To"));
const admission = signed(stateOf("From"), domainKey);

const domain = TopologyState.replay([rootOf(domainKey)]);
const admitting = domain.apply(admission);

const rules = (policy: OnboardingPolicy): DomainRules => ({
  domainId,
  policy,
  admit: async (mapping) => signed(mapping, domainKey),
});
const onboarding = (transactions: readonly SignedTopologyTransaction[]) => ({
  requestedBy: newUnauthenticatedMember(),
  participant,
  requestId: "1",
  domainId,
  transactions: transactions.map(encodeSignedTransaction),
});
const connected = (transactions: readonly SignedTopologyTransaction[]) => ({
  ...onboarding(transactions),
  requestedBy: participant,
});
const states = (decision: Awaited<ReturnType<typeof decideRequest>>) => decision.results.map(({ state }) => state);

test("an admitted participant is taken in as it asks, in order, and is active", async () => {
  const decision = await decideRequest(onboarding([root, ownKey, ownSide]), admitting, rules("permissioned"));
  expect(states(decision)).toEqual(["ACCEPTED", "ACCEPTED", "ACCEPTED"]);
  expect(decision.append.map((tx) => tx.uniquePath)).toEqual([root, ownKey, ownSide].map((tx) => tx.uniquePath));
  expect(decision.state.isActiveMember(domainId, participant)).toBe(true);
});

test("asking again changes nothing and says so", async () => {
  const request = onboarding([root, ownKey, ownSide]);
  const first = await decideRequest(request, admitting, rules("permissioned"));
  const again = await decideRequest(request, first.state, rules("permissioned"));
  expect(states(again)).toEqual(["DUPLICATE", "DUPLICATE", "DUPLICATE"]);
  expect(again.append).toEqual([]);
  expect(again.state.fingerprint()).toBe(first.state.fingerprint());
});

test("an open domain signs its own side, once", async () => {
  const first = await decideRequest(onboarding([root, ownKey, ownSide]), domain, rules("open"));
  expect(states(first)).toEqual(["ACCEPTED", "ACCEPTED", "ACCEPTED"]);
  expect(first.append[0]?.transaction.mapping).toMatchObject({ kind: "ParticipantState", side: "From" });
  expect(first.state.isActiveMember(domainId, participant)).toBe(true);
  const again = await decideRequest(onboarding([root, ownKey, ownSide]), first.state, rules("open"));
  expect(again.append).toEqual([]);
});

test("a participant that is not listed leaves nothing behind", async () => {
  const decision = await decideRequest(onboarding([root, ownKey, ownSide]), domain, rules("permissioned"));
  expect(states(decision)).toEqual(["REJECTED", "REJECTED", "REJECTED"]);
  for (const { errorMessage } of decision.results) expect(errorMessage).toContain(participant);
  expect(decision.append).toEqual([]);
  expect(decision.state).toBe(domain);
});

test("an onboarding with one bad transaction leaves nothing behind, at an open domain too", async () => {
  const stranger = generateSigningKeyPair();
  const forged = signed(
    { kind: "OwnerToKeyMapping", owner: participant, key: { purpose: "signing", key: stranger.publicKey } },
    stranger,
  );
  const broken = { ...ownKey, signature: { ...ownKey.signature, signature: Buffer.alloc(64) } };
  for (const bad of [forged, broken]) {
    for (const [policy, state] of [
      ["permissioned", admitting],
      ["open", domain],
    ] as const) {
      const decision = await decideRequest(onboarding([root, bad, ownKey, ownSide]), state, rules(policy));
      expect(states(decision)).toEqual(["REJECTED", "REJECTED", "REJECTED", "REJECTED"]);
      expect(decision.append).toEqual([]);
      expect(decision.state).toBe(state);
    }
  }
});

test("a participant on the domain: every transaction for itself", async () => {
  const { state } = await decideRequest(onboarding([root, ownKey, ownSide]), admitting, rules("permissioned"));
  const party = (name: string) =>
    signed({
      kind: "PartyToParticipant",
      side: "Both",
      party: uniqueIdentifier(name, key.publicKey.id),
      participant,
      permission: "Submission",
    });
  const alice = party("alice-party");
  const gone = signTransaction(removal(alice.transaction), key);
  const foreign = signed({
    kind: "PartyToParticipant",
    side: "Both",
    party: domainId,
    participant,
    permission: "Submission",
  });
  const decision = await decideRequest(
    connected([alice, foreign, alice, gone, alice, gone, party("bob")]),
    state,
    rules("permissioned"),
  );
  expect(states(decision)).toEqual([
    "ACCEPTED",
    "REJECTED",
    "DUPLICATE",
    "ACCEPTED",
    "OBSOLETE",
    "DUPLICATE",
    "ACCEPTED",
  ]);
  expect(decision.append).toHaveLength(3);
});

test("a request for another domain is refused", async () => {
  const decision = await decideRequest({ ...onboarding([root]), domainId: uid }, admitting, rules("permissioned"));
  expect(states(decision)).toEqual(["REJECTED"]);
  expect(decision.results[0]?.errorMessage).toContain(`this is ${domainId}`);
});
