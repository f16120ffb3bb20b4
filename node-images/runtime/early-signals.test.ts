import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Sends a signal to a program that says `up`, and gives back its exit code. */
async function codeAfter(signal: NodeJS.Signals, program: string): Promise<number | null> {
  const script = `${program}; setInterval(() => {}, 1000); process.stdout.write("up")`;
  const child = spawn(process.execPath, ["--import", join(import.meta.dirname, "early-signals.ts"), "--eval", script]);
  try {
    await once(child.stdout, "data");
    child.kill(signal);
    const [code] = await once(child, "exit");
    return code;
  } finally {
    child.kill("SIGKILL");
  }
}

test("a program that does not handle a signal yet ends by it, one that does is left to itself", async () => {
  expect(await codeAfter("SIGTERM", "0")).toBe(143);
  expect(await codeAfter("SIGINT", "0")).toBe(130);
  expect(await codeAfter("SIGTERM", 'process.on("SIGTERM", () => setTimeout(() => process.exit(7), 50))')).toBe(7);
});
