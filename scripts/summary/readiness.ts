import type { StackOutputs } from "./stack-outputs.ts";

/**
 * Asks every node's readiness endpoint (`<health>/health/ready`), all at once: `ready`, `not ready`, or `down` if
 * nothing answers within `deadlineMs`. Nodes without a health address are left out.
 */
export async function readiness(outputs: StackOutputs, deadlineMs = 2_000): Promise<Map<string, string>> {
  const asked = Object.entries(outputs.nodes).map(async ([name, { health }]): Promise<[string, string] | undefined> => {
    if (!health) return undefined;
    const base = /^https?:\/\//.test(health) ? health : `http://${health}`;
    try {
      const url = new URL("/health/ready", base);
      const response = await fetch(url, { signal: AbortSignal.timeout(deadlineMs) });
      return [name, response.ok ? "ready" : "not ready"];
    } catch {
      return [name, "down"];
    }
  });
  return new Map((await Promise.all(asked)).filter((answer) => answer !== undefined));
}
