import { generateSigningKeyPair, type SigningKeyPair } from "../crypto/key-pair.ts";
import { sign } from "../crypto/signature.ts";
import type { SigningPurpose } from "../crypto/signing-purpose.ts";
import { defaultDynamicDomainParameters } from "../domain-parameters.ts";
import type { RequestSide } from "../topology/change.ts";
import type { RejectionReason } from "../topology/decide.ts";
import type { TopologyMapping } from "../topology/mapping.ts";
import {
  addition,
  encodeTransaction,
  newElementId,
  removal,
  type SignedTopologyTransaction,
  signTransaction,
  type TopologyTransaction,
} from "../topology/transaction.ts";

/** How somebody tries to get in what he may not say. */
export type AttackKind =
  | "forged"
  | "replayed"
  | "stale"
  | "wrongly delegated"
  | "wrongly signed"
  | "tampered"
  | "other domain"
  | "revoked key"
  | "careless";

/** One transaction that must not be accepted. */
export interface Attack {
  readonly kind: AttackKind;
  /** For people, and the name of its test. */
  readonly what: string;
  readonly tx: SignedTopologyTransaction;
}

/** A domain on which a participant was attacked, or will be. */
export interface AttackedDomain {
  /** All that was said before, in order; every member accepts all of it, after the root certificate of the domain. */
  readonly history: readonly SignedTopologyTransaction[];
  /** `PAR::…`; on the domain, active. */
  readonly participant: string;
  readonly participantKey: SigningKeyPair;
  /** Was a key of the domain manager, and was taken back. */
  readonly formerManagerKey: SigningKeyPair;
  /** Never had any authority. */
  readonly stranger: SigningKeyPair;
  /** What to try, by the rule that is to refuse it. Every rule has its attacks: one that is added without does not compile. */
  readonly attacks: Readonly<Record<RejectionReason, readonly [Attack, ...Attack[]]>>;
}

/** The rules that hold only for who decides on its own store: whoever signs elsewhere has decided by then. */
export const RULES_OF_MANAGERS: readonly RejectionReason[] = [
  "REMOVING_LAST_KEY_MUST_BE_FORCED",
  "REMOVING_KEY_DANGLING_TRANSACTIONS_MUST_BE_FORCED",
];

const idOf = (pair: SigningKeyPair) => pair.publicKey.id;

/**
 * Makes a domain to attack.
 *
 * @param domainKey the key of the domain's namespace
 */
export function attackedDomain(domainId: string, domainKey: SigningKeyPair): AttackedDomain {
  const newKey = () => generateSigningKeyPair();
  const [aliceKey, bobKey, stranger, formerManagerKey] = [newKey(), newKey(), newKey(), newKey()];
  const [delegate, rootDelegate, behind, idDelegate, revoked, behindRevoked, second] = [
    newKey(),
    newKey(),
    newKey(),
    newKey(),
    newKey(),
    newKey(),
    newKey(),
  ];
  const alice = `alice::${idOf(aliceKey)}`;
  const bob = `bob::${idOf(bobKey)}`;

  const delegation = (of: SigningKeyPair, to: SigningKeyPair, isRootDelegation = of === to): TopologyMapping => ({
    kind: "NamespaceDelegation",
    namespace: idOf(of),
    targetKey: to.publicKey,
    isRootDelegation,
  });
  const ofIdentifier = (uid: string, to: SigningKeyPair): TopologyMapping => ({
    kind: "IdentifierDelegation",
    uid,
    targetKey: to.publicKey,
  });
  const keyOf = (owner: string, pair: SigningKeyPair): TopologyMapping => ({
    kind: "OwnerToKeyMapping",
    owner,
    key: { purpose: "signing", key: pair.publicKey },
  });
  const state = (side: RequestSide, uid: string, domain = domainId): TopologyMapping => ({
    kind: "ParticipantState",
    side,
    domain,
    participant: `PAR::${uid}`,
    permission: "Submission",
    trustLevel: "Ordinary",
  });
  const hosting = (side: RequestSide, party: string, uid = alice): TopologyMapping => ({
    kind: "PartyToParticipant",
    side,
    party,
    participant: `PAR::${uid}`,
    permission: "Submission",
  });
  const party = (name: string) => `${name}::${idOf(aliceKey)}`;
  const vetted = (...packageIds: string[]): TopologyMapping => ({
    kind: "VettedPackages",
    participant: `PAR::${alice}`,
    packageIds,
  });
  const parameters = (domain: string, maxRatePerParticipant: number): TopologyMapping => ({
    kind: "DomainParametersChange",
    domain,
    parameters: { ...defaultDynamicDomainParameters(), maxRatePerParticipant },
  });
  const add = (mapping: TopologyMapping, pair: SigningKeyPair) => signTransaction(addition(mapping), pair);
  const remove = (tx: SignedTopologyTransaction, pair: SigningKeyPair) =>
    signTransaction(removal(tx.transaction), pair);
  const under = (elementId: string, mapping: TopologyMapping, pair: SigningKeyPair) =>
    signTransaction({ operation: "Add", elementId, mapping }, pair);

  const rootOfAlice = add(delegation(aliceKey, aliceKey), aliceKey);
  const toDelegate = add(delegation(aliceKey, delegate), aliceKey);
  const toRootDelegate = add(delegation(aliceKey, rootDelegate, true), aliceKey);
  const toRevoked = add(delegation(aliceKey, revoked, true), aliceKey);
  const keyOfAlice = add(keyOf(`PAR::${alice}`, aliceKey), aliceKey);
  const here = add(hosting("Both", party("here")), aliceKey);
  const gone = add(hosting("Both", party("gone")), aliceKey);
  const removedGone = remove(gone, aliceKey);
  const secondKey = add(keyOf(`PAR::${alice}`, second), aliceKey);
  const formerKey = add(keyOf(`DOM::${domainId}`, formerManagerKey), domainKey);
  const admitted = add(state("From", alice), domainKey);
  const history = [
    rootOfAlice,
    add(delegation(bobKey, bobKey), bobKey),
    keyOfAlice,
    admitted,
    add(state("To", alice), aliceKey),
    toDelegate,
    toRootDelegate,
    add(delegation(aliceKey, behind), rootDelegate),
    add(ofIdentifier(alice, idDelegate), aliceKey),
    toRevoked,
    add(delegation(aliceKey, behindRevoked), revoked),
    remove(toRevoked, aliceKey),
    here,
    gone,
    removedGone,
    secondKey,
    remove(secondKey, aliceKey),
    formerKey,
    remove(formerKey, domainKey),
    add(parameters(domainId, 1_000), domainKey),
  ];

  const fresh = () => hosting("Both", party(newElementId()));
  const good = add(fresh(), aliceKey);
  const attack = (kind: AttackKind, what: string, tx: SignedTopologyTransaction): Attack => ({ kind, what, tx });
  /** Signed over the right bytes, but by another key, or for another purpose. */
  const signedBy = (pair: SigningKeyPair, purpose: SigningPurpose, claimed: SigningKeyPair) => {
    const transaction: TopologyTransaction = addition(fresh());
    const signature = { ...sign(pair, purpose, encodeTransaction(transaction)), signedBy: idOf(claimed) };
    return { ...signTransaction(transaction, claimed), signature };
  };

  return {
    history,
    participant: `PAR::${alice}`,
    participantKey: aliceKey,
    formerManagerKey,
    stranger,
    attacks: {
      INVALID_TOPOLOGY_TX_SIGNATURE_ERROR: [
        attack("forged", "made with another key than it names", signedBy(stranger, "topology-transaction", aliceKey)),
        attack("wrongly signed", "made for another purpose", signedBy(aliceKey, "domain-topology-message", aliceKey)),
        attack("replayed", "taken from another transaction", { ...good, signature: keyOfAlice.signature }),
        attack("tampered", "one bit of it changed", { ...good, signature: flipped(good.signature) }),
        attack("tampered", "the transaction changed after it was signed", {
          ...add(hosting("Both", party("other")), aliceKey),
          signature: good.signature,
        }),
        attack("forged", "of the domain's owner, made by a participant", {
          ...add(state("From", bob), aliceKey),
          key: domainKey.publicKey,
        }),
      ],
      WRONG_DOMAIN: [
        attack("other domain", "a participant's side", add(state("To", alice, `x::${idOf(domainKey)}`), aliceKey)),
        attack(
          "other domain",
          "parameters of a domain of the same owner",
          add(parameters(`x::${idOf(domainKey)}`, 5), domainKey),
        ),
        attack(
          "other domain",
          "a mediator's state",
          add(
            {
              kind: "MediatorDomainState",
              side: "From",
              domain: `x::${idOf(domainKey)}`,
              mediator: `MED::${domainId}`,
            },
            domainKey,
          ),
        ),
      ],
      DUPLICATE_TRANSACTION: [
        attack("replayed", "an addition that is in force", here),
        attack("replayed", "a root certificate", rootOfAlice),
        attack("replayed", "a removal", removedGone),
        attack("stale", "the removal, by another key, of something that is gone", remove(gone, delegate)),
        attack("replayed", "an owner's addition, signed by a stranger", signTransaction(here.transaction, stranger)),
      ],
      NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE: [
        attack("forged", "the removal of something that was never there", remove(add(fresh(), aliceKey), aliceKey)),
        attack(
          "tampered",
          "a removal that names the element id of something else of the owner",
          signTransaction(
            { operation: "Remove", elementId: here.transaction.elementId, mapping: hosting("Both", party("gone")) },
            aliceKey,
          ),
        ),
      ],
      ELEMENT_ID_IN_USE: [
        attack("tampered", "another mapping", under(here.transaction.elementId, fresh(), aliceKey)),
        attack(
          "forged",
          "a stranger's mapping under an owner's element id",
          under(here.transaction.elementId, hosting("From", `p::${idOf(stranger)}`), stranger),
        ),
      ],
      OBSOLETE_TRANSACTION: [
        attack("stale", "an addition that was removed", gone),
        attack("revoked key", "the addition of a key that was taken back", secondKey),
        attack("revoked key", "a delegation that was revoked", toRevoked),
        attack("stale", "the key of the domain manager that was taken back", formerKey),
      ],
      TOPOLOGY_MAPPING_ALREADY_EXISTS: [
        attack(
          "replayed",
          "the same mapping by the same key, signed again",
          add(hosting("Both", party("here")), aliceKey),
        ),
        attack("replayed", "the admission of a participant", add(state("From", alice), domainKey)),
      ],
      UNAUTHORIZED_TOPOLOGY_TRANSACTION: [
        attack("forged", "a key for a participant, by a stranger", add(keyOf(`PAR::${alice}`, stranger), stranger)),
        attack(
          "forged",
          "a key for the domain manager, by a participant",
          add(keyOf(`DOM::${domainId}`, aliceKey), aliceKey),
        ),
        attack("forged", "a key for the sequencer, by a stranger", add(keyOf(`SEQ::${domainId}`, stranger), stranger)),
        attack("forged", "a root certificate by another key", add(delegation(aliceKey, aliceKey), stranger)),
        attack("forged", "a delegation to oneself", add(delegation(aliceKey, stranger, true), stranger)),
        attack("forged", "the removal of what is another's", remove(here, bobKey)),
        attack("forged", "the removal of a root certificate by a root delegate", remove(rootOfAlice, rootDelegate)),
        attack("forged", "packages of another's participant", add(vetted("evil"), bobKey)),
        attack("forged", "a mediator, by a participant", add(mediator(domainId, alice), aliceKey)),
        attack(
          "wrongly delegated",
          "a delegation by a key that may not delegate",
          add(delegation(aliceKey, stranger), delegate),
        ),
        attack(
          "wrongly delegated",
          "a delegation at the end of a chain that ends there",
          add(delegation(aliceKey, stranger), behind),
        ),
        attack(
          "wrongly delegated",
          "an identifier handed on by its delegate",
          add(ofIdentifier(alice, stranger), idDelegate),
        ),
        attack(
          "wrongly delegated",
          "another identifier than the delegated one",
          add(hosting("From", party("more")), idDelegate),
        ),
        attack(
          "wrongly delegated",
          "a namespace by the delegate of an identifier",
          add(delegation(aliceKey, stranger), idDelegate),
        ),
        attack("wrongly signed", "the domain's side, by the participant", add(state("From", bob), bobKey)),
        attack("wrongly signed", "both sides, by one of them", add(state("Both", bob), bobKey)),
        attack("wrongly signed", "the participant's side, by the domain", add(state("To", bob), domainKey)),
        attack(
          "wrongly signed",
          "somebody else's party, by the participant that wants it",
          add(hosting("Both", party("here"), bob), bobKey),
        ),
        attack("wrongly signed", "the domain's parameters, by a participant", add(parameters(domainId, 7), aliceKey)),
        attack("revoked key", "a party, by a delegate that was revoked", add(fresh(), revoked)),
        attack("revoked key", "a party, by a key behind one that was revoked", add(fresh(), behindRevoked)),
        attack(
          "revoked key",
          "its own delegation, by a delegate that was revoked",
          add(delegation(aliceKey, revoked, true), revoked),
        ),
        attack("revoked key", "the removal of the root, by a delegate that was revoked", remove(rootOfAlice, revoked)),
      ],
      REMOVING_LAST_KEY_MUST_BE_FORCED: [
        attack("careless", "the last signing key of a participant", remove(keyOfAlice, aliceKey)),
      ],
      REMOVING_KEY_DANGLING_TRANSACTIONS_MUST_BE_FORCED: [
        attack("careless", "the root certificate of a namespace", remove(rootOfAlice, aliceKey)),
        attack("careless", "a delegation in the middle of a chain", remove(toRootDelegate, aliceKey)),
      ],
    },
  };
}

function mediator(domain: string, uid: string): TopologyMapping {
  return { kind: "MediatorDomainState", side: "Both", domain, mediator: `MED::${uid}` };
}

function flipped<S extends { signature: Buffer }>(signature: S): S {
  const bytes = Buffer.from(signature.signature);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return { ...signature, signature: bytes };
}

/** All attacks with the rule that is to refuse each. */
export function allAttacks({ attacks }: AttackedDomain): (Attack & { readonly rule: RejectionReason })[] {
  return (Object.entries(attacks) as [RejectionReason, readonly Attack[]][]).flatMap(([rule, list]) =>
    list.map((attack) => ({ ...attack, rule })),
  );
}
