import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { logLines } from "./logs.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "console-logs-"));
  file = join(folder, "node.log");
});
afterEach(() => rm(folder, { recursive: true }));

const still = new AbortController().signal;

describe("logLines", () => {
  test("yields the last lines", async () => {
    await writeFile(file, "one\ntwo\nthree\n");
    expect(await Array.fromAsync(logLines(file, { lines: 2, follow: false, signal: still }))).toEqual(["two", "three"]);
  });

  test("refuses a file that is not there, naming it", async () => {
    await expect(Array.fromAsync(logLines(file, { lines: 2, follow: false, signal: still }))).rejects.toThrow(file);
  });

  test("follows what is written, also after the log was rotated", async () => {
    await writeFile(file, "old line that is longer than the new ones\n");
    const end = new AbortController();
    const seen: string[] = [];
    for await (const line of logLines(file, { lines: 1, follow: true, signal: end.signal, pollMs: 5 })) {
      seen.push(line);
      if (seen.length === 1) await appendFile(file, "second\n");
      if (seen.length === 2) {
        await rename(file, `${file}.1`);
        await writeFile(file, "third\n");
      }
      if (seen.length === 3) end.abort();
    }
    expect(seen).toEqual(["old line that is longer than the new ones", "second", "third"]);
  });
});
