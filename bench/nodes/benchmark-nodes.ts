/** How long each node of a running network takes to start, and what memory it holds when nothing is asked of it. */
import { setTimeout as delay } from "node:timers/promises";
import { localHome } from "@pulumi-canton/components/platform/local/home.ts";
import { listProcesses } from "@pulumi-canton/components/platform/local/supervisor/client.ts";
import type { Benchmark } from "../benchmark.ts";
import { type Measurement, median } from "../measurement.ts";
import type { Network } from "../stack/network.ts";
import { memoryOf, type ProcessMemory } from "./process-usage.ts";

/** How often a node that starts is asked how it is, in milliseconds. */
const pollMs = 10;

/** Longest time that a node may take to start, in milliseconds. */
const startDeadlineMs = 60_000;

/**
 * Measures each node of the network: first its memory, after a while in which nobody asks anything of it, then its start,
 * by ending it and letting its supervisor start it again.
 */
export async function benchmarkNodes(benchmark: Benchmark, network: Network): Promise<Measurement[]> {
  const { say, signal, rounds, durationMs } = benchmark;
  const { nodes } = await network.outputs();
  const names = Object.keys(nodes).sort();
  say(`nodes: left alone for ${Math.round(durationMs / 1000)} seconds, for their memory ...`);
  await delay(durationMs, undefined, { signal });
  const memory = new Map(names.map((name) => [name, memoryOf(pidOf(network, name))]));
  const measurements: Measurement[] = [];
  for (const name of names) {
    const startMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      startMs.push(await restart(network, name, healthOf(nodes, name), signal));
    }
    say(`nodes: ${name} healthy after ${startMs.map((ms) => `${Math.round(ms)} ms`).join(", ")}`);
    const { rssKiB, pssKiB } = memory.get(name) as ProcessMemory;
    measurements.push({
      what: `node ${name}: start to healthy, idle memory`,
      result: `${(median(startMs) / 1000).toFixed(2)} s, ${memoryText({ rssKiB, pssKiB })}`,
      figures: { startMs, rssKiB, pssKiB },
    });
  }
  return measurements;
}

/** Ends a node; gives back the milliseconds from the start of its next process until that is ready. */
async function restart(network: Network, name: string, health: string, signal: AbortSignal): Promise<number> {
  const before = pidOf(network, name);
  process.kill(before, "SIGTERM");
  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    const now = processOf(network, name);
    // Only a new process counts: the old one may answer while it ends.
    if (now?.pid != null && now.pid !== before && now.startedAt !== null && (await isReady(health))) {
      return Date.now() - Date.parse(now.startedAt);
    }
    if (Date.now() > deadline) {
      throw new Error(`${name} is not ready ${startDeadlineMs / 1000} s after it was ended; its log: ${now?.logFile}`);
    }
    await delay(pollMs, undefined, { signal });
  }
}

async function isReady(health: string): Promise<boolean> {
  try {
    const response = await fetch(new URL("/health/ready", health), { signal: AbortSignal.timeout(5_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

function processOf(network: Network, name: string) {
  return listProcesses(localHome(network.home)).find((process) => process.name === name);
}

function pidOf(network: Network, name: string): number {
  const pid = processOf(network, name)?.pid;
  if (pid == null) throw new Error(`${name} does not run`);
  return pid;
}

function healthOf(nodes: Readonly<Record<string, { health?: string | null | undefined }>>, name: string): string {
  const health = nodes[name]?.health;
  if (health == null) throw new Error(`the stack's outputs do not say where the health of ${name} is`);
  return health;
}

function memoryText({ rssKiB, pssKiB }: ProcessMemory): string {
  const mebibytes = (kib: number) => `${Math.round(kib / 1024)} MiB`;
  return pssKiB === undefined
    ? `${mebibytes(rssKiB)} resident`
    : `${mebibytes(pssKiB)} (${mebibytes(rssKiB)} resident)`;
}
