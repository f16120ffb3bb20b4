/** How many messages the sequencers put in order, against plain batched inserts into the same PostgreSQL. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ThroughputRow } from "@pulumi-canton/sequencer/bench/throughput.ts";
import type { Benchmark } from "../benchmark.ts";
import type { Measurement } from "../measurement.ts";
import { timedRun } from "../timed-run.ts";

/** Measures on a PostgreSQL of its own. */
export async function benchmarkSequencer({ say, signal, durationMs }: Benchmark): Promise<Measurement[]> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-bench-"));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  say(`sequencer: about ${Math.ceil((durationMs * 5) / 1000)} seconds ...`);
  const { stdout } = await timedRun({
    file: process.execPath,
    args: [join(import.meta.dirname, "measure.ts"), folder, String(durationMs)],
    // What it puts into temporary folders goes with this one.
    environment: { ...process.env, TMPDIR: folder },
    workingDirectory: folder,
    signal,
  });
  const rows = JSON.parse(stdout) as ThroughputRow[];
  return rows.map(measurementOf);
}

function measurementOf(row: ThroughputRow): Measurement {
  const { kind, what, messagesPerSecond, ratio, goal, p50Ms, p99Ms } = row;
  const rate = `${Math.round(messagesPerSecond).toLocaleString("en")}/s`;
  const latency = p50Ms == null || p99Ms == null ? "" : `, p50 ${p50Ms.toFixed(1)} p99 ${p99Ms.toFixed(1)} ms`;
  return {
    what: `messages: ${what}`,
    result: `${rate}${latency}`,
    ...(kind !== "ceiling" && { against: "the ceiling", ratio }),
    ...(goal != null && { goal: { atLeast: goal } }),
    figures: { messagesPerSecond, p50Ms, p99Ms },
  };
}
