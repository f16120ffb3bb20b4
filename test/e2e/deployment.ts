/** A deployment of the local stack for a test: the project's own commands, in a home of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NetworkView } from "@pulumi-canton/console/commands/status.ts";
import { stringify } from "yaml";

const root = join(import.meta.dirname, "..", "..");

/** What a command printed, and how it ended. */
export interface Outcome {
  readonly code: number | null;
  /** Standard output and standard error as they came. */
  readonly text: string;
  readonly stdout: string;
}

/** A participant in the stack's configuration. */
export interface ParticipantConfig {
  readonly name: string;
  readonly parties: readonly string[];
}

/** The stack's configuration, as far as tests change it. */
export interface StackConfig {
  readonly participants: readonly ParticipantConfig[];
  /** Names of the participants that are admitted. */
  readonly allowList: readonly string[];
  readonly tls?: boolean;
}

/** The configuration that the repository ships. */
export const shipped: StackConfig = {
  participants: [
    { name: "bob", parties: ["Bob"] },
    { name: "alice", parties: ["Alice"] },
  ],
  allowList: ["bob", "alice"],
};

/** A stack in a home of its own. */
export class Deployment {
  readonly stack: string;
  readonly home: string;
  readonly configFile: string;

  private constructor(stack: string, home: string) {
    this.stack = stack;
    this.home = home;
    this.configFile = join(home, "..", `Pulumi.${stack}.yaml`);
  }

  /** A deployment that is not up yet. */
  static async create(config: StackConfig = shipped): Promise<Deployment> {
    const deployment = await Deployment.of("local");
    await deployment.configure(config);
    return deployment;
  }

  /** A deployment of any stack, without a configuration yet. */
  static async of(stack: string): Promise<Deployment> {
    const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-"));
    return new Deployment(stack, join(folder, "home"));
  }

  /** Changes the configuration, as an editor would. */
  async configure({ participants, allowList, tls = false }: StackConfig): Promise<void> {
    await this.write({
      domain: { alias: "mydomain", owner: "bob", sequencers: 2, policy: "permissioned" },
      participants,
      allowList: allowList.map((participant) => ({ participant, permission: "Submission" })),
      tls,
    });
  }

  /** Changes the configuration to these keys of the project. */
  async write(keys: Readonly<Record<string, unknown>>): Promise<void> {
    const config = Object.fromEntries(Object.entries(keys).map(([key, value]) => [`pulumi-canton:${key}`, value]));
    await writeFile(this.configFile, stringify({ config }));
  }

  /** An output of the stack. */
  async output<T>(name: string): Promise<T> {
    const { code, stdout, text } = await this.run("pulumi", "stack", "output", name, "--json");
    if (code !== 0) throw new Error(`there is no output ${name}:\n${text}`);
    return JSON.parse(stdout) as T;
  }

  /** Starts one of the project's commands. */
  start(script: string, ...args: string[]): Running {
    return new Running(
      spawn(join(root, "scripts", script), args, {
        env: { ...process.env, CANTON_STACK: this.stack, CANTON_HOME: this.home, CANTON_CONFIG: this.configFile },
        stdio: ["ignore", "pipe", "pipe"],
        // A group of its own, so that a test can kill a command together with the engine that it runs.
        detached: true,
      }),
    );
  }

  /** Runs one of the project's commands to its end. */
  async run(script: string, ...args: string[]): Promise<Outcome> {
    return await this.start(script, ...args).ended;
  }

  /** What the console's `status --json` says. */
  async status(): Promise<NetworkView> {
    const { stdout, text } = await this.run("console", "status", "--json");
    try {
      return JSON.parse(stdout) as NetworkView;
    } catch {
      throw new Error(`status printed no JSON:\n${text}`);
    }
  }

  /** What a console command prints with `--json`. */
  async console<T>(...args: string[]): Promise<T> {
    const { code, stdout, text } = await this.run("console", ...args, "--json");
    if (code !== 0) throw new Error(`console ${args.join(" ")} ended with ${code}:\n${text}`);
    return JSON.parse(stdout) as T;
  }

  /** Takes everything down, however the test ended, and keeps the logs of a failed one. */
  async dispose(keepLogsIn?: string): Promise<void> {
    if (keepLogsIn !== undefined) await cp(join(this.home, "logs"), keepLogsIn, { recursive: true }).catch(() => {});
    await this.run("down");
    await rm(join(this.home, ".."), { recursive: true, force: true });
  }
}

/** A command that runs. */
export class Running {
  readonly ended: Promise<Outcome>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    let text = "";
    let stdout = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk;
      stdout += chunk;
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      text += chunk;
    });
    this.ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, text, stdout }));
    });
  }

  /** Process id of the command, which leads a group and a session of its own; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Kills the command and everything in its group at once, as a crash of the machine's session would. */
  kill(): void {
    if (this.#child.pid !== undefined && this.#child.exitCode === null) process.kill(-this.#child.pid, "SIGKILL");
  }
}
