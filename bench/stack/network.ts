/** The local stack as `./scripts/up` brings it up, in a home of its own. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Network as NetworkOutputs, parseNetwork } from "@pulumi-canton/console/network.ts";
import type { Engine } from "../../scripts/engine/engine.ts";
import { openSession, openStack, run, type StackSession } from "../../scripts/engine/session.ts";
import { projectName } from "../../scripts/engine/stack-state.ts";
import { defaultStack, root } from "../../scripts/environment/paths.ts";
import type { Benchmark } from "../benchmark.ts";
import { type TimedRun, timedRun } from "../timed-run.ts";
import type { EngineProgram } from "./engine-program.ts";

/** A network of this machine, until it is disposed of. */
export class Network implements AsyncDisposable {
  /** What the engine is timed with. */
  readonly program: EngineProgram;
  readonly #session: StackSession;
  readonly #folder: string;
  readonly #signal: AbortSignal;

  private constructor(session: StackSession, folder: string, signal: AbortSignal) {
    this.#session = session;
    this.#folder = folder;
    this.#signal = signal;
    this.program = { engine: session.engine.file, environment: session.environment, folder: root, signal };
  }

  /** An empty stack with the configuration of the clone's Pulumi.local.yaml. Nothing runs yet. */
  static async create({ signal, say }: Benchmark): Promise<Network> {
    signal.throwIfAborted();
    const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-bench-"));
    try {
      const session = await openSession({ ...process.env, CANTON_HOME: join(folder, "home") }, say);
      return new Network(await openStack(session, defaultStack, { create: true, say }), folder, signal);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The folder that everything of it is in, its `CANTON_HOME`. */
  get home(): string {
    return this.#session.home.directory;
  }

  /** The engine that runs it. */
  get engine(): Engine {
    return this.#session.engine;
  }

  /** What a person types, all of it: finds the engine, updates, reads the outputs, asks every node how it is. */
  upCommand(): Promise<TimedRun> {
    return this.#script("up", [], this.#signal);
  }

  /** How many dynamic resources the stack has: those that a provider in Node.js looks after. */
  async dynamicResources(): Promise<number> {
    const file = join(this.#session.home.state, ".pulumi", "stacks", projectName, `${defaultStack}.json`);
    const { checkpoint } = JSON.parse(await readFile(file, "utf8")) as {
      checkpoint: { latest: { resources: { type: string }[] } };
    };
    return checkpoint.latest.resources.filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic")).length;
  }

  /** The stack's outputs. */
  async outputs(): Promise<NetworkOutputs> {
    const { output } = await run(this.#session, ["stack", "output", "--json"], true);
    const outputs = parseNetwork(output);
    if (outputs === undefined) throw new Error(`the stack's outputs are not a network's:\n${output}`);
    return outputs;
  }

  /** Ends all its processes and removes all its files, whatever state they are in. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#script("down", ["--force"]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  #script(name: string, args: readonly string[], signal?: AbortSignal): Promise<TimedRun> {
    const environment = { ...process.env, CANTON_HOME: this.home };
    const file = join(root, "scripts", name);
    return timedRun({ file, args, environment, workingDirectory: root, ...(signal && { signal }) });
  }
}
