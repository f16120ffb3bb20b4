import { type TimedRun, timedRun } from "../timed-run.ts";

/** A Pulumi program with a stack, and the engine that runs it: the three things that are timed of it. */
export interface EngineProgram {
  /** The engine's executable. */
  readonly engine: string;
  /** Names the backend, the stack and the secrets' passphrase. */
  readonly environment: NodeJS.ProcessEnv;
  /** The project's folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** What `./scripts/up` tells the engine, when it is not at a terminal. */
const update = ["up", "--yes", "--skip-preview", "--continue-on-error", "--suppress-outputs", "--suppress-progress"];

/** The first update: everything is created. */
export function freshUp(program: EngineProgram): Promise<TimedRun> {
  return engine(program, update);
}

/** An update that finds nothing to change. Fails if it did. */
export function unchangedUp(program: EngineProgram): Promise<TimedRun> {
  return engine(program, [...update, "--expect-no-changes"]);
}

/** A preview that finds nothing to change. Fails if it did. */
export function unchangedPreview(program: EngineProgram): Promise<TimedRun> {
  return engine(program, ["preview", "--suppress-outputs", "--suppress-progress", "--expect-no-changes"]);
}

function engine({ engine: file, environment, folder, signal }: EngineProgram, args: readonly string[]) {
  return timedRun({ file, args, environment, workingDirectory: folder, signal });
}
