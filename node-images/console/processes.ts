import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** Where the operating system's process of a node is known. */
export interface Processes {
  /** The process id of a node, or null when no live process is known. */
  pidOf(name: string): number | null;
}

const stateSchema = z.object({ process: z.object({ pid: z.int() }).nullable() });

/** The processes of a network on this machine, as its supervisor wrote them down; none when there is no supervisor. */
export function localProcesses(home: string): Processes {
  return {
    pidOf(name) {
      try {
        const state = stateSchema.parse(
          JSON.parse(readFileSync(join(home, "supervisor", "state", `${name}.json`), "utf8")),
        );
        const pid = state.process?.pid ?? null;
        return pid !== null && isAlive(pid) ? pid : null;
      } catch {
        return null;
      }
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
