/** A key pair as it is stored when private keys are encrypted: AES-256-GCM under the node's data key. Pure. */
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";

const version = 1;
const ivLength = 12;
const tagLength = 16;

/** What private keys of a node are encrypted under. */
export interface DataKey {
  /** Names it where something was encrypted under it. */
  readonly id: string;
  /** 32 bytes, secret. */
  readonly key: Buffer;
}

/** Makes a data key. */
export function newDataKey(): DataKey {
  return { id: randomUUID(), key: randomBytes(32) };
}

/**
 * Encrypts a serialized key pair: `version (1 byte) ‖ iv (12) ‖ ciphertext ‖ tag (16)`.
 *
 * The fingerprint is authenticated with it, so that a stored pair cannot take another's place.
 */
export function sealKeyPair({ id, key }: DataKey, fingerprint: Fingerprint, pair: Uint8Array): Buffer {
  const iv = randomBytes(ivLength);
  const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: tagLength });
  cipher.setAAD(additionalData(id, fingerprint));
  return Buffer.concat([Buffer.of(version), iv, cipher.update(pair), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Decrypts what {@link sealKeyPair} made with the same data key for the same fingerprint.
 *
 * @throws Error naming the fingerprint when it was not, or was changed
 */
export function openKeyPair({ id, key }: DataKey, fingerprint: Fingerprint, sealed: Uint8Array): Buffer {
  const bytes = Buffer.from(sealed);
  try {
    if (bytes[0] !== version || bytes.length < 1 + ivLength + tagLength) throw new Error("unknown form");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(1, 1 + ivLength), {
      authTagLength: tagLength,
    });
    decipher.setAAD(additionalData(id, fingerprint));
    decipher.setAuthTag(bytes.subarray(-tagLength));
    return Buffer.concat([decipher.update(bytes.subarray(1 + ivLength, -tagLength)), decipher.final()]);
  } catch {
    throw new Error(`the stored private key of ${fingerprint} was changed, or is another's: it cannot be decrypted`);
  }
}

function additionalData(dataKeyId: string, fingerprint: Fingerprint): Buffer {
  return Buffer.from(`pulumi-canton key pair ${version} ${dataKeyId} ${fingerprint}`);
}
