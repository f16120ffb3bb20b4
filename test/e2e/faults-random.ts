/** Chance that can be had again: every draw follows from a seed and from what it is for. */
import { createHash } from "node:crypto";

/**
 * A number from 0 up to, not including, 1.
 *
 * @param seed the same for a whole test; it is told when the test fails
 * @param purpose what the number decides: each has its own, however many others are drawn before it
 */
export function draw(seed: string, purpose: string): number {
  return createHash("sha256").update(`${seed}\n${purpose}`).digest().readUInt32BE(0) / 2 ** 32;
}
