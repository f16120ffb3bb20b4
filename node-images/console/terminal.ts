import { visibleLayout } from "@pulumi-canton/runtime/visible-text.ts";
import { pause } from "./pause.ts";

/** Writes a value for scripts: JSON on standard output, indented by two. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, (_, v) => (typeof v === "bigint" ? v.toString() : v), 2)}\n`);
}

/** Writes text for people on standard output; what others put into it does not steer their terminal. */
export function print(text: string): void {
  process.stdout.write(`${visibleLayout(text)}\n`);
}

/**
 * Shows a text again and again in place until the signal ends it.
 *
 * @param everyMs the pause between two pictures
 */
export async function redraw(render: () => Promise<string>, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const text = visibleLayout(await render());
    process.stdout.write(process.stdout.isTTY ? `\x1b[H\x1b[J${text}\n` : `${text}\n`);
    await pause(everyMs, signal);
  }
}
