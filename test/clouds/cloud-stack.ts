/** A stack of any program of this project, run by the real engine against the stand-in, in a home of its own. */
import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parse, stringify } from "yaml";
import { acquireEngine } from "../../scripts/engine/acquire.ts";
import { engineEnvironment } from "../../scripts/environment/engine-environment.ts";
import { homeOf, root } from "../../scripts/environment/paths.ts";
import type { StandIn } from "./stand-in/stand-in.ts";

/** Keys of the stack's configuration, without the project's name before them. */
export type Config = Readonly<Record<string, unknown>>;

/** How an engine's run ended. */
export interface Outcome {
  readonly exitCode: number | null;
  /** What it printed on standard output and standard error. */
  readonly output: string;
  readonly steps: readonly Step[];
  /** Type and name of the resources that a refresh, also that before an update, found otherwise than the state had them. */
  readonly drifted: readonly string[];
}

/** What the engine did to a resource, or would do. */
export interface Step {
  /** `create`, `update`, `replace`, `delete`, `same`, … */
  readonly op: string;
  readonly type: string;
  /** Name in the program. */
  readonly name: string;
  readonly urn: string;
}

/** A resource as a preview plans it. */
export interface Planned {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly parent?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly protect?: boolean;
  readonly retainOnDelete?: boolean;
  readonly dependencies?: readonly string[];
}

/** What a stack needs besides its configuration. */
export interface Around {
  /** The folder of its project. Default: the clone, of which the configuration names the template. */
  readonly project?: string;
  /** Files that lie beside the configuration. */
  readonly files?: readonly string[];
  /** Outputs of other stacks that it refers to, by the stack's name. */
  readonly stacks?: Readonly<Record<string, Config>>;
  /** False: the engine writes the state once, at the end, which takes half the time; one that is killed has none. Default: true. */
  readonly checkpoints?: boolean;
}

/** A stack that does not exist any more when it is disposed of; what it made in the stand-in stays there. */
export class CloudStack implements AsyncDisposable {
  readonly #name: string;
  readonly #folder: string;
  readonly #project: string;
  readonly #projectName: string;
  readonly #engine: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(parts: {
    readonly name: string;
    readonly folder: string;
    readonly project: string;
    readonly projectName: string;
    readonly engine: string;
    readonly environment: NodeJS.ProcessEnv;
  }) {
    this.#name = parts.name;
    this.#folder = parts.folder;
    this.#project = parts.project;
    this.#projectName = parts.projectName;
    this.#engine = parts.engine;
    this.#environment = parts.environment;
  }

  /** The folder of its home, one that no other stack has. */
  get home(): string {
    return join(this.#folder, "home");
  }

  /** An empty stack. */
  static async create(standIn: StandIn, name: string, config: Config, around: Around = {}): Promise<CloudStack> {
    const { project = root, files = [], stacks = {}, checkpoints = true } = around;
    const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-clouds-"));
    try {
      const engine = await acquireEngine(process.env, () => {});
      const home = homeOf({ CANTON_HOME: join(folder, "home") });
      const configuration = join(folder, "configuration");
      const configFile = join(configuration, `Pulumi.${name}.yaml`);
      const environment: NodeJS.ProcessEnv = {
        ...engineEnvironment(process.env, home, engine),
        PULUMI_STACK: name,
        CANTON_CONFIG: configFile,
        PULUMI_DEBUG_PROVIDERS: standIn.attach,
        PULUMI_DEBUG_COMMANDS: "true", // for --event-log
        ...(!checkpoints && { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" }),
      };
      const { name: projectName } = parse(await readFile(join(project, "Pulumi.yaml"), "utf8")) as { name: string };
      await mkdir(configuration);
      for (const file of files) await copyFile(file, join(configuration, basename(file)));
      const stack = new CloudStack({ name, folder, project, projectName, engine: engine.file, environment });
      for (const [other, outputs] of Object.entries(stacks)) await stack.#stand(other, outputs);
      await stack.#init(name);
      environment["PULUMI_OPTION_CONFIG_FILE"] = configFile;
      await stack.configure(config);
      return stack;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The engine writes the salt of its secrets beside the configuration: so it makes the stack where that is. */
  async #init(name: string): Promise<string> {
    const folder = join(this.#folder, "configuration");
    await writeFile(join(folder, "Pulumi.yaml"), stringify({ name: this.#projectName, runtime: "nodejs" }));
    await this.#succeed(["stack", "init", name, "--no-select"], folder);
    return folder;
  }

  /** Another stack, with nothing in it but its outputs. */
  async #stand(name: string, outputs: Config): Promise<void> {
    const folder = await this.#init(name);
    const type = "pulumi:pulumi:Stack";
    const urn = `urn:pulumi:${name}::${this.#projectName}::${type}::${this.#projectName}-${name}`;
    const state = { version: 3, deployment: { manifest: {}, resources: [{ urn, type, custom: false, outputs }] } };
    await this.#import(name, JSON.stringify(state), folder);
  }

  /** Gives a stack a state in which secrets are in the clear; the engine encrypts them as the stack's configuration says. */
  async #import(name: string, text: string, cwd: string): Promise<void> {
    const configFile = join(this.#folder, "configuration", `Pulumi.${name}.yaml`);
    const { encryptionsalt: salt } = parse(await readFile(configFile, "utf8")) as { encryptionsalt?: string };
    const state = JSON.parse(text) as { deployment: Record<string, unknown> };
    state.deployment["secrets_providers"] = { type: "passphrase", state: { salt } };
    const file = join(this.#folder, "import.json");
    await writeFile(file, JSON.stringify(state));
    await this.#succeed(["stack", "import", "--stack", name, "--file", file], cwd);
  }

  /** Changes the configuration to these keys. */
  async configure(config: Config): Promise<void> {
    const configFile = join(this.#folder, "configuration", `Pulumi.${this.#name}.yaml`);
    const file = parse(await readFile(configFile, "utf8")) as Record<string, unknown>;
    const keys = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [`${this.#projectName}:${key}`, value]),
    );
    await writeFile(configFile, stringify({ ...file, config: keys }));
  }

  /** Updates without a preview. */
  up(...args: string[]): Promise<Outcome> {
    return this.#run(["up", "--yes", "--skip-preview", ...args]);
  }

  preview(...args: string[]): Promise<Outcome> {
    return this.#run(["preview", ...args]);
  }

  refresh(...args: string[]): Promise<Outcome> {
    return this.#run(["refresh", "--yes", "--skip-preview", ...args]);
  }

  /** Destroys after a preview, as a person would: without one, the engine deletes what it can before it comes to what is protected. */
  destroy(...args: string[]): Promise<Outcome> {
    return this.#run(["destroy", "--yes", ...args]);
  }

  /**
   * What a preview plans, all of it.
   *
   * @throws Error with what the engine printed when the preview fails
   */
  async planned(): Promise<Planned[]> {
    const stdout = await this.#succeed(["preview", "--json"]);
    const { steps } = JSON.parse(stdout) as { steps: { newState?: Planned }[] };
    return steps.flatMap(({ newState }) => (newState === undefined ? [] : [newState]));
  }

  /** An output of the last update, in the clear. */
  async output(name: string): Promise<unknown> {
    return JSON.parse(await this.#succeed(["stack", "output", name, "--json", "--show-secrets"]));
  }

  /** The state with secrets in the clear, for recording it. */
  exported(): Promise<string> {
    return this.#succeed(["stack", "export", "--show-secrets"]);
  }

  /** Takes over the state that another stack of the same name had. */
  import(state: string): Promise<void> {
    return this.#import(this.#name, state, this.#project);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #run(args: readonly string[]): Promise<Outcome> {
    const log = join(this.#folder, "events.json");
    await rm(log, { force: true });
    const { exitCode, output } = await this.#spawn([...args, "--event-log", log], this.#project);
    const events = (await readFile(log, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
    return { exitCode, output, ...told(events.map((line) => JSON.parse(line) as EngineEvent)) };
  }

  /** What it printed on standard output. */
  async #succeed(args: readonly string[], cwd = this.#project): Promise<string> {
    const { exitCode, output, stdout } = await this.#spawn(args, cwd);
    if (exitCode !== 0) throw new Error(output);
    return stdout;
  }

  #spawn(args: readonly string[], cwd: string): Promise<{ exitCode: number | null; output: string; stdout: string }> {
    return new Promise((resolve, reject) => {
      const options = ["--non-interactive", "--color=never"];
      const child = spawn(this.#engine, [...args, ...options], {
        cwd,
        env: this.#environment,
        stdio: ["ignore", "pipe", "pipe"],
      });
      let [stdout, stderr] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      child.once("error", reject);
      child.once("close", (exitCode) => resolve({ exitCode, output: stdout + stderr, stdout }));
    });
  }
}

/** What the log of an engine has, as far as it is of interest here. */
interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: Metadata };
  readonly resOutputsEvent?: { readonly metadata: Metadata };
}

interface Metadata {
  readonly op: string;
  readonly type: string;
  readonly urn: string;
  readonly old: Found | null;
  readonly new: Found | null;
}

interface Found {
  readonly inputs: unknown;
  readonly outputs: unknown;
}

/** Steps that were taken, or planned, and what was found otherwise. */
function told(events: readonly EngineEvent[]): Pick<Outcome, "steps" | "drifted"> {
  const nameOf = (urn: string) => urn.split("::").slice(3).join("::");
  const steps = events.flatMap(({ resourcePreEvent }) => {
    if (resourcePreEvent === undefined) return [];
    const { op, type, urn } = resourcePreEvent.metadata;
    return [{ op, type, urn, name: nameOf(urn) }];
  });
  const drifted = events.flatMap(({ resOutputsEvent }) => {
    if (resOutputsEvent?.metadata.op !== "refresh") return [];
    const { type, urn, old: before, new: now } = resOutputsEvent.metadata;
    const text = (found: Found | null) => JSON.stringify([found?.inputs, found?.outputs]);
    return text(before) === text(now) ? [] : [`${type} ${nameOf(urn)}`];
  });
  return { steps, drifted };
}
