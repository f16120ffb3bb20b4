import type { KeyObject } from "node:crypto";
import {
  type EncryptionPublicKey,
  PublicKey as PublicKeyProto,
  type SigningPublicKey,
} from "../gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { type Fingerprint, fingerprintOfKey, shortenFingerprint } from "../identity/fingerprint.ts";
import { decodeMessage, encodeMessage, fieldNotSet, ProtocolError } from "../protocol-error.ts";
import {
  encryptionPublicKeyObject,
  encryptionSchemeName,
  signingPublicKeyObject,
  signingSchemeName,
} from "./key-scheme.ts";

export type { EncryptionPublicKey, SigningPublicKey };

/** What a key is for. */
export type KeyPurposeName = "signing" | "encryption";

/** A public key with its purpose. */
export type PublicKey =
  | { purpose: "signing"; key: SigningPublicKey }
  | { purpose: "encryption"; key: EncryptionPublicKey };

/** Checked keys, so that a key is parsed once and not with every signature. Bounded: the oldest go first. */
const parsed = new Map<Fingerprint, { bytes: Buffer; scheme: number; format: number; object: KeyObject }>();
const MAX_PARSED = 10_000;

function cached(
  key: { id: Fingerprint; publicKey: Buffer; scheme: number; format: number },
  namespace: string,
  field: string,
  parse: () => KeyObject,
): KeyObject {
  const entry = parsed.get(namespace + key.id);
  if (entry?.bytes.equals(key.publicKey) && entry.scheme === key.scheme && entry.format === key.format)
    return entry.object;
  const object = parse();
  const fingerprint = fingerprintOfKey(key.publicKey);
  if (fingerprint !== key.id) {
    throw new ProtocolError(
      "CryptoDeserializationError",
      `${field}.id`,
      `${key.id} is not the fingerprint of the key`,
      fingerprint,
    );
  }
  if (parsed.size >= MAX_PARSED) {
    const oldest = parsed.keys().next().value;
    if (oldest !== undefined) parsed.delete(oldest);
  }
  parsed.set(namespace + key.id, {
    bytes: Buffer.from(key.publicKey),
    scheme: key.scheme,
    format: key.format,
    object,
  });
  return object;
}

/**
 * Checks a public signing key and gives it as node:crypto has it: supported scheme, the format of that scheme (Ed25519
 * `Raw`, ECDSA `Der`), a valid key, and an id that is the fingerprint of its bytes.
 *
 * @throws ProtocolError
 */
export function loadSigningPublicKey(key: SigningPublicKey, field = "public_key"): KeyObject {
  return cached(key, "s", field, () => signingPublicKeyObject(key, field));
}

/** Checks a public encryption key (ECIES P-256 in `Der`) as `loadSigningPublicKey` does. @throws ProtocolError */
export function loadEncryptionPublicKey(key: EncryptionPublicKey, field = "public_key"): KeyObject {
  return cached(key, "e", field, () => encryptionPublicKeyObject(key, field));
}

/** Checks a public key of either purpose and gives it back. @throws ProtocolError */
export function checkPublicKey(key: PublicKey, field = "public_key"): PublicKey {
  if (key.purpose === "signing") loadSigningPublicKey(key.key, field);
  else loadEncryptionPublicKey(key.key, field);
  return key;
}

/** A public key as the published `PublicKey` message. */
export function publicKeyToProto(key: PublicKey): PublicKeyProto {
  return key.purpose === "signing"
    ? { key: { $case: "signingPublicKey", value: key.key } }
    : { key: { $case: "encryptionPublicKey", value: key.key } };
}

/** A checked public key from the published `PublicKey` message. @throws ProtocolError */
export function publicKeyFromProto(message: PublicKeyProto | undefined, field = "public_key"): PublicKey {
  if (message?.key === undefined) throw fieldNotSet(field);
  return message.key.$case === "signingPublicKey"
    ? checkPublicKey({ purpose: "signing", key: message.key.value }, field)
    : checkPublicKey({ purpose: "encryption", key: message.key.value }, field);
}

/** A public key as the bytes that the key services exchange: a `PublicKey` message without a version around it. */
export function encodePublicKey(key: PublicKey): Buffer {
  return encodeMessage(PublicKeyProto, publicKeyToProto(key));
}

/** Reads what `encodePublicKey` wrote and checks the key. @throws ProtocolError */
export function decodePublicKey(bytes: Uint8Array): PublicKey {
  return publicKeyFromProto(decodeMessage(PublicKeyProto, bytes, "public_key"));
}

/** A public key in short for messages to people, as Canton prints it. */
export function describePublicKey(key: PublicKey): string {
  const format = key.key.format === 3 ? "Raw" : key.key.format === 2 ? "DER" : String(key.key.format);
  const id = shortenFingerprint(key.key.id);
  return key.purpose === "signing"
    ? `SigningPublicKey(id = ${id}, format = ${format}, scheme = ${signingSchemeName(key.key.scheme)})`
    : `EncryptionPublicKey(id = ${id}, format = ${format}, scheme = ${encryptionSchemeName(key.key.scheme)})`;
}
