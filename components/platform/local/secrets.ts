/** Passwords and passphrases of the local platform: random, one file each, readable by their owner only, never in state, argument lists or logs. */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type LocalHome, makePrivateFolder } from "./home.ts";
import { writeAtomically } from "./write-atomically.ts";

/** The file of a secret. */
export function secretFile(home: LocalHome, name: string): string {
  return join(home.secrets, `${name}.password`);
}

/** Reads a secret; makes it (32 random bytes, base64url) where there is none yet. */
export function ensureSecret(home: LocalHome, name: string): string {
  const file = secretFile(home, name);
  makePrivateFolder(home.secrets);
  if (!existsSync(file)) writeAtomically(file, randomBytes(32).toString("base64url"), 0o600);
  return readSecret(home, name);
}

/**
 * Reads a secret.
 *
 * @throws Error naming the file when it is not there
 */
export function readSecret(home: LocalHome, name: string): string {
  return readFileSync(secretFile(home, name), "utf8").trim();
}

/** Removes a secret, and the folder with the last one; well when there is none. */
export function removeSecret(home: LocalHome, name: string): void {
  rmSync(secretFile(home, name), { force: true });
  removeIfEmpty(home.secrets);
}

/**
 * The file of the passphrase under which the private keys in a database are encrypted; made where there is none yet. It
 * belongs to the database, not to a node: several may share one, and it must not go before the keys do.
 */
export function ensureKeyPassphrase(home: LocalHome, database: string): string {
  ensureSecret(home, keyPassphrase(database));
  return secretFile(home, keyPassphrase(database));
}

/** Removes the passphrase of a database that is gone. */
export function removeKeyPassphrase(home: LocalHome, database: string): void {
  removeSecret(home, keyPassphrase(database));
}

function keyPassphrase(database: string): string {
  return `keys-${database}`;
}

/** Removes a folder that has become empty. */
export function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}
