import { sign as cryptoSign, verify as cryptoVerify, type KeyObject } from "node:crypto";
import { type Signature, SignatureFormat, SigningKeyScheme } from "../gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { ProtocolError } from "../protocol-error.ts";
import { loadSigningPrivateKey, type SigningKeyPair } from "./key-pair.ts";
import { loadSigningPublicKey, type SigningPublicKey } from "./public-key.ts";
import { type SigningPurpose, signingDigest } from "./signing-purpose.ts";

export type { Signature };

/** The hash inside of ECDSA; Ed25519 has its own. */
function hashOf(scheme: SigningKeyScheme): string | null {
  if (scheme === SigningKeyScheme.EcDsaP256) return "sha256";
  return scheme === SigningKeyScheme.EcDsaP384 ? "sha384" : null;
}

/** Signs `content` for `purpose`. @throws ProtocolError when the key pair is not usable. */
export function sign(pair: SigningKeyPair, purpose: SigningPurpose, content: Uint8Array): Signature {
  const signature = cryptoSign(
    hashOf(pair.publicKey.scheme),
    signingDigest(purpose, content),
    loadSigningPrivateKey(pair),
  );
  return { format: SignatureFormat.RawSignatureFormat, signature, signedBy: pair.publicKey.id };
}

/**
 * Whether `signature` is one of `key` over `content` for `purpose`. Never throws: a key or a signature that cannot be
 * read verifies nothing.
 */
export function verify(
  key: SigningPublicKey,
  purpose: SigningPurpose,
  content: Uint8Array,
  signature: Signature | undefined,
): boolean {
  if (signature?.format !== SignatureFormat.RawSignatureFormat || signature.signedBy !== key.id) return false;
  let object: KeyObject;
  try {
    object = loadSigningPublicKey(key);
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
  return cryptoVerify(hashOf(key.scheme), signingDigest(purpose, content), object, signature.signature);
}

/** Whether `signature` is one over `content` for `purpose` of any of the keys. */
export function verifyWithAny(
  keys: Iterable<SigningPublicKey>,
  purpose: SigningPurpose,
  content: Uint8Array,
  signature: Signature | undefined,
): boolean {
  for (const key of keys) {
    if (key.id === signature?.signedBy && verify(key, purpose, content, signature)) return true;
  }
  return false;
}
