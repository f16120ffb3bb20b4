/** `up` killed at twenty random moments (UP_KILLED_TIMES: at so many), see test/e2e/up-killed.test.ts. About nine minutes on two cores. */
import { test } from "vitest";
import { Deployment } from "../e2e/deployment.ts";
import { killAndConverge } from "../e2e/up-killed-schedule.ts";

const minutes = 60_000;
const seed = process.env["UP_KILLED_SEED"] ?? String(Date.now());
const times = Number(process.env["UP_KILLED_TIMES"] ?? 20);

test(`up killed at ${times} random moments converges every time (seed ${seed})`, {
  timeout: times * minutes,
}, async () => {
  const deployment = await Deployment.create();
  try {
    for (const { what, convergedInMs } of await killAndConverge(deployment, times, seed)) {
      process.stdout.write(`${what}; the next took ${convergedInMs} ms\n`);
    }
  } finally {
    await deployment.dispose(process.env["KEEP_LOGS"]);
  }
});
