/** A reporter of vitest that tells at the end what was skipped for want of something, where it cannot be overlooked. */
import type { Reporter } from "vitest/node";

/** The lines of what a test wrote that say `SKIPPED: ` and why. */
export function skipReasonsIn(text: string): string[] {
  return text.split("\n").filter((line) => line.startsWith("SKIPPED: "));
}

export default class SkipReasons implements Reporter {
  readonly #reasons = new Set<string>();

  onUserConsoleLog({ content }: { readonly content: string }): void {
    for (const reason of skipReasonsIn(content)) this.#reasons.add(reason);
  }

  onTestRunEnd(): void {
    for (const reason of this.#reasons) process.stdout.write(`${reason}\n`);
  }
}
