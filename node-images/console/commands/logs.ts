import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { ConsoleError } from "../console-error.ts";
import { pause } from "../pause.ts";

const tailBytes = 256 * 1024;

/**
 * Yields the last lines of a log file and, when following, every line written from then on, across rotations.
 *
 * @param lines how many of the last lines to begin with
 * @param follow goes on until the signal ends it
 * @throws ConsoleError when there is no such file
 */
export async function* logLines(
  file: string,
  options: { lines: number; follow: boolean; signal: AbortSignal; pollMs?: number },
): AsyncGenerator<string> {
  let { text, end } = await readTail(file);
  yield* text.slice(-options.lines);
  let rest = "";
  while (options.follow && !options.signal.aborted) {
    await pause(options.pollMs ?? 250, options.signal);
    const size = await stat(file).then(
      (found) => found.size,
      () => 0,
    );
    if (size < end) end = 0;
    if (size === end) continue;
    for await (const chunk of createReadStream(file, { start: end, end: size - 1, encoding: "utf8" })) rest += chunk;
    end = size;
    text = rest.split("\n");
    rest = text.pop() ?? "";
    yield* text;
  }
}

async function readTail(file: string): Promise<{ text: string[]; end: number }> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new ConsoleError(`There is no log file ${file}.`, "Only nodes on this machine log to files; see status.");
  });
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - tailBytes);
    const { buffer } = await handle.read({ buffer: Buffer.alloc(size - start), position: start });
    const text = buffer.toString("utf8").split("\n");
    text.pop();
    if (start > 0) text.shift();
    return { text, end: size };
  } finally {
    await handle.close();
  }
}
