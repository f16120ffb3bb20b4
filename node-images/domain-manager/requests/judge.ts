/**
 * What the domain's policy says to a registration request: pure. Whether the transactions that it lets pass are properly
 * signed and authorised is decided afterwards, against the topology state.
 */
import { type MemberId, memberNamespace } from "@pulumi-canton/protocol/identity/member.ts";
import { namespaceOf, type UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import type { ParticipantPermission } from "@pulumi-canton/protocol/topology/change.ts";
import { describeMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import {
  decodeSignedTransaction,
  type SignedTopologyTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";

/** Who may join. */
export type OnboardingPolicy = "permissioned" | "open";

/** A request to take transactions into the domain. */
export interface RegistrationRequest {
  /** The member that asks: a participant that is on the domain, or an unauthenticated member on behalf of one that is not yet. */
  readonly requestedBy: MemberId;
  /** The participant that it is about. */
  readonly participant: MemberId;
  /** Serialized signed transactions. */
  readonly transactions: readonly Buffer[];
}

/** How the participant stands with the domain at the moment of the request. */
export interface Standing {
  readonly domainId: UniqueIdentifier;
  readonly policy: OnboardingPolicy;
  /** What the domain's side grants it; undefined: it is not on the allow-list. */
  readonly granted: ParticipantPermission | undefined;
  /** It is active: both sides agree and neither has disabled it. */
  readonly active: boolean;
  /** A signing key of it is known to the domain. */
  readonly hasSigningKey: boolean;
  /** Its own side (ParticipantState To) is known to the domain. */
  readonly hasOwnSide: boolean;
}

/** The rules by which the policy refuses; those of docs/topology-state-machine.md that only the request service has. */
export const REQUEST_RULES = [
  "REQUEST_FOR_OTHER_DOMAIN",
  "TOO_MANY_TRANSACTIONS",
  "PARTICIPANT_DISABLED",
  "NOT_ON_ALLOW_LIST",
  "ON_BEHALF_OF_OTHER",
  "PARTICIPANT_NOT_ACTIVE",
  "UNREADABLE_TRANSACTION",
  "KEY_OF_DOMAIN_NODE",
  "KEY_OF_OTHER_PARTICIPANT",
  "STATE_ON_OTHER_DOMAIN",
  "STATE_OF_DOMAINS_SIDE",
  "STATE_OF_OTHER_PARTICIPANT",
  "NOT_ON_DOMAIN_YET",
  "DOMAIN_GOVERNANCE",
  "LACKS_SIGNING_KEY",
  "LACKS_AGREEMENT",
  "DELEGATION_IN_OTHER_NAMESPACE",
] as const;

/** A rule by which the policy refuses. */
export type RequestRule = (typeof REQUEST_RULES)[number];

/** What is answered for a transaction that goes no further. */
export interface Refusal {
  readonly state: "FAILED" | "REJECTED";
  readonly rule: RequestRule;
  /** For people; names the participant. */
  readonly reason: string;
}

/** For every transaction of the request, in order: the transaction, when the policy lets it pass, or why not. */
export type Judgement = { readonly transaction: SignedTopologyTransaction } | { readonly refusal: Refusal };

/** Most transactions that one request may carry. */
export const MAX_TRANSACTIONS = 1_000;

/** Judges every transaction of a request. An onboarding passes as a whole or not at all. */
export function judge(request: RegistrationRequest, standing: Standing): Judgement[] {
  const { requestedBy, participant, transactions } = request;
  const onboarding = requestedBy.startsWith("UNM::");
  const whole = refusalOfRequest(request, standing, onboarding);
  if (whole !== undefined) return transactions.map(() => ({ refusal: whole }));

  const each = transactions.map((bytes): Judgement => {
    let transaction: SignedTopologyTransaction;
    try {
      transaction = decodeSignedTransaction(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const reason = `a transaction of ${participant} cannot be read: ${error.message}`;
      return { refusal: { state: "FAILED", rule: "UNREADABLE_TRANSACTION", reason } };
    }
    const refusal = refusalOfTransaction(transaction, participant, standing.domainId, onboarding);
    return refusal === undefined ? { transaction } : { refusal };
  });
  if (!onboarding) return each;

  const first = each.find((judgement) => "refusal" in judgement);
  if (first !== undefined) return refuseRest(each, first.refusal);
  const missing = missingForOnboarding(each, participant, standing);
  return missing === undefined ? each : refuseRest(each, missing);
}

function refusalOfRequest(
  { requestedBy, participant, transactions }: RegistrationRequest,
  { domainId, policy, granted, active }: Standing,
  onboarding: boolean,
): Refusal | undefined {
  if (transactions.length > MAX_TRANSACTIONS) {
    return rejected(
      "TOO_MANY_TRANSACTIONS",
      `${participant} sent ${transactions.length} transactions in one request, at most ${MAX_TRANSACTIONS} are accepted`,
    );
  }
  if (granted === "Disabled") {
    return rejected(
      "PARTICIPANT_DISABLED",
      `participant ${participant} is disabled on the domain ${domainId}; the domain's operator can enable it with participants.set_state`,
    );
  }
  if (onboarding) {
    if (granted === undefined && policy === "permissioned") {
      return rejected(
        "NOT_ON_ALLOW_LIST",
        `participant ${participant} is not on the allow-list of the permissioned domain ${domainId}; the domain's operator can admit it with participants.set_state`,
      );
    }
    return undefined;
  }
  if (requestedBy !== participant) {
    return rejected(
      "ON_BEHALF_OF_OTHER",
      `${requestedBy} may not register topology transactions on behalf of ${participant}`,
    );
  }
  if (!active)
    return rejected("PARTICIPANT_NOT_ACTIVE", `participant ${participant} is not active on the domain ${domainId}`);
  return undefined;
}

function refusalOfTransaction(
  { transaction: { mapping } }: SignedTopologyTransaction,
  participant: MemberId,
  domainId: UniqueIdentifier,
  onboarding: boolean,
): Refusal | undefined {
  const only = (rule: RequestRule, what: string) =>
    rejected(rule, `${describeMapping(mapping)} of ${participant}: ${what}`);
  switch (mapping.kind) {
    case "NamespaceDelegation":
    case "IdentifierDelegation": {
      const namespace = mapping.kind === "NamespaceDelegation" ? mapping.namespace : namespaceOf(mapping.uid);
      // Anybody may send an onboarding, and anybody can make namespaces without end.
      return onboarding && namespace !== memberNamespace(participant)
        ? only("DELEGATION_IN_OTHER_NAMESPACE", "an onboarding is about the namespace of one participant")
        : undefined;
    }
    case "OwnerToKeyMapping":
      if (!mapping.owner.startsWith("PAR::"))
        return only("KEY_OF_DOMAIN_NODE", "keys of the domain's own nodes are registered by the domain");
      if (onboarding && mapping.owner !== participant)
        return only("KEY_OF_OTHER_PARTICIPANT", "an onboarding is about the keys of one participant");
      return undefined;
    case "ParticipantState":
      if (mapping.domain !== domainId) return only("STATE_ON_OTHER_DOMAIN", `this is the domain ${domainId}`);
      if (mapping.side !== "To")
        return only("STATE_OF_DOMAINS_SIDE", "only the domain itself signs for its side; expected side To");
      if (mapping.participant !== participant)
        return only("STATE_OF_OTHER_PARTICIPANT", "a participant registers its own state only");
      return undefined;
    case "PartyToParticipant":
    case "VettedPackages":
      return onboarding
        ? only("NOT_ON_DOMAIN_YET", "is accepted only from a participant that is on the domain")
        : undefined;
    case "MediatorDomainState":
    case "DomainParametersChange":
      return only("DOMAIN_GOVERNANCE", "is for the domain itself to decide");
  }
}

function missingForOnboarding(
  each: readonly Judgement[],
  participant: MemberId,
  { domainId, hasSigningKey, hasOwnSide }: Standing,
): Refusal | undefined {
  const added = each.flatMap((judgement) =>
    "transaction" in judgement && judgement.transaction.transaction.operation === "Add"
      ? [judgement.transaction.transaction.mapping]
      : [],
  );
  if (
    !hasSigningKey &&
    !added.some((mapping) => mapping.kind === "OwnerToKeyMapping" && mapping.key.purpose === "signing")
  ) {
    return rejected("LACKS_SIGNING_KEY", `the onboarding of ${participant} lacks a signing key (OwnerToKeyMapping)`);
  }
  if (!hasOwnSide && !added.some((mapping) => mapping.kind === "ParticipantState")) {
    return rejected(
      "LACKS_AGREEMENT",
      `the onboarding of ${participant} lacks its agreement to join ${domainId} (ParticipantState, side To)`,
    );
  }
  return undefined;
}

function refuseRest(each: readonly Judgement[], { rule, reason }: Refusal): Judgement[] {
  return each.map((judgement) => ("refusal" in judgement ? judgement : { refusal: rejected(rule, reason) }));
}

function rejected(rule: RequestRule, reason: string): Refusal {
  return { state: "REJECTED", rule, reason };
}
