import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import {
  CryptoKeyFormat,
  EncryptionKeyScheme,
  SigningKeyScheme,
} from "../gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { ProtocolError } from "../protocol-error.ts";

/** The signing schemes that can be used: `Ed25519` (the default), `EcDsaP256`, `EcDsaP384`. */
export const SUPPORTED_SIGNING_SCHEMES: readonly SigningKeyScheme[] = [
  SigningKeyScheme.Ed25519,
  SigningKeyScheme.EcDsaP256,
  SigningKeyScheme.EcDsaP384,
];

/** The encryption schemes that can be used. */
export const SUPPORTED_ENCRYPTION_SCHEMES: readonly EncryptionKeyScheme[] = [
  EncryptionKeyScheme.EciesP256HkdfHmacSha256Aes128Gcm,
];

/** The schemes as Canton prints them. */
const SIGNING_SCHEME_NAMES: Record<SigningKeyScheme, string> = {
  [SigningKeyScheme.MissingSigningKeyScheme]: "missing",
  [SigningKeyScheme.Ed25519]: "Ed25519",
  [SigningKeyScheme.EcDsaP256]: "ECDSA-P256",
  [SigningKeyScheme.EcDsaP384]: "ECDSA-P384",
  [SigningKeyScheme.Sm2]: "SM2",
};

const ENCRYPTION_SCHEME_NAMES: Record<EncryptionKeyScheme, string> = {
  [EncryptionKeyScheme.MissingEncryptionKeyScheme]: "missing",
  [EncryptionKeyScheme.EciesP256HkdfHmacSha256Aes128Gcm]: "ECIES-P256_HMAC256_AES128-GCM",
  [EncryptionKeyScheme.EciesP256HmacSha256Aes128Cbc]: "ECIES-P256_HMAC256_AES128-CBC",
  [EncryptionKeyScheme.Rsa2048OaepSha256]: "RSA2048-OAEP-SHA256",
};

/** The name of a signing scheme as Canton prints it, or its number. */
export function signingSchemeName(scheme: SigningKeyScheme): string {
  return SIGNING_SCHEME_NAMES[scheme] ?? String(scheme);
}

/** The name of an encryption scheme as Canton prints it, or its number. */
export function encryptionSchemeName(scheme: EncryptionKeyScheme): string {
  return ENCRYPTION_SCHEME_NAMES[scheme] ?? String(scheme);
}

/** The elliptic curves behind the schemes, by OpenSSL's names. */
type Curve = "ed25519" | "prime256v1" | "secp384r1";

function signingCurve(scheme: SigningKeyScheme, field: string): Curve {
  switch (scheme) {
    case SigningKeyScheme.Ed25519:
      return "ed25519";
    case SigningKeyScheme.EcDsaP256:
      return "prime256v1";
    case SigningKeyScheme.EcDsaP384:
      return "secp384r1";
    default:
      throw unusable(
        field,
        `the signing scheme ${signingSchemeName(scheme)} is not supported`,
        SUPPORTED_SIGNING_SCHEMES.map(signingSchemeName).join(", "),
      );
  }
}

function encryptionCurve(scheme: EncryptionKeyScheme, field: string): Curve {
  if (scheme === EncryptionKeyScheme.EciesP256HkdfHmacSha256Aes128Gcm) return "prime256v1";
  throw unusable(
    field,
    `the encryption scheme ${encryptionSchemeName(scheme)} is not supported`,
    SUPPORTED_ENCRYPTION_SCHEMES.map(encryptionSchemeName).join(", "),
  );
}

/** A signing key's public half as node:crypto has it. @throws ProtocolError when the key is not usable. */
export function signingPublicKeyObject(
  key: { scheme: SigningKeyScheme; format: CryptoKeyFormat; publicKey: Buffer },
  field: string,
): KeyObject {
  return publicKeyObject(signingCurve(key.scheme, field), key.format, key.publicKey, field);
}

/** An encryption key's public half as node:crypto has it. @throws ProtocolError when the key is not usable. */
export function encryptionPublicKeyObject(
  key: { scheme: EncryptionKeyScheme; format: CryptoKeyFormat; publicKey: Buffer },
  field: string,
): KeyObject {
  return publicKeyObject(encryptionCurve(key.scheme, field), key.format, key.publicKey, field);
}

/** A signing key's private half as node:crypto has it. @throws ProtocolError when the key is not usable. */
export function signingPrivateKeyObject(
  key: { scheme: SigningKeyScheme; format: CryptoKeyFormat; privateKey: Buffer },
  publicKey: Buffer,
  field: string,
): KeyObject {
  return privateKeyObject(signingCurve(key.scheme, field), key.format, key.privateKey, publicKey, field);
}

/** An encryption key's private half as node:crypto has it. @throws ProtocolError when the key is not usable. */
export function encryptionPrivateKeyObject(
  key: { scheme: EncryptionKeyScheme; format: CryptoKeyFormat; privateKey: Buffer },
  publicKey: Buffer,
  field: string,
): KeyObject {
  return privateKeyObject(encryptionCurve(key.scheme, field), key.format, key.privateKey, publicKey, field);
}

function publicKeyObject(curve: Curve, format: CryptoKeyFormat, bytes: Buffer, field: string): KeyObject {
  requireFormat(curve, format, field);
  if (curve === "ed25519") {
    if (bytes.length !== 32) throw unusable(field, `an Ed25519 key has 32 bytes, not ${bytes.length}`);
    return attempt(field, () =>
      createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") }, format: "jwk" }),
    );
  }
  const key = attempt(field, () => createPublicKey({ key: bytes, format: "der", type: "spki" }));
  requireCurve(curve, key, field);
  // One key, one encoding: otherwise one key could appear under many fingerprints.
  if (!key.export({ format: "der", type: "spki" }).equals(bytes)) {
    throw unusable(field, "the DER encoding of the key is not canonical", "an uncompressed point on a named curve");
  }
  return key;
}

function privateKeyObject(
  curve: Curve,
  format: CryptoKeyFormat,
  bytes: Buffer,
  publicKey: Buffer,
  field: string,
): KeyObject {
  requireFormat(curve, format, field);
  if (curve === "ed25519") {
    if (bytes.length !== 32) throw unusable(field, `an Ed25519 key has 32 bytes, not ${bytes.length}`);
    const jwk = { kty: "OKP", crv: "Ed25519", d: bytes.toString("base64url"), x: publicKey.toString("base64url") };
    return attempt(field, () => createPrivateKey({ key: jwk, format: "jwk" }));
  }
  const key = attempt(field, () => createPrivateKey({ key: bytes, format: "der", type: "pkcs8" }));
  requireCurve(curve, key, field);
  return key;
}

function requireFormat(curve: Curve, format: CryptoKeyFormat, field: string): void {
  const [wanted, name] = curve === "ed25519" ? [CryptoKeyFormat.Raw, "Raw"] : [CryptoKeyFormat.Der, "Der"];
  if (format === wanted) return;
  const given = Object.entries(CryptoKeyFormat).find(([, number]) => number === format)?.[0] ?? String(format);
  throw unusable(field, `the key format ${given} is not supported for this scheme`, name);
}

function requireCurve(curve: Curve, key: KeyObject, field: string): void {
  const found = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType;
  if (key.asymmetricKeyType !== "ec" || found !== curve) {
    throw unusable(field, `the key is on the curve ${found}, its scheme says ${curve}`);
  }
}

function attempt(field: string, build: () => KeyObject): KeyObject {
  try {
    return build();
  } catch (error) {
    throw unusable(field, `the key cannot be read (${error instanceof Error ? error.message : error})`);
  }
}

function unusable(field: string, detail: string, accepted?: string): ProtocolError {
  return new ProtocolError("CryptoDeserializationError", field, detail, accepted);
}
