/** Size-based rotation of a log that a running process has open for appending. */
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";

/** How a log is kept. */
export interface LogLimits {
  /** Size in bytes beyond which a log is rotated. */
  readonly maxBytes: number;
  /** How many rotated files (`.1` the newest) are kept. */
  readonly keep: number;
}

/** 10 MiB, and four older files. */
export const defaultLogLimits: LogLimits = { maxBytes: 10 * 1024 * 1024, keep: 4 };

/**
 * Rotates the log if it has grown too large: its content moves to `FILE.1`, older ones move on, the last one goes.
 *
 * The writer keeps its file (opened for appending, so it goes on at the new end): it must survive the supervisor, and
 * thus cannot be told to open another one, nor write through a pipe that would break. A line written in the instant
 * between the last look at the size and the truncation is lost.
 *
 * @returns whether it was rotated
 */
export function rotateLog(file: string, limits: LogLimits): boolean {
  if (!existsSync(file) || statSync(file).size <= limits.maxBytes) return false;
  rmSync(`${file}.${limits.keep}`, { force: true });
  for (let number = limits.keep - 1; number >= 1; number -= 1) {
    if (existsSync(`${file}.${number}`)) renameSync(`${file}.${number}`, `${file}.${number + 1}`);
  }
  const from = openSync(file, "r+");
  try {
    const to = limits.keep > 0 ? openSync(`${file}.1`, "w", 0o600) : undefined;
    try {
      const chunk = Buffer.alloc(1024 * 1024);
      let copied = 0;
      while (copied < fstatSync(from).size) {
        const length = readSync(from, chunk, 0, chunk.length, copied);
        if (length === 0) break;
        if (to !== undefined) writeSync(to, chunk, 0, length);
        copied += length;
      }
      ftruncateSync(from, 0);
    } finally {
      if (to !== undefined) closeSync(to);
    }
  } finally {
    closeSync(from);
  }
  return true;
}

/** The last lines of a log, for messages; empty when there is none. */
export function tailOf(file: string, lines = 15): string {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch {
    return "";
  }
  try {
    const size = fstatSync(fd).size;
    const wanted = Math.min(size, 16 * 1024);
    const chunk = Buffer.alloc(wanted);
    const length = readSync(fd, chunk, 0, wanted, size - wanted);
    return chunk.subarray(0, length).toString("utf8").trimEnd().split("\n").slice(-lines).join("\n");
  } finally {
    closeSync(fd);
  }
}
