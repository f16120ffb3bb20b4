import type { Network } from "../network.ts";

/** How long a step took on a node, over all transactions since the node started. */
export interface StepTimes {
  step: string;
  node: string;
  count: number;
  meanSeconds: number;
}

const metric = /^canton_topology_step_seconds_(sum|count)\{([^}]*)\} (\S+)$/;

/** Reads the sums of `canton_topology_step_seconds` from Prometheus text. Pure. */
export function stepTimesFrom(node: string, text: string): StepTimes[] {
  const found = new Map<string, { sum: number; count: number }>();
  for (const line of text.split("\n")) {
    const [, what, labels = "", value] = metric.exec(line) ?? [];
    const step = /step="([^"]*)"/.exec(labels)?.[1];
    if (what === undefined || step === undefined) continue;
    const before = found.get(step) ?? { sum: 0, count: 0 };
    found.set(step, { ...before, [what]: Number(value) });
  }
  return [...found].map(([step, { sum, count }]) => ({
    step,
    node,
    count,
    meanSeconds: count === 0 ? 0 : sum / count,
  }));
}

/** Asks every node; one that does not answer is left out. */
export async function readStepTimes(network: Network, deadlineMs = 5_000): Promise<StepTimes[]> {
  const all = Object.entries(network.nodes).map(async ([node, { metrics }]) => {
    try {
      const response = await fetch(metrics, { signal: AbortSignal.timeout(deadlineMs) });
      return response.ok ? stepTimesFrom(node, await response.text()) : [];
    } catch {
      return [];
    }
  });
  return (await Promise.all(all)).flat();
}
