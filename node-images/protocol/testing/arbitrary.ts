import fc from "fast-check";
import { generateEncryptionKeyPair, generateSigningKeyPair } from "../crypto/key-pair.ts";
import { type DynamicDomainParameters, MIN_MAX_REQUEST_SIZE } from "../domain-parameters.ts";
import { SigningKeyScheme } from "../gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import type { ParticipantPermission, RequestSide, TrustLevel } from "../topology/change.ts";
import type { StateUpdateMapping, TopologyMapping } from "../topology/mapping.ts";

// Arbitrary values of the protocol for property tests. Keys come from a small pool: making them is slow, and tests want
// the same key to turn up in several places.

/** Signing keys of every scheme. */
export const signingKeys = [
  ...Array.from({ length: 4 }, () => generateSigningKeyPair()),
  generateSigningKeyPair(SigningKeyScheme.EcDsaP256),
  generateSigningKeyPair(SigningKeyScheme.EcDsaP384),
];
/** Encryption keys. */
export const encryptionKeys = Array.from({ length: 2 }, () => generateEncryptionKeyPair());

/** Bytes as a Buffer. */
export const bytes = (maxLength = 200): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

/** A key pair of the pool. */
export const signingKey = fc.constantFrom(...signingKeys);

const identifierCharacter = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ :");

/** A name that an identifier may have. */
export const identifier = fc
  .string({ unit: identifierCharacter, minLength: 1, maxLength: 185 })
  .filter((text) => !text.includes("::") && !text.startsWith(":") && !text.endsWith(":"));

const namespace = fc.constantFrom(...signingKeys.map(({ publicKey }) => publicKey.id));

/** A unique identifier in a namespace of the pool. */
export const uid = fc.tuple(identifier, namespace).map(([name, fingerprint]) => `${name}::${fingerprint}`);

const side = fc.constantFrom<RequestSide>("From", "To", "Both");
const permission = fc.constantFrom<ParticipantPermission>("Submission", "Confirmation", "Observation", "Disabled");
const trustLevel = fc.constantFrom<TrustLevel>("Ordinary", "Vip");
const participant = uid.map((id) => `PAR::${id}`);

const publicKey = fc.oneof(
  signingKey.map((pair) => ({ purpose: "signing" as const, key: pair.publicKey })),
  fc.constantFrom(...encryptionKeys).map((pair) => ({ purpose: "encryption" as const, key: pair.publicKey })),
);

/** A mapping of a state update. */
export const stateUpdateMapping: fc.Arbitrary<StateUpdateMapping> = fc.oneof(
  fc
    .record({ kind: fc.constant("NamespaceDelegation" as const), namespace, target: signingKey, root: fc.boolean() })
    .map(({ kind, namespace, target, root }) => ({
      kind,
      namespace,
      targetKey: target.publicKey,
      isRootDelegation: root || target.publicKey.id === namespace,
    })),
  fc.record({ uid, target: signingKey }).map(({ uid, target }) => ({
    kind: "IdentifierDelegation" as const,
    uid,
    targetKey: target.publicKey,
  })),
  fc.record({
    kind: fc.constant("OwnerToKeyMapping" as const),
    owner: fc.tuple(fc.constantFrom("PAR", "SEQ", "MED", "DOM"), uid).map(([code, id]) => `${code}::${id}`),
    key: publicKey,
  }),
  fc.record({ kind: fc.constant("PartyToParticipant" as const), side, party: uid, participant, permission }),
  fc.record({
    kind: fc.constant("ParticipantState" as const),
    side,
    domain: uid,
    participant,
    permission,
    trustLevel,
  }),
  fc.record({
    kind: fc.constant("MediatorDomainState" as const),
    side,
    domain: uid,
    mediator: uid.map((id) => `MED::${id}`),
  }),
  fc.record({
    kind: fc.constant("VettedPackages" as const),
    participant,
    packageIds: fc.array(fc.stringMatching(/^[0-9a-f]{64}$/), { maxLength: 5 }),
  }),
);

const span = fc.bigInt({ min: 0n, max: 86_400_000_000n });

/** Dynamic domain parameters that are accepted. */
export const dynamicDomainParameters: fc.Arbitrary<DynamicDomainParameters> = fc
  .record({
    participantResponseTimeout: span,
    mediatorReactionTimeout: span,
    transferExclusivityTimeout: span,
    topologyChangeDelay: span,
    ledgerTimeRecordTimeTolerance: span,
    reconciliationInterval: fc.bigInt({ min: 1n, max: 86_400n }).map((seconds) => seconds * 1_000_000n),
    mediatorDeduplicationTimeout: span,
    maxRatePerParticipant: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    maxRequestSize: fc.integer({ min: MIN_MAX_REQUEST_SIZE, max: 2 ** 31 - 1 }),
  })
  .map((parameters) => ({
    ...parameters,
    mediatorDeduplicationTimeout:
      parameters.mediatorDeduplicationTimeout + 2n * parameters.ledgerTimeRecordTimeTolerance,
  }));

/** Any mapping. */
export const topologyMapping: fc.Arbitrary<TopologyMapping> = fc.oneof(
  { weight: 7, arbitrary: stateUpdateMapping },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("DomainParametersChange" as const),
      domain: uid,
      parameters: dynamicDomainParameters,
    }),
  },
);

/** A point in time that the protocol can express. */
export const micros = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n });
