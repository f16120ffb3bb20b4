import fc from "fast-check";
import { generateEncryptionKeyPair, generateSigningKeyPair, type SigningKeyPair } from "../crypto/key-pair.ts";
import { defaultDynamicDomainParameters } from "../domain-parameters.ts";
import { SigningKeyScheme } from "../gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import type { ParticipantPermission, RequestSide, TrustLevel } from "../topology/change.ts";
import type { NamespaceDelegation, TopologyMapping } from "../topology/mapping.ts";
import type { TopologyState } from "../topology/topology-state.ts";
import { addition, removal, type SignedTopologyTransaction, signTransaction } from "../topology/transaction.ts";
import { sorted, type TopologyEffect, textOf } from "./topology-model.ts";

// Random sequences of topology changes by several owners of a small world, in which they meet: the domain's owner, two
// owners of participants, an owner of parties only, and keys that something may be delegated to.

const domainKey = generateSigningKeyPair();
const aliceKey = generateSigningKeyPair();
const bobKey = generateSigningKeyPair(SigningKeyScheme.EcDsaP256);
const partyOwnerKey = generateSigningKeyPair();
const delegates = [generateSigningKeyPair(), generateSigningKeyPair()];
const owners = [domainKey, aliceKey, bobKey, partyOwnerKey];
const actors = [...owners, ...delegates];
const encryptionKeys = [generateEncryptionKeyPair(), generateEncryptionKeyPair()];

const idOf = (pair: SigningKeyPair) => pair.publicKey.id;

/** The key of the domain's namespace, which also signs what its manager sends in tests. */
export const stepDomainKey = domainKey;
/** The domain of which most steps speak. */
export const stepDomain = `mydomain::${idOf(domainKey)}`;
const otherDomain = `otherdomain::${idOf(domainKey)}`;
const alice = `alice::${idOf(aliceKey)}`;
const bob = `bob::${idOf(bobKey)}`;
/** The participants of the world. */
export const stepParticipants = [`PAR::${alice}`, `PAR::${bob}`];
const parties = [alice, bob, `party::${idOf(partyOwnerKey)}`, `shared::${idOf(aliceKey)}`];

const root = (pair: SigningKeyPair): TopologyMapping => ({
  kind: "NamespaceDelegation",
  namespace: idOf(pair),
  targetKey: pair.publicKey,
  isRootDelegation: true,
});

const actor = fc.constantFrom(...actors);
const owner = fc.constantFrom(...owners);
const participant = fc.constantFrom(...stepParticipants);
const someUid = fc.constantFrom(stepDomain, alice, bob, parties[2] as string);
const domain = fc.integer({ min: 0, max: 19 }).map((n) => (n === 19 ? otherDomain : stepDomain));
const member = fc.oneof(
  participant,
  fc.constantFrom("DOM", "SEQ", "MED").map((code) => `${code}::${stepDomain}`),
);
const side = fc.constantFrom<RequestSide>("From", "To", "Both");
const permission = fc.constantFrom<ParticipantPermission>("Submission", "Confirmation", "Observation", "Disabled");
const trustLevel = fc.constantFrom<TrustLevel>("Ordinary", "Vip");
const key = fc.oneof(
  actor.map((pair) => ({ purpose: "signing" as const, key: pair.publicKey })),
  fc.constantFrom(...encryptionKeys).map((pair) => ({ purpose: "encryption" as const, key: pair.publicKey })),
);

/** Mappings of every kind, of few values, so that random ones meet. */
const mapping: fc.Arbitrary<TopologyMapping> = fc.oneof(
  { weight: 2, arbitrary: owner.map(root) },
  {
    weight: 6,
    arbitrary: fc.record({ of: owner, to: actor, isRoot: fc.boolean() }).map(({ of, to, isRoot }) => ({
      kind: "NamespaceDelegation" as const,
      namespace: idOf(of),
      targetKey: to.publicKey,
      isRootDelegation: isRoot || of === to,
    })),
  },
  {
    weight: 3,
    arbitrary: fc.record({ uid: someUid, to: actor }).map(({ uid, to }) => ({
      kind: "IdentifierDelegation" as const,
      uid,
      targetKey: to.publicKey,
    })),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("OwnerToKeyMapping" as const), owner: member, key }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("ParticipantState" as const),
      side,
      domain,
      participant,
      permission,
      trustLevel,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("PartyToParticipant" as const),
      side,
      party: fc.constantFrom(...parties),
      participant,
      permission,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("MediatorDomainState" as const),
      side,
      domain,
      mediator: fc.constantFrom(`MED::${stepDomain}`, `MED::second::${idOf(aliceKey)}`),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("VettedPackages" as const),
      participant,
      packageIds: fc.subarray(["a", "b", "c"]),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ domain, rate: fc.integer({ min: 1, max: 2 }) }).map(({ domain, rate }) => ({
      kind: "DomainParametersChange" as const,
      domain,
      parameters: { ...defaultDynamicDomainParameters(), maxRatePerParticipant: rate },
    })),
  },
);

/** What somebody does: say something new, remove something said before (in whatever order), say it again, or forge. */
const step = fc.record({
  signer: actor,
  mapping,
  /** Most steps are signed by who owns what they are about, or else nearly all would be refused. */
  byOwner: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
  action: fc.constantFrom("add", "add", "add", "add", "add", "remove", "remove", "repeat", "reuse", "forge"),
  target: fc.nat(),
  force: fc.boolean(),
});

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** A transaction that somebody submits. */
export interface Submission {
  tx: SignedTopologyTransaction;
  /** Whether its removal of what is needed is forced. */
  force: boolean;
  /** Whether its signature is not one of its key. */
  forged: boolean;
}

function ownerOf(about: TopologyMapping): SigningKeyPair | undefined {
  const text = textOf(about);
  return owners.find((pair) => text.includes(idOf(pair)));
}

/** The transactions of random steps; removals and repetitions are of what an earlier step said, accepted or not. */
function play(steps: Step[]): Submission[] {
  const said: Submission[] = [];
  return steps.map(({ signer, mapping: chosen, byOwner, action, target, force }) => {
    const earlier = said.length > 0 ? said[target % said.length] : undefined;
    if (action === "repeat" && earlier) return { ...earlier, force };
    const taken = earlier?.tx.transaction.operation === "Add" ? earlier.tx.transaction : undefined;
    const about = action === "remove" && taken ? taken.mapping : chosen;
    const pair = (byOwner ? ownerOf(about) : undefined) ?? signer;
    let transaction = addition(about);
    if (action === "remove" && taken) transaction = removal(taken);
    // Under an element id that is known for something of the same kind.
    if (action === "reuse" && taken?.mapping.kind === about.kind) {
      transaction = { ...transaction, elementId: taken.elementId };
    }
    const signed = signTransaction(transaction, pair);
    const forged = action === "forge";
    const tx = forged ? { ...signed, signature: { ...signed.signature, signature: Buffer.alloc(64, 7) } } : signed;
    const submission = { tx, force, forged };
    said.push(submission);
    return submission;
  });
}

const roots: Step[] = owners.map((signer) => ({
  signer,
  mapping: root(signer),
  byOwner: true,
  action: "add",
  target: 0,
  force: false,
}));

/** Sequences of at most so many steps that, two times in three, begin with the owners' root certificates: without them nearly all is refused. */
export function submissions(maxLength = 50): fc.Arbitrary<Submission[]> {
  return fc
    .tuple(fc.integer({ min: 0, max: 2 }), fc.array(step, { minLength: 1, maxLength, size: "max" }))
    .map(([start, chosen]) => play(start > 0 ? [...roots, ...chosen] : chosen));
}

/** What follows from a state, as the model tells it. Asks the state for everything by the ways that nodes ask it. */
export function effectOf(state: TopologyState): TopologyEffect {
  const namespaces = owners.map(idOf);
  const participants = stepParticipants.flatMap((id): [string, string][] => {
    const attributes = state.participantAttributes(stepDomain, id);
    return attributes ? [[id, `${attributes.permission} ${attributes.trustLevel}`]] : [];
  });
  const mayAct = (namespace: string, id: string): string[] => {
    if (!state.mayActForNamespace(id, namespace, false)) return [];
    return [`${namespace} ${id}${state.mayActForNamespace(id, namespace, true) ? " root" : ""}`];
  };
  const targets = new Set(
    [...state.transactionsOfKind("NamespaceDelegation")].map(
      ({ transaction }) => (transaction.mapping as NamespaceDelegation).targetKey.id,
    ),
  );
  return {
    authorities: sorted(namespaces.flatMap((namespace) => [...targets].flatMap((id) => mayAct(namespace, id)))),
    identifierAuthorities: sorted(
      [stepDomain, alice, bob, parties[2] as string].flatMap((uid) =>
        state.effectiveIdentifierDelegations(uid).map(({ transaction }) => {
          const delegation = transaction.mapping;
          return delegation.kind === "IdentifierDelegation" ? `${uid} ${delegation.targetKey.id}` : "";
        }),
      ),
    ),
    keys: sorted(
      [...state.keyOwners()].flatMap((id) => {
        const keys = state.keysOf(id);
        return [
          ...keys.signing.map((each) => `${id} signing ${each.id}`),
          ...keys.encryption.map((each) => `${id} encryption ${each.id}`),
        ];
      }),
    ),
    participants: sorted(participants.map((each) => each.join(" "))),
    mediators: state.mediators(stepDomain),
    hosting: sorted(
      [...state.parties()].flatMap(([party, hosts]) => [...hosts].map(([id, granted]) => `${party} ${id} ${granted}`)),
    ),
    hostingOnDomain: sorted(
      parties.flatMap((party) =>
        [...state.hostingParticipantsOn(stepDomain, party)].map(
          ([id, attributes]) => `${party} ${id} ${attributes.permission} ${attributes.trustLevel}`,
        ),
      ),
    ),
    packages: sorted(
      stepParticipants.flatMap((id) => [...state.vettedPackages(id)].map((packageId) => `${id} ${packageId}`)),
    ),
    parameters: ((parameters) => parameters && textOf(parameters))(state.domainParameters(stepDomain)),
  };
}
