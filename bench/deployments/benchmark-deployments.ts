/** What the templates for clouds cost: resources, the program, the engine's preview, the check of types. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acquireEngine } from "../../scripts/engine/acquire.ts";
import { Failure } from "../../scripts/environment/failure.ts";
import { cacheDirectory, root } from "../../scripts/environment/paths.ts";
import { mostResources } from "../../stacks/config/stack-size.ts";
import { CloudStack } from "../../test/clouds/cloud-stack.ts";
import { StandIn } from "../../test/clouds/stand-in/stand-in.ts";
import { configOf, filesOf, makeable, type Template } from "../../test/clouds/templates.ts";
import type { Benchmark } from "../benchmark.ts";
import { type Measurement, median } from "../measurement.ts";
import { EmptyProgram } from "../stack/empty-program.ts";
import { timedRun } from "../timed-run.ts";
import { type PlannedResources, plannedResources } from "./planned-resources.ts";
import type { ProgramCosts } from "./program.ts";

const programGoalMs = 2_000;

/** Measures the largest template that the stand-in for the clouds makes, in production; counts resources of all. */
export async function benchmarkDeployments(benchmark: Benchmark): Promise<Measurement[]> {
  const planned = plannedResources();
  const { template, resources } = largest(planned);
  return [
    ...[...Map.groupBy(planned, (each) => each.template)].map(counted),
    ...(await programAlone(benchmark, template)),
    await previewed(benchmark, template, resources),
    ...(await typesChecked(benchmark)),
  ];
}

function largest(planned: readonly PlannedResources[]): { template: Template; resources: number } {
  const [found] = planned
    .filter(({ environment }) => environment === "production")
    .toSorted((a, b) => b.resources - a.resources)
    .flatMap(({ template: name, resources }) => {
      const template = makeable.find((each) => each.name === name);
      return template === undefined ? [] : [{ template, resources }];
    });
  if (found === undefined) throw new Error("test/clouds has no template that is made");
  return found;
}

function counted([template, planned]: [string, readonly PlannedResources[]]): Measurement {
  const most = Math.max(...planned.map(({ resources }) => resources));
  return {
    what: `deployments: resources of ${template}`,
    result: planned.map(({ environment, resources }) => `${environment} ${resources}`).join(", "),
    against: `the most of a stack, ${mostResources}`,
    ratio: most / mostResources,
    goal: { atMost: 1 },
    figures: Object.fromEntries(planned.map(({ environment, resources }) => [`${environment}Resources`, resources])),
  };
}

/** The program in a process of its own, with the cache of compiled code that the engine's has, too. */
async function programAlone({ say, signal, rounds }: Benchmark, { name }: Template): Promise<Measurement[]> {
  const costs: ProgramCosts[] = [];
  const environment = { ...process.env, NODE_COMPILE_CACHE: join(cacheDirectory(process.env), "compiled") };
  const run = async () => {
    const args = [join(import.meta.dirname, "program.ts"), name];
    const { stdout } = await timedRun({ file: process.execPath, args, environment, workingDirectory: root, signal });
    return JSON.parse(stdout) as ProgramCosts;
  };
  await run(); // fills the cache
  for (let round = 1; round <= rounds; round += 1) {
    const cost = await run();
    say(`deployments: round ${round} of ${rounds}: program of ${name} alone: ${seconds(cost.ms)}`);
    costs.push(cost);
  }
  const ms = costs.map((each) => each.ms);
  const peakKiB = costs.map((each) => each.peakKiB);
  const importedMs = costs.map((each) => each.importedMs);
  return [
    {
      what: `deployments: program of ${name}, production`,
      result: `${seconds(median(ms))}, of it imports ${seconds(median(importedMs))}`,
      against: seconds(programGoalMs),
      ratio: median(ms) / programGoalMs,
      goal: { atMost: 1 },
      figures: { ms, importedMs, resources: costs[0]?.resources },
    },
    {
      what: `deployments: memory of that program, at its most`,
      result: mebibytes(median(peakKiB)),
      figures: { peakKiB },
    },
  ];
}

/** A preview of a new stack, against as many dynamic resources that do nothing: by turns, both with the same command. */
async function previewed(benchmark: Benchmark, template: Template, resources: number): Promise<Measurement> {
  const { say, signal, rounds } = benchmark;
  const engine = await acquireEngine(process.env, say);
  await using cleanup = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-bench-"));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const standIn = cleanup.use(await StandIn.start(folder));
  const empty = cleanup.use(await EmptyProgram.create(benchmark, engine, resources));
  const around = { files: filesOf(template), stacks: template.stacks };
  const ours = cleanup.use(await CloudStack.create(standIn, "bench", configOf(template, "production"), around));
  const theirs = cleanup.use(await CloudStack.create(standIn, "bench", {}, { project: empty.program.folder }));

  const ms = { templateMs: [] as number[], emptyProgramMs: [] as number[] };
  const turn = async (stack: CloudStack, into: keyof typeof ms, round: number) => {
    signal.throwIfAborted();
    const begun = performance.now();
    const { exitCode, output } = await stack.preview();
    const took = performance.now() - begun;
    signal.throwIfAborted();
    if (exitCode !== 0) throw new Failure(`the preview failed:\n${output}`);
    // The first round fills caches: of compiled code, of the SDKs' schemas.
    if (round > 0) ms[into].push(took);
    say(`deployments: round ${round} of ${rounds}: preview, ${into.slice(0, -2)}: ${seconds(took)}`);
  };
  for (let round = 0; round <= rounds; round += 1) {
    const turns = [() => turn(ours, "templateMs", round), () => turn(theirs, "emptyProgramMs", round)];
    for (const next of round % 2 === 0 ? turns : turns.reverse()) await next();
  }
  return {
    what: `deployments: preview of ${template.name}, production`,
    result: seconds(median(ms.templateMs)),
    against: `${seconds(median(ms.emptyProgramMs))}, ${resources} no-op resources`,
    ratio: median(ms.templateMs) / median(ms.emptyProgramMs),
    goal: { atMost: 1.3 },
    figures: { ...ms, resources },
  };
}

/** `npm run typecheck`, once: it depends on nothing that was there before. */
async function typesChecked({ say, signal }: Benchmark): Promise<Measurement[]> {
  say("deployments: checking the types of the whole repository ...");
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { ms, stdout } = await timedRun({
    file: process.execPath,
    args: ["--import", join(import.meta.dirname, "peak-memory.ts"), compiler, "--noEmit", "-p", "."],
    environment: process.env,
    workingDirectory: root,
    signal,
  });
  const peakKiB = Number(/^peak memory: (\d+) KiB$/m.exec(stdout)?.[1]);
  return [
    { what: "types of the whole repository, checked", result: seconds(ms), figures: { ms } },
    { what: "types: memory of the compiler, at its most", result: mebibytes(peakKiB), figures: { peakKiB } },
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function mebibytes(kibibytes: number): string {
  return `${Math.round(kibibytes / 1024)} MiB`;
}
