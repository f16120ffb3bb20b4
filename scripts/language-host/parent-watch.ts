import { fstatSync } from "node:fs";

/**
 * Calls `gone` once when the process that started this one has ended.
 *
 * The engine starts its plugins with a pipe as their standard input and never writes to it, so the end of that pipe
 * is the end of the engine, however it died. Without this a `kill -9` of the engine would leave plugins behind.
 * Where standard input is not a pipe (a terminal, `/dev/null`), there is nothing to watch and `gone` is never called.
 */
export function onParentGone(gone: () => void): void {
  let input: ReturnType<typeof fstatSync>;
  try {
    input = fstatSync(0);
  } catch {
    return;
  }
  if (!input?.isFIFO() && !input?.isSocket()) return;
  let called = false;
  const once = () => {
    if (called) return;
    called = true;
    gone();
  };
  process.stdin.once("end", once).once("close", once).once("error", once).resume();
  // Watching must not by itself keep the process alive.
  (process.stdin as unknown as { unref?: () => void }).unref?.();
}
