import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "../scripts/environment/failure.ts";

/** A program that ran to its end. */
export interface TimedRun {
  /** From just before its start to its end, in milliseconds. */
  readonly ms: number;
  /** What it printed on stdout. */
  readonly stdout: string;
}

/** What to run. */
export interface TimedCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly workingDirectory: string;
  /** Interrupts it, as Ctrl-C would; it is killed if it has not ended 30 seconds later. */
  readonly signal?: AbortSignal;
}

const killAfterMs = 30_000;

/**
 * Runs a program and takes its time. When it is interrupted, waits until its whole process group is gone.
 *
 * @throws {Failure} with what it printed when it does not end with code 0; the signal's reason when it was interrupted
 */
export async function timedRun(command: TimedCommand): Promise<TimedRun> {
  const { file, args, environment, workingDirectory, signal } = command;
  signal?.throwIfAborted();
  const begun = performance.now();
  // A group of its own: the terminal's Ctrl-C comes to us alone, and once.
  const child = spawn(file, args, {
    env: environment,
    cwd: workingDirectory,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const ended = new Promise<string | undefined>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, by) => resolve(code === 0 ? undefined : (by ?? `code ${code}`)));
  });
  let stdout = "";
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  let gone: Promise<void> | undefined;
  const interrupt = () => {
    gone = endGroup(child.pid);
  };
  signal?.addEventListener("abort", interrupt, { once: true });
  try {
    const how = await ended;
    const ms = performance.now() - begun;
    signal?.throwIfAborted();
    if (how !== undefined) throw new Failure(`${file} ${args.join(" ")} ended with ${how}:\n${output}`);
    return { ms, stdout };
  } finally {
    signal?.removeEventListener("abort", interrupt);
    await gone;
  }
}

/** Interrupts a process group and waits until it is empty. */
async function endGroup(group: number | undefined): Promise<void> {
  if (group === undefined) return;
  let exists = signalGroup(group, "SIGINT");
  for (const killAt = Date.now() + killAfterMs; exists; ) {
    await delay(50);
    exists = signalGroup(group, Date.now() > killAt ? "SIGKILL" : 0);
  }
}

function signalGroup(group: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
