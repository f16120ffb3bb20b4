import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import type { Command } from "commander";
import type { ConsoleContext } from "../console-context.ts";
import { nodeNamed } from "../network.ts";
import { countArgument } from "../options.ts";
import { pause } from "../pause.ts";
import { print } from "../terminal.ts";

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

/** `logs` */
export function registerLogs(program: Command, context: ConsoleContext): void {
  program
    .command("logs")
    .description("what a node wrote to its log, one JSON object a line")
    .argument("<node>", "a node of this network, postgres or supervisor")
    .option("-n, --lines <count>", "how many of the last lines", countArgument("--lines"), 50)
    .option("-f, --follow", "go on with what is written from now on, until Ctrl-C", false)
    .action(async (node: string, { lines, follow }: { lines: number; follow: boolean }) => {
      if (node !== "postgres" && node !== "supervisor") nodeNamed(await context.network(), node);
      const file = join(context.home, "logs", `${node}.log`);
      for await (const line of logLines(file, { lines, follow, signal: context.signal })) print(line);
    });
}
