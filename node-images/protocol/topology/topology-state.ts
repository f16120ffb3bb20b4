import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import type { EncryptionPublicKey, KeyPurposeName, SigningPublicKey } from "../crypto/public-key.ts";
import type { DynamicDomainParameters } from "../domain-parameters.ts";
import type { Fingerprint } from "../identity/fingerprint.ts";
import {
  domainManagerMember,
  type MemberId,
  memberCode,
  memberNamespace,
  memberUid,
  sequencerMember,
} from "../identity/member.ts";
import { namespaceOf, type UniqueIdentifier } from "../identity/unique-identifier.ts";
import {
  lowerPermission,
  lowerTrustLevel,
  type ParticipantPermission,
  type RequestSide,
  type TrustLevel,
} from "./change.ts";
import {
  type IdentifierDelegation,
  type MappingKind,
  type MediatorDomainState,
  mappingKey,
  mappingSlot,
  type NamespaceDelegation,
  namespacesOf,
  type OwnerToKeyMapping,
  type ParticipantState,
  type PartyToParticipant,
  type TopologyMapping,
  uidsOf,
  type VettedPackages,
} from "./mapping.ts";
import type { SignedTopologyTransaction } from "./transaction.ts";

// Required, not imported: Node and bundlers do not agree on what the default export of this CommonJS module is.
const { default: BTree } = createRequire(import.meta.url)("sorted-btree") as typeof import("sorted-btree");
type Index = InstanceType<typeof BTree<string, SignedTopologyTransaction>>;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What a participant is on a domain, both sides taken together. */
export interface ParticipantAttributes {
  permission: ParticipantPermission;
  trustLevel: TrustLevel;
}

/** The keys that a member uses. */
export interface MemberKeys {
  signing: SigningPublicKey[];
  encryption: EncryptionPublicKey[];
}

/**
 * The topology transactions that are in force in one store, and what follows from them.
 *
 * Immutable: `apply` gives a new state that shares all but a few nodes with the old one, so every state that was ever
 * current can be kept cheaply. One sorted index holds every transaction under several keys, each beginning with the
 * index's name, so that a lookup is a seek (log n) and a short scan.
 *
 * Transactions stay in force when the delegation that authorised them is removed; delegations that are no longer chained
 * to the root of their namespace are left out by everything that asks who may sign.
 */
export class TopologyState {
  readonly #index: Index;
  /** How many transactions are in force. */
  readonly size: number;
  #fingerprint: string | undefined;

  private constructor(index: Index, size: number) {
    this.#index = index;
    this.size = size;
  }

  /** The state in which nothing was said yet. */
  static readonly empty: TopologyState = new TopologyState(
    new BTree<string, SignedTopologyTransaction>(undefined, compare),
    0,
  );

  /**
   * The state after transactions that were accepted before, e.g. a node's own store: nothing is verified or decided again.
   *
   * @param accepted in the order in which they were accepted. Removed additions may be left out, but their removals may
   * not be: the state remembers which element ids are used up.
   */
  static replay(
    accepted: Iterable<SignedTopologyTransaction>,
    from: TopologyState = TopologyState.empty,
  ): TopologyState {
    const index = from.#index.clone();
    let size = from.size;
    for (const tx of accepted) size += applyTo(index, tx);
    return new TopologyState(index, size);
  }

  /** The state after one more transaction that was accepted (`decide` says whether it is). */
  apply(tx: SignedTopologyTransaction): TopologyState {
    return TopologyState.replay([tx], this);
  }

  /** The transaction in force at a unique path. */
  get(uniquePath: string): SignedTopologyTransaction | undefined {
    return this.#index.get(`${ELEMENT}\n${uniquePath}`);
  }

  /** The transaction that removed what was at a unique path. */
  getRemoval(uniquePath: string): SignedTopologyTransaction | undefined {
    return this.#index.get(`${REMOVED}\n${uniquePath}`);
  }

  /** All transactions in force in canonical order: by kind, then by element id. */
  transactions(): Iterable<SignedTopologyTransaction> {
    return this.#scan(`${ELEMENT}\n`);
  }

  /** The transactions in force with mappings of one kind, in canonical order. */
  transactionsOfKind(kind: MappingKind): Iterable<SignedTopologyTransaction> {
    // Domain parameters have paths of another form, but they too begin with their kind.
    return this.#scan(`${ELEMENT}\n${kind}\n`);
  }

  /** The transactions in force that say exactly what `mapping` says (several when several keys, or ids, said so). */
  withMapping(mapping: TopologyMapping): SignedTopologyTransaction[] {
    return [...this.#scan(`${SLOT}\n${mappingKey(mapping)}\n\n`)];
  }

  /** The transactions in force in the slot of `mapping`: about the same thing, whatever they say of it. */
  inSlotOf(mapping: TopologyMapping): SignedTopologyTransaction[] {
    return [...this.#scan(`${SLOT}\n${mappingSlot(mapping)}\n\n`)];
  }

  // ── who may sign ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Whether a key may sign for a namespace: it is the namespace's own key with its root certificate in force, or there is
   * a chain of delegations from that key to it, all of them root delegations but possibly the last.
   *
   * @param needRoot whether the last delegation has to be a root delegation too (to delegate further).
   */
  mayActForNamespace(key: Fingerprint, namespace: Fingerprint, needRoot: boolean): boolean {
    return this.#chainTo(key, namespace, needRoot) !== undefined;
  }

  /** The delegations through which a key may sign for a namespace, the root certificate first; undefined when it may not. */
  #chainTo(key: Fingerprint, namespace: Fingerprint, needRoot: boolean): SignedTopologyTransaction[] | undefined {
    // Walks from the key towards the root. Iterative, since chains may be as long as their owner likes.
    const seen = new Map<Fingerprint, SignedTopologyTransaction | undefined>([[key, undefined]]);
    const pending = [key];
    for (let target = pending.pop(); target !== undefined; target = pending.pop()) {
      for (const tx of this.#scan(`${DELEGATION}\n${namespace}\n${target}\n`)) {
        const { isRootDelegation } = tx.transaction.mapping as NamespaceDelegation;
        if (!isRootDelegation && (needRoot || target !== key)) continue;
        if (target === namespace) {
          // The root certificate: only the namespace's own key can have signed it. From it back to the key.
          const chain = [tx];
          let next = seen.get(target);
          while (next !== undefined) {
            chain.push(next);
            next = seen.get((next.transaction.mapping as NamespaceDelegation).targetKey.id);
          }
          return chain;
        }
        if (seen.has(tx.key.id)) continue;
        seen.set(tx.key.id, tx);
        pending.push(tx.key.id);
      }
    }
    return undefined;
  }

  /**
   * The transactions in force from which alone anybody can tell that a key may sign for one unique identifier, in an order
   * in which each is authorised by those before it; undefined when it may not.
   */
  proofOfAuthority(key: Fingerprint, uid: UniqueIdentifier): SignedTopologyTransaction[] | undefined {
    const namespace = namespaceOf(uid);
    const chain = this.#chainTo(key, namespace, false);
    if (chain !== undefined) return chain;
    for (const tx of this.#scan(`${IDENTIFIER_DELEGATION}\n${uid}\n${key}\n`)) {
      const ofSigner = this.#chainTo(tx.key.id, namespace, false);
      if (ofSigner !== undefined) return [...ofSigner, tx];
    }
    return undefined;
  }

  /** Whether a key may sign for one unique identifier: through its namespace, or an effective identifier delegation. */
  mayActForUid(key: Fingerprint, uid: UniqueIdentifier): boolean {
    return this.proofOfAuthority(key, uid) !== undefined;
  }

  /** Whether a key may authorise a mapping, that is add, remove or replace it. */
  mayAuthorize(key: Fingerprint, mapping: TopologyMapping): boolean {
    switch (mapping.kind) {
      case "NamespaceDelegation":
        // The root certificate is what a namespace begins with: its own key signs it, and nobody else.
        if (mapping.targetKey.id === mapping.namespace) return key === mapping.namespace;
        return this.mayActForNamespace(key, mapping.namespace, true);
      case "IdentifierDelegation":
        // Otherwise a key with one identifier could hand it on, and the namespace could not take it back.
        return this.mayActForNamespace(key, namespaceOf(mapping.uid), false);
      default:
        return uidsOf(mapping).every((uid) => this.mayActForUid(key, uid));
    }
  }

  /** The fingerprints of all keys that may authorise a mapping, sorted. */
  authorizingKeys(mapping: TopologyMapping): Fingerprint[] {
    const candidates = new Set<Fingerprint>();
    for (const namespace of namespacesOf(mapping)) {
      if (mapping.kind === "NamespaceDelegation" && mapping.targetKey.id === namespace) candidates.add(namespace);
      for (const tx of this.#scan(`${DELEGATION}\n${namespace}\n`)) {
        candidates.add((tx.transaction.mapping as NamespaceDelegation).targetKey.id);
      }
    }
    if (mapping.kind !== "NamespaceDelegation") {
      for (const uid of uidsOf(mapping)) {
        for (const tx of this.#scan(`${IDENTIFIER_DELEGATION}\n${uid}\n`)) {
          candidates.add((tx.transaction.mapping as IdentifierDelegation).targetKey.id);
        }
      }
    }
    return [...candidates].filter((key) => this.mayAuthorize(key, mapping)).sort(compare);
  }

  /** The delegations of a namespace that are in force and chained to its root. */
  effectiveNamespaceDelegations(namespace: Fingerprint): SignedTopologyTransaction[] {
    const found = this.#scan(`${DELEGATION}\n${namespace}\n`);
    return [...found].filter((tx) => {
      const { targetKey } = tx.transaction.mapping as NamespaceDelegation;
      return targetKey.id === namespace || this.mayActForNamespace(tx.key.id, namespace, true);
    });
  }

  /** The delegations of a unique identifier that are in force and whose signer may still act for the namespace. */
  effectiveIdentifierDelegations(uid: UniqueIdentifier): SignedTopologyTransaction[] {
    const namespace = namespaceOf(uid);
    const found = this.#scan(`${IDENTIFIER_DELEGATION}\n${uid}\n`);
    return [...found].filter((tx) => this.mayActForNamespace(tx.key.id, namespace, false));
  }

  /**
   * Transactions in force that `tx`'s removal would leave without an authorised signer: for `decide`, which refuses such
   * a removal unless it is forced. Gives the first one that it finds.
   */
  firstDangling(tx: SignedTopologyTransaction): SignedTopologyTransaction | undefined {
    const { mapping } = tx.transaction;
    if (mapping.kind !== "NamespaceDelegation" && mapping.kind !== "IdentifierDelegation") return undefined;
    const namespace = mapping.kind === "NamespaceDelegation" ? mapping.namespace : namespaceOf(mapping.uid);
    const without = new TopologyState(this.#index.clone(), this.size - 1);
    for (const key of indexKeys(tx)) without.#index.delete(key);
    const signers = mapping.kind === "NamespaceDelegation" ? this.#signersIn(namespace) : [mapping.targetKey.id];
    for (const signer of signers) {
      const changes =
        mapping.kind === "IdentifierDelegation"
          ? !without.mayActForNamespace(signer, namespace, false)
          : [true, false].some(
              (needRoot) =>
                this.mayActForNamespace(signer, namespace, needRoot) &&
                !without.mayActForNamespace(signer, namespace, needRoot),
            );
      if (!changes) continue;
      for (const signed of this.#scan(`${SIGNER}\n${namespace}\n${signer}\n`)) {
        if (signed === tx) continue;
        const { mapping: affected } = signed.transaction;
        if (this.mayAuthorize(signer, affected) && !without.mayAuthorize(signer, affected)) return signed;
      }
    }
    return undefined;
  }

  /** The keys that signed anything that is in force in a namespace; seeks from one to the next. */
  *#signersIn(namespace: Fingerprint): Iterable<Fingerprint> {
    const prefix = `${SIGNER}\n${namespace}\n`;
    let from = prefix;
    while (true) {
      const key = this.#index.getPairOrNextHigher(from)?.[0];
      if (!key?.startsWith(prefix)) return;
      const signer = key.slice(prefix.length, key.indexOf("\n", prefix.length));
      yield signer;
      from = `${prefix}${signer}${AFTER}`;
    }
  }

  // ── members and their keys ──────────────────────────────────────────────────────────────────────────────────────

  /** The keys that a member uses, each once, sorted by fingerprint. */
  keysOf(owner: MemberId): MemberKeys {
    const keys: MemberKeys = { signing: [], encryption: [] };
    const seen = new Set<string>();
    for (const tx of this.#scan(`${KEY}\n${owner}\n`)) {
      const { key } = tx.transaction.mapping as OwnerToKeyMapping;
      if (seen.has(`${key.purpose} ${key.key.id}`)) continue;
      seen.add(`${key.purpose} ${key.key.id}`);
      if (key.purpose === "signing") keys.signing.push(key.key);
      else keys.encryption.push(key.key);
    }
    return keys;
  }

  /** Everybody who uses a key, sorted; found by seeking from one to the next. */
  *keyOwners(prefix = ""): Iterable<MemberId> {
    for (const { transaction } of this.#distinct(KEY, prefix)) yield (transaction.mapping as OwnerToKeyMapping).owner;
  }

  /** The transactions in force that give a member its signing keys. */
  signingKeyTransactions(owner: MemberId): SignedTopologyTransaction[] {
    return [...this.#scan(`${KEY}\n${owner}\nsigning\n`)];
  }

  /** How many different keys a member uses for a purpose. */
  countKeys(owner: MemberId, purpose: KeyPurposeName): number {
    const ids = new Set<Fingerprint>();
    for (const tx of this.#scan(`${KEY}\n${owner}\n${purpose}\n`)) {
      ids.add((tx.transaction.mapping as OwnerToKeyMapping).key.key.id);
    }
    return ids.size;
  }

  /** What a participant is on a domain, or undefined unless both sides say that it is there. May be `Disabled`. */
  participantAttributes(domain: UniqueIdentifier, participant: MemberId): ParticipantAttributes | undefined {
    return attributesOf(this.participantStates(domain, participant));
  }

  /** All that either side says of a participant on a domain. */
  participantStates(domain: UniqueIdentifier, participant: MemberId): ParticipantState[] {
    return this.#mappings<ParticipantState>(`${PARTICIPANT}\n${domain}\n${participant}\n`);
  }

  /** Whether the domain's own side (`From`) admits a participant: present and not `Disabled`. */
  isAdmitted(domain: UniqueIdentifier, participant: MemberId): boolean {
    const from = this.participantStates(domain, participant).filter(({ side }) => side !== "To");
    return from.length > 0 && from.every(({ permission }) => permission !== "Disabled");
  }

  /**
   * The participants of a domain that are active (both sides, not `Disabled`), sorted.
   *
   * @param prefix only those whose identifier begins so; found without visiting the others.
   */
  activeParticipants(domain: UniqueIdentifier, prefix = ""): Map<MemberId, ParticipantAttributes> {
    const active = new Map<MemberId, ParticipantAttributes>();
    const all = this.#grouped<ParticipantState>(`${PARTICIPANT}\n${domain}\n`, `PAR::${prefix}`);
    for (const [participant, states] of all) {
      const attributes = attributesOf(states);
      if (attributes && attributes.permission !== "Disabled") active.set(participant, attributes);
    }
    return active;
  }

  /** The mediators of a domain (both sides), sorted. */
  mediators(domain: UniqueIdentifier): MemberId[] {
    const found: MemberId[] = [];
    for (const [mediator, states] of this.#grouped<MediatorDomainState>(`${MEDIATOR}\n${domain}\n`)) {
      if (hasBothSides(states)) found.push(mediator);
    }
    return found;
  }

  /** The members that a domain's topology is told to: its manager, sequencer, mediators and active participants, sorted. */
  activeMembers(domain: UniqueIdentifier): MemberId[] {
    const own = [domainManagerMember(domain), sequencerMember(domain)];
    return [...own, ...this.mediators(domain), ...this.activeParticipants(domain).keys()].sort(compare);
  }

  /** Whether a member is one of `activeMembers`. */
  isActiveMember(domain: UniqueIdentifier, id: MemberId): boolean {
    switch (memberCode(id)) {
      case "DOM":
      case "SEQ":
        return memberUid(id) === domain;
      case "MED":
        return hasBothSides(this.#mappings<MediatorDomainState>(`${MEDIATOR}\n${domain}\n${id}\n`));
      case "PAR": {
        const attributes = this.participantAttributes(domain, id);
        return attributes !== undefined && attributes.permission !== "Disabled";
      }
      default:
        return false;
    }
  }

  // ── parties ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The participants that host a party, with their permission for it; only relations of which both sides are there. */
  hostingParticipants(party: UniqueIdentifier): Map<MemberId, ParticipantPermission> {
    return permissions(this.#grouped<PartyToParticipant>(`${PARTY}\n${party}\n`));
  }

  /** The parties that a participant hosts, with its permission for them; only relations of which both sides are there. */
  hostedParties(participant: MemberId): Map<UniqueIdentifier, ParticipantPermission> {
    return permissions(this.#grouped<PartyToParticipant>(`${HOSTED}\n${participant}\n`));
  }

  /**
   * All parties that any transaction speaks of, sorted, each with the participants that host it.
   *
   * @param prefix only parties that begin so; found without visiting the others.
   */
  *parties(prefix = ""): Iterable<[UniqueIdentifier, Map<MemberId, ParticipantPermission>]> {
    for (const { transaction } of this.#distinct(PARTY, prefix)) {
      const { party } = transaction.mapping as PartyToParticipant;
      yield [party, this.hostingParticipants(party)];
    }
  }

  /**
   * The participants that host a party on a domain: those that are active on it, with the lesser of their permission for
   * the party and on the domain. The party with a participant's own identifier is hosted by it without a mapping.
   */
  hostingParticipantsOn(domain: UniqueIdentifier, party: UniqueIdentifier): Map<MemberId, ParticipantAttributes> {
    const hosting = this.hostingParticipants(party);
    if (!hosting.has(`PAR::${party}`)) hosting.set(`PAR::${party}`, "Submission");
    const found = new Map<MemberId, ParticipantAttributes>();
    for (const [participant, permission] of [...hosting].sort(([a], [b]) => compare(a, b))) {
      const attributes = this.participantAttributes(domain, participant);
      if (!attributes) continue;
      const effective = lowerPermission(permission, attributes.permission);
      if (effective !== "Disabled") found.set(participant, { ...attributes, permission: effective });
    }
    return found;
  }

  /** The packages that a participant has vetted, sorted. */
  vettedPackages(participant: MemberId): Set<string> {
    const ids = this.#mappings<VettedPackages>(`${VETTED}\n${participant}\n`).flatMap(({ packageIds }) => packageIds);
    return new Set(ids.sort(compare));
  }

  /** The dynamic parameters of a domain, if they were ever set. */
  domainParameters(domain: UniqueIdentifier): DynamicDomainParameters | undefined {
    const mapping = this.get(`DomainParametersChange\n${domain}`)?.transaction.mapping;
    return mapping?.kind === "DomainParametersChange" ? mapping.parameters : undefined;
  }

  /**
   * A hash over all transactions in force, in canonical order: equal exactly when two states hold the same ones (which
   * element ids are used up is not part of it). Hexadecimal SHA-256. Reads the whole state the first time.
   */
  fingerprint(): string {
    if (this.#fingerprint === undefined) {
      const hash = createHash("sha256");
      const length = Buffer.alloc(4);
      for (const tx of this.transactions()) {
        for (const part of [tx.transactionBytes, Buffer.from(tx.key.id), tx.signature.signature]) {
          // With their lengths in front, parts cannot be cut differently and give the same.
          length.writeUInt32BE(part.length);
          hash.update(length).update(part);
        }
      }
      this.#fingerprint = hash.digest("hex");
    }
    return this.#fingerprint;
  }

  *#scan(prefix: string): Iterable<SignedTopologyTransaction> {
    for (const [key, tx] of this.#index.entries(prefix)) {
      if (!key.startsWith(prefix)) return;
      yield tx;
    }
  }

  /** The first transaction under every first part of an index's keys; seeks from one part to the next. */
  *#distinct(index: string, prefix: string): Iterable<SignedTopologyTransaction> {
    const start = `${index}\n`;
    let from = `${start}${prefix}`;
    while (true) {
      const found = this.#index.getPairOrNextHigher(from);
      if (!found?.[0].startsWith(`${start}${prefix}`)) return;
      yield found[1];
      from = `${found[0].slice(0, found[0].indexOf("\n", start.length))}\n${AFTER}`;
    }
  }

  #mappings<M extends TopologyMapping>(prefix: string): M[] {
    return Array.from(this.#scan(prefix), (tx) => tx.transaction.mapping as M);
  }

  /** The mappings of an index, grouped by the part of the key that follows the prefix, and that begins with `start`. */
  *#grouped<M extends TopologyMapping>(prefix: string, start = ""): Iterable<[string, M[]]> {
    let current: [string, M[]] | undefined;
    for (const [key, tx] of this.#index.entries(prefix + start)) {
      if (!key.startsWith(prefix + start)) break;
      const group = key.slice(prefix.length, key.indexOf("\n", prefix.length));
      if (current?.[0] !== group) {
        if (current) yield current;
        current = [group, []];
      }
      current[1].push(tx.transaction.mapping as M);
    }
    if (current) yield current;
  }
}

// The names of the indexes. All keys end in the unique path.
const ELEMENT = "element"; // unique path
const REMOVED = "removed"; // unique path
const SLOT = "slot"; // mapping key (slot, empty part, values), empty part, signer
const SIGNER = "signer"; // namespace, signer
const DELEGATION = "delegation"; // namespace, target key
const IDENTIFIER_DELEGATION = "identifier-delegation"; // unique identifier, target key
const KEY = "key"; // member, purpose, key
const PARTICIPANT = "participant"; // domain, participant
const MEDIATOR = "mediator"; // domain, mediator
const PARTY = "party"; // party, participant
const HOSTED = "hosted"; // participant, party
const VETTED = "vetted"; // participant

/** Sorts behind everything that a key may go on with. */
const AFTER = "\uffff";

/** All keys under which a transaction is in the index while it is in force. */
function indexKeys(tx: SignedTopologyTransaction): string[] {
  const { mapping } = tx.transaction;
  const keys = [[ELEMENT], [SLOT, mappingKey(mapping), "", tx.key.id]];
  for (const namespace of namespacesOf(mapping)) keys.push([SIGNER, namespace, tx.key.id]);
  switch (mapping.kind) {
    case "NamespaceDelegation":
      keys.push([DELEGATION, mapping.namespace, mapping.targetKey.id]);
      break;
    case "IdentifierDelegation":
      keys.push([IDENTIFIER_DELEGATION, mapping.uid, mapping.targetKey.id]);
      break;
    case "OwnerToKeyMapping":
      keys.push([KEY, mapping.owner, mapping.key.purpose, mapping.key.key.id]);
      break;
    case "ParticipantState":
      keys.push([PARTICIPANT, mapping.domain, mapping.participant]);
      break;
    case "MediatorDomainState":
      keys.push([MEDIATOR, mapping.domain, mapping.mediator]);
      break;
    case "PartyToParticipant":
      keys.push([PARTY, mapping.party, mapping.participant], [HOSTED, mapping.participant, mapping.party]);
      break;
    case "VettedPackages":
      keys.push([VETTED, mapping.participant]);
      break;
    case "DomainParametersChange":
      break;
  }
  return keys.map((parts) => `${parts.join("\n")}\n${tx.uniquePath}`);
}

/** Takes a transaction into an index. @returns by how many the transactions in force become more. */
function applyTo(index: Index, tx: SignedTopologyTransaction): number {
  const before = index.get(`${ELEMENT}\n${tx.uniquePath}`);
  if (before) for (const key of indexKeys(before)) index.delete(key);
  if (tx.transaction.operation === "Remove") index.set(`${REMOVED}\n${tx.uniquePath}`, tx);
  else for (const key of indexKeys(tx)) index.set(key, tx);
  return (tx.transaction.operation === "Remove" ? 0 : 1) - (before ? 1 : 0);
}

/** The values of each side of a relation; a mapping with side `Both` counts on both. */
function bySide<M extends { side: RequestSide }>(mappings: M[]): { from: M[]; to: M[] } {
  return { from: mappings.filter(({ side }) => side !== "To"), to: mappings.filter(({ side }) => side !== "From") };
}

function hasBothSides(mappings: { side: RequestSide }[]): boolean {
  const { from, to } = bySide(mappings);
  return from.length > 0 && to.length > 0;
}

/** The least of all that is said, provided that both sides say something. */
function attributesOf(states: ParticipantState[]): ParticipantAttributes | undefined {
  if (!hasBothSides(states)) return undefined;
  return {
    permission: states.map(({ permission }) => permission).reduce(lowerPermission),
    trustLevel: states.map(({ trustLevel }) => trustLevel).reduce(lowerTrustLevel),
  };
}

function permissions(groups: Iterable<[string, PartyToParticipant[]]>): Map<string, ParticipantPermission> {
  const found = new Map<string, ParticipantPermission>();
  for (const [name, mappings] of groups) {
    if (hasBothSides(mappings)) found.set(name, mappings.map(({ permission }) => permission).reduce(lowerPermission));
  }
  return found;
}
