import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  CryptoKeyFormat,
  CryptoKeyPair as CryptoKeyPairProto,
  EncryptionKeyScheme,
  type EncryptionPrivateKey,
  type EncryptionPublicKey,
  SigningKeyScheme,
  type SigningPrivateKey,
  type SigningPublicKey,
} from "../gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { fingerprintOfKey } from "../identity/fingerprint.ts";
import { decodeMessage, encodeMessage, fieldNotSet, ProtocolError } from "../protocol-error.ts";
import { unwrapVersioned, wrapVersioned } from "../versioned-message.ts";
import {
  encryptionPrivateKeyObject,
  encryptionSchemeName,
  SUPPORTED_ENCRYPTION_SCHEMES,
  SUPPORTED_SIGNING_SCHEMES,
  signingPrivateKeyObject,
  signingSchemeName,
} from "./key-scheme.ts";
import { loadEncryptionPublicKey, loadSigningPublicKey, type PublicKey } from "./public-key.ts";

export type { EncryptionPrivateKey, SigningPrivateKey };

/** A signing key with both halves. */
export interface SigningKeyPair {
  purpose: "signing";
  publicKey: SigningPublicKey;
  privateKey: SigningPrivateKey;
}

/** An encryption key with both halves. */
export interface EncryptionKeyPair {
  purpose: "encryption";
  publicKey: EncryptionPublicKey;
  privateKey: EncryptionPrivateKey;
}

/** A key with both halves. */
export type KeyPair = SigningKeyPair | EncryptionKeyPair;

/** Version of the wrapper around a serialized `CryptoKeyPair`. */
const KEY_PAIR_VERSION = 0;

/**
 * Makes a new signing key. `MissingSigningKeyScheme` stands for the default, Ed25519.
 *
 * @throws ProtocolError when the scheme is not supported, naming those that are.
 */
export function generateSigningKeyPair(scheme: SigningKeyScheme = SigningKeyScheme.Ed25519): SigningKeyPair {
  switch (scheme) {
    case SigningKeyScheme.MissingSigningKeyScheme:
    case SigningKeyScheme.Ed25519: {
      const { x, d } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
      return signingPair(
        SigningKeyScheme.Ed25519,
        CryptoKeyFormat.Raw,
        Buffer.from(x as string, "base64url"),
        Buffer.from(d as string, "base64url"),
      );
    }
    case SigningKeyScheme.EcDsaP256:
    case SigningKeyScheme.EcDsaP384: {
      const namedCurve = scheme === SigningKeyScheme.EcDsaP256 ? "prime256v1" : "secp384r1";
      const { publicDer, privateDer } = generateCurvePair(namedCurve);
      return signingPair(scheme, CryptoKeyFormat.Der, publicDer, privateDer);
    }
    default:
      throw new ProtocolError(
        "ValueConversionError",
        "key_scheme",
        `UnsupportedKeyScheme(scheme = ${signingSchemeName(scheme)})`,
        SUPPORTED_SIGNING_SCHEMES.map(signingSchemeName).join(", "),
      );
  }
}

/**
 * Makes a new encryption key. `MissingEncryptionKeyScheme` stands for the default, ECIES on P-256.
 *
 * @throws ProtocolError when the scheme is not supported, naming those that are.
 */
export function generateEncryptionKeyPair(
  scheme: EncryptionKeyScheme = EncryptionKeyScheme.EciesP256HkdfHmacSha256Aes128Gcm,
): EncryptionKeyPair {
  const supported = EncryptionKeyScheme.EciesP256HkdfHmacSha256Aes128Gcm;
  if (scheme !== supported && scheme !== EncryptionKeyScheme.MissingEncryptionKeyScheme) {
    throw new ProtocolError(
      "ValueConversionError",
      "key_scheme",
      `UnsupportedKeyScheme(scheme = ${encryptionSchemeName(scheme)})`,
      SUPPORTED_ENCRYPTION_SCHEMES.map(encryptionSchemeName).join(", "),
    );
  }
  const { publicDer, privateDer } = generateCurvePair("prime256v1");
  const id = fingerprintOfKey(publicDer);
  const shape = { id, format: CryptoKeyFormat.Der, scheme: supported };
  return {
    purpose: "encryption",
    publicKey: { ...shape, publicKey: publicDer },
    privateKey: { ...shape, privateKey: privateDer },
  };
}

/** Private keys that were parsed already, for as long as their pairs are held: signing is far cheaper than parsing. */
const loaded = new WeakMap<SigningKeyPair, KeyObject>();

/** The private half of a signing key as node:crypto has it. @throws ProtocolError when the key is not usable. */
export function loadSigningPrivateKey(pair: SigningKeyPair): KeyObject {
  let key = loaded.get(pair);
  if (key === undefined) {
    key = signingPrivateKeyObject(pair.privateKey, pair.publicKey.publicKey, "private_key");
    loaded.set(pair, key);
  }
  return key;
}

/** The private half of an encryption key as node:crypto has it. @throws ProtocolError when the key is not usable. */
export function loadEncryptionPrivateKey(pair: EncryptionKeyPair): KeyObject {
  return encryptionPrivateKeyObject(pair.privateKey, pair.publicKey.publicKey, "private_key");
}

/** The public half of a key pair, with its purpose. */
export function publicKeyOf(pair: KeyPair): PublicKey {
  return pair.purpose === "signing"
    ? { purpose: "signing", key: pair.publicKey }
    : { purpose: "encryption", key: pair.publicKey };
}

/** A key pair as bytes: a versioned `CryptoKeyPair`, as the key services export it. Holds the private key in the clear. */
export function encodeKeyPair(pair: KeyPair): Buffer {
  const { publicKey, privateKey } = pair;
  const message: CryptoKeyPairProto =
    pair.purpose === "signing"
      ? { pair: { $case: "signingKeyPair", value: { publicKey, privateKey: pair.privateKey } } }
      : { pair: { $case: "encryptionKeyPair", value: { publicKey: pair.publicKey, privateKey: pair.privateKey } } };
  return wrapVersioned(KEY_PAIR_VERSION, encodeMessage(CryptoKeyPairProto, message));
}

/**
 * Reads what `encodeKeyPair` wrote.
 *
 * @throws ProtocolError when it is not a key pair, or its halves do not belong together. Never names key material.
 */
export function decodeKeyPair(bytes: Uint8Array): KeyPair {
  const data = unwrapVersioned(bytes, KEY_PAIR_VERSION, "key_pair");
  const message = decodeMessage(CryptoKeyPairProto, data, "key_pair");
  if (message.pair === undefined) throw fieldNotSet("key_pair.pair");
  const { publicKey, privateKey } = message.pair.value;
  if (publicKey === undefined) throw fieldNotSet("key_pair.public_key");
  if (privateKey === undefined) throw fieldNotSet("key_pair.private_key");
  if (
    publicKey.id !== privateKey.id ||
    publicKey.scheme !== privateKey.scheme ||
    publicKey.format !== privateKey.format
  ) {
    throw mismatch("id, scheme and format of the public and the private key differ");
  }
  const pair: KeyPair =
    message.pair.$case === "signingKeyPair"
      ? { purpose: "signing", publicKey: publicKey as SigningPublicKey, privateKey: privateKey as SigningPrivateKey }
      : {
          purpose: "encryption",
          publicKey: publicKey as EncryptionPublicKey,
          privateKey: privateKey as EncryptionPrivateKey,
        };
  const [publicObject, privateObject] =
    pair.purpose === "signing"
      ? [loadSigningPublicKey(pair.publicKey), loadSigningPrivateKey(pair)]
      : [loadEncryptionPublicKey(pair.publicKey), loadEncryptionPrivateKey(pair)];
  if (!createPublicKey(privateObject).equals(publicObject))
    throw mismatch("the private key is not that of the public key");
  return pair;
}

function signingPair(
  scheme: SigningKeyScheme,
  format: CryptoKeyFormat,
  publicBytes: Buffer,
  privateBytes: Buffer,
): SigningKeyPair {
  const id = fingerprintOfKey(publicBytes);
  return {
    purpose: "signing",
    publicKey: { id, format, publicKey: publicBytes, scheme },
    privateKey: { id, format, privateKey: privateBytes, scheme },
  };
}

function generateCurvePair(namedCurve: string): { publicDer: Buffer; privateDer: Buffer } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
  return {
    publicDer: publicKey.export({ format: "der", type: "spki" }),
    privateDer: privateKey.export({ format: "der", type: "pkcs8" }),
  };
}

function mismatch(detail: string): ProtocolError {
  return new ProtocolError("CryptoDeserializationError", "key_pair", detail);
}
