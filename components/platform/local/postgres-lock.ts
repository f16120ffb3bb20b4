import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * Removes a lock file that a crash left behind when its process id has since gone to a foreign program: PostgreSQL would
 * take that program for a running server and refuse to start, for ever. Every other case PostgreSQL decides itself.
 *
 * @param directory folder that holds the data directory `data/`
 * @returns whether a lock file was removed
 */
export function removeForeignLock(directory: string): boolean {
  const data = join(directory, "data");
  const lock = join(data, "postmaster.pid");
  if (!existsSync(lock)) return false;
  const pid = Number(readFileSync(lock, "utf8").split("\n")[0]);
  if (!existsSync(`/proc/${pid}`) || hasServer(realpathSync(data))) return false;
  rmSync(lock, { force: true });
  return true;
}

/** Whether any PostgreSQL process works in this data directory: it is their working directory. */
function hasServer(data: string): boolean {
  return readdirSync("/proc").some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readlinkSync(`/proc/${name}/cwd`) === data;
    } catch {
      return false;
    }
  });
}
