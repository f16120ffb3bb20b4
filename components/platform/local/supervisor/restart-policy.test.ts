import fc from "fast-check";
import { expect, test } from "vitest";
import { configurationError, firstDelayMs, longestDelayMs, restartAfter, stableAfterMs } from "./restart-policy.ts";

const code = fc.option(fc.integer({ min: 0, max: 255 }).filter((value) => value !== configurationError));

test("the wait doubles with each failure, up to its limit", () => {
  let failures = 0;
  const delays: number[] = [];
  for (let attempt = 0; attempt < 12; attempt += 1) {
    const restart = restartAfter({ ranForMs: 0, code: 1 }, failures);
    if (!restart.again) throw new Error("expected a restart");
    delays.push(restart.delayMs);
    failures = restart.failures;
  }
  expect(delays.slice(0, 4)).toEqual([100, 200, 400, 800]);
  expect(delays.at(-1)).toBe(longestDelayMs);
});

test("every delay is within the limits, and a stable run starts the count anew", () => {
  fc.assert(
    fc.property(fc.nat(100_000), code, fc.nat(1_000_000), (ranForMs, exit, failures) => {
      const restart = restartAfter({ ranForMs, code: exit }, failures);
      if (!restart.again) return false;
      const within = restart.delayMs >= firstDelayMs && restart.delayMs <= longestDelayMs;
      return within && (ranForMs < stableAfterMs || (restart.delayMs === firstDelayMs && restart.failures === 1));
    }),
  );
});

test("a configuration error is not tried again", () => {
  expect(restartAfter({ ranForMs: 0, code: configurationError }, 0)).toEqual({ again: false });
});
