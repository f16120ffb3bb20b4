/** `pulumicanton.admin.v1.InvitationService`: the domain's manager vouches for invitations to its domain. */
import { status } from "@grpc/grpc-js";
import { InvitationServiceService } from "@pulumi-canton/protocol/gen/pulumicanton/admin/v1/invitation_service.ts";
import { domainManagerMember } from "@pulumi-canton/protocol/identity/member.ts";
import { namespaceOf, type UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { decide } from "@pulumi-canton/protocol/topology/decide.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import {
  encodeSignedTransaction,
  type SignedTopologyTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { failedPrecondition, plainError } from "@pulumi-canton/runtime/errors.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import { secretKeyNotInStore } from "@pulumi-canton/topology/topology-errors.ts";
import {
  canonicalBytes,
  checkInvitation,
  type Invitation,
  InvitationRefused,
  maxValidDays,
} from "../invitation/invitation.ts";

/** What {@link invitationService} needs. */
export interface InvitationServiceOptions {
  /** Id of the domain, once it runs. */
  readonly domainId: () => Promise<UniqueIdentifier | undefined>;
  readonly keys: KeyStore;
  /** The topology as all members of the domain know it. */
  readonly published: (domainId: UniqueIdentifier) => Promise<TopologyState>;
}

/** The service over a domain manager's keys. */
export function invitationService({ domainId, keys, published }: InvitationServiceOptions): GrpcService {
  return implement(InvitationServiceService, {
    signInvitation: async ({ invitation: bytes }) => {
      const own = await domainId();
      if (own === undefined) throw failedPrecondition("DOMAIN_NOT_READY", "the domain does not run yet");
      const invitation = readInvitation(bytes, own);
      const state = await published(own);
      const member = domainManagerMember(own);
      const candidates = state.keysOf(member).signing.map(({ id }) => id);
      const key = (await keys.heldSigningKeys(candidates)).at(-1);
      if (key === undefined) throw secretKeyNotInStore(candidates.join(", "), {});
      return {
        topology: proofOf(state, own, key).map(encodeSignedTransaction),
        signature: await keys.sign(key, "invitation", canonicalBytes(invitation)),
      };
    },
  });
}

function readInvitation(bytes: Buffer, own: UniqueIdentifier): Invitation {
  const refuse = (why: string) => plainError(status.INVALID_ARGUMENT, `the invitation is not signed: ${why}`);
  let invitation: Invitation;
  try {
    invitation = checkInvitation(JSON.parse(bytes.toString("utf8")));
  } catch (error) {
    if (error instanceof InvitationRefused) throw refuse(error.message);
    if (error instanceof SyntaxError) throw refuse("expected JSON");
    throw error;
  }
  if (invitation.domainId !== own) throw refuse(`it is to the domain ${invitation.domainId}, this is ${own}`);
  const days = (Date.parse(invitation.expires) - Date.now()) / 86_400_000;
  if (!(days > 0 && days <= maxValidDays)) {
    throw refuse(`it expires on ${invitation.expires}; expected a time in the next ${maxValidDays} days`);
  }
  return invitation;
}

/** The transactions that show that a key is one of the domain's manager, in an order in which each builds on those before. */
function proofOf(state: TopologyState, domainId: UniqueIdentifier, key: string): SignedTopologyTransaction[] {
  const member = domainManagerMember(domainId);
  const mappings = [...state.transactionsOfKind("OwnerToKeyMapping")].filter(({ transaction: { mapping } }) => {
    return mapping.kind === "OwnerToKeyMapping" && mapping.owner === member && mapping.key.key.id === key;
  });
  let pending = [
    ...state.effectiveNamespaceDelegations(namespaceOf(domainId)),
    ...state.effectiveIdentifierDelegations(domainId),
    ...mappings,
  ];
  let proven = TopologyState.empty;
  const ordered: SignedTopologyTransaction[] = [];
  for (let before = -1; before !== ordered.length; ) {
    before = ordered.length;
    pending = pending.filter((transaction) => {
      const decision = decide(proven, transaction, { domainId });
      if (!decision.accepted) return true;
      proven = decision.state;
      ordered.push(transaction);
      return false;
    });
  }
  return ordered;
}
