import { setTimeout } from "node:timers/promises";

/** Waits until `condition` holds, asking every 50 ms. @throws Error naming `what` after `deadlineMs` (two minutes) */
export async function waitUntil(condition: () => boolean, what: string, deadlineMs = 120_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await setTimeout(50);
  }
}
