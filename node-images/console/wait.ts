import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { pause } from "./pause.ts";

/** How long to wait, and what for. */
export interface Waiting {
  /** For people: "Alice::1220… to be seen by bob". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The pause between two looks, in milliseconds. Default 200. */
  readonly everyMs?: number;
  /** Told now and then that it still waits. Default: a line on standard error, when that is a terminal. */
  readonly progress?: (text: string) => void;
}

/**
 * Looks again and again until there is nothing left to wait for.
 *
 * @param look gives what is still missing, in words; empty when nothing is
 * @throws ConsoleError with what was missing in the end
 */
export async function waitUntil(waiting: Waiting, look: () => Promise<readonly string[]>): Promise<void> {
  const { what, timeoutMs, signal, everyMs = 200, progress = onTerminal } = waiting;
  const begun = performance.now();
  let told = begun;
  for (;;) {
    const missing = await look();
    if (missing.length === 0) return;
    const waited = performance.now() - begun;
    if (signal.aborted || waited >= timeoutMs) {
      throw new ConsoleError(
        `${signal.aborted ? "Interrupted while waiting" : `Waited ${timeoutMs / 1000} s`} for ${what}; still missing: ${missing.join("; ")}.`,
        "What was changed stays changed. `console status` shows the nodes; wait longer with --timeout.",
      );
    }
    if (performance.now() - told > 2_000) {
      told = performance.now();
      progress(`waiting for ${what} (${Math.round(waited / 1000)} s): ${missing.join("; ")}`);
    }
    await pause(everyMs, signal);
  }
}

function onTerminal(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${text}\n`);
}
