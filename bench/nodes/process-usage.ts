/** What a process takes of the machine. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Memory of a process in KiB. */
export interface ProcessMemory {
  /** Resident, all of it. */
  readonly rssKiB: number;
  /** Resident, what it shares with n processes counted at 1/n. Undefined where the system does not tell. */
  readonly pssKiB: number | undefined;
}

/**
 * Reads the memory of a process.
 *
 * @throws Error when there is none of that number
 */
export function memoryOf(pid: number): ProcessMemory {
  if (process.platform === "linux") {
    const rssKiB = kibibytes(readFileSync(`/proc/${pid}/status`, "utf8"), "VmRSS");
    if (rssKiB === undefined) throw new Error(`process ${pid} has ended`);
    let rollup = "";
    try {
      rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    } catch {
      // an older kernel, or not ours to read
    }
    return { rssKiB, pssKiB: kibibytes(rollup, "Pss") };
  }
  const text = execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  return { rssKiB: Number(text), pssKiB: undefined };
}

function kibibytes(text: string, key: string): number | undefined {
  const value = new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}
