/** One process under supervision: started, watched, restarted, adopted, stopped. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, openSync, rmSync } from "node:fs";
import { promisify } from "node:util";
import { identify, isAlive, type ProcessIdentity } from "../process-identity.ts";
import { writeAtomically } from "../write-atomically.ts";
import { rotateLog } from "./log-file.ts";
import { type ProcessSpec, type ProcessState, type SupervisorFiles, specDigest } from "./process-spec.ts";
import { restartAfter } from "./restart-policy.ts";

const run = promisify(execFile);

/** How often a process that is not our child is looked at, in milliseconds. */
const watchEveryMs = 200;

/** How often a process that was asked to end is looked at, in milliseconds. */
const stopPollMs = 20;

/**
 * The shell waits for a line before it becomes the program. The process id is written down before that line is sent; a
 * supervisor that dies in between closes the pipe instead, and the shell ends. So no process runs that is not written down.
 */
const gate = 'read -r go || exit 75; exec "$@" </dev/null';

/** Keeps one process running. */
export class SupervisedProcess {
  readonly #files: SupervisorFiles;
  readonly #log: (message: string) => void;
  readonly #environment: Readonly<Record<string, string>>;
  #spec: ProcessSpec;
  #state: ProcessState;
  #timer: NodeJS.Timeout | undefined;
  #wanted = true;
  /** Operations on one process follow one another. */
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * @param options.spec what to run
   * @param options.state what an earlier supervisor wrote down, if any
   * @param options.environment small environment that every process gets
   * @param options.log the supervisor's own log
   */
  constructor(options: {
    files: SupervisorFiles;
    spec: ProcessSpec;
    state: ProcessState | undefined;
    environment: Readonly<Record<string, string>>;
    log: (message: string) => void;
  }) {
    this.#files = options.files;
    this.#spec = options.spec;
    this.#environment = options.environment;
    this.#log = (message) => options.log(`${options.spec.name}: ${message}`);
    this.#state = options.state ?? freshState(options.spec);
  }

  /** What is known now. */
  get state(): ProcessState {
    return this.#state;
  }

  /** Adopts the process that an earlier supervisor started, or starts it. */
  begin(): Promise<void> {
    return this.#inTurn(async () => {
      const { process, spec, status } = this.#state;
      const running = process !== null && isAlive(process);
      if (running && spec === specDigest(this.#spec)) {
        this.#log(`adopted process ${process.pid}`);
        this.#watch(process);
        return;
      }
      if (running) await this.#end(process);
      // A configuration error stays one until the spec changes, whoever supervises.
      if (status === "failed" && spec === specDigest(this.#spec)) return;
      await this.#launch();
    });
  }

  /** Takes a new spec: restarts the process if anything in it changed, or if it had given up. */
  apply(spec: ProcessSpec): Promise<void> {
    return this.#inTurn(async () => {
      this.#spec = spec;
      if (specDigest(spec) === this.#state.spec && this.#state.status !== "failed") return;
      await this.#halt();
      this.#state = freshState(spec);
      await this.#launch();
    });
  }

  /** Ends the process for good; resolves when it is gone. */
  stop(): Promise<void> {
    return this.#inTurn(async () => {
      this.#wanted = false;
      await this.#halt();
      this.#record({ status: "waiting", process: null });
    });
  }

  /** Ends the process for good and forgets it. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#files.state(this.#spec.name), { force: true });
  }

  /** Leaves the process running and stops watching it. */
  leave(): Promise<void> {
    return this.#inTurn(async () => {
      this.#wanted = false;
      clearTimeout(this.#timer);
    });
  }

  /** Rotates the log if it has grown too large. */
  rotate(): void {
    rotateLog(this.#files.logOf(this.#spec.name), this.#spec.log);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #record(change: Partial<ProcessState>): void {
    this.#state = { ...this.#state, ...change };
    writeAtomically(this.#files.state(this.#spec.name), `${JSON.stringify(this.#state, null, 2)}\n`);
  }

  async #launch(): Promise<void> {
    const spec = this.#spec;
    if (spec.before) {
      try {
        await run(spec.before.command, spec.before.args, {
          cwd: spec.cwd,
          env: { ...this.#environment, ...spec.env },
          timeout: 60_000,
        });
      } catch (error) {
        this.#ended({ ranForMs: 0, code: 1, reason: `could not prepare: ${(error as Error).message}` });
        return;
      }
    }
    const log = openSync(this.#files.logOf(spec.name), "a", 0o600);
    let child: ChildProcess;
    try {
      child = spawn("/bin/sh", ["-c", gate, spec.name, spec.command, ...spec.args], {
        cwd: spec.cwd,
        env: { ...this.#environment, ...spec.env },
        stdio: ["pipe", log, log],
        // A session of its own: it survives the supervisor, and no terminal's signals reach it.
        detached: true,
      });
    } finally {
      closeSync(log);
    }
    const process = child.pid === undefined ? undefined : identify(child.pid);
    if (process === undefined) {
      const why = await new Promise<string>((resolve) => {
        child.once("error", (error) => resolve(error.message));
        child.once("exit", (code, signal) => resolve(reasonOf(code, signal)));
      });
      this.#ended({ ranForMs: 0, code: 1, reason: `could not start: ${why}` });
      return;
    }
    const startedAt = Date.now();
    child.once("exit", (code, signal) => {
      if (this.#state.process?.startTime !== process.startTime || this.#state.process.pid !== process.pid) return;
      this.#ended({ ranForMs: Date.now() - startedAt, code, reason: reasonOf(code, signal) });
    });
    child.stdin?.on("error", () => undefined);
    this.#record({ status: "running", process, spec: specDigest(spec), startedAt: new Date(startedAt).toISOString() });
    child.stdin?.end("go\n");
    child.unref();
    this.#log(`started process ${process.pid}`);
  }

  /** Looks after a process that is not our child: nobody tells us when it ends. */
  #watch(process: ProcessIdentity): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#wanted || this.#state.process?.startTime !== process.startTime) return;
      if (isAlive(process)) return this.#watch(process);
      const startedAt = Date.parse(this.#state.startedAt ?? "") || Date.now();
      this.#ended({ ranForMs: Date.now() - startedAt, code: null, reason: "ended while adopted, exit code unknown" });
    }, watchEveryMs);
  }

  #ended(exit: { ranForMs: number; code: number | null; reason: string }): void {
    if (!this.#wanted) return;
    const restart = restartAfter(exit, this.#state.failures);
    const lastExit = { reason: exit.reason, at: new Date().toISOString() };
    if (!restart.again) {
      this.#log(`${exit.reason}: a configuration error, not started again`);
      this.#record({ status: "failed", process: null, lastExit, spec: specDigest(this.#spec) });
      return;
    }
    this.#log(`${exit.reason}; starts again in ${restart.delayMs} ms`);
    this.#record({
      status: "waiting",
      process: null,
      lastExit,
      failures: restart.failures,
      restarts: this.#state.restarts + 1,
      spec: specDigest(this.#spec),
    });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#inTurn(async () => {
        if (this.#wanted && this.#state.process === null) await this.#launch();
      }).catch((error: Error) => this.#log(`could not be started: ${error.message}`));
    }, restart.delayMs);
  }

  async #halt(): Promise<void> {
    clearTimeout(this.#timer);
    const { process } = this.#state;
    if (process === null) return;
    // From here on its end is no failure.
    this.#state = { ...this.#state, process: null };
    await this.#end(process);
  }

  async #end(process: ProcessIdentity): Promise<void> {
    const killAt = Date.now() + this.#spec.stopDeadlineMs;
    signal(process, this.#spec.stopSignal);
    let killed = false;
    while (isAlive(process)) {
      if (!killed && Date.now() > killAt) {
        this.#log(`process ${process.pid} did not end within ${this.#spec.stopDeadlineMs} ms: killed`);
        signal(process, "SIGKILL");
        killed = true;
      }
      await new Promise((resolve) => setTimeout(resolve, stopPollMs));
    }
    this.#log(`process ${process.pid} has ended`);
  }
}

function freshState(spec: ProcessSpec): ProcessState {
  return {
    name: spec.name,
    spec: specDigest(spec),
    status: "waiting",
    process: null,
    startedAt: null,
    restarts: 0,
    failures: 0,
    lastExit: null,
  };
}

function signal(target: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function reasonOf(code: number | null, signalName: NodeJS.Signals | null): string {
  return signalName === null ? `ended with code ${code}` : `ended by ${signalName}`;
}
