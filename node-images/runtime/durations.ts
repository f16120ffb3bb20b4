/** Durations as people write them in configuration: `500ms`, `30s`, `5m`, `1h`, `7d`. */

const unitsInMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** What a duration may look like, for messages to people. */
export const durationSyntax = 'a number and a unit, ms, s, m, h or d, for example "500ms", "30s" or "5m"';

/**
 * Reads a duration.
 *
 * @param text a non-negative decimal number followed by `ms`, `s`, `m`, `h` or `d`, for example `1.5s`
 * @returns whole milliseconds, rounded; `undefined` when the text is not a duration
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)$/.exec(text.trim());
  const amount = match?.[1];
  const unit = match?.[2] as keyof typeof unitsInMs | undefined;
  if (amount === undefined || unit === undefined) return undefined;
  const ms = Math.round(Number(amount) * unitsInMs[unit]);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/**
 * Writes a duration with the largest unit that needs no fraction; the inverse of {@link parseDuration}.
 *
 * @param ms whole, non-negative milliseconds
 */
export function formatDuration(ms: number): string {
  for (const unit of ["d", "h", "m", "s"] as const) {
    if (ms > 0 && ms % unitsInMs[unit] === 0) return `${ms / unitsInMs[unit]}${unit}`;
  }
  return `${ms}ms`;
}
