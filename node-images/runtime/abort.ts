/** Waiting for things that an AbortSignal may cut short. */

/**
 * The promise's outcome, or a rejection with the signal's reason when that comes first. What the promise does after that
 * is ignored. Leaves no listener behind, so it may be called for ever on one signal.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) {
      promise.catch(() => undefined);
      onAbort();
      return;
    }
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
