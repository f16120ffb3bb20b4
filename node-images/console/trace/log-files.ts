import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { parseStepLine, type StepLine } from "./step-line.ts";

/** Logs of nodes in files, read on from where they were read to. */
export class LogFiles {
  readonly #place: string;
  readonly #readTo = new Map<string, number>();

  /** @param place a folder with `*.log` files, or one file */
  constructor(place: string) {
    this.#place = place;
  }

  /** What was written since the last time. @throws ConsoleError when there are no logs */
  async read(): Promise<StepLine[]> {
    const lines: StepLine[] = [];
    for (const file of await this.#files()) {
      const { size } = await stat(file);
      const from = this.#readTo.get(file) ?? 0;
      // A file that has become shorter was begun anew.
      const start = size < from ? 0 : from;
      if (size === start) continue;
      const read = await readWholeLines(file, start, size);
      lines.push(...read.lines);
      this.#readTo.set(file, read.end);
    }
    return lines;
  }

  async #files(): Promise<string[]> {
    try {
      if (!(await stat(this.#place)).isDirectory()) return [this.#place];
      const names = await readdir(this.#place);
      return names.filter((name) => /\.log(\.\d+)?$/.test(basename(name))).map((name) => join(this.#place, name));
    } catch {
      throw new ConsoleError(
        `There are no logs in ${this.#place}.`,
        "Name a folder or file with --from, or pipe the nodes' logs in: kubectl logs … | console trace TX --from -",
      );
    }
  }
}

async function readWholeLines(file: string, start: number, size: number): Promise<{ lines: StepLine[]; end: number }> {
  const lines: StepLine[] = [];
  let rest = "";
  let end = start;
  for await (const chunk of createReadStream(file, { start, end: size - 1 })) {
    const text = rest + (chunk as Buffer).toString("latin1");
    const last = text.lastIndexOf("\n");
    for (const line of text.slice(0, Math.max(0, last)).split("\n")) {
      const parsed = parseStepLine(Buffer.from(line, "latin1").toString("utf8"));
      if (parsed !== undefined) lines.push(parsed);
    }
    rest = text.slice(last + 1);
    end += (chunk as Buffer).length;
  }
  return { lines, end: end - rest.length };
}

/** Lines from a stream, for example standard input, until it ends or the signal aborts. */
export async function* stepLinesOf(stream: NodeJS.ReadableStream): AsyncGenerator<StepLine> {
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    const parsed = parseStepLine(line);
    if (parsed !== undefined) yield parsed;
  }
}
