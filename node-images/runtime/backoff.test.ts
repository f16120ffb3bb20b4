import fc from "fast-check";
import { expect, test } from "vitest";
import { abortableSleep, backoffDelays, retry } from "./backoff.ts";

const quick = { initialDelayMs: 1, maxDelayMs: 2 };

test("waits grow, are spread, and never exceed the longest", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 10_000 }), (initialDelayMs, maxDelayMs) => {
      const delays = backoffDelays({ initialDelayMs, maxDelayMs });
      for (let i = 0; i < 20; i++) {
        const delay = delays.next().value;
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(maxDelayMs);
      }
    }),
  );
});

test("runs until it succeeds and tells of each failure", async () => {
  const told: number[] = [];
  const result = await retry(
    async ({ attempt }) => {
      if (attempt < 4) throw new Error("not yet");
      return attempt;
    },
    { ...quick, onRetry: ({ attempt }) => told.push(attempt) },
  );
  expect(result).toBe(4);
  expect(told).toEqual([1, 2, 3]);
});

test("ends with the last error after the last attempt", async () => {
  let attempts = 0;
  const run = async () => {
    throw new Error(`failure ${++attempts}`);
  };
  await expect(retry(run, { ...quick, maxAttempts: 3 })).rejects.toThrow("failure 3");
});

test("an error that another attempt does not help ends it at once", async () => {
  let attempts = 0;
  const run = async () => {
    attempts++;
    throw new Error("permanent");
  };
  await expect(retry(run, { ...quick, retryIf: () => false })).rejects.toThrow("permanent");
  expect(attempts).toBe(1);
});

test("ends with the last error at the deadline, and tells the attempt of it", async () => {
  const run = ({ signal }: { signal: AbortSignal }) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("told"))));
  await expect(retry(run, { deadlineMs: 30 })).rejects.toThrow("told");
});

test("an abort ends a wait at once, with the signal's reason", async () => {
  const controller = new AbortController();
  const reason = new Error("stopping");
  const run = async () => {
    throw new Error("not yet");
  };
  const running = retry(run, {
    initialDelayMs: 60_000,
    maxDelayMs: 60_000,
    signal: controller.signal,
    onRetry: () => controller.abort(reason),
  });
  await expect(running).rejects.toBe(reason);
});

test("nothing runs when the signal was aborted before", async () => {
  const reason = new Error("stopping");
  const run = () => Promise.reject(new Error("must not run"));
  await expect(retry(run, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await expect(abortableSleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
});
