import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { diagnostics, LogTail } from "./diagnostics.ts";
import type { CallContext } from "./grpc-service.ts";
import { Health } from "./health.ts";
import { createLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { newTrace, withTrace } from "./trace.ts";
import { zip } from "./zip.ts";

const folder = mkdtempSync(join(tmpdir(), "pulumi-canton-zip-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const call = {} as CallContext;

/** Reads an archive with a program that is not ours; undefined where there is none. */
function unpacked(archive: Buffer): Record<string, string> | undefined {
  const script =
    "import json, sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; " +
    "print(json.dumps({n: z.read(n).decode() for n in z.namelist()}))";
  const file = join(folder, "archive.zip");
  writeFileSync(file, archive);
  try {
    return JSON.parse(execFileSync("python3", ["-c", script, file], { encoding: "utf8" }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    console.warn("SKIPPED: reading ZIP files with python3, which is not here");
    return undefined;
  }
}

test("another program reads the archive", () => {
  const names = fc.stringMatching(/^[a-z0-9./-]{1,20}$/).filter((name) => !/^[./]|[./]$|\.\.|\/\//.test(name));
  fc.assert(
    fc.property(fc.dictionary(names, fc.string({ unit: "grapheme", maxLength: 500 })), (files) => {
      const found = unpacked(zip(files, new Date("2026-11-21T10:20:30Z")));
      if (found !== undefined) expect(found).toEqual({ ...files });
    }),
    { numRuns: 20 },
  );
});

describe("a node's diagnostics", () => {
  const printed: string[] = [];
  const log = new LogTail({ write: (line) => void printed.push(line) }, 100);
  const logger = createLogger({ node: "alice", role: "participant", destination: log });
  const health = new Health();
  const handlers = diagnostics({
    config: { storage: { host: "db", passwordFile: "/run/password", password: "swordfish" } },
    health,
    metrics: createMetrics({ node: "alice", role: "participant" }),
    log,
  });
  const trace = newTrace();
  const dump = async (chunkSize?: number) => {
    const chunks: Buffer[] = [];
    for await (const { chunk } of handlers.healthDump({ chunkSize })) chunks.push(chunk);
    return chunks;
  };

  test("the last errors, one a trace, and all lines of a trace", async () => {
    logger.warn("of no trace");
    withTrace(trace, () => {
      logger.info("begins");
      logger.warn("is late");
      logger.error("fails");
    });
    expect(await handlers.getLastErrors()).toEqual({ errors: [{ traceId: trace.traceId, message: "fails" }] });
    const { messages } = await handlers.getErrorTrace({ traceId: trace.traceId });
    expect(messages.map((line) => JSON.parse(line).message)).toEqual(["begins", "is late", "fails"]);
    for (const traceId of ["", newTrace().traceId]) {
      await expect(handlers.getErrorTrace({ traceId })).rejects.toMatchObject({ code: 5 });
    }
  });

  test("a dump in chunks as large as wanted, without secrets", async () => {
    health.set("storage", { failed: "it is away" });
    const chunks = await dump(100);
    expect(chunks.slice(0, -1).every(({ length }) => length === 100)).toBe(true);
    const files = unpacked(Buffer.concat(chunks));
    if (files === undefined) return;
    expect(Object.keys(files)).toEqual(["config.json", "health.json", "metrics.txt", "log.jsonl"]);
    expect(JSON.parse(files["config.json"] ?? "").storage).toEqual({
      host: "db",
      passwordFile: "/run/password",
      password: "[redacted]",
    });
    expect(files["health.json"]).toContain("it is away");
    expect(files["log.jsonl"]).toBe(printed.join(""));
    await expect(dump(0)).rejects.toMatchObject({ code: 3, message: expect.stringContaining("chunkSize") });
  });

  test("keeps the end of the log, and no more than twice what it is to keep", () => {
    for (let n = 0; n < 1_000; n++) logger.info(`line ${n}`);
    const lines = log.lines();
    expect(lines.length).toBeGreaterThanOrEqual(100);
    expect(lines.length).toBeLessThan(200);
    expect(lines.at(-1)).toContain("line 999");
    expect(printed.length).toBeGreaterThan(1_000);
  });
});
