import { describe, expect, it } from "vitest";
import { generateSigningKeyPair, type SigningKeyPair } from "../crypto/key-pair.ts";
import { defaultDynamicDomainParameters } from "../domain-parameters.ts";
import { encryptionKeys } from "../testing/arbitrary.ts";
import type { ParticipantPermission, RequestSide } from "./change.ts";
import { type DecideOptions, decide } from "./decide.ts";
import type { TopologyMapping } from "./mapping.ts";
import { TopologyState } from "./topology-state.ts";
import { addition, removal, type SignedTopologyTransaction, signTransaction } from "./transaction.ts";

// Owners and keys: the domain's, two participants', and keys that something is delegated to.
const [domainKey, aliceKey, bobKey, delegate, second, stranger] = Array.from({ length: 6 }, () =>
  generateSigningKeyPair(),
) as [SigningKeyPair, SigningKeyPair, SigningKeyPair, SigningKeyPair, SigningKeyPair, SigningKeyPair];
const [encryptionKey] = encryptionKeys as [(typeof encryptionKeys)[0]];
const idOf = (pair: SigningKeyPair) => pair.publicKey.id;
const domain = `mydomain::${idOf(domainKey)}`;
const alice = `alice::${idOf(aliceKey)}`;
const bob = `bob::${idOf(bobKey)}`;
const participantOf = (uid: string) => `PAR::${uid}`;

const delegation = (from: SigningKeyPair, to: SigningKeyPair, isRootDelegation = false): TopologyMapping => ({
  kind: "NamespaceDelegation",
  namespace: idOf(from),
  targetKey: to.publicKey,
  isRootDelegation,
});
const root = (pair: SigningKeyPair): TopologyMapping => delegation(pair, pair, true);
const identifierDelegation = (uid: string, to: SigningKeyPair): TopologyMapping => ({
  kind: "IdentifierDelegation",
  uid,
  targetKey: to.publicKey,
});
const signingKeyOf = (owner: string, pair: SigningKeyPair): TopologyMapping => ({
  kind: "OwnerToKeyMapping",
  owner,
  key: { purpose: "signing", key: pair.publicKey },
});
const encryptionKeyOf = (owner: string): TopologyMapping => ({
  kind: "OwnerToKeyMapping",
  owner,
  key: { purpose: "encryption", key: encryptionKey.publicKey },
});
const participantState = (
  side: RequestSide,
  uid: string,
  permission: ParticipantPermission = "Submission",
  trustLevel: "Ordinary" | "Vip" = "Ordinary",
): TopologyMapping => ({
  kind: "ParticipantState",
  side,
  domain,
  participant: participantOf(uid),
  permission,
  trustLevel,
});
const hosting = (
  side: RequestSide,
  party: string,
  uid: string,
  permission: ParticipantPermission = "Submission",
): TopologyMapping => ({ kind: "PartyToParticipant", side, party, participant: participantOf(uid), permission });

const add = (mapping: TopologyMapping, pair: SigningKeyPair) => signTransaction(addition(mapping), pair);
const remove = (tx: SignedTopologyTransaction, pair: SigningKeyPair) => signTransaction(removal(tx.transaction), pair);

/** The state after transactions that are all expected to be accepted. */
function after(...transactions: SignedTopologyTransaction[]): TopologyState {
  return further(TopologyState.empty, transactions);
}

function further(
  state: TopologyState,
  transactions: SignedTopologyTransaction[],
  options?: DecideOptions,
): TopologyState {
  for (const tx of transactions) {
    const decision = decide(state, tx, options);
    if (!decision.accepted)
      throw new Error(`${decision.reason}: ${decision.message} ${JSON.stringify(decision.metadata)}`);
    state = decision.state;
  }
  return state;
}

/** The reason for which a transaction is refused, or "accepted". */
function outcome(state: TopologyState, tx: SignedTopologyTransaction, options?: DecideOptions): string {
  const decision = decide(state, tx, options);
  return decision.accepted ? "accepted" : decision.reason;
}

const rootOfDomain = add(root(domainKey), domainKey);
const rootOfAlice = add(root(aliceKey), aliceKey);
const rootOfBob = add(root(bobKey), bobKey);

describe("authorisation", () => {
  const party = hosting("Both", `party::${idOf(aliceKey)}`, alice);

  it("begins with the root certificate, which only the namespace's own key can sign", () => {
    expect(outcome(TopologyState.empty, add(party, aliceKey))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    expect(outcome(TopologyState.empty, add(root(aliceKey), bobKey))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    expect(outcome(after(rootOfAlice), add(party, aliceKey))).toBe("accepted");
    expect(outcome(after(rootOfAlice, rootOfBob), add(party, bobKey))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
  });

  it("may be delegated for the whole namespace", () => {
    const state = after(rootOfAlice, add(delegation(aliceKey, delegate), aliceKey));
    expect(outcome(state, add(party, delegate))).toBe("accepted");
    expect(outcome(state, add(identifierDelegation(alice, second), delegate))).toBe("accepted");
    expect(outcome(state, add(hosting("Both", `p::${idOf(bobKey)}`, bob), delegate))).toBe(
      "UNAUTHORIZED_TOPOLOGY_TRANSACTION",
    );
  });

  it("may be delegated further with a root delegation only", () => {
    const intermediate = after(rootOfAlice, add(delegation(aliceKey, delegate), aliceKey));
    expect(outcome(intermediate, add(delegation(aliceKey, second), delegate))).toBe(
      "UNAUTHORIZED_TOPOLOGY_TRANSACTION",
    );
    const rooted = after(rootOfAlice, add(delegation(aliceKey, delegate, true), aliceKey));
    const chained = further(rooted, [add(delegation(aliceKey, second), delegate)]);
    expect(outcome(chained, add(party, second))).toBe("accepted");
    expect(outcome(chained, add(delegation(aliceKey, stranger), second))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
  });

  it("may be delegated for one identifier, which then can be used but not handed on", () => {
    const state = after(rootOfAlice, add(identifierDelegation(alice, delegate), aliceKey));
    expect(outcome(state, add(signingKeyOf(participantOf(alice), second), delegate))).toBe("accepted");
    expect(outcome(state, add(hosting("From", `p::${idOf(aliceKey)}`, alice), delegate))).toBe(
      "UNAUTHORIZED_TOPOLOGY_TRANSACTION",
    );
    expect(outcome(state, add(identifierDelegation(alice, second), delegate))).toBe(
      "UNAUTHORIZED_TOPOLOGY_TRANSACTION",
    );
    expect(outcome(state, add(delegation(aliceKey, second), delegate))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
  });

  it("of a relation is that of each side; one key has both only if both namespaces say so", () => {
    const both = after(rootOfDomain, rootOfAlice);
    expect(outcome(both, add(participantState("From", alice), domainKey))).toBe("accepted");
    expect(outcome(both, add(participantState("From", alice), aliceKey))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    expect(outcome(both, add(participantState("To", alice), aliceKey))).toBe("accepted");
    expect(outcome(both, add(participantState("To", alice), domainKey))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    const shared = [add(delegation(domainKey, delegate), domainKey), add(delegation(aliceKey, delegate), aliceKey)];
    expect(outcome(both, add(participantState("Both", alice), delegate))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    expect(outcome(further(both, shared), add(participantState("Both", alice), delegate))).toBe("accepted");
  });

  it("ends for everyone behind a delegation that is removed in the middle of a chain", () => {
    const middle = add(delegation(aliceKey, delegate, true), aliceKey);
    const last = add(delegation(aliceKey, second, true), delegate);
    const ofIdentifier = add(identifierDelegation(alice, stranger), second);
    const said = add(party, second);
    const state = after(rootOfAlice, middle, last, ofIdentifier, said);
    expect(state.effectiveNamespaceDelegations(idOf(aliceKey))).toHaveLength(3);
    expect(state.effectiveIdentifierDelegations(alice)).toHaveLength(1);

    expect(outcome(state, remove(middle, aliceKey))).toBe("REMOVING_KEY_DANGLING_TRANSACTIONS_MUST_BE_FORCED");
    const cut = further(state, [remove(middle, aliceKey)], { force: true });
    expect(cut.effectiveNamespaceDelegations(idOf(aliceKey))).toEqual([rootOfAlice]);
    expect(cut.effectiveIdentifierDelegations(alice)).toEqual([]);
    for (const [key, mapping] of [
      [second, hosting("Both", `q::${idOf(aliceKey)}`, alice)],
      [delegate, hosting("Both", `q::${idOf(aliceKey)}`, alice)],
      [stranger, signingKeyOf(participantOf(alice), stranger)],
      [second, delegation(aliceKey, stranger)],
    ] as const) {
      expect(outcome(cut, add(mapping, key))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
      expect(outcome(cut, remove(said, key))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    }
    // What was said before stays said, and the chain works again when the middle is back.
    expect(cut.hostedParties(participantOf(alice)).size).toBe(1);
    const mended = further(cut, [add(delegation(aliceKey, delegate, true), aliceKey)]);
    expect(outcome(mended, remove(said, second))).toBe("accepted");
    expect(mended.effectiveIdentifierDelegations(alice)).toHaveLength(1);
  });

  it("ends altogether with the root certificate", () => {
    const state = after(rootOfAlice, add(delegation(aliceKey, delegate, true), aliceKey));
    expect(outcome(state, remove(rootOfAlice, delegate))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    const without = further(state, [remove(rootOfAlice, aliceKey)], { force: true });
    expect(outcome(without, add(party, aliceKey))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    expect(outcome(without, add(party, delegate))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    expect(without.effectiveNamespaceDelegations(idOf(aliceKey))).toEqual([]);
    expect(outcome(without, add(root(aliceKey), aliceKey))).toBe("accepted");
  });

  it("does not come from delegations that chain only to one another", () => {
    const there = add(delegation(aliceKey, delegate, true), aliceKey);
    const forth = add(delegation(aliceKey, second, true), delegate);
    const back = add(delegation(aliceKey, delegate, true), second);
    const state = further(after(rootOfAlice, there, forth, back), [remove(there, aliceKey)], { force: true });
    expect(outcome(state, add(party, delegate))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    expect(outcome(state, add(party, second))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    expect(state.effectiveNamespaceDelegations(idOf(aliceKey))).toEqual([rootOfAlice]);
  });

  it("ends behind a delegation that is no longer a root delegation", () => {
    const asRoot = add(delegation(aliceKey, delegate, true), aliceKey);
    const asIntermediate = add(delegation(aliceKey, delegate, false), aliceKey);
    const behind = add(delegation(aliceKey, second), delegate);
    const state = further(after(rootOfAlice, asRoot, asIntermediate, behind), [remove(asRoot, aliceKey)], {
      force: true,
    });
    expect(outcome(state, add(party, delegate))).toBe("accepted");
    expect(outcome(state, add(party, second))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
    expect(outcome(state, add(delegation(aliceKey, stranger), delegate))).toBe("UNAUTHORIZED_TOPOLOGY_TRANSACTION");
  });

  it("is found beside delegations that lead in circles", () => {
    // The circle comes first in the order of the element ids, whichever way it is walked.
    const named = (letter: string, mapping: TopologyMapping, pair: SigningKeyPair) =>
      signTransaction({ operation: "Add", elementId: letter.repeat(32), mapping }, pair);
    for (const [first, last] of ["AZ", "ZA"]) {
      const direct = named(last as string, delegation(aliceKey, delegate, true), aliceKey);
      const forth = add(delegation(aliceKey, second, true), delegate);
      const back = named(first as string, delegation(aliceKey, delegate, true), second);
      const state = after(rootOfAlice, direct, forth, back);
      expect(outcome(state, add(party, second))).toBe("accepted");
      expect(outcome(state, add(delegation(aliceKey, stranger), delegate))).toBe("accepted");
    }
  });

  it("walks chains of any length", () => {
    const pairs = [aliceKey, ...Array.from({ length: 300 }, () => generateSigningKeyPair())];
    const chain = pairs.slice(1).map((pair, i) => add(delegation(aliceKey, pair, true), pairs[i] as SigningKeyPair));
    const state = TopologyState.replay([rootOfAlice, ...chain]);
    expect(outcome(state, add(party, pairs.at(-1) as SigningKeyPair))).toBe("accepted");
  });

  it("names the keys that have it", () => {
    const state = after(
      rootOfAlice,
      add(delegation(aliceKey, delegate), aliceKey),
      add(identifierDelegation(alice, second), aliceKey),
    );
    const keys = (mapping: TopologyMapping) => new Set(state.authorizingKeys(mapping));
    expect(keys(signingKeyOf(participantOf(alice), second))).toEqual(new Set([aliceKey, delegate, second].map(idOf)));
    expect(keys(delegation(aliceKey, stranger))).toEqual(new Set([idOf(aliceKey)]));
    expect(keys(identifierDelegation(alice, stranger))).toEqual(new Set([aliceKey, delegate].map(idOf)));
    expect(keys(participantState("Both", alice))).toEqual(new Set());
    expect(TopologyState.empty.authorizingKeys(root(bobKey))).toEqual([idOf(bobKey)]);
  });
});

describe("signatures", () => {
  it("that are forged are refused", () => {
    const state = after(rootOfAlice);
    const good = add(hosting("Both", alice, alice), aliceKey);
    const other = add(hosting("Both", `x::${idOf(aliceKey)}`, alice), aliceKey);
    expect(outcome(state, { ...good, signature: other.signature })).toBe("INVALID_TOPOLOGY_TX_SIGNATURE_ERROR");
    expect(outcome(state, { ...good, key: bobKey.publicKey })).toBe("INVALID_TOPOLOGY_TX_SIGNATURE_ERROR");
    const claimed = add(hosting("Both", alice, alice), bobKey);
    const signature = { ...claimed.signature, signedBy: idOf(aliceKey) };
    expect(outcome(state, { ...claimed, key: aliceKey.publicKey, signature })).toBe(
      "INVALID_TOPOLOGY_TX_SIGNATURE_ERROR",
    );
  });
});

describe("what does not fit is refused", () => {
  const state = after(rootOfDomain, rootOfAlice);
  const admitted = add(participantState("From", alice), domainKey);

  it("the same transaction, and the same mapping by the same key", () => {
    const next = further(state, [admitted]);
    expect(outcome(next, admitted)).toBe("DUPLICATE_TRANSACTION");
    const decision = decide(next, add(participantState("From", alice), domainKey));
    expect(decision).toMatchObject({
      accepted: false,
      reason: "TOPOLOGY_MAPPING_ALREADY_EXISTS",
      message: "A matching topology mapping authorized with the same key already exists in this state",
      metadata: {
        authKey: `${idOf(domainKey).slice(0, 12)}...`,
        existing: expect.stringMatching(
          /^TopologyStateUpdateElement\(id = \w{32}, mapping = ParticipantState\(From, mydomain::1220/,
        ),
      },
    });
  });

  it("but not the same mapping with another key, or with another permission", () => {
    const delegated = further(state, [admitted, add(delegation(domainKey, delegate), domainKey)]);
    expect(outcome(delegated, add(participantState("From", alice), delegate))).toBe("accepted");
    const other = add(participantState("From", alice, "Observation"), domainKey);
    expect(outcome(delegated, other)).toBe("accepted");
    expect(further(delegated, [other]).inSlotOf(admitted.transaction.mapping)).toHaveLength(2);
    expect(delegated.withMapping(other.transaction.mapping)).toEqual([]);
  });

  it("another transaction under an element id in use", () => {
    const { transaction } = admitted;
    const clash = signTransaction({ ...transaction, mapping: participantState("From", bob) }, domainKey);
    expect(outcome(further(state, [admitted]), clash)).toBe("ELEMENT_ID_IN_USE");
  });

  it("a removal of what is not there, or says something else", () => {
    expect(outcome(state, remove(admitted, domainKey))).toBe("NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE");
    const next = further(state, [admitted]);
    const { transaction } = admitted;
    const wrong = { ...transaction, mapping: participantState("From", alice, "Observation") };
    expect(outcome(next, signTransaction(removal(wrong), domainKey))).toBe("NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE");
  });

  it("an addition that was removed before, for ever", () => {
    const gone = further(state, [admitted, remove(admitted, domainKey)]);
    expect(outcome(gone, admitted)).toBe("OBSOLETE_TRANSACTION");
    expect(outcome(gone, remove(admitted, domainKey))).toBe("DUPLICATE_TRANSACTION");
    expect(outcome(gone, add(participantState("From", alice), domainKey))).toBe("accepted");
    const rebuilt = TopologyState.replay([rootOfDomain, rootOfAlice, remove(admitted, domainKey)]);
    expect(outcome(rebuilt, admitted)).toBe("OBSOLETE_TRANSACTION");
  });

  it("a mapping of another domain, where the store is one domain's", () => {
    const options = { domainId: `other::${idOf(domainKey)}` };
    expect(outcome(state, admitted, options)).toBe("WRONG_DOMAIN");
    expect(outcome(state, admitted, { domainId: domain })).toBe("accepted");
    expect(outcome(state, add(hosting("Both", alice, alice), aliceKey), options)).toBe("accepted");
  });
});

describe("keys", () => {
  const member = participantOf(alice);
  const signing = add(signingKeyOf(member, second), aliceKey);
  const encryption = add(encryptionKeyOf(member), aliceKey);
  const state = after(rootOfAlice, signing, encryption);

  it("are known by owner and purpose", () => {
    expect(state.keysOf(member)).toEqual({ signing: [second.publicKey], encryption: [encryptionKey.publicKey] });
    expect(state.keysOf(participantOf(bob))).toEqual({ signing: [], encryption: [] });
  });

  it("are not removed when they are the last of their purpose, unless forced", () => {
    const decision = decide(state, remove(encryption, aliceKey));
    expect(decision).toMatchObject({
      reason: "REMOVING_LAST_KEY_MUST_BE_FORCED",
      message: "Topology transaction would remove the last key of the given entity",
      metadata: { key: `${encryptionKey.publicKey.id.slice(0, 12)}...`, purpose: "encryption" },
    });
    expect(outcome(state, remove(encryption, aliceKey), { force: true })).toBe("accepted");
    const rotated = further(state, [add(signingKeyOf(member, stranger), aliceKey), remove(signing, aliceKey)]);
    expect(rotated.keysOf(member).signing).toEqual([stranger.publicKey]);
  });

  it("that are said twice are one key", () => {
    const twice = further(state, [
      add(delegation(aliceKey, delegate), aliceKey),
      add(signingKeyOf(member, second), delegate),
    ]);
    expect(twice.keysOf(member).signing).toEqual([second.publicKey]);
    expect(twice.countKeys(member, "signing")).toBe(1);
    expect(outcome(twice, remove(signing, aliceKey))).toBe("accepted");
  });
});

describe("participants of a domain", () => {
  const base = [rootOfDomain, rootOfAlice, rootOfBob];
  const from = (permission?: ParticipantPermission, trust?: "Ordinary" | "Vip") =>
    add(participantState("From", alice, permission, trust), domainKey);
  const to = (permission?: ParticipantPermission, trust?: "Ordinary" | "Vip") =>
    add(participantState("To", alice, permission, trust), aliceKey);
  const attributes = (...more: SignedTopologyTransaction[]) =>
    after(...base, ...more).participantAttributes(domain, participantOf(alice));

  it("are those that both sides want, with the lesser of what they say", () => {
    expect(attributes()).toBeUndefined();
    expect(attributes(from())).toBeUndefined();
    expect(attributes(to())).toBeUndefined();
    expect(attributes(from(), to())).toEqual({ permission: "Submission", trustLevel: "Ordinary" });
    expect(attributes(from("Submission", "Vip"), to("Confirmation", "Vip"))).toEqual({
      permission: "Confirmation",
      trustLevel: "Vip",
    });
    expect(attributes(from("Observation", "Vip"), to("Confirmation"))).toEqual({
      permission: "Observation",
      trustLevel: "Ordinary",
    });
  });

  it("are active unless disabled", () => {
    const disabled = after(...base, from("Disabled"), to());
    expect(disabled.participantAttributes(domain, participantOf(alice))?.permission).toBe("Disabled");
    expect([...disabled.activeParticipants(domain).keys()]).toEqual([]);
    expect(disabled.isAdmitted(domain, participantOf(alice))).toBe(false);
    const admitted = after(...base, from());
    expect(admitted.isAdmitted(domain, participantOf(alice))).toBe(true);
    expect(admitted.isActiveMember(domain, participantOf(alice))).toBe(false);
    const active = further(admitted, [to()]);
    expect([...active.activeParticipants(domain).keys()]).toEqual([participantOf(alice)]);
    expect(active.isActiveMember(domain, participantOf(alice))).toBe(true);
    expect(active.isActiveMember(`x::${idOf(domainKey)}`, participantOf(alice))).toBe(false);
  });

  it("are told of the topology together with the domain's own members", () => {
    const mediator: TopologyMapping = { kind: "MediatorDomainState", side: "Both", domain, mediator: `MED::${domain}` };
    const state = after(...base, from(), to(), add(mediator, domainKey));
    expect(state.mediators(domain)).toEqual([`MED::${domain}`]);
    expect(state.activeMembers(domain)).toEqual([
      `DOM::${domain}`,
      `MED::${domain}`,
      participantOf(alice),
      `SEQ::${domain}`,
    ]);
    for (const id of state.activeMembers(domain)) expect(state.isActiveMember(domain, id)).toBe(true);
    expect(after(...base).isActiveMember(domain, `MED::${domain}`)).toBe(false);
    expect(state.isActiveMember(domain, `UNM::${domain}`)).toBe(false);
  });
});

describe("parties", () => {
  const party = `party::${idOf(aliceKey)}`;
  const base = after(rootOfDomain, rootOfAlice, rootOfBob);

  it("are hosted where both sides say so", () => {
    const own = add(hosting("Both", party, alice), aliceKey);
    const offered = add(hosting("To", party, bob, "Confirmation"), bobKey);
    const state = further(base, [own, offered]);
    expect(state.hostingParticipants(party)).toEqual(new Map([[participantOf(alice), "Submission"]]));
    const accepted = further(state, [add(hosting("From", party, bob), aliceKey)]);
    expect(accepted.hostingParticipants(party)).toEqual(
      new Map([
        [participantOf(alice), "Submission"],
        [participantOf(bob), "Confirmation"],
      ]),
    );
    expect(accepted.hostedParties(participantOf(bob))).toEqual(new Map([[party, "Confirmation"]]));
    expect(further(accepted, [remove(own, aliceKey)]).hostedParties(participantOf(alice)).size).toBe(0);
  });

  it("are effective on a domain where their participant is, with the lesser permission", () => {
    const state = further(base, [
      add(hosting("Both", party, alice), aliceKey),
      add(participantState("From", alice, "Observation"), domainKey),
    ]);
    expect(state.hostingParticipantsOn(domain, party).size).toBe(0);
    const joined = further(state, [add(participantState("To", alice), aliceKey)]);
    expect(joined.hostingParticipantsOn(domain, party)).toEqual(
      new Map([[participantOf(alice), { permission: "Observation", trustLevel: "Ordinary" }]]),
    );
    // The participant's own party needs no mapping.
    expect([...joined.hostingParticipantsOn(domain, alice).keys()]).toEqual([participantOf(alice)]);
  });

  it("are listed in order, by prefix", () => {
    const names = ["b", "a", "ab", "c"].map((name) => `${name}::${idOf(aliceKey)}`);
    const state = further(
      base,
      names.map((name) => add(hosting("Both", name, alice), aliceKey)),
    );
    expect([...state.parties()].map(([name]) => name)).toEqual(names.toSorted());
    expect([...state.parties("a")].map(([name]) => name)).toEqual([names[1], names[2]].toSorted());
    expect([...state.parties("a::")].map(([name]) => name)).toEqual([names[1]]);
  });
});

describe("packages and domain parameters", () => {
  it("vetted are all that any transaction in force names", () => {
    const vetted = (...packageIds: string[]): TopologyMapping => ({
      kind: "VettedPackages",
      participant: participantOf(alice),
      packageIds,
    });
    const first = add(vetted("b", "a"), aliceKey);
    const state = after(rootOfAlice, first, add(vetted("c"), aliceKey));
    expect([...state.vettedPackages(participantOf(alice))]).toEqual(["a", "b", "c"]);
    expect([...further(state, [remove(first, aliceKey)]).vettedPackages(participantOf(alice))]).toEqual(["c"]);
  });

  it("replace one another", () => {
    const change = (maxRatePerParticipant: number): TopologyMapping => ({
      kind: "DomainParametersChange",
      domain,
      parameters: { ...defaultDynamicDomainParameters(), maxRatePerParticipant },
    });
    const first = add(change(1), domainKey);
    expect(after(rootOfDomain).domainParameters(domain)).toBeUndefined();
    const state = after(rootOfDomain, first, add(change(2), domainKey));
    expect(state.domainParameters(domain)?.maxRatePerParticipant).toBe(2);
    expect([...state.transactionsOfKind("DomainParametersChange")]).toHaveLength(1);
    expect(further(state, [first]).domainParameters(domain)?.maxRatePerParticipant).toBe(1);
    expect(outcome(after(rootOfDomain, first), first)).toBe("DUPLICATE_TRANSACTION");
    expect(outcome(after(rootOfDomain, rootOfAlice), add(change(1), aliceKey))).toBe(
      "UNAUTHORIZED_TOPOLOGY_TRANSACTION",
    );
  });
});
