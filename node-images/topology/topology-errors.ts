/**
 * The refusals of a topology manager, with the codes, categories, texts and metadata that a Canton 2.10 node answers.
 *
 * Ids appear in metadata in their short form: the first twelve characters of a fingerprint and an ellipsis.
 */
import { shortenFingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import type { Rejection, RejectionReason } from "@pulumi-canton/protocol/topology/decide.ts";
import {
  alreadyExists,
  type CantonError,
  type ErrorExtras,
  failedPrecondition,
  invalidArgument,
  notFound,
  securityAlert,
} from "@pulumi-canton/runtime/errors.ts";

/** Which node refuses, as in the metadata of its errors: `{ participant: "participant1" }` or `{ domain: "mydomain" }`. */
export type NodeLabel = Readonly<Record<string, string>>;

/** A request that cannot be understood; `reason` names the field and what is wrong with it. */
export function deserializationFailure(reason: string, node: NodeLabel): CantonError {
  return invalidArgument("PROTO_DESERIALIZATION_FAILURE", "Deserialization of protobuf message failed", {
    metadata: { ...node, reason },
  });
}

/** No private key that this node holds may sign the transaction. `candidates` are the keys that may. */
export function noAppropriateSigningKey(candidates: readonly string[], node: NodeLabel): CantonError {
  return notFound(
    "NO_APPROPRIATE_SIGNING_KEY_IN_STORE",
    "Could not find an appropriate signing key to issue the topology transaction",
    { metadata: { ...node, candidates: `List(${candidates.map(shortenFingerprint).join(", ")})` } },
  );
}

/** A fingerprint names a key that this node does not know. */
export function publicKeyNotInStore(fingerprint: string, node: NodeLabel): CantonError {
  return failedPrecondition(
    "PUBLIC_KEY_NOT_IN_STORE",
    "Public key with given fingerprint is missing in the public key store",
    { metadata: { ...node, keyId: shortenFingerprint(fingerprint) } },
  );
}

/** The key that is to be used is known, but its private half is not held by this node. */
export function secretKeyNotInStore(fingerprint: string, node: NodeLabel): CantonError {
  return notFound("SECRET_KEY_NOT_IN_STORE", "Secret key with given fingerprint could not be found", {
    metadata: { ...node, keyId: shortenFingerprint(fingerprint) },
  });
}

/** An operation that does not exist for a mapping: domain parameters are only replaced, nothing else is. */
export function incompatibleOperation(operation: string, mapping: string, node: NodeLabel): CantonError {
  const accepted = operation === "Replace" ? "Add or Remove" : "Replace";
  return invalidArgument(
    "INCOMPATIBLE_OP_MAPPING",
    `The operation ${operation} is not available for ${mapping}. Accepted: ${accepted}`,
    { metadata: { ...node, operation } },
  );
}

/** The ledger time tolerance of a domain may only shrink; `force_change` allows a rise. Spans are texts. */
export function increaseOfLedgerTimeRecordTimeTolerance(
  present: string,
  requested: string,
  node: NodeLabel,
): CantonError {
  return failedPrecondition(
    "INCREASE_OF_LEDGER_TIME_RECORD_TIME_TOLERANCE",
    `The parameter ledgerTimeRecordTimeTolerance cannot safely be increased from ${present} to ${requested}. Choose at most ${present}, or set force_change`,
    { metadata: { ...node, oldValue: present, newValue: requested } },
  );
}

type RejectionError = (reason: string, message: string, extras?: ErrorExtras) => CantonError;

/** The gRPC status of each reason; the two that help whoever forges transactions are redacted to the caller. */
const rejectionErrors: Record<RejectionReason, RejectionError> = {
  INVALID_TOPOLOGY_TX_SIGNATURE_ERROR: securityAlert,
  UNAUTHORIZED_TOPOLOGY_TRANSACTION: securityAlert,
  WRONG_DOMAIN: failedPrecondition,
  DUPLICATE_TRANSACTION: alreadyExists,
  ELEMENT_ID_IN_USE: alreadyExists,
  TOPOLOGY_MAPPING_ALREADY_EXISTS: alreadyExists,
  OBSOLETE_TRANSACTION: failedPrecondition,
  NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE: failedPrecondition,
  REMOVING_LAST_KEY_MUST_BE_FORCED: failedPrecondition,
  REMOVING_KEY_DANGLING_TRANSACTIONS_MUST_BE_FORCED: failedPrecondition,
};

/** The error for a transaction that was decided against. */
export function rejectionError({ reason, message, metadata }: Rejection, node: NodeLabel): CantonError {
  return rejectionErrors[reason](reason, message, { metadata: { ...node, ...metadata } });
}
