import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";

/** The project's name in Pulumi.yaml. */
export const projectName = "pulumi-canton";

/** A stack in the engine's file backend. */
export interface StackInBackend {
  /** The backend's folder. */
  readonly state: string;
  readonly project: string;
  readonly stack: string;
}

/** The stacks of a project that the file backend in `state` knows. */
export function knownStacks(state: string, project = projectName): string[] {
  const folder = join(state, ".pulumi", "stacks", project);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => basename(name, ".json"));
}

/** What the engines left that work or worked on a stack. */
export interface StackLocks {
  /** Process ids of engines that work on it now, on this machine. */
  readonly living: readonly number[];
  /** Files of locks whose engines were killed on this machine. */
  readonly dead: readonly string[];
}

/** The locks on a stack. Those that another machine holds are in neither list: nothing can be said about them here. */
export function locksOn({ state, project, stack }: StackInBackend): StackLocks {
  const folder = join(state, ".pulumi", "locks", "organization", project, stack);
  const living: number[] = [];
  const dead: string[] = [];
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!name.endsWith(".json")) continue;
    const file = join(folder, name);
    const pid = ownerOnThisMachine(file);
    if (pid === undefined) continue;
    if (isEngine(pid)) living.push(pid);
    else dead.push(file);
  }
  return { living, dead };
}

/** Removes locks that {@link locksOn} found dead. The engine itself leaves them for a person (`pulumi cancel`). */
export function removeLocks(files: readonly string[]): void {
  for (const file of files) {
    rmSync(file, { force: true });
    rmSync(`${file}.attrs`, { force: true });
  }
}

/** How many operations on a stack were begun by an engine that did not live to see their end. */
export function pendingOperations({ state, project, stack }: StackInBackend): number {
  const file = join(state, ".pulumi", "stacks", project, `${stack}.json`);
  if (!existsSync(file)) return 0;
  const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as {
    checkpoint?: { latest?: { pending_operations?: unknown[] } };
  };
  return checkpoint?.latest?.pending_operations?.length ?? 0;
}

function ownerOnThisMachine(lockFile: string): number | undefined {
  try {
    const lock = JSON.parse(readFileSync(lockFile, "utf8")) as { pid?: unknown; hostname?: unknown };
    return lock.hostname === hostname() && typeof lock.pid === "number" ? lock.pid : undefined;
  } catch {
    return undefined; // removed just now, or being written
  }
}

function isEngine(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  try {
    // The number may have gone to another program since.
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0", 1)[0]?.includes("pulumi") ?? true;
  } catch {
    return true; // no /proc here: assume the worst
  }
}
