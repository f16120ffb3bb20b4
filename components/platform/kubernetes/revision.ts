import { createHash, scryptSync } from "node:crypto";

/**
 * Stands for what a program reads: it restarts when that changes. Secrets go in by a hash that is slow to guess from, so that the
 * whole is no secret any more.
 *
 * @param salt of that hash; one for each kind of program
 */
export function revisionOf(files: unknown, secrets: object, salt: string): string {
  const hidden = scryptSync(JSON.stringify(secrets), salt, 16).toString("hex");
  return createHash("sha256")
    .update(JSON.stringify([files, hidden]))
    .digest("hex")
    .slice(0, 16);
}
