/** What becomes of a registration request, given the state of the domain: pure but for the domain's own signature. */
import type { RegisterTopologyState } from "@pulumi-canton/protocol/envelope/register-topology.ts";
import type { MemberId } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { lowerPermission } from "@pulumi-canton/protocol/topology/change.ts";
import { decide, type RejectionReason } from "@pulumi-canton/protocol/topology/decide.ts";
import type { ParticipantState } from "@pulumi-canton/protocol/topology/mapping.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { describeTransaction, type SignedTopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { judge, type OnboardingPolicy, type RequestRule, type Standing } from "./judge.ts";
import type { AnswerableRequest } from "./read-request.ts";

/** What is answered for one transaction. */
export interface RequestResult {
  readonly state: RegisterTopologyState;
  /** Why; empty when accepted. */
  readonly errorMessage: string;
  /** The rule that refuses; undefined when accepted. */
  readonly rule?: RequestRule | RejectionReason;
}

/** What becomes of a request. */
export interface RequestDecision {
  /** One for each transaction of the request, in order. */
  readonly results: readonly RequestResult[];
  /** The transactions to add to the domain, in order. */
  readonly append: readonly SignedTopologyTransaction[];
  /** The state with them. */
  readonly state: TopologyState;
}

/** What the decision depends on besides request and state. */
export interface DomainRules {
  readonly domainId: UniqueIdentifier;
  readonly policy: OnboardingPolicy;
  /** Signs the domain's side for a participant that an open domain admits. */
  readonly admit: (mapping: ParticipantState) => Promise<SignedTopologyTransaction>;
}

/**
 * Decides a request: the policy first, then every transaction against the state, each on top of those before it. An
 * onboarding is taken as a whole or not at all.
 */
export async function decideRequest(
  request: AnswerableRequest,
  before: TopologyState,
  rules: DomainRules,
): Promise<RequestDecision> {
  const { domainId, policy } = rules;
  const { participant } = request;
  const onboarding = request.requestedBy.startsWith("UNM::");
  const standing = standingOf(before, domainId, participant, policy);
  const none = (results: readonly RequestResult[]): RequestDecision => ({ results, append: [], state: before });
  if (request.domainId !== domainId) {
    const errorMessage = `the request of ${participant} is for the domain ${request.domainId}, this is ${domainId}`;
    const rule = "REQUEST_FOR_OTHER_DOMAIN";
    return none(request.transactions.map(() => ({ state: "REJECTED", rule, errorMessage })));
  }

  let state = before;
  const append: SignedTopologyTransaction[] = [];
  const judgements = judge(request, standing);
  const passes = judgements.some((judgement) => "transaction" in judgement);
  if (onboarding && passes && standing.granted === undefined) {
    const admission = await rules.admit({
      kind: "ParticipantState",
      side: "From",
      domain: domainId,
      participant,
      permission: "Submission",
      trustLevel: "Ordinary",
    });
    state = state.apply(admission);
    append.push(admission);
  }
  const results = judgements.map((judgement): RequestResult => {
    if ("refusal" in judgement) {
      const { state: answer, rule, reason } = judgement.refusal;
      return { state: answer, rule, errorMessage: reason };
    }
    const { transaction } = judgement;
    // The owner has decided what it wants removed, and every receiver decides alike: hence no asking back.
    const decision = decide(state, transaction, { domainId, force: true });
    if (decision.accepted) {
      state = decision.state;
      append.push(transaction);
      return { state: "ACCEPTED", errorMessage: "" };
    }
    const errorMessage = `${describeTransaction(transaction.transaction)} of ${participant}: ${decision.message}`;
    return { state: answerTo(decision.reason), rule: decision.reason, errorMessage };
  });

  const refused = results.find((result) => result.state === "REJECTED" || result.state === "FAILED");
  if (onboarding && refused !== undefined) {
    const taken = (result: RequestResult) => result.state === "ACCEPTED";
    return none(results.map((each) => (taken(each) ? { ...refused, state: "REJECTED" } : each)));
  }
  return { results, append, state };
}

function answerTo(reason: RejectionReason): RegisterTopologyState {
  switch (reason) {
    case "DUPLICATE_TRANSACTION":
    case "TOPOLOGY_MAPPING_ALREADY_EXISTS":
      return "DUPLICATE";
    case "OBSOLETE_TRANSACTION":
    case "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE":
      return "OBSOLETE";
    default:
      return "REJECTED";
  }
}

/** How a participant stands with the domain in a state. */
export function standingOf(
  state: TopologyState,
  domainId: UniqueIdentifier,
  participant: MemberId,
  policy: OnboardingPolicy,
): Standing {
  const sides = state.participantStates(domainId, participant);
  const granted = sides.filter(({ side }) => side !== "To").map(({ permission }) => permission);
  return {
    domainId,
    policy,
    granted: granted.length === 0 ? undefined : granted.reduce(lowerPermission),
    active: state.isActiveMember(domainId, participant),
    hasSigningKey: state.countKeys(participant, "signing") > 0,
    hasOwnSide: sides.some(({ side }) => side !== "From"),
  };
}
