/** Which ranges of addresses are as good as the whole internet. */
import { isIPv4, isIPv6 } from "node:net";

/** Shortest prefix that still lists somebody: half the internet twice is the internet. */
const shortest = { ipv4: 8, ipv6: 16 } as const;

const words: ReadonlySet<string> = new Set(["*", "any", "internet", "all"]);

/** Whether a range, or a word for one such as Azure's `Internet`, lets in everybody or nearly so. What is no range is not open. */
export function isOpen(range: unknown): boolean {
  if (typeof range !== "string") return false;
  if (words.has(range.toLowerCase())) return true;
  const [address = "", prefix] = range.split("/");
  if (prefix === undefined) return address === "0.0.0.0" || address === "::";
  if (isIPv4(address)) return Number(prefix) < shortest.ipv4;
  return isIPv6(address) && Number(prefix) < shortest.ipv6;
}

/** What to say of each open range among those at `path`. */
export function openRanges(path: string, ranges: readonly unknown[]): readonly string[] {
  return ranges
    .filter(isOpen)
    .map(
      (range) =>
        `${path}: got ${JSON.stringify(range)}, which is everybody; expected the ranges of those who may come in`,
    );
}
