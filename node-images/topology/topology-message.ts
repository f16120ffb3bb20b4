/** What a member makes of one sequenced domain topology message. Pure: every member comes to the same result. */
import {
  type DomainTopologyMessage,
  verifyDomainTopologyMessage,
} from "@pulumi-canton/protocol/envelope/domain-topology-message.ts";
import { domainManagerMember } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { Micros } from "@pulumi-canton/protocol/timestamp.ts";
import { decide } from "@pulumi-canton/protocol/topology/decide.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import type { TransactionToAppend } from "./stored-transaction.ts";

/** A message that was applied: what to append to the domain's store, accepted and rejected, and the state after it. */
export interface AppliedMessage {
  readonly accepted: true;
  readonly append: readonly TransactionToAppend[];
  readonly state: TopologyState;
}

/** A message that is void as a whole: nothing of it is kept. */
export interface RefusedMessage {
  readonly accepted: false;
  /** For people: why. */
  readonly problem: string;
}

/**
 * Applies a message to the state of its domain.
 *
 * The message has to be signed with a key of the domain manager, as the state has it before the message or after it: the
 * first message that a member gets, and one that brings a new key of the manager, carry that key. Nothing is trusted for
 * it but the domain id: only the domain's namespace can have authorised a key of its manager.
 *
 * Each transaction is decided on its own, on the state after those before it. Dangerous ones are taken as forced: the
 * domain has decided, and all members have to come to the same.
 */
export function applyTopologyMessage(
  before: TopologyState,
  message: DomainTopologyMessage,
  context: { domainId: UniqueIdentifier; sequencedAt: Micros },
): AppliedMessage | RefusedMessage {
  const { domainId, sequencedAt } = context;
  const manager = domainManagerMember(domainId);
  const problemWith = (state: TopologyState) =>
    verifyDomainTopologyMessage(message, { ...context, managerKeys: state.keysOf(manager).signing });
  const problem = problemWith(before);
  // A wrong domain or a late message stays what it is; only a key may still turn up in the message.
  if (problem !== undefined && problem.kind !== "invalid-signature") return refused(problem.message);

  let state = before;
  const append = message.transactions.map((signed): TransactionToAppend => {
    const decision = decide(state, signed, { force: true, domainId });
    if (!decision.accepted) {
      return { signed, sequenced: sequencedAt, rejection: `${decision.reason}: ${decision.message}` };
    }
    state = decision.state;
    return { signed, sequenced: sequencedAt };
  });
  if (problem !== undefined && problemWith(state) !== undefined) return refused(problem.message);
  return { accepted: true, append, state };
}

function refused(problem: string): RefusedMessage {
  return { accepted: false, problem };
}
