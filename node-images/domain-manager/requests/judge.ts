/**
 * What the domain's policy says to a registration request: pure. Whether the transactions that it lets pass are properly
 * signed and authorised is decided afterwards, against the topology state.
 */
import type { MemberId } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
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

/** What is answered for a transaction that goes no further. */
export interface Refusal {
  readonly state: "FAILED" | "REJECTED";
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
      return {
        refusal: { state: "FAILED", reason: `a transaction of ${participant} cannot be read: ${error.message}` },
      };
    }
    const reason = refusalOfTransaction(transaction, participant, standing.domainId, onboarding);
    return reason === undefined ? { transaction } : { refusal: { state: "REJECTED", reason } };
  });
  if (!onboarding) return each;

  const first = each.find((judgement) => "refusal" in judgement);
  if (first !== undefined) return refuseRest(each, first.refusal.reason);
  const missing = missingForOnboarding(each, participant, standing);
  return missing === undefined ? each : refuseRest(each, missing);
}

function refusalOfRequest(
  { requestedBy, participant, transactions }: RegistrationRequest,
  { domainId, policy, granted, active }: Standing,
  onboarding: boolean,
): Refusal | undefined {
  const rejected = (reason: string): Refusal => ({ state: "REJECTED", reason });
  if (transactions.length > MAX_TRANSACTIONS) {
    return rejected(
      `${participant} sent ${transactions.length} transactions in one request, at most ${MAX_TRANSACTIONS} are accepted`,
    );
  }
  if (granted === "Disabled") {
    return rejected(
      `participant ${participant} is disabled on the domain ${domainId}; the domain's operator can enable it with participants.set_state`,
    );
  }
  if (onboarding) {
    if (granted === undefined && policy === "permissioned") {
      return rejected(
        `participant ${participant} is not on the allow-list of the permissioned domain ${domainId}; the domain's operator can admit it with participants.set_state`,
      );
    }
    return undefined;
  }
  if (requestedBy !== participant) {
    return rejected(`${requestedBy} may not register topology transactions on behalf of ${participant}`);
  }
  if (!active) return rejected(`participant ${participant} is not active on the domain ${domainId}`);
  return undefined;
}

function refusalOfTransaction(
  { transaction: { mapping } }: SignedTopologyTransaction,
  participant: MemberId,
  domainId: UniqueIdentifier,
  onboarding: boolean,
): string | undefined {
  const only = (what: string) => `${describeMapping(mapping)} of ${participant}: ${what}`;
  switch (mapping.kind) {
    case "NamespaceDelegation":
    case "IdentifierDelegation":
      return undefined;
    case "OwnerToKeyMapping":
      if (!mapping.owner.startsWith("PAR::"))
        return only("keys of the domain's own nodes are registered by the domain");
      if (onboarding && mapping.owner !== participant)
        return only("an onboarding is about the keys of one participant");
      return undefined;
    case "ParticipantState":
      if (mapping.domain !== domainId) return only(`this is the domain ${domainId}`);
      if (mapping.side !== "To") return only("only the domain itself signs for its side; expected side To");
      if (mapping.participant !== participant) return only("a participant registers its own state only");
      return undefined;
    case "PartyToParticipant":
    case "VettedPackages":
      return onboarding ? only("is accepted only from a participant that is on the domain") : undefined;
    case "MediatorDomainState":
    case "DomainParametersChange":
      return only("is for the domain itself to decide");
  }
}

function missingForOnboarding(
  each: readonly Judgement[],
  participant: MemberId,
  { domainId, hasSigningKey, hasOwnSide }: Standing,
): string | undefined {
  const added = each.flatMap((judgement) =>
    "transaction" in judgement && judgement.transaction.transaction.operation === "Add"
      ? [judgement.transaction.transaction.mapping]
      : [],
  );
  if (
    !hasSigningKey &&
    !added.some((mapping) => mapping.kind === "OwnerToKeyMapping" && mapping.key.purpose === "signing")
  ) {
    return `the onboarding of ${participant} lacks a signing key (OwnerToKeyMapping)`;
  }
  if (!hasOwnSide && !added.some((mapping) => mapping.kind === "ParticipantState")) {
    return `the onboarding of ${participant} lacks its agreement to join ${domainId} (ParticipantState, side To)`;
  }
  return undefined;
}

function refuseRest(each: readonly Judgement[], reason: string): Judgement[] {
  return each.map((judgement) => ("refusal" in judgement ? judgement : { refusal: { state: "REJECTED", reason } }));
}
