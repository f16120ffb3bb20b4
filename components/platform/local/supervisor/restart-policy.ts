/** When a process that ended is started again. Pure. */

/** Wait before the first restart, in milliseconds; it doubles with every failure that follows soon after. */
export const firstDelayMs = 100;

/** Longest wait, in milliseconds. */
export const longestDelayMs = 30_000;

/** A process that ran at least this long, in milliseconds, was well: the count starts anew. */
export const stableAfterMs = 10_000;

/** Exit code of a program whose configuration is wrong (EX_CONFIG): trying again cannot help. */
export const configurationError = 78;

/** What to do after an exit. */
export type Restart =
  | { readonly again: false }
  | { readonly again: true; readonly delayMs: number; readonly failures: number };

/**
 * Decides on a restart.
 *
 * @param ended.ranForMs how long the process had run
 * @param ended.code its exit code, null when a signal ended it
 * @param failures failures in a row before this one
 */
export function restartAfter(ended: { ranForMs: number; code: number | null }, failures: number): Restart {
  if (ended.code === configurationError) return { again: false };
  const inARow = ended.ranForMs >= stableAfterMs ? 0 : failures;
  // Beyond 2^30 the product would lose its meaning long before the limit matters.
  const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(inARow, 30));
  return { again: true, delayMs, failures: inARow + 1 };
}
