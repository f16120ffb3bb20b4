import type { KeyPurposeName } from "../crypto/public-key.ts";
import type { Fingerprint } from "../identity/fingerprint.ts";
import {
  domainManagerMember,
  type MemberId,
  mediatorMember,
  participantMember,
  sequencerMember,
} from "../identity/member.ts";
import { namespaceOf, type UniqueIdentifier } from "../identity/unique-identifier.ts";
import { namespacesOf, type TopologyMapping } from "./mapping.ts";
import type { TopologyState } from "./topology-state.ts";

/** The nodes that have a namespace and an identity of their own. Sequencers and mediators have those of their domain. */
export type InitialisedRole = "participant" | "domain-manager";

/** The steps that a node is initialised in; see {@link initialisationProgress} for their order. */
export type InitialisationStepName =
  | "identity-key"
  | "namespace-delegation"
  | "init-id"
  | "signing-key"
  | "encryption-key"
  | "signing-key-mapping"
  | "encryption-key-mapping"
  | "domain-parameters"
  | "domain-manager-key-mapping"
  | "sequencer-key-mapping"
  | "mediator-key-mapping"
  | "mediator-domain-state"
  | "sequencer-connection";

/** A key as `VaultService.ListPublicKeys` and `ListMyKeys` tell of it. */
export interface InitialisationKey {
  readonly fingerprint: Fingerprint;
  readonly purpose: KeyPurposeName;
  /** The node holds the private half: `ListMyKeys` has it. */
  readonly held: boolean;
}

/** All that the progress depends on. */
export interface InitialisationState {
  /** `InitializationService.GetId`; undefined while `initialized` is false. */
  readonly uid: UniqueIdentifier | undefined;
  /** The keys that the node knows. */
  readonly keys: readonly InitialisationKey[];
  /** What is in force in the node's store `Authorized`. */
  readonly topology: TopologyState;
  /**
   * Domain manager only. `configured`: its sequencers and mediators are in its configuration, so it sets them up by itself,
   * keys and mediator included; `given`: it was told where its sequencers are (`DomainInitializationService.Init`);
   * `awaited` (the default): it is still to be told.
   */
  readonly sequencers?: "configured" | "given" | "awaited";
}

/** One step. */
export interface InitialisationStep {
  readonly name: InitialisationStepName;
  readonly done: boolean;
  /** What is to be done and with which rpc: for people. */
  readonly what: string;
}

/** How far a node is initialised. */
export interface InitialisationProgress {
  /** All steps, in order. */
  readonly steps: readonly InitialisationStep[];
  /** The first step that is not done; undefined when nothing is left. */
  readonly next: InitialisationStep | undefined;
  /** Nothing is left. */
  readonly complete: boolean;
}

type Steps = Iterable<readonly [InitialisationStepName, boolean, string]>;

/**
 * Which steps of a node's initialisation are done, and which is next. Pure: the node itself asks with its own database, and
 * whoever administers it with what its admin API answers (`observeInitialisation` of the topology package).
 *
 * The order is the published one: a participant gets its root certificate before its id, a domain its id first. Every step
 * shows in the state, so whatever was done before a crash, by another tool or by import, counts. A node whose namespace key
 * is kept elsewhere has the same steps: its root certificate and mappings are imported (`AddSignedTopologyTransaction`)
 * instead of being authorised by it.
 *
 * Source: seed "Manually Initializing a Node".
 */
export function initialisationProgress(role: InitialisedRole, state: InitialisationState): InitialisationProgress {
  const order = role === "participant" ? participantSteps(state) : domainManagerSteps(state);
  const steps = [...order].map(([name, done, what]) => ({ name, done, what }));
  const next = steps.find(({ done }) => !done);
  return { steps, next, complete: next === undefined };
}

/** The reason why a node is not ready, and what to do: for health, status and errors. Undefined when nothing is left. */
export function waitingForInitialisation({ steps, next }: InitialisationProgress): string | undefined {
  if (next === undefined) return undefined;
  return `waiting for initialisation: next step (${steps.indexOf(next) + 1} of ${steps.length}): ${next.what}`;
}

/** What somebody asks a node that is not initialised to do. */
export type InitialisationAction =
  /** `InitId`, with the fingerprint of the namespace. */
  | { readonly kind: "init-id"; readonly namespace: Fingerprint }
  /** An `Authorize…` rpc: the node signs. */
  | { readonly kind: "authorize"; readonly mapping: TopologyMapping }
  /** `AddSignedTopologyTransaction`. */
  | { readonly kind: "add"; readonly mapping: TopologyMapping };

/**
 * The step that has to be taken before an action, or undefined when the action may be tried. Pure.
 *
 * Only the order is judged here; whether a key may sign is the topology manager's business.
 */
export function missingStep(
  role: InitialisedRole,
  state: InitialisationState,
  action: InitialisationAction,
): InitialisationStep | undefined {
  const { steps } = initialisationProgress(role, state);
  const missing = (...names: InitialisationStepName[]) => steps.find(({ name, done }) => names.includes(name) && !done);
  if (action.kind === "init-id") {
    const { namespace } = action;
    if (role === "participant") {
      if (hasRootCertificate(state, namespace)) return undefined;
      return missing("identity-key") ?? undone("namespace-delegation", rootCertificate(namespace));
    }
    if (state.keys.some(({ fingerprint, purpose }) => fingerprint === namespace && purpose === "signing"))
      return undefined;
    return undone(
      "identity-key",
      `make the node know the signing key ${namespace} of the namespace (VaultService.GenerateSigningKey, or ImportPublicKey when it is kept elsewhere)`,
    );
  }
  const { mapping } = action;
  const isRoot = mapping.kind === "NamespaceDelegation" && mapping.targetKey.id === mapping.namespace;
  if (role === "domain-manager" && state.uid === undefined) return missing("identity-key", "init-id");
  if (isRoot) return action.kind === "authorize" ? missing("identity-key") : undefined;
  const rootless = namespacesOf(mapping).find((namespace) => namespaceIsOwn(state, namespace, role));
  if (rootless !== undefined && !hasRootCertificate(state, rootless)) {
    return missing("identity-key") ?? undone("namespace-delegation", rootCertificate(rootless));
  }
  const isDelegation = mapping.kind === "NamespaceDelegation" || mapping.kind === "IdentifierDelegation";
  // What comes signed was put in order by whoever signed it.
  if (action.kind === "add" || isDelegation) return undefined;
  if (role === "participant") return missing("identity-key", "namespace-delegation", "init-id");
  switch (mapping.kind) {
    case "DomainParametersChange":
      return undefined;
    case "OwnerToKeyMapping":
      return missing("domain-parameters");
    case "MediatorDomainState":
      return missing(
        "domain-parameters",
        "domain-manager-key-mapping",
        "sequencer-key-mapping",
        "mediator-key-mapping",
      );
    default:
      return missing("domain-parameters", "domain-manager-key-mapping");
  }
}

/** Whether it is this node's business that the namespace has a root certificate: any namespace, until the node has its own. */
function namespaceIsOwn({ uid }: InitialisationState, namespace: Fingerprint, role: InitialisedRole): boolean {
  return uid === undefined ? role === "participant" : namespace === namespaceOf(uid);
}

function undone(name: InitialisationStepName, what: string): InitialisationStep {
  return { name, done: false, what };
}

function hasRootCertificate({ topology }: InitialisationState, namespace: Fingerprint): boolean {
  return topology.mayActForNamespace(namespace, namespace, true);
}

function rootCertificate(namespace: Fingerprint | undefined): string {
  const whose = namespace === undefined ? "of the key's fingerprint" : namespace;
  return `authorise the root certificate of the namespace ${whose} (TopologyManagerWriteService.AuthorizeNamespaceDelegation with is_root_delegation, or AddSignedTopologyTransaction when it was signed elsewhere)`;
}

const identityKey =
  "make the signing key of the identity (VaultService.GenerateSigningKey), or, when it is kept elsewhere, make it known (ImportPublicKey)";

function hasIdentityKey({ uid, keys, topology }: InitialisationState): boolean {
  return uid !== undefined || keys.some(({ purpose }) => purpose === "signing") || rootOf(topology) !== undefined;
}

/** A namespace that has its root certificate in force. */
function rootOf(topology: TopologyState): Fingerprint | undefined {
  for (const { transaction } of topology.transactionsOfKind("NamespaceDelegation")) {
    const { mapping } = transaction;
    if (mapping.kind === "NamespaceDelegation" && mapping.targetKey.id === mapping.namespace) return mapping.namespace;
  }
  return undefined;
}

/** Whether a member has a key of a purpose in force, one that the node holds if `held`. */
function isMapped(state: InitialisationState, owner: MemberId, purpose: KeyPurposeName, held: boolean): boolean {
  const mapped = state.topology.keysOf(owner)[purpose];
  if (!held) return mapped.length > 0;
  return mapped.some(({ id }) => state.keys.some((key) => key.fingerprint === id && key.held));
}

function mapKey(owner: string, purpose: KeyPurposeName): string {
  return `assign ${purpose === "signing" ? "a signing" : "an encryption"} key to ${owner} (AuthorizeOwnerToKeyMapping, or AddSignedTopologyTransaction when it was signed elsewhere)`;
}

function* participantSteps(state: InitialisationState): Steps {
  const { uid, keys, topology } = state;
  const namespace = uid === undefined ? rootOf(topology) : namespaceOf(uid);
  yield ["identity-key", hasIdentityKey(state), identityKey];
  yield [
    "namespace-delegation",
    namespace !== undefined && hasRootCertificate(state, namespace),
    rootCertificate(namespace),
  ];
  yield [
    "init-id",
    uid !== undefined,
    "give the node its id (InitializationService.InitId with the identifier and the fingerprint of the namespace)",
  ];
  const owner = uid === undefined ? undefined : participantMember(uid);
  const mapped = (purpose: KeyPurposeName) => owner !== undefined && isMapped(state, owner, purpose, true);
  const holds = (purpose: KeyPurposeName) => {
    const held = keys.filter((key) => key.purpose === purpose && key.held && key.fingerprint !== namespace);
    // As long as there is no namespace, one signing key is to become that of the identity.
    const reserved = namespace === undefined && purpose === "signing" ? 1 : 0;
    return mapped(purpose) || held.length > reserved;
  };
  yield ["signing-key", holds("signing"), "make the participant's signing key (VaultService.GenerateSigningKey)"];
  yield [
    "encryption-key",
    holds("encryption"),
    "make the participant's encryption key (VaultService.GenerateEncryptionKey)",
  ];
  const name = owner ?? "the participant";
  yield ["signing-key-mapping", mapped("signing"), mapKey(name, "signing")];
  yield ["encryption-key-mapping", mapped("encryption"), mapKey(name, "encryption")];
}

function* domainManagerSteps(state: InitialisationState): Steps {
  const { uid, topology, sequencers = "awaited" } = state;
  yield ["identity-key", hasIdentityKey(state), identityKey];
  yield [
    "init-id",
    uid !== undefined,
    "give the domain its id (InitializationService.InitId with the identifier and the fingerprint of the namespace)",
  ];
  const namespace = uid === undefined ? undefined : namespaceOf(uid);
  yield [
    "namespace-delegation",
    namespace !== undefined && hasRootCertificate(state, namespace),
    rootCertificate(namespace),
  ];
  yield [
    "domain-parameters",
    uid !== undefined && topology.domainParameters(uid) !== undefined,
    "set the domain's dynamic parameters (AuthorizeDomainParametersChange)",
  ];
  const mapped = (ownerOf: (uid: UniqueIdentifier) => MemberId, held: boolean) =>
    uid !== undefined && isMapped(state, ownerOf(uid), "signing", held);
  const ownerName = (ownerOf: (uid: UniqueIdentifier) => MemberId, code: string) =>
    uid === undefined ? `the domain as ${code}` : ownerOf(uid);
  yield [
    "domain-manager-key-mapping",
    mapped(domainManagerMember, true),
    mapKey(ownerName(domainManagerMember, "DOM"), "signing"),
  ];
  if (sequencers === "configured") return;
  const elsewhere = "; its public key comes from that node, by VaultService.ImportPublicKey";
  yield [
    "sequencer-key-mapping",
    mapped(sequencerMember, false),
    mapKey(ownerName(sequencerMember, "SEQ"), "signing") + elsewhere,
  ];
  yield [
    "mediator-key-mapping",
    mapped(mediatorMember, false),
    mapKey(ownerName(mediatorMember, "MED"), "signing") + elsewhere,
  ];
  yield [
    "mediator-domain-state",
    uid !== undefined && topology.mediators(uid).length > 0,
    "register the mediator (AuthorizeMediatorDomainState)",
  ];
  yield [
    "sequencer-connection",
    sequencers === "given",
    "say where the sequencers are, once they have the topology (DomainInitializationService.Init)",
  ];
}
