/** The engine that is downloaded or built. Keep in step with go.mod. */
export const engineVersion = "3.255.0";

/** The oldest engine on the PATH that is used instead: the one this project is tested with. */
export const oldestUsableEngine = engineVersion;

/** Compares `a` and `b` as versions (`v1.2.3`, `1.2.3-dev.4`); suffixes after the third number do not count. */
export function isAtLeast(a: string, b: string): boolean {
  const numbers = (version: string) => version.replace(/^v/, "").split(/[-+]/, 1)[0]?.split(".").map(Number) ?? [];
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return !left.some(Number.isNaN);
}
