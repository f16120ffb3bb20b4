/** Trying again: exponential backoff with jitter, under a deadline and an abort signal. */
import { setTimeout as sleep } from "node:timers/promises";
import { ExponentialBackoff } from "cockatiel";

/** How to try again. */
export interface RetryOptions {
  /** First wait in milliseconds, before jitter. Default 100. */
  initialDelayMs?: number;
  /** Longest wait in milliseconds. Default 5000. */
  maxDelayMs?: number;
  /** Give up after this many milliseconds in all, with the last error. Default: never. */
  deadlineMs?: number;
  /** Give up after this many attempts, with the last error. Default: never. */
  maxAttempts?: number;
  /** Stops at once, also in the middle of a wait, with the signal's reason. */
  signal?: AbortSignal;
  /** Which errors are worth another attempt. Default: all. */
  retryIf?: (error: unknown) => boolean;
  /** Told before each wait, for logs. `attempt` counts from 1. */
  onRetry?: (event: { error: unknown; attempt: number; delayMs: number }) => void;
}

/** The waits of an exponential backoff with decorrelated jitter, in milliseconds, without end. */
export function* backoffDelays(
  options: Pick<RetryOptions, "initialDelayMs" | "maxDelayMs"> = {},
): Generator<number, never> {
  const maxDelay = options.maxDelayMs ?? 5_000;
  const initialDelay = Math.min(options.initialDelayMs ?? 100, maxDelay);
  let backoff = new ExponentialBackoff({ initialDelay, maxDelay }).next();
  while (true) {
    yield Math.min(backoff.duration, maxDelay);
    backoff = backoff.next(undefined);
  }
}

/**
 * Runs a function until it succeeds.
 *
 * @param run gets the attempt, from 1, and a signal that aborts with `options.signal` and at the deadline
 * @throws the last error when the deadline, the number of attempts or `retryIf` ends it; the signal's reason when aborted
 */
export async function retry<T>(
  run: (attempt: { attempt: number; signal: AbortSignal }) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { signal: outer, deadlineMs, maxAttempts = Number.POSITIVE_INFINITY } = options;
  const deadline = deadlineMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + deadlineMs;
  const signals = [outer, deadlineMs === undefined ? undefined : AbortSignal.timeout(deadlineMs)];
  const signal = AbortSignal.any(signals.filter((each) => each !== undefined));
  const delays = backoffDelays(options);
  for (let attempt = 1; ; attempt++) {
    outer?.throwIfAborted();
    try {
      return await run({ attempt, signal });
    } catch (error) {
      outer?.throwIfAborted();
      const delayMs = delays.next().value;
      const last = attempt >= maxAttempts || performance.now() + delayMs >= deadline;
      if (last || options.retryIf?.(error) === false) throw error;
      options.onRetry?.({ error, attempt, delayMs });
      await abortableSleep(delayMs, outer);
    }
  }
}

/** Waits; an abort ends the wait with the signal's reason. */
export async function abortableSleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
