/**
 * `up` of the real stack is killed (SIGKILL of the command, of the engine, of what the engine started, or of all of it) at
 * random moments, and run again: it converges every time.
 *
 * Here at a few moments; `npm run soak` does the same at twenty (and at more: see test/soak). UP_KILLED_SEED sets other ones.
 */
import { test } from "vitest";
import { Deployment } from "./deployment.ts";
import { killAndConverge } from "./up-killed-schedule.ts";

const minutes = 60_000;
const seed = process.env["UP_KILLED_SEED"] ?? "2024";
const times = 6;

test(`up killed at ${times} random moments converges every time (seed ${seed})`, { timeout: 8 * minutes }, async () => {
  const deployment = await Deployment.create();
  try {
    await killAndConverge(deployment, times, seed);
  } finally {
    await deployment.dispose(process.env["KEEP_LOGS"]);
  }
});
