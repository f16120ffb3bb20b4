import { abortableSleep } from "@pulumi-canton/runtime/backoff.ts";

/** How long a sleeper waits at most before it looks by itself, in milliseconds: the net below a lost notification. */
const pollMs = 2_000;

/**
 * Wakes whoever waits for new work. Rings that come between looking and waiting are not lost: {@link arm} before looking.
 */
export class Wakeup {
  #rings = 0;
  readonly #sleepers = new Set<() => void>();

  /** Something may have changed. */
  readonly ring = (): void => {
    this.#rings++;
    for (const wake of this.#sleepers) wake();
    this.#sleepers.clear();
  };

  /** Remembers the rings so far; what it returns waits for a later one, or for {@link pollMs}, or throws when aborted. */
  arm(): (signal: AbortSignal) => Promise<void> {
    const seen = this.#rings;
    return async (signal) => {
      if (this.#rings !== seen) return;
      const woken = new AbortController();
      const wake = () => woken.abort();
      this.#sleepers.add(wake);
      try {
        await abortableSleep(pollMs, AbortSignal.any([signal, woken.signal]));
      } catch (error) {
        signal.throwIfAborted();
        if (!woken.signal.aborted) throw error;
      } finally {
        this.#sleepers.delete(wake);
      }
    };
  }
}
