import {
  CryptoKeyFormat,
  EncryptionKeyScheme,
  HashAlgorithm,
  SigningKeyScheme,
  SymmetricKeyScheme,
} from "./gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import {
  DynamicDomainParameters as DynamicProto,
  type StaticDomainParameters as StaticProto,
} from "./gen/com/digitalasset/canton/protocol/v1/sequencing.ts";
import { fieldNotSet, invalidValue } from "./protocol-error.ts";
import { durationFromProto, durationToProto, type Micros } from "./timestamp.ts";

/** The protocol version that the nodes speak. */
export const PROTOCOL_VERSION = 5;

/** The protocol version as handshakes have it. */
export const PROTOCOL_VERSION_TEXT = "5";

/** Parameters of a domain that never change once it exists. Every member gets them when it connects. */
export type StaticDomainParameters = StaticProto;

/** The static parameters of a new domain: our schemes and key formats, protocol version 5. */
export function defaultStaticDomainParameters(): StaticDomainParameters {
  return {
    uniqueContractKeys: true,
    requiredSigningKeySchemes: [SigningKeyScheme.Ed25519, SigningKeyScheme.EcDsaP256, SigningKeyScheme.EcDsaP384],
    requiredEncryptionKeySchemes: [EncryptionKeyScheme.EciesP256HkdfHmacSha256Aes128Gcm],
    requiredSymmetricKeySchemes: [SymmetricKeyScheme.Aes128Gcm],
    requiredHashAlgorithms: [HashAlgorithm.Sha256],
    requiredCryptoKeyFormats: [CryptoKeyFormat.Raw, CryptoKeyFormat.Der],
    protocolVersion: PROTOCOL_VERSION,
  };
}

/**
 * Checks the static parameters that a domain reports against what this software can do.
 *
 * @throws ProtocolError naming the parameter that it cannot serve.
 */
export function checkStaticDomainParameters(parameters: StaticDomainParameters): StaticDomainParameters {
  if (parameters.protocolVersion !== PROTOCOL_VERSION) {
    throw invalidValue(
      "protocol_version",
      `protocol version ${parameters.protocolVersion} is not supported`,
      PROTOCOL_VERSION_TEXT,
    );
  }
  const ours = defaultStaticDomainParameters();
  const checks = [
    ["required_signing_key_schemes", parameters.requiredSigningKeySchemes, ours.requiredSigningKeySchemes],
    ["required_encryption_key_schemes", parameters.requiredEncryptionKeySchemes, ours.requiredEncryptionKeySchemes],
    ["required_symmetric_key_schemes", parameters.requiredSymmetricKeySchemes, ours.requiredSymmetricKeySchemes],
    ["required_hash_algorithms", parameters.requiredHashAlgorithms, ours.requiredHashAlgorithms],
    ["required_crypto_key_formats", parameters.requiredCryptoKeyFormats, ours.requiredCryptoKeyFormats],
  ] as const;
  for (const [field, theirs, known] of checks) {
    if (!theirs.some((value) => (known as readonly number[]).includes(value))) {
      throw invalidValue(field, `none of ${theirs.join(", ") || "(none)"} is supported`, `any of ${known.join(", ")}`);
    }
  }
  return parameters;
}

/** Parameters of a domain that its owner may change at run time through a topology transaction. Spans are microseconds. */
export interface DynamicDomainParameters {
  /** How long participants have to respond to the mediator. */
  participantResponseTimeout: Micros;
  /** How long the mediator has to conclude after that. */
  mediatorReactionTimeout: Micros;
  /** How long only the submitter of a transfer-out may submit the transfer-in. */
  transferExclusivityTimeout: Micros;
  /** How long after its sequencing a topology change takes effect in Canton; our nodes apply changes at once and only carry the value. */
  topologyChangeDelay: Micros;
  /** How far ledger time and record time may lie apart. */
  ledgerTimeRecordTimeTolerance: Micros;
  /** The interval of ACS commitments. */
  reconciliationInterval: Micros;
  /** How long the mediator remembers requests to tell repetitions. */
  mediatorDeduplicationTimeout: Micros;
  /** The most messages a second that a participant may send. */
  maxRatePerParticipant: number;
  /** The largest message, in bytes. */
  maxRequestSize: number;
}

const SECOND = 1_000_000n;

/** The dynamic parameters of a new domain: the defaults of Canton at protocol version 5. */
export function defaultDynamicDomainParameters(): DynamicDomainParameters {
  return {
    participantResponseTimeout: 30n * SECOND,
    mediatorReactionTimeout: 30n * SECOND,
    transferExclusivityTimeout: 60n * SECOND,
    topologyChangeDelay: 250_000n,
    ledgerTimeRecordTimeTolerance: 60n * SECOND,
    reconciliationInterval: 60n * SECOND,
    mediatorDeduplicationTimeout: 120n * SECOND,
    maxRatePerParticipant: 1_000_000,
    maxRequestSize: 10_485_760,
  };
}

/** The smallest `maxRequestSize` accepted, in bytes: below it the message that would undo the change could not pass. */
export const MIN_MAX_REQUEST_SIZE = 65_536;

/** Checks dynamic domain parameters and gives them back. @throws ProtocolError naming the parameter and what is accepted. */
export function checkDynamicDomainParameters(parameters: DynamicDomainParameters): DynamicDomainParameters {
  const spans = [
    ["participant_response_timeout", parameters.participantResponseTimeout],
    ["mediator_reaction_timeout", parameters.mediatorReactionTimeout],
    ["transfer_exclusivity_timeout", parameters.transferExclusivityTimeout],
    ["topology_change_delay", parameters.topologyChangeDelay],
    ["ledger_time_record_time_tolerance", parameters.ledgerTimeRecordTimeTolerance],
    ["reconciliation_interval", parameters.reconciliationInterval],
    ["mediator_deduplication_timeout", parameters.mediatorDeduplicationTimeout],
  ] as const;
  for (const [field, value] of spans) {
    if (value < 0n) throw invalidValue(field, `${value} microseconds is not accepted`, "0s or more");
  }
  const { reconciliationInterval, ledgerTimeRecordTimeTolerance, mediatorDeduplicationTimeout } = parameters;
  if (reconciliationInterval === 0n || reconciliationInterval % SECOND !== 0n) {
    throw invalidValue(
      "reconciliation_interval",
      `${reconciliationInterval} microseconds is not accepted`,
      "whole seconds, 1s or more",
    );
  }
  if (mediatorDeduplicationTimeout < 2n * ledgerTimeRecordTimeTolerance) {
    throw invalidValue(
      "mediator_deduplication_timeout",
      `${mediatorDeduplicationTimeout} microseconds is too short for a ledger_time_record_time_tolerance of ${ledgerTimeRecordTimeTolerance}`,
      "at least twice ledger_time_record_time_tolerance",
    );
  }
  checkInteger("max_rate_per_participant", parameters.maxRatePerParticipant, 1);
  checkInteger("max_request_size", parameters.maxRequestSize, MIN_MAX_REQUEST_SIZE);
  return parameters;
}

function checkInteger(field: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least || value > 2 ** 31 - 1) {
    throw invalidValue(field, `${value} is not accepted`, `an integer from ${least} to ${2 ** 31 - 1}`);
  }
}

/** Dynamic domain parameters as the published message of protocol version 5. */
export function dynamicDomainParametersToProto(parameters: DynamicDomainParameters): DynamicProto {
  return {
    participantResponseTimeout: durationToProto(parameters.participantResponseTimeout),
    mediatorReactionTimeout: durationToProto(parameters.mediatorReactionTimeout),
    transferExclusivityTimeout: durationToProto(parameters.transferExclusivityTimeout),
    topologyChangeDelay: durationToProto(parameters.topologyChangeDelay),
    ledgerTimeRecordTimeTolerance: durationToProto(parameters.ledgerTimeRecordTimeTolerance),
    reconciliationInterval: durationToProto(parameters.reconciliationInterval),
    mediatorDeduplicationTimeout: durationToProto(parameters.mediatorDeduplicationTimeout),
    maxRatePerParticipant: parameters.maxRatePerParticipant,
    maxRequestSize: parameters.maxRequestSize,
  };
}

/** Checked dynamic domain parameters from the published message. @throws ProtocolError */
export function dynamicDomainParametersFromProto(
  message: DynamicProto | undefined,
  field = "domain_parameters",
): DynamicDomainParameters {
  if (message === undefined) throw fieldNotSet(field);
  return checkDynamicDomainParameters({
    participantResponseTimeout: durationFromProto(message.participantResponseTimeout, "participant_response_timeout"),
    mediatorReactionTimeout: durationFromProto(message.mediatorReactionTimeout, "mediator_reaction_timeout"),
    transferExclusivityTimeout: durationFromProto(message.transferExclusivityTimeout, "transfer_exclusivity_timeout"),
    topologyChangeDelay: durationFromProto(message.topologyChangeDelay, "topology_change_delay"),
    ledgerTimeRecordTimeTolerance: durationFromProto(
      message.ledgerTimeRecordTimeTolerance,
      "ledger_time_record_time_tolerance",
    ),
    reconciliationInterval: durationFromProto(message.reconciliationInterval, "reconciliation_interval"),
    mediatorDeduplicationTimeout: durationFromProto(
      message.mediatorDeduplicationTimeout,
      "mediator_deduplication_timeout",
    ),
    maxRatePerParticipant: message.maxRatePerParticipant,
    maxRequestSize: message.maxRequestSize,
  });
}
