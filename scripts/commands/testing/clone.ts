import { type ChildProcess, execFile, spawn } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../environment/paths.ts";

/** What a command printed (stdout, then stderr) and its exit code. */
export interface Outcome {
  readonly exitCode: number;
  readonly output: string;
}

/** A clone of its own for a test: this one's commands and packages, with a stack that needs neither nodes nor Postgres. */
export class Clone implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "pulumi-canton-clone-"));
  /** The home of what the commands make. */
  readonly home = join(this.folder, ".canton");
  /** Where the stack's resources put their files. */
  readonly files = join(this.folder, "files");

  constructor() {
    mkdirSync(this.files);
    mkdirSync(join(this.folder, "stacks"));
    cpSync(join(root, "scripts"), join(this.folder, "scripts"), { recursive: true });
    copyFileSync(join(root, "stacks", "index.ts"), join(this.folder, "stacks", "index.ts"));
    copyFileSync(join(import.meta.dirname, "stacks", "local.ts"), join(this.folder, "stacks", "local.ts"));
    for (const file of ["Pulumi.yaml", "package.json"]) copyFileSync(join(root, file), join(this.folder, file));
    for (const folder of ["node_modules", "policies"]) symlinkSync(join(root, folder), join(this.folder, folder));
    this.configure({});
  }

  /** Writes Pulumi.local.yaml as a person would. */
  configure(values: Readonly<Record<string, string | number>>): void {
    const lines = Object.entries({ folder: this.files, ...values }).map(
      ([key, value]) => `  pulumi-canton:${key}: ${value}`,
    );
    writeFileSync(this.configFile, `# written by a person\nconfig:\n${lines.join("\n")}\n`);
  }

  get configFile(): string {
    return join(this.folder, "Pulumi.local.yaml");
  }

  /** Runs a command to its end, from a folder outside the clone. */
  run(command: string, ...args: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      const options = { cwd: tmpdir(), env: this.#environment(), timeout: 240_000 };
      execFile(process.execPath, [this.#file(command), ...args], options, (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ exitCode, output: stdout + stderr });
      });
    });
  }

  /** Starts a command in a process group of its own and leaves it running. */
  start(command: string): ChildProcess {
    return spawn(process.execPath, [this.#file(command)], {
      env: this.#environment(),
      stdio: "ignore",
      detached: true,
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #file(command: string): string {
    return join(this.folder, "scripts", "commands", `${command}.ts`);
  }

  #environment(): NodeJS.ProcessEnv {
    const { CANTON_HOME: _home, PULUMI_STACK: _stack, ...environment } = process.env;
    return environment;
  }
}

/** Whether anything is left of a clone's network. */
export function isGone(clone: Clone): boolean {
  return !existsSync(clone.home);
}
