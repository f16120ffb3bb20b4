/** `npm run bench`: measures on this machine, prints one table. See docs/benchmarks.md. */
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { command, say } from "../scripts/environment/command.ts";
import { Failure } from "../scripts/environment/failure.ts";
import type { Benchmark } from "./benchmark.ts";
import { benchmarkDeployments } from "./deployments/benchmark-deployments.ts";
import type { Measurement } from "./measurement.ts";
import { benchmarkNodes } from "./nodes/benchmark-nodes.ts";
import { reportJson, reportTable } from "./report.ts";
import { benchmarkSequencer } from "./sequencer/benchmark-sequencer.ts";
import { benchmarkStack } from "./stack/benchmark-stack.ts";
import { Network } from "./stack/network.ts";
import { benchmarkTopology } from "./topology/benchmark-topology.ts";

const help = `usage: npm run bench -- [--only stack|sequencer|nodes|topology|deployments] [--rounds N] [--seconds N] [--json FILE]

Measures on this machine and prints one table; docs/benchmarks.md says what the figures mean. Progress goes to stderr.
Everything runs in temporary folders, which are removed at the end, also after Ctrl-C; a network that is up stays alone.
  --only WHAT    one part: stack (the engine's times), sequencer (messages a second), nodes (start and memory),
                 topology (identities as they become more; some minutes), deployments (the templates for clouds)
  --rounds N     how many times each thing is timed; the median counts (3)
  --seconds N    length of each measurement of messages a second, and of the watch on idle nodes (10)
  --json FILE    writes every sample to FILE, too
exit codes: 0 measured, goals met or not; 64 wrong arguments; 130 interrupted; else something failed`;

const parts = ["stack", "sequencer", "nodes", "topology", "deployments"] as const;
type Part = (typeof parts)[number];

await command(async (args) => {
  const options = readOptions(args);
  if (options === undefined) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  const interrupt = new AbortController();
  const onSignal = () => {
    if (!interrupt.signal.aborted) say("Interrupted: cleaning up ...");
    interrupt.abort(new Failure("interrupted, all is cleaned up", [], 130));
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);

  const benchmark: Benchmark = {
    say,
    signal: interrupt.signal,
    rounds: options.rounds,
    durationMs: options.seconds * 1000,
  };
  const loadBefore = loadavg();
  const measurements = await measure(benchmark, options.only).catch((error: unknown) => {
    // What was interrupted fails in its own words; only a failure to clean up is news.
    if (!(error instanceof SuppressedError)) interrupt.signal.throwIfAborted();
    throw error;
  });
  process.stdout.write(`${reportTable(measurements)}\n`);
  if (options.json !== undefined) {
    const report = reportJson(measurements, { rounds: options.rounds, seconds: options.seconds, loadBefore });
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  return 0;
});

async function measure(benchmark: Benchmark, only: Part | undefined): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  const wanted = (part: Part) => only === undefined || only === part;
  if (wanted("sequencer")) measurements.push(...(await benchmarkSequencer(benchmark)));
  if (wanted("stack")) {
    const { measurements: ofStack, network } = await benchmarkStack(benchmark);
    await using _ = network;
    measurements.unshift(...ofStack);
    if (wanted("nodes")) measurements.push(...(await benchmarkNodes(benchmark, network)));
  } else if (wanted("nodes")) {
    await using network = await Network.create(benchmark);
    benchmark.say("nodes: bringing up a network ...");
    await network.upCommand();
    measurements.push(...(await benchmarkNodes(benchmark, network)));
  }
  if (wanted("topology")) measurements.push(...(await benchmarkTopology(benchmark)));
  if (wanted("deployments")) measurements.push(...(await benchmarkDeployments(benchmark)));
  return measurements;
}

interface Options {
  readonly only: Part | undefined;
  readonly rounds: number;
  readonly seconds: number;
  readonly json: string | undefined;
}

/** Undefined when help was asked for. */
function readOptions(args: readonly string[]): Options | undefined {
  const text = { type: "string" } as const;
  const { values } = parsed(() =>
    parseArgs({
      args: [...args],
      options: { help: { type: "boolean", short: "h" }, only: text, rounds: text, seconds: text, json: text },
    }),
  );
  if (values.help) return undefined;
  const only = parts.find((part) => part === values.only);
  if (values.only !== undefined && only === undefined) {
    throw new Failure(`--only ${values.only}: there are ${parts.join(", ")}`, [], 64);
  }
  return {
    only,
    rounds: positive("--rounds", values.rounds, 3),
    seconds: positive("--seconds", values.seconds, 10),
    json: values.json,
  };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Failure((error as Error).message, ["--help shows what there is."], 64);
  }
}

function positive(name: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new Failure(`${name} ${value}: a whole number from 1 on`, [], 64);
  return number;
}
