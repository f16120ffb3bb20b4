import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes the passphrase that protects the secrets in the state, once: 256 random bits in a file only its owner can
 * read. An existing one is never touched, for without it the state's secrets are lost.
 */
export function ensurePassphrase(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  chmodSync(dirname(file), 0o700);
  const staging = `${file}.${process.pid}`;
  try {
    writeFileSync(staging, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
    // A link, unlike a rename, does not replace: of several at once, one wins and the others use its passphrase.
    linkSync(staging, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(staging, { force: true });
  }
}
