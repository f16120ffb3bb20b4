/** Errors of the Ledger API: reasons, words and the quoting in the metadata are the published ones. */
import {
  aborted,
  alreadyExists,
  type CantonError,
  failedPrecondition,
  invalidArgument,
  notFound,
  permissionDenied,
  unauthenticated,
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

/** The metadata of those errors that, as published, do not say whether the answer is definite. */
function contextOnly(facts: RequestFacts): Record<string, string> {
  const { definite_answer: _, ...rest } = metadata(facts);
  return rest;
}

/** The request is wrong whatever the state. */
export function invalidArguments(facts: RequestFacts, text: string): CantonError {
  return invalidArgument("INVALID_ARGUMENT", `The submitted command has invalid arguments: ${text}`, {
    metadata: metadata(facts),
  });
}

/** A field has a value that cannot be understood. */
export function invalidField(facts: RequestFacts, field: string, text: string): CantonError {
  return invalidArgument(
    "INVALID_FIELD",
    `The submitted command has a field with invalid value: Invalid field ${field}: ${text}`,
    { metadata: metadata(facts) },
  );
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
export function partyNotFound(
  facts: RequestFacts,
  party: string,
  operation = "updating a participant party record",
): CantonError {
  return notFound("PARTY_NOT_FOUND", `Party: '${party}' was not found when ${operation}`, {
    metadata: metadata(facts),
    resources: [{ type: "PARTY", name: party }],
  });
}

/** An update of a party that cannot be done as asked. */
export function invalidPartyUpdate(facts: RequestFacts, party: string, text: string): CantonError {
  return invalidArgument(
    "INVALID_PARTY_DETAILS_UPDATE_REQUEST",
    `Update operation for party '${party}' failed due to: ${text}`,
    { metadata: contextOnly(facts), resources: [{ type: "PARTY", name: party }] },
  );
}

/** Somebody else changed the party since the caller read it. */
export function concurrentPartyUpdate(facts: RequestFacts, party: string): CantonError {
  return aborted(
    "CONCURRENT_PARTY_DETAILS_UPDATE_DETECTED",
    `Update operation for party '${party}' failed due to a concurrent update to the same party`,
    { metadata: contextOnly(facts), retryDelayMs: 1000, resources: [{ type: "PARTY", name: party }] },
  );
}

/** The annotations of a party would be too large together. */
export function partyAnnotationsTooLarge(facts: RequestFacts, party: string): CantonError {
  return failedPrecondition(
    "MAX_PARTY_DETAILS_ANNOTATIONS_SIZE_EXCEEDED",
    `Maximum annotations size for party '${party}' has been exceeded`,
    { metadata: contextOnly(facts), resources: [{ type: "PARTY", name: party }] },
  );
}

/** Somebody who is not the participant's administrator names parties that do not belong to its identity provider. */
export function unknownParties(
  facts: RequestFacts,
  identityProviderId: string,
  parties: readonly string[],
): CantonError {
  return notFound(
    "UNKNOWN_RESOURCE",
    `The submitted request refers to a non-existing PARTIES: Provided parties have not been found in identity_provider_id=\`${identityProviderId}\`: [${parties.join(",")}].`,
    { metadata: metadata(facts), resources: parties.map((name) => ({ type: "PARTIES", name })) },
  );
}

const user = (name: string) => [{ type: "USER", name }];

/** There is no such user. */
export function userNotFound(facts: RequestFacts, operation: string, id: string): CantonError {
  return notFound("USER_NOT_FOUND", `${operation} failed for unknown user "${id}"`, {
    metadata: metadata(facts),
    resources: user(id),
  });
}

/** The id is taken. */
export function userAlreadyExists(facts: RequestFacts, operation: string, id: string): CantonError {
  return alreadyExists("USER_ALREADY_EXISTS", `${operation} failed, as user "${id}" already exists`, {
    metadata: metadata(facts),
    resources: user(id),
  });
}

/** An update of a user that cannot be done as asked. */
export function invalidUserUpdate(facts: RequestFacts, id: string, text: string): CantonError {
  return invalidArgument("INVALID_USER_UPDATE_REQUEST", `Update operation for user id '${id}' failed due to: ${text}`, {
    metadata: contextOnly(facts),
    resources: user(id),
  });
}

/** Somebody else changed the user since the caller read it. */
export function concurrentUserUpdate(facts: RequestFacts, id: string): CantonError {
  return aborted(
    "CONCURRENT_USER_UPDATE_DETECTED",
    `Update operation for user '${id}' failed due to a concurrent update to the same user`,
    { metadata: contextOnly(facts), retryDelayMs: 1000, resources: user(id) },
  );
}

/** The annotations of a user would be too large together. */
export function userAnnotationsTooLarge(facts: RequestFacts, id: string): CantonError {
  return failedPrecondition(
    "MAX_USER_ANNOTATIONS_SIZE_EXCEEDED",
    `Maximum annotations size for user '${id}' has been exceeded`,
    { metadata: contextOnly(facts), resources: user(id) },
  );
}

/** A user has a limited number of rights. */
export function tooManyUserRights(facts: RequestFacts, operation: string, id: string): CantonError {
  return failedPrecondition(
    "TOO_MANY_USER_RIGHTS",
    `${operation} failed, as user "${id}" would have too many rights.`,
    { metadata: metadata(facts), resources: user(id) },
  );
}

/** Who calls is not established. As published the caller learns no more than that; the log has the reason. */
export function notAuthenticated(participant: string, reason: string): CantonError {
  return unauthenticated("UNAUTHENTICATED", `The command is missing a (valid) JWT token: ${reason}`, {
    redacted: true,
    metadata: metadata({ participant }),
  });
}

/** The caller may not do this. As published the caller learns no more than that; the log has the reason. */
export function notPermitted(participant: string, reason: string): CantonError {
  return permissionDenied(
    "PERMISSION_DENIED",
    `The provided authorization token is not sufficient to authorize the intended command: ${reason}`,
    { redacted: true, metadata: metadata({ participant }) },
  );
}

/** A stream has outlived the token that it was asked for with. */
export function accessTokenExpired(participant: string): CantonError {
  return aborted("ACCESS_TOKEN_EXPIRED", "JWT token has expired", { metadata: metadata({ participant }) });
}

/** The rights of the user changed while a stream was read: asked for again it is answered, or refused with the reason. */
export function staleStreamAuthorization(participant: string): CantonError {
  return aborted("STALE_STREAM_AUTHORIZATION", "Stale stream authorization. Retry quickly.", {
    retryDelayMs: 0,
    metadata: metadata({ participant }),
  });
}

/** The token is valid, but does not say for which user it is. */
export function tokenWithoutUser(participant: string, reason: string): CantonError {
  return invalidArgument("INVALID_TOKEN", `The submitted request is missing a user-id: ${reason}`, {
    metadata: metadata({ participant }),
  });
}

const provider = (name: string) => [{ type: "IDENTITY_PROVIDER_CONFIG", name }];

/** There is no such identity provider. */
export function identityProviderNotFound(facts: RequestFacts, operation: string, id: string): CantonError {
  return notFound("IDP_CONFIG_NOT_FOUND", `${operation} failed for unknown identity provider id="${id}"`, {
    metadata: metadata(facts),
    resources: provider(id),
  });
}

/** The id is taken. */
export function identityProviderExists(facts: RequestFacts, operation: string, id: string): CantonError {
  return alreadyExists(
    "IDP_CONFIG_ALREADY_EXISTS",
    `${operation} failed, as identity provider "${id}" already exists`,
    { metadata: metadata(facts), resources: provider(id) },
  );
}

/** The issuer is that of another identity provider: tokens would not tell them apart. */
export function issuerExists(facts: RequestFacts, operation: string, issuer: string): CantonError {
  return alreadyExists(
    "IDP_CONFIG_ISSUER_ALREADY_EXISTS",
    `${operation} failed, as identity provider with issuer "${issuer}" already exists`,
    { metadata: metadata(facts), resources: provider(issuer) },
  );
}

/** A participant has a limited number of identity providers. */
export function tooManyIdentityProviders(facts: RequestFacts, operation: string): CantonError {
  return failedPrecondition("TOO_MANY_IDENTITY_PROVIDER_CONFIGS", `${operation} failed.`, {
    metadata: metadata(facts),
  });
}

/** An update of an identity provider that cannot be done as asked. */
export function invalidIdentityProviderUpdate(facts: RequestFacts, id: string, text: string): CantonError {
  return invalidArgument(
    "INVALID_IDENTITY_PROVIDER_UPDATE_REQUEST",
    `Update operation for identity provider config '${id}' failed due to: ${text}`,
    { metadata: contextOnly(facts), resources: provider(id) },
  );
}

/** A deleted provider would leave its users and parties with nobody. */
export function identityProviderInUse(facts: RequestFacts, id: string): CantonError {
  return failedPrecondition(
    "IDP_CONFIG_IN_USE",
    `Identity provider "${id}" still has users or parties; delete them, or assign them to another provider with UpdateUserIdentityProviderId and UpdatePartyIdentityProviderId`,
    { metadata: metadata(facts), resources: provider(id) },
  );
}
