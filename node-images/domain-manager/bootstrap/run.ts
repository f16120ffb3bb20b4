/** Carries out the bootstrap plan: facts, plan, steps, again, until nothing is left to do. */
import { abortableSleep, backoffDelays } from "@pulumi-canton/runtime/backoff.ts";
import { describeError } from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type { Wakeup } from "../dispatch/wakeup.ts";
import {
  type Attempts,
  type BootstrapFacts,
  type BootstrapStep,
  bootstrapWaitsFor,
  domainIsRunning,
  planBootstrap,
  stepKey,
} from "./plan.ts";

/** What bootstrap works with. */
export interface BootstrapOptions {
  /** Reads the facts anew. */
  readonly observe: () => Promise<BootstrapFacts>;
  /** Takes one step; may be called again for a step that was taken. */
  readonly take: (step: BootstrapStep, signal: AbortSignal) => Promise<void>;
  /** Told once, as soon as the domain manager may talk to the sequencers. */
  readonly onRunning: () => void;
  /** Told what is still open, for health and status; undefined: nothing. */
  readonly onProgress: (open: string | undefined) => void;
  /** Rung when transactions came back through the sequencers. */
  readonly wakeup: Wakeup;
  readonly logger: Logger;
}

/**
 * Runs until all is done or the signal aborts. A step that fails is taken again with backoff, without holding up the others.
 *
 * @throws the signal's reason when aborted
 */
export async function runBootstrap(options: BootstrapOptions, signal: AbortSignal): Promise<void> {
  const { observe, take, wakeup, logger } = options;
  const failed = new Map<string, "failed">();
  const retries = new Map<string, { notBefore: number; delays: Generator<number, never>; why: string }>();
  let observing = backoffDelays({ maxDelayMs: 5_000 });
  let running = false;

  while (true) {
    signal.throwIfAborted();
    const rung = wakeup.arm();
    let facts: BootstrapFacts;
    try {
      facts = await observe();
      observing = backoffDelays({ maxDelayMs: 5_000 });
    } catch (error) {
      signal.throwIfAborted();
      logger.warn({ error: describeError(error) }, "The state of bootstrap cannot be read, trying again");
      await abortableSleep(observing.next().value, signal);
      continue;
    }
    if (!running && domainIsRunning(facts)) {
      running = true;
      options.onRunning();
    }
    const steps = planBootstrap(facts, failed satisfies Attempts);
    const waiting = bootstrapWaitsFor(facts);
    if (steps.length === 0) {
      options.onProgress(waiting.length === 0 ? undefined : `the keys of ${waiting.join(", ")} are being distributed`);
      if (waiting.length === 0) return;
      await rung(signal);
      continue;
    }
    options.onProgress(
      steps.map((step) => [stepKey(step), retries.get(stepKey(step))?.why].filter(Boolean).join(": ")).join("; "),
    );

    const now = performance.now();
    const due = steps.filter((step) => (retries.get(stepKey(step))?.notBefore ?? 0) <= now);
    if (due.length === 0) {
      const next = Math.min(...steps.map((step) => retries.get(stepKey(step))?.notBefore ?? now));
      await abortableSleep(Math.max(1, next - now), signal);
      continue;
    }
    // Together: a peer that does not answer does not hold up the others.
    await Promise.all(
      due.map(async (step) => {
        const key = stepKey(step);
        try {
          await take(step, signal);
          failed.delete(key);
          retries.delete(key);
          logger.info({ step: key }, "Bootstrap step done");
        } catch (error) {
          signal.throwIfAborted();
          const delays = retries.get(key)?.delays ?? backoffDelays({ initialDelayMs: 100, maxDelayMs: 5_000 });
          const delayMs = delays.next().value;
          const why = describeError(error);
          failed.set(key, "failed");
          retries.set(key, { notBefore: performance.now() + delayMs, delays, why });
          logger.warn({ step: key, error: why, delayMs }, "Bootstrap step failed, trying again");
        }
      }),
    );
  }
}
