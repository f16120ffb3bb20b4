import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { identityOf, isSameProcess, type ProcessIdentity } from "./process-identity.ts";

/** What a lock file says about who holds it. */
export interface LockOwner extends ProcessIdentity {
  /** What the owner is doing, for people: `up`, `down`, `building the engine`. */
  readonly doing: string;
}

/** Someone else holds the lock. */
export class LockedError extends Error {
  override readonly name = "LockedError";
  readonly owner: LockOwner;

  constructor(file: string, owner: LockOwner) {
    super(`'${owner.doing}' is running already (process ${owner.pid}); wait for it or stop it. The lock is ${file}`);
    this.owner = owner;
  }
}

/**
 * Takes the lock `file` for this process. A lock whose owner has ended is taken over, so that a killed command is no
 * reason for a person to clean up. The lock goes with {@link Lock.release} or, at the latest, when the process exits.
 *
 * @throws {LockedError} when a living process holds it
 */
export function takeLock(file: string, doing: string): Lock {
  mkdirSync(dirname(file), { recursive: true });
  const own = JSON.stringify({ ...identityOf(process.pid), doing } satisfies LockOwner);
  const staging = `${file}.${process.pid}`;
  writeFileSync(staging, own);
  try {
    for (;;) {
      // A link appears with its content, and fails where there is one: nobody ever sees half a lock.
      if (linked(staging, file)) return new Lock(file, own);
      const owner = readOwner(file);
      if (owner !== undefined && isSameProcess(owner)) throw new LockedError(file, owner);
      moveAside(file);
    }
  } finally {
    rmSync(staging, { force: true });
  }
}

/** Waits until {@link takeLock} succeeds, calling `waiting` once if it has to. */
export async function waitForLock(file: string, doing: string, waiting: (owner: LockOwner) => void): Promise<Lock> {
  for (let told = false; ; told = true) {
    try {
      return takeLock(file, doing);
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
      if (!told) waiting(error.owner);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** A lock that is held. */
export class Lock {
  readonly #file: string;
  readonly #content: string;
  readonly #onExit = () => this.release();

  constructor(file: string, content: string) {
    this.#file = file;
    this.#content = content;
    process.once("exit", this.#onExit);
  }

  /** Gives the lock up. Does nothing if it is no longer this process's. */
  release(): void {
    process.off("exit", this.#onExit);
    try {
      if (readFileSync(this.#file, "utf8") === this.#content) rmSync(this.#file, { force: true });
    } catch {
      // gone already, with the folder it was in
    }
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a lock whose owner is dead. If another has taken it over in between, that lock is put back. */
function moveAside(file: string): void {
  const aside = `${file}.stale-${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const owner = readOwner(aside);
  if (owner !== undefined && isSameProcess(owner)) linked(aside, file);
  rmSync(aside, { force: true });
}

function readOwner(file: string): LockOwner | undefined {
  try {
    const owner = JSON.parse(readFileSync(file, "utf8")) as LockOwner;
    return Number.isInteger(owner.pid) ? owner : undefined;
  } catch {
    return undefined; // just removed, or not a lock
  }
}
