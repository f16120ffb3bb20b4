import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { ProtocolError } from "../protocol-error.ts";
import { type EncryptionKeyPair, loadEncryptionPrivateKey } from "./key-pair.ts";
import { type EncryptionPublicKey, loadEncryptionPublicKey } from "./public-key.ts";

/** Bytes of an uncompressed point on P-256. */
const POINT_LENGTH = 65;
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
const KEY_LENGTH = 16;

/** Names this construction inside of the key derivation, so that keys of another use never coincide. */
const INFO = Buffer.from("pulumi-canton ECIES-P256-HKDF-SHA256-AES128-GCM v1");

/**
 * Encrypts for the holder of `key`: ECIES with an ephemeral P-256 key, HKDF-SHA256 and AES-128-GCM.
 *
 * The result is `ephemeral public key (65 bytes, uncompressed) ‖ iv (12) ‖ ciphertext ‖ tag (16)`.
 *
 * @param context data that is authenticated but not encrypted; decryption needs the same.
 * @throws ProtocolError when the key is not usable.
 */
export function encrypt(
  key: EncryptionPublicKey,
  plaintext: Uint8Array,
  context: Uint8Array = Buffer.alloc(0),
): Buffer {
  const recipient = loadEncryptionPublicKey(key);
  const ephemeral = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const point = pointOf(ephemeral.publicKey);
  const secret = deriveKey(ephemeral.privateKey, recipient, point, recipient);
  const iv = randomBytes(IV_LENGTH);
  const cipher = createCipheriv("aes-128-gcm", secret, iv, { authTagLength: TAG_LENGTH });
  cipher.setAAD(context);
  return Buffer.concat([point, iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Decrypts what `encrypt` made for this key with the same `context`.
 *
 * @throws ProtocolError when it was not, or was tampered with.
 */
export function decrypt(
  pair: EncryptionKeyPair,
  ciphertext: Uint8Array,
  context: Uint8Array = Buffer.alloc(0),
): Buffer {
  const bytes = Buffer.from(ciphertext);
  if (bytes.length < POINT_LENGTH + IV_LENGTH + TAG_LENGTH) throw undecryptable(`only ${bytes.length} bytes`);
  const point = bytes.subarray(0, POINT_LENGTH);
  const iv = bytes.subarray(POINT_LENGTH, POINT_LENGTH + IV_LENGTH);
  const privateKey = loadEncryptionPrivateKey(pair);
  try {
    const secret = deriveKey(privateKey, keyOfPoint(point), point, createPublicKey(privateKey));
    const decipher = createDecipheriv("aes-128-gcm", secret, iv, { authTagLength: TAG_LENGTH });
    decipher.setAAD(context);
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_LENGTH));
    const body = bytes.subarray(POINT_LENGTH + IV_LENGTH, bytes.length - TAG_LENGTH);
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch {
    // Nothing more is said: the cause of a failed decryption helps only whoever forged the message.
    throw undecryptable(`it was not encrypted for the key ${pair.publicKey.id}, or was changed`);
  }
}

/** The key of one message; it depends on both public keys, not only on the shared secret. */
function deriveKey(privateKey: KeyObject, publicKey: KeyObject, ephemeralPoint: Buffer, recipient: KeyObject): Buffer {
  const shared = diffieHellman({ privateKey, publicKey });
  const info = Buffer.concat([INFO, ephemeralPoint, pointOf(recipient)]);
  return Buffer.from(hkdfSync("sha256", shared, Buffer.alloc(0), info, KEY_LENGTH));
}

function pointOf(key: KeyObject): Buffer {
  const { x, y } = key.export({ format: "jwk" });
  return Buffer.concat([Buffer.of(4), Buffer.from(x as string, "base64url"), Buffer.from(y as string, "base64url")]);
}

function keyOfPoint(point: Buffer): KeyObject {
  if (point[0] !== 4) throw undecryptable("the ephemeral key is not an uncompressed point");
  const x = point.subarray(1, 33).toString("base64url");
  const y = point.subarray(33).toString("base64url");
  return createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
}

function undecryptable(detail: string): ProtocolError {
  return new ProtocolError("CryptoDeserializationError", "encrypted message", `cannot be decrypted: ${detail}`);
}
