/** What identities cost as they become more: the same domain with a thousand, ten and a hundred thousand parties. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Benchmark } from "../benchmark.ts";
import type { Measurement } from "../measurement.ts";
import { timedRun } from "../timed-run.ts";
import type { TopologyCosts } from "./measure.ts";

const sizes = [
  { participants: 10, parties: 1_000 },
  { participants: 100, parties: 10_000 },
  { participants: 1_000, parties: 100_000 },
] as const;

interface Sized {
  readonly parties: number;
  readonly costs: TopologyCosts;
}

/** Measures each size in a process and a PostgreSQL of its own. */
export async function benchmarkTopology({ say, signal }: Benchmark): Promise<Measurement[]> {
  const measured: Sized[] = [];
  for (const { participants, parties } of sizes) {
    say(`topology: ${count(parties)} parties on ${count(participants)} participants ...`);
    await using cleanup = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-bench-"));
    cleanup.defer(() => rm(folder, { recursive: true, force: true }));
    const { stdout } = await timedRun({
      file: process.execPath,
      args: ["--expose-gc", join(import.meta.dirname, "measure.ts"), folder, String(participants), String(parties)],
      environment: { ...process.env, TMPDIR: folder },
      workingDirectory: folder,
      signal,
    });
    measured.push({ parties, costs: JSON.parse(stdout) as TopologyCosts });
  }
  return [
    ...curve(measured, "who hosts a party", "hostingUs", microseconds),
    ...curve(measured, "keys and state of a participant", "memberUs", microseconds),
    ...curve(measured, "decide one transaction more", "decideUs", microseconds),
    ...curve(measured, "look up a party, admin API", "listPartyMs", milliseconds),
    ...measured.map(enabling),
    ...measured.map(onboarding),
    ...measured.map(memory),
  ];
}

type Time = "hostingUs" | "memberUs" | "decideUs" | "listPartyMs";

/** One line a size, held against the smallest: the goal is that times grow no faster than the logarithm of the parties. */
function curve(measured: readonly Sized[], what: string, time: Time, text: (time: number) => string): Measurement[] {
  return measured.map(({ parties, costs }, index): Measurement => {
    const line = { what: `topology: ${what}, ${count(parties)} parties`, result: text(costs[time]) };
    const figures = { [time]: costs[time] };
    const smallest = measured[0];
    if (index === 0 || smallest === undefined) return { ...line, figures };
    return {
      ...line,
      figures,
      against: `${count(smallest.parties)} parties`,
      ratio: costs[time] / smallest.costs[time],
      goal: { atMost: Math.round((Math.log(parties) / Math.log(smallest.parties)) * 100) / 100 },
    };
  });
}

function enabling({ parties, costs: { enablePartyMs } }: Sized): Measurement {
  return {
    what: `topology: enable a party, until in force, ${count(parties)} parties`,
    result: milliseconds(enablePartyMs),
    figures: { enablePartyMs },
  };
}

function onboarding({ parties, costs }: Sized): Measurement {
  const { onboardMs, transactions, domainGrowthKiB } = costs;
  const rate = (transactions / onboardMs) * 1000;
  return {
    what: `topology: onboard one participant, ${count(parties)} parties`,
    result: `${(onboardMs / 1000).toFixed(1)} s, ${count(rate)} transactions/s, domain's nodes +${mebibytes(domainGrowthKiB)}`,
    figures: { onboardMs, transactions, domainGrowthKiB },
  };
}

function memory({ parties, costs }: Sized): Measurement {
  const { participantBeforeKiB, participantAfterKiB, bytesEach, transactions } = costs;
  return {
    what: `topology: memory of a participant, ${count(parties)} parties`,
    result: `${mebibytes(participantAfterKiB)}, ${mebibytes(participantBeforeKiB)} before; ${(bytesEach / 1024).toFixed(1)} KiB a transaction`,
    figures: { participantBeforeKiB, participantAfterKiB, bytesEach, transactions },
  };
}

const count = (number: number): string => Math.round(number).toLocaleString("en");
const microseconds = (us: number): string => `${us.toFixed(1)} µs`;
const milliseconds = (ms: number): string => `${ms.toFixed(1)} ms`;
const mebibytes = (kib: number): string => `${Math.round(kib / 1024)} MiB`;
