import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

const running = new Set<ChildProcess>();

/** How a process ended: an exit code, or the signal that ended it. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A started process and how it will end. `ended` rejects only if it could not be started at all. */
export interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<Ending>;
}

/**
 * Starts a process that will not outlive this one: {@link stopChildren} ends all that still run. `ended` settles when
 * the process has ended and its output has been read to the end.
 */
export function start(command: string, args: readonly string[], options: SpawnOptions): Started {
  const child = spawn(command, args, options);
  running.add(child);
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  const forget = () => running.delete(child);
  ended.then(forget, forget);
  return { process: child, ended };
}

/** Ends every process that {@link start} started and that still runs. */
export function stopChildren(signal: NodeJS.Signals = "SIGTERM"): void {
  for (const child of running) child.kill(signal);
}
