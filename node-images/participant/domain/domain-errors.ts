/** Errors about domains: reasons, codes, categories and words are the published ones; operators and consoles match on them. */
import {
  aborted,
  alreadyExists,
  type CantonError,
  failedPrecondition,
  internal,
  notFound,
  unavailable,
} from "@pulumi-canton/runtime/errors.ts";
import type { Refusal } from "./onboarding.ts";

/** No domain is registered under an alias. `participant` is the name of the node, as everywhere here. */
export function unknownDomain(participant: string, alias: string): CantonError {
  return notFound("SYNC_SERVICE_UNKNOWN_DOMAIN", `The domain with alias ${alias} is unknown.`, {
    metadata: { participant, domain: `Domain '${alias}'` },
  });
}

/** The alias stands for a domain with another configuration. */
export function aliasTaken(participant: string, alias: string): CantonError {
  return alreadyExists("SYNC_SERVICE_ALREADY_ADDED", "The domain with the given alias has already been added.", {
    metadata: { participant, domain: `Domain '${alias}'` },
  });
}

/** A request that another one, or the end of the node, cut short; the state is as if it had not been made. */
export function cancelled(message: string): CantonError {
  return aborted("REQUEST_CANCELLED", message);
}

/** The operation needs the active replica, and this one is passive. */
export function passiveReplica(participant: string): CantonError {
  return unavailable(
    "NODE_IS_PASSIVE_REPLICA",
    `This replica of ${participant} is passive: send the request to the active one.`,
    { metadata: { participant } },
  );
}

/** The operation needs the identity of the node, and it has none yet. */
export function notInitialized(participant: string): CantonError {
  return failedPrecondition(
    "NODE_IS_NOT_INITIALIZED",
    `The participant ${participant} has no identity yet: initialise it with InitializationService.InitId, or configure init.auto: true.`,
    { metadata: { participant } },
  );
}

/** What a refused attempt to get onto a domain looks like to the caller of ConnectDomain. */
export function refusalError(participant: string, alias: string, refusal: Refusal): CantonError {
  switch (refusal.kind) {
    case "unreachable":
      return unavailable("DOMAIN_IS_NOT_AVAILABLE", `Cannot connect to domain Domain '${alias}'`, {
        metadata: { participant, alias: `Domain '${alias}'`, reason: refusal.reason },
        retryDelayMs: 1000,
      });
    case "agreement-not-accepted":
      return failedPrecondition("SERVICE_AGREEMENT_ACCEPTANCE_FAILED", "Service agreement failed", {
        metadata: { participant, domain: alias, reason: describeRefusal(refusal) },
      });
    case "incompatible-protocol-version": {
      const reason = `incompatible protocol version: this participant speaks ${refusal.offered.join(", ")}; ${refusal.reason}`;
      return handshakeFailed(participant, alias, reason);
    }
    case "domain-id-mismatch":
      return failedPrecondition(
        "DOMAIN_ID_MISMATCH",
        "The domain reports a different domain-id than the participant is expecting",
        { metadata: { participant, domain: alias, expected: refusal.expected, observed: refusal.observed } },
      );
    case "domain-already-added":
      return handshakeFailed(participant, alias, `DomainIdAlreadyAdded(${refusal.domainId},Domain '${refusal.alias}')`);
    case "incompatible-parameters":
      return handshakeFailed(participant, alias, `static domain parameters not supported: ${refusal.reason}`);
    case "not-active":
      return failedPrecondition("PARTICIPANT_IS_NOT_ACTIVE", "The participant is not yet active", {
        metadata: {
          participant,
          domain: alias,
          serverResponse: `Domain Domain '${alias}' has rejected our on-boarding attempt: ${refusal.reason}`,
        },
      });
    case "activation-timeout":
      return unavailable(
        "DOMAIN_ACTIVATION_TIMEOUT",
        `The domain Domain '${alias}' did not activate the participant in time: ${refusal.reason}`,
        { metadata: { participant, domain: alias } },
      );
    case "untrusted-sequencer":
      return failedPrecondition(
        "SEQUENCER_NOT_TRUSTED",
        `The sequencers of the connection Domain '${alias}' are not those of the domain; check their addresses, and the domain id if it is pinned`,
        { metadata: { participant, domain: alias, reason: refusal.reason } },
      );
    case "internal":
      return internal(
        "SYNC_SERVICE_INTERNAL_ERROR",
        `Connecting to domain Domain '${alias}' failed: ${refusal.reason}`,
        { metadata: { participant, domain: alias } },
      );
  }
}

function handshakeFailed(participant: string, domain: string, reason: string): CantonError {
  return failedPrecondition("DOMAIN_HANDSHAKE_FAILED", "Handshake with domain has failed", {
    metadata: { participant, domain, reason },
  });
}

/** One line for logs and the status of a connection. */
export function describeRefusal(refusal: Refusal): string {
  switch (refusal.kind) {
    case "domain-id-mismatch":
      return `the domain reports the id ${refusal.observed}, expected ${refusal.expected}`;
    case "domain-already-added":
      return `the domain ${refusal.domainId} is already registered as ${refusal.alias}`;
    case "agreement-not-accepted":
      return `the domain ${refusal.changed ? "has new terms of service" : "has terms of service"}, '${refusal.agreementId}', that have not been accepted: read them with GetAgreement (console: domains.get_agreement), accept them with AcceptAgreement (domains.accept_agreement), then connect again`;
    case "incompatible-protocol-version":
      return `incompatible protocol version: this participant speaks ${refusal.offered.join(", ")}; ${refusal.reason}`;
    default:
      return refusal.reason;
  }
}
