/** Tells a process from a later one that was given the same number. Linux: reads `/proc`. */
import { readFileSync } from "node:fs";

/** A process, for as long as the machine runs and beyond. */
export interface ProcessIdentity {
  /** Process id. */
  readonly pid: number;
  /** When it began: clock ticks since boot, and the boot they count from. */
  readonly startTime: string;
}

let bootId: string | undefined;

function boot(): string {
  bootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return bootId;
}

/** The start time in the text of `/proc/PID/stat`, or undefined for a process that has ended and waits to be reaped. */
export function startTimeIn(stat: string): string | undefined {
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  return state === undefined || state === "Z" || state === "X" ? undefined : fields[19];
}

/** The identity of a live process, or undefined when there is none of that number. */
export function identify(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  const startTime = startTimeIn(stat);
  return startTime === undefined ? undefined : { pid, startTime: `${startTime}@${boot()}` };
}

/** Whether this very process still lives. */
export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startTime === process.startTime;
}
