import { createHash } from "node:crypto";
import { invalidValue } from "../protocol-error.ts";
import { checkIdentifierCharacters } from "./identifier-characters.ts";

/**
 * The fingerprint of a public key: a multihash in hexadecimal, `1220` (SHA-256, 32 bytes) followed by the hash. The
 * fingerprint of a namespace's root key is the name of the namespace.
 */
export type Fingerprint = string;

/** Longest fingerprint accepted, in characters: that of a SHA-256 multihash. */
export const MAX_FINGERPRINT_LENGTH = 68;

/** The purpose number that is hashed in front of the key bytes; the same as Canton's, so that fingerprints agree. */
const PUBLIC_KEY_FINGERPRINT = 12;

/** The fingerprint of the key with these serialized bytes (raw bytes or DER, as the key's format says). */
export function fingerprintOfKey(keyBytes: Uint8Array): Fingerprint {
  const purpose = Buffer.alloc(4);
  purpose.writeInt32BE(PUBLIC_KEY_FINGERPRINT);
  return `1220${createHash("sha256").update(purpose).update(keyBytes).digest("hex")}`;
}

/**
 * Checks a fingerprint that came from outside. Like Canton it does not ask for the form of a SHA-256 multihash, only for
 * 1 to 68 characters that an identifier may have; a fingerprint that names no key simply never matches one.
 *
 * @param field name of the field, for the error.
 * @param whole the value that the fingerprint was cut from, for the error; default: the fingerprint itself.
 * @throws ProtocolError
 */
export function parseFingerprint(text: string, field = "fingerprint", whole = text): Fingerprint {
  const accepted = `1 to ${MAX_FINGERPRINT_LENGTH} characters, normally 1220 and the 64 hexadecimal digits of the key's SHA-256`;
  if (text === "")
    throw invalidValue(field, `Fingerprint decoding of \`${whole}\` failed with: empty string`, accepted);
  const problem = checkIdentifierCharacters(text, MAX_FINGERPRINT_LENGTH);
  if (problem) throw invalidValue(field, `Fingerprint decoding of \`${whole}\` failed with: ${problem}`, accepted);
  return text;
}

/** A fingerprint shortened for messages to people, as Canton prints it: `122050f5924a...`. */
export function shortenFingerprint(fingerprint: Fingerprint): string {
  return fingerprint.length <= 12 ? fingerprint : `${fingerprint.slice(0, 12)}...`;
}
