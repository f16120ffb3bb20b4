import { participantMember } from "@pulumi-canton/protocol/identity/member.ts";
import { namespaceOf } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { ParticipantState } from "@pulumi-canton/protocol/topology/mapping.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import type { SignedTopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { failedPrecondition } from "@pulumi-canton/runtime/errors.ts";
import type { MemberSigner } from "@pulumi-canton/sequencer-client/member-signer.ts";
import type { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import type { StoredTransaction } from "@pulumi-canton/topology/stored-transaction.ts";
import type { TopologyManager } from "@pulumi-canton/topology/topology-manager.ts";
import { notInitialized } from "./domain-errors.ts";

/** This participant as a member of domains. */
export interface ParticipantMember {
  /** Name of the node, for the metadata of errors. */
  readonly name: string;
  /** `identifier::fingerprint`. Throws CantonError before the node has an identity. */
  uid(): string;
  /** `PAR::identifier::fingerprint`. Throws CantonError before the node has an identity. */
  id(): string;
}

/** @param uid gives the identity, or undefined before the node has one */
export function participantMemberOf(name: string, uid: () => string | undefined): ParticipantMember {
  const known = () => {
    const present = uid();
    if (present === undefined) throw notInitialized(name);
    return present;
  };
  return { name, uid: known, id: () => participantMember(known()) };
}

/**
 * Signs as the participant towards the sequencers of one domain.
 *
 * A key is of use only if the domain knows it, so those that the domain's topology has are preferred to newer ones that
 * have not arrived there yet. Of those it is the newest: an older one may be on its way out.
 */
export function memberSigner(options: {
  readonly member: ParticipantMember;
  readonly keys: KeyStore;
  readonly manager: TopologyManager;
  /** The topology of the domain, as far as it has been read. */
  readonly domainState: () => TopologyState;
}): MemberSigner {
  const { member, keys, manager, domainState } = options;
  return {
    sign: async (purpose, content, fingerprints) => {
      const own = (state: TopologyState) => state.keysOf(member.id()).signing.map((key) => key.id);
      const known = own(domainState());
      const candidates = fingerprints ?? (known.length > 0 ? known : own(manager.state));
      const [held] = await keys.newestSigningKeys(candidates);
      if (held !== undefined) return keys.sign(held, purpose, content);
      throw failedPrecondition(
        "NO_SIGNING_KEY_OF_MEMBER",
        `${member.id()} holds none of the signing keys that the domain knows of it: ${candidates.join(", ") || "none"}`,
        { metadata: { participant: member.name } },
      );
    },
  };
}

/** The participant's own side of being on a domain. */
export function ownSide(member: ParticipantMember, domain: string): ParticipantState {
  const participant = member.id();
  return {
    kind: "ParticipantState",
    side: "To",
    domain,
    participant,
    permission: "Submission",
    trustLevel: "Ordinary",
  };
}

/** Makes sure that the participant's own side is signed, and gives what a domain has to know before it can admit the participant, in the order of authorisation. */
export async function onboardingTransactions(
  manager: TopologyManager,
  member: ParticipantMember,
  domainId: string,
): Promise<StoredTransaction[]> {
  const mine = ownSide(member, domainId);
  const hasOwnSide = manager.state
    .inSlotOf(mine)
    .some(({ transaction: { mapping } }) => mapping.kind === "ParticipantState" && mapping.side !== "From");
  if (!hasOwnSide) await manager.authorize(mine, "Add");
  const inForce = await manager.store.query({
    time: { kind: "head" },
    stateOnly: true,
    kinds: ["NamespaceDelegation", "IdentifierDelegation", "OwnerToKeyMapping", "ParticipantState"],
  });
  return inForce.filter(
    ({
      signed: {
        transaction: { mapping },
      },
    }) => {
      switch (mapping.kind) {
        case "NamespaceDelegation":
          return mapping.namespace === namespaceOf(member.uid());
        case "IdentifierDelegation":
          return mapping.uid === member.uid();
        case "OwnerToKeyMapping":
          return mapping.owner === member.id();
        case "ParticipantState":
          return mapping.domain === domainId && mapping.participant === member.id() && mapping.side !== "From";
        default:
          return false;
      }
    },
  );
}
