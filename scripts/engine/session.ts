import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { engineEnvironment, sharedBackend } from "../environment/engine-environment.ts";
import { Failure } from "../environment/failure.ts";
import { ensureHome } from "../environment/home.ts";
import { type Home, homeOf, root } from "../environment/paths.ts";
import { acquireEngine } from "./acquire.ts";
import type { Engine } from "./engine.ts";
import { type EngineOutcome, runEngine } from "./run.ts";
import { checkSource, refreshCopy, type StackConfig, stackConfig } from "./stack-config.ts";
import {
  knownStacks,
  locksOn,
  pendingOperations,
  projectName,
  removeLocks,
  type StackInBackend,
} from "./stack-state.ts";

/** An engine together with the environment this project runs it in. */
export interface EngineSession {
  readonly engine: Engine;
  readonly home: Home;
  readonly environment: NodeJS.ProcessEnv;
}

/** A session that works on one stack of this project. */
export interface StackSession extends EngineSession {
  readonly stack: string;
  readonly config: StackConfig;
}

/** Gets an engine and prepares the folder its state is kept in. */
export async function openSession(environment: NodeJS.ProcessEnv, say: (line: string) => void): Promise<EngineSession> {
  const home = homeOf(environment);
  ensureHome(home);
  const engine = await acquireEngine(environment, say);
  return { engine, home, environment: engineEnvironment(environment, home, engine) };
}

/**
 * Makes a stack of this project usable: creates it if `create` and there is none, removes the locks that killed
 * engines left on it, and gives the engine its copy of the configuration. With `lastConfig`, for a destroy, a file that
 * cannot be read is no obstacle: the copy of the last command is taken.
 *
 * @throws {Failure} when the configuration file cannot be read, or the engine does not create the stack
 */
export async function openStack(
  session: EngineSession,
  stack: string,
  options: { readonly create: boolean; readonly lastConfig?: boolean; readonly say: (line: string) => void },
): Promise<StackSession> {
  const own = sharedBackend(session.environment) === undefined;
  // What protects a shared state's secrets is not what protects those of this clone: a copy of its own.
  const copies = own ? session.home.config : join(session.home.config, "shared");
  const config = stackConfig(root, copies, stack, session.environment.CANTON_CONFIG);
  try {
    checkSource(config);
    refreshCopy(config);
  } catch (error) {
    if (options.lastConfig !== true || !(error instanceof Failure)) throw error;
    options.say(`${error.message}\nGoing on without it.`);
  }
  // In a shared backend a stack is made by a person, who says what protects its secrets.
  if (options.create && own && !knownStacks(session.home.state).includes(stack)) await createStack(session, stack);
  const { dead } = locksOn(inBackend(session, stack));
  removeLocks(dead);
  if (dead.length > 0) options.say(`An earlier update of ${stack} was killed; this one goes on from there.`);
  const environment = {
    ...session.environment,
    // Programs run in another working directory, and files that it names are relative to it.
    CANTON_CONFIG: config.source,
    PULUMI_STACK: stack,
    PULUMI_OPTION_CONFIG_FILE: config.copy,
  };
  return { ...session, environment, stack, config };
}

/** Waits for engines that still work on the stack: the command that started one may have been killed without it. */
export async function waitForOthers(session: StackSession, say: (line: string) => void): Promise<void> {
  for (let told = false; ; told = true) {
    const { living } = locksOn(inBackend(session, session.stack));
    if (living.length === 0) return;
    if (!told) say(`Waiting for the engine that still works on ${session.stack} (process ${living.join(", ")}) ...`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/**
 * Clears the creations that a killed engine left half done from the state, which it would warn of for ever. Nothing is
 * lost by that: our resources look for what is there before they create it.
 *
 * @throws {Failure} when the engine does not manage that
 */
export async function clearPendingCreates(session: StackSession, say: (line: string) => void): Promise<void> {
  const pending = pendingOperations(inBackend(session, session.stack));
  if (pending === 0) return;
  say(`${pending} operations were interrupted: finding out what became of them ...`);
  const refresh = ["refresh", "--yes", "--skip-preview", "--non-interactive", "--clear-pending-creates"];
  const { exitCode, output } = await run(session, refresh, true);
  if (exitCode !== 0) throw new Failure(`the engine could not clear interrupted operations\n${output}`);
}

/** Runs the engine in the clone's folder. */
export function run(session: EngineSession, args: readonly string[], capture = false): Promise<EngineOutcome> {
  return runEngine(session.engine, args, { environment: session.environment, workingDirectory: root, capture });
}

function inBackend(session: EngineSession, stack: string): StackInBackend {
  return { state: session.home.state, project: projectName, stack };
}

/** The engine creates a stack together with its configuration file: so it does that where the copies are. */
async function createStack(session: EngineSession, stack: string): Promise<void> {
  const folder = session.home.config;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const project = join(folder, "Pulumi.yaml");
  if (!existsSync(project)) writeFileSync(project, `name: ${projectName}\nruntime: nodejs\n`);
  const { exitCode, output } = await runEngine(
    session.engine,
    ["stack", "init", stack, "--no-select", "--non-interactive"],
    { environment: session.environment, workingDirectory: folder, capture: true },
  );
  if (exitCode !== 0) throw new Failure(`the engine could not create the stack ${stack}\n${output}`);
}
