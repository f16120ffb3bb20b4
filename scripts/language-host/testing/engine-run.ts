import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { acquireEngine } from "../../engine/acquire.ts";
import { engineEnvironment } from "../../environment/engine-environment.ts";
import { homeOf, root } from "../../environment/paths.ts";

/** What a run of the engine printed (stdout, then stderr) and its exit code. */
export interface Outcome {
  readonly exitCode: number;
  readonly output: string;
}

/** A project copied to a folder of its own, with an engine and a state of its own, for one test. */
export class EngineRun implements AsyncDisposable {
  readonly folder: string;
  readonly project: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly #engine: string;

  private constructor(folder: string, project: string, environment: NodeJS.ProcessEnv, engine: string) {
    this.folder = folder;
    this.project = project;
    this.environment = environment;
    this.#engine = engine;
  }

  /** Copies the fixture `name`, a folder beside this file or an absolute path, and makes a stack `test` of it. */
  static async of(name: string): Promise<EngineRun> {
    const folder = mkdtempSync(join(tmpdir(), "pulumi-canton-engine-"));
    const project = join(folder, "project");
    cpSync(resolve(import.meta.dirname, name), project, { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const engine = await acquireEngine(process.env, () => {});
    const home = homeOf({ CANTON_HOME: join(folder, "home") });
    const environment = { ...engineEnvironment(process.env, home, engine), PULUMI_STACK: "test" };
    const run = new EngineRun(folder, project, environment, engine.file);
    if (existsSync(join(project, "Pulumi.yaml"))) {
      const created = await run.pulumi("stack", "init", "test");
      if (created.exitCode !== 0) throw new Error(created.output);
    }
    return run;
  }

  /** Runs the engine in the project. */
  pulumi(...args: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      const options = { cwd: this.project, env: this.environment, timeout: 240_000 };
      execFile(this.#engine, [...args, "--non-interactive", "--color=never"], options, (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ exitCode, output: stdout + stderr });
      });
    });
  }

  /** Starts the engine in the project and leaves it running. Its standard output and error are dropped. */
  start(...args: string[]): ChildProcess {
    return spawn(this.#engine, [...args, "--non-interactive"], {
      cwd: this.project,
      env: this.environment,
      stdio: "ignore",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
