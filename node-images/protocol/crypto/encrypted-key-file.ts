/**
 * A key pair in a file that a passphrase opens: scrypt makes the key, AES-256-GCM encrypts and seals.
 *
 * The file is JSON, so that people can see what it holds without opening it: everything but the private half is in the
 * clear, and sealed against changes (it is the additional data of AES-GCM).
 */
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import type { Fingerprint } from "../identity/fingerprint.ts";
import { ProtocolError } from "../protocol-error.ts";
import { decodeKeyPair, encodeKeyPair, type KeyPair, publicKeyOf } from "./key-pair.ts";
import { decodePublicKey, encodePublicKey, type PublicKey } from "./public-key.ts";

const FORMAT = "pulumi-canton encrypted key";
const VERSION = 1;
/** 128 MiB and a good part of a second for every guess. */
const COST = { n: 2 ** 17, r: 8, p: 1 };
/** A file cannot make its reader work for longer, or with more memory, than this. */
const HIGHEST_COST = { n: 2 ** 20, r: 8, p: 4 };

/** What an encrypted key file tells without its passphrase. */
export interface EncryptedKeyFile {
  readonly fingerprint: Fingerprint;
  readonly publicKey: PublicKey;
  /** What its maker called it. */
  readonly name: string;
}

/** The passphrase does not open the file, or the file was changed after it was written. */
export class WrongPassphraseError extends Error {
  override readonly name = "WrongPassphraseError";

  constructor() {
    super("the passphrase does not open the key file, or the file was changed after it was written");
  }
}

interface Header {
  format: typeof FORMAT;
  version: typeof VERSION;
  fingerprint: string;
  name: string;
  publicKey: string;
  kdf: { algorithm: "scrypt"; n: number; r: number; p: number; salt: string };
  cipher: { algorithm: "aes-256-gcm"; nonce: string };
}

interface Contents extends Header {
  encryptedKeyPair: string;
}

/**
 * Encrypts a key pair.
 *
 * @param passphrase not empty; how good it has to be is the caller's business
 * @param name for people
 * @returns the text of the file
 */
export function encryptKeyFile(pair: KeyPair, passphrase: string, name: string): string {
  const header: Header = {
    format: FORMAT,
    version: VERSION,
    fingerprint: pair.publicKey.id,
    name,
    publicKey: encodePublicKey(publicKeyOf(pair)).toString("base64"),
    kdf: { algorithm: "scrypt", ...COST, salt: randomBytes(32).toString("base64") },
    cipher: { algorithm: "aes-256-gcm", nonce: randomBytes(12).toString("base64") },
  };
  const cipher = createCipheriv("aes-256-gcm", keyFrom(passphrase, header), Buffer.from(header.cipher.nonce, "base64"));
  cipher.setAAD(additionalData(header));
  const sealed = Buffer.concat([cipher.update(encodeKeyPair(pair)), cipher.final(), cipher.getAuthTag()]);
  const contents: Contents = { ...header, encryptedKeyPair: sealed.toString("base64") };
  return `${JSON.stringify(contents, null, 2)}\n`;
}

/**
 * Reads what a file tells without its passphrase. Nothing vouches for it before the file was opened, but that the
 * fingerprint is the one of the public key.
 *
 * @throws ProtocolError when it is no such file, naming the field
 */
export function readKeyFile(text: string): EncryptedKeyFile {
  const { fingerprint, name, publicKey } = parse(text);
  return { fingerprint, name, publicKey: decodePublicKey(Buffer.from(publicKey, "base64")) };
}

/**
 * Opens a file.
 *
 * @throws ProtocolError when it is no such file, naming the field
 * @throws WrongPassphraseError
 */
export function decryptKeyFile(text: string, passphrase: string): KeyPair {
  const { encryptedKeyPair, ...header } = parse(text);
  const sealed = Buffer.from(encryptedKeyPair, "base64");
  const nonce = Buffer.from(header.cipher.nonce, "base64");
  const decipher = createDecipheriv("aes-256-gcm", keyFrom(passphrase, header), nonce, { authTagLength: 16 });
  decipher.setAAD(additionalData(header));
  decipher.setAuthTag(sealed.subarray(-16));
  let bytes: Buffer;
  try {
    bytes = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  } catch {
    throw new WrongPassphraseError();
  }
  return decodeKeyPair(bytes);
}

function keyFrom(passphrase: string, { kdf: { n, r, p, salt } }: Header): Buffer {
  // One and the same passphrase may be typed in several forms of Unicode.
  const secret = passphrase.normalize("NFKC");
  return scryptSync(secret, Buffer.from(salt, "base64"), 32, { N: n, r, p, maxmem: 129 * n * r + 1024 * r * p });
}

/** In one order, whatever order the file has. */
function additionalData({ format, version, fingerprint, name, publicKey, kdf, cipher }: Header): Buffer {
  const fields = [format, version, fingerprint, name, publicKey, kdf.algorithm, kdf.n, kdf.r, kdf.p, kdf.salt];
  return Buffer.from(JSON.stringify([...fields, cipher.algorithm, cipher.nonce]));
}

function refuse(field: string, detail: string, accepted?: string): ProtocolError {
  return new ProtocolError("ValueConversionError", field, detail, accepted);
}

function parse(text: string): Contents {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse("key file", "is no JSON", "a file that was written as an encrypted key");
  }
  const fields = object(value, "key file");
  if (fields.format !== FORMAT) throw refuse("format", `is ${JSON.stringify(fields.format)}`, JSON.stringify(FORMAT));
  if (fields.version !== VERSION) throw refuse("version", `${JSON.stringify(fields.version)} is unknown`, `${VERSION}`);
  const kdf = object(fields.kdf, "kdf");
  const cipher = object(fields.cipher, "cipher");
  if (kdf.algorithm !== "scrypt") throw refuse("kdf.algorithm", `is ${JSON.stringify(kdf.algorithm)}`, "scrypt");
  if (cipher.algorithm !== "aes-256-gcm") {
    throw refuse("cipher.algorithm", `is ${JSON.stringify(cipher.algorithm)}`, "aes-256-gcm");
  }
  const n = whole(kdf.n, "kdf.n", COST.n, HIGHEST_COST.n);
  if ((n & (n - 1)) !== 0) throw refuse("kdf.n", `${n} is no power of 2`);
  const contents: Contents = {
    format: FORMAT,
    version: VERSION,
    fingerprint: string(fields.fingerprint, "fingerprint"),
    name: string(fields.name, "name"),
    publicKey: string(fields.publicKey, "publicKey"),
    kdf: {
      algorithm: "scrypt",
      n,
      r: whole(kdf.r, "kdf.r", COST.r, HIGHEST_COST.r),
      p: whole(kdf.p, "kdf.p", COST.p, HIGHEST_COST.p),
      salt: bytes(kdf.salt, "kdf.salt", 16),
    },
    cipher: { algorithm: "aes-256-gcm", nonce: bytes(cipher.nonce, "cipher.nonce", 12) },
    encryptedKeyPair: bytes(fields.encryptedKeyPair, "encryptedKeyPair", 17),
  };
  const { key } = decodePublicKey(Buffer.from(contents.publicKey, "base64"));
  if (key.id !== contents.fingerprint) throw refuse("fingerprint", "is not the one of publicKey", key.id);
  return contents;
}

function object(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse(field, "is no object");
  return value as Record<string, unknown>;
}

function string(value: unknown, field: string): string {
  if (typeof value !== "string") throw refuse(field, "is no text");
  return value;
}

function whole(value: unknown, field: string, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw refuse(field, `is ${JSON.stringify(value)}`, `a whole number from ${least} to ${most}`);
}

function bytes(value: unknown, field: string, least: number): string {
  const text = string(value, field);
  const decoded = Buffer.from(text, "base64");
  if (decoded.toString("base64") === text && decoded.length >= least) return text;
  throw refuse(field, `is not base64 of ${least} bytes or more`);
}
