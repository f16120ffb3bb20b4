import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

/** Rounds that PostgreSQL itself uses. */
const iterations = 4096;

/**
 * What PostgreSQL stores of a password (RFC 5802, RFC 7677). Given in place of the password in `CREATE ROLE`, it keeps the
 * password out of statements, and thus out of the server's log.
 *
 * @param password printable ASCII; anything else would need SASLprep
 */
export function scramVerifier(password: string, salt = randomBytes(16)): string {
  if (!/^[\x21-\x7e]+$/.test(password)) throw new Error("a password must consist of printable ASCII characters");
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  const storedKey = createHash("sha256").update(clientKey).digest("base64");
  const serverKey = createHmac("sha256", salted).update("Server Key").digest("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}
