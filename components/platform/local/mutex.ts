/**
 * Mutual exclusion between the processes of one machine, let go of by the operating system when the holder ends in any
 * way: the holder listens on a socket in Linux's abstract namespace, of which there can be one of a name. Nothing lies on
 * disk, so nothing can be left behind.
 */
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

function socketName(what: string): string {
  return `\0pulumi-canton-${createHash("sha256").update(what).digest("hex").slice(0, 32)}`;
}

/** A lock that this process holds. */
export interface Held {
  /** Lets go of it. */
  release(): Promise<void>;
}

/**
 * Takes the lock if it is free.
 *
 * @param what names the lock on this machine, such as the path of what it guards
 * @returns undefined when another process, or this one, holds it
 */
export async function tryLock(what: string): Promise<Held | undefined> {
  const server = createServer((socket) => socket.destroy());
  try {
    await listen(server, socketName(what));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return undefined;
    throw error;
  }
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/**
 * Runs `work` while holding the lock.
 *
 * @param options.deadlineMs how long to wait for the lock; 30 000 by default
 * @throws Error naming the lock when the deadline passes
 */
export async function withLock<T>(
  what: string,
  work: () => Promise<T>,
  options: { deadlineMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + (options.deadlineMs ?? 30_000);
  let held = await tryLock(what);
  while (held === undefined) {
    if (Date.now() > deadline) throw new Error(`another process has held ${what} for too long`);
    await delay(10 + Math.random() * 20);
    held = await tryLock(what);
  }
  try {
    return await work();
  } finally {
    await held.release();
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path }, resolve);
  });
}
