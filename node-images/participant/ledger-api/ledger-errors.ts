/** Errors of the Ledger API: reasons, words and the quoting in the metadata are the published ones. */
import {
  aborted,
  type CantonError,
  failedPrecondition,
  invalidArgument,
  notFound,
} from "@pulumi-canton/runtime/errors.ts";

/** What an error says about the request it answers, besides its text. */
export interface RequestFacts {
  /** Name of the node. */
  readonly participant: string;
  readonly submissionId?: string;
  readonly parties?: readonly string[];
}

function metadata({ participant, submissionId, parties }: RequestFacts): Record<string, string> {
  return {
    participant: `'${participant}'`,
    ...(parties === undefined ? {} : { parties: `[${parties.map((party) => `'${party}'`).join(", ")}]` }),
    ...(submissionId === undefined ? {} : { submissionId: `'${submissionId}'` }),
    definite_answer: "false",
  };
}

/** The request is wrong whatever the state. */
export function invalidField(facts: RequestFacts, text: string): CantonError {
  return invalidArgument("INVALID_ARGUMENT", `The submitted command has invalid arguments: ${text}`, {
    metadata: metadata(facts),
  });
}

/** A field that must be set is not. */
export function missingField(facts: RequestFacts, field: string): CantonError {
  return invalidArgument("MISSING_FIELD", `The submitted command is missing a mandatory field: ${field}`, {
    metadata: { ...metadata(facts), field_name: field },
  });
}

/** The caller means another ledger. */
export function ledgerIdMismatch(participant: string, ledgerId: string): CantonError {
  return notFound("LEDGER_ID_MISMATCH", `Ledger ID '${ledgerId}' not found. Actual Ledger ID is '${participant}'.`, {
    metadata: { participant, definite_answer: "true" },
  });
}

/** Parties are allocated on domains, and there is none. */
export function noConnectedDomain(participant: string, submissionId: string): CantonError {
  return failedPrecondition(
    "PARTY_ALLOCATION_WITHOUT_CONNECTED_DOMAIN",
    "Cannot allocate a party without being connected to a domain",
    { metadata: { participant, submission_id: submissionId } },
  );
}

/** Details can only be kept of parties that are known. */
export function partyNotFound(facts: RequestFacts, party: string): CantonError {
  return notFound("PARTY_NOT_FOUND", `Party: '${party}' was not found when updating a participant party record`, {
    metadata: metadata(facts),
    resources: [{ type: "PARTY", name: party }],
  });
}

/** An update of a party that cannot be done as asked. */
export function invalidPartyUpdate(facts: RequestFacts, party: string, text: string): CantonError {
  return invalidArgument(
    "INVALID_PARTY_DETAILS_UPDATE_REQUEST",
    `Update operation for party '${party}' failed due to: ${text}`,
    { metadata: metadata(facts), resources: [{ type: "PARTY", name: party }] },
  );
}

/** Somebody else changed the party since the caller read it. */
export function concurrentPartyUpdate(facts: RequestFacts, party: string): CantonError {
  return aborted(
    "CONCURRENT_PARTY_DETAILS_UPDATE_DETECTED",
    `Update operation for party '${party}' failed due to a concurrent update to the same party`,
    { metadata: metadata(facts), retryDelayMs: 1000, resources: [{ type: "PARTY", name: party }] },
  );
}
