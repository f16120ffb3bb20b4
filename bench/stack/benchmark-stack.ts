/** How long the engine takes for the local stack, against an empty program. */
import type { Benchmark } from "../benchmark.ts";
import { type Measurement, median } from "../measurement.ts";
import { EmptyProgram } from "./empty-program.ts";
import { type EngineProgram, freshUp, unchangedPreview, unchangedUp } from "./engine-program.ts";
import { Network } from "./network.ts";

const steps = [
  { name: "fresh up", run: freshUp, goal: { atMost: 1.5 } },
  { name: "no-op up", run: unchangedUp, goal: { atMost: 1.2 } },
  { name: "preview", run: unchangedPreview, goal: { atMost: 1.2 } },
] as const;

type Step = (typeof steps)[number];

/**
 * Times both, turn by turn: in every round each is new, and each step is done by one right after the other.
 *
 * @returns the measurements, and the network of the last round, which runs: for the caller to use and dispose of
 */
export async function benchmarkStack(benchmark: Benchmark): Promise<{ measurements: Measurement[]; network: Network }> {
  const ours = new Map<Step, number[]>(steps.map((step) => [step, []]));
  const theirs = new Map<Step, number[]>(steps.map((step) => [step, []]));
  let resources = 0;
  for (let round = 1; ; round += 1) {
    const network = await Network.create(benchmark);
    try {
      const time = async (step: Step, program: EngineProgram, into: Map<Step, number[]>, what: string) => {
        const { ms } = await step.run(program);
        into.get(step)?.push(ms);
        benchmark.say(`round ${round} of ${benchmark.rounds}: ${step.name}, ${what}: ${seconds(ms)}`);
      };
      const ourTurn = (step: Step) => time(step, network.program, ours, "local stack");
      const [fresh, ...again] = steps;
      await ourTurn(fresh);
      resources = await network.dynamicResources();
      await using empty = await EmptyProgram.create(benchmark, network.engine, resources);
      const theirTurn = (step: Step) => time(step, empty.program, theirs, "empty program");
      await theirTurn(fresh);
      for (const step of again) {
        for (const turn of round % 2 === 1 ? [ourTurn, theirTurn] : [theirTurn, ourTurn]) await turn(step);
      }
      if (round < benchmark.rounds) {
        await network[Symbol.asyncDispose]();
        continue;
      }
      const measurements = steps.map((step) => compared(step, ours, theirs, resources));
      const { ms } = await network.upCommand();
      benchmark.say(`./scripts/up with nothing to change: ${seconds(ms)}`);
      measurements.push({ what: "./scripts/up, nothing to change", result: seconds(ms), figures: { ms } });
      return { measurements, network };
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }
}

function compared(
  step: Step,
  ours: ReadonlyMap<Step, number[]>,
  theirs: ReadonlyMap<Step, number[]>,
  resources: number,
): Measurement {
  const [own, other] = [ours.get(step) ?? [], theirs.get(step) ?? []];
  return {
    what: `stack: ${step.name}`,
    result: seconds(median(own)),
    against: `${seconds(median(other))}, ${resources} no-op resources`,
    ratio: median(own) / median(other),
    goal: step.goal,
    figures: { stackMs: own, emptyProgramMs: other, dynamicResources: resources },
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
