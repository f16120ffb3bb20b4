/** Runs a step engine: observe, plan, apply, and again until the plan is empty. */
import { setTimeout as delay } from "node:timers/promises";
import { type CantonError, isCantonError } from "@pulumi-canton/runtime/errors.ts";

/** How long one call to a node may take, in milliseconds. */
export const callDeadlineMs = 15_000;

/** How long a resource waits for a node that does not answer, or for a change to arrive, in milliseconds. */
export const convergeDeadlineMs = 60_000;

/** Observes, plans and applies. */
export interface Convergence<Observed, Step> {
  /** Looks at what is there. */
  observe(): Promise<Observed>;
  /** The steps from there to what is wanted; none when it is reached. Pure. */
  plan(observed: Observed): readonly Step[];
  /** Performs one step; one that was already performed by somebody else is well. */
  apply(step: Step): Promise<void>;
  /** For messages: what is being brought about. */
  readonly what: string;
  /** In milliseconds; `convergeDeadlineMs` by default. */
  readonly deadlineMs?: number;
}

/**
 * Repeats observe, plan, apply until nothing is left to do. A node that does not answer is tried again until the deadline:
 * it may be starting.
 *
 * @returns what was observed last
 * @throws the error of a step that trying again cannot cure; Error naming the steps that are left when the deadline passes
 */
export async function converge<Observed, Step>(work: Convergence<Observed, Step>): Promise<Observed> {
  const deadline = Date.now() + (work.deadlineMs ?? convergeDeadlineMs);
  for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
    let left: string;
    try {
      const observed = await work.observe();
      const steps = work.plan(observed);
      if (steps.length === 0) return observed;
      for (const step of steps) await work.apply(step);
      left = steps.map((step) => JSON.stringify(step, printable)).join(", ");
    } catch (error) {
      if (!isCantonError(error) || !error.retryable) throw error;
      left = describe(error);
      if (Date.now() > deadline) throw new Error(`${work.what}: ${left}`);
    }
    if (Date.now() > deadline) throw new Error(`${work.what}: not reached in time; left to do: ${left}`);
    await delay(wait);
  }
}

function printable(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

/** A node's refusal in one line. */
export function describe(error: CantonError): string {
  return error.reason === "" ? error.message : `${error.reason}: ${error.message}`;
}

/** What went wrong, in one line where a node refused. */
export function messageOf(error: Error): string {
  return isCantonError(error) ? describe(error) : error.message;
}

/** Performs a step whose aim may have been reached by somebody else in the meantime: these refusals say so. */
export async function tolerate(reasons: readonly string[], step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!isCantonError(error) || !reasons.includes(error.reason)) throw error;
  }
}
