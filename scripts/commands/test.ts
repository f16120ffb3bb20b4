import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acquireEngine } from "../engine/acquire.ts";
import { command, say } from "../environment/command.ts";
import { root } from "../environment/paths.ts";
import { addCounts, type Counts, countsIn, lastLine } from "../summary/test-counts.ts";

const help = `usage: ./scripts/test [FILTER...]

Installs what is needed, then checks the types, lints, and runs all tests (or those whose file name contains a FILTER).
The type check and the lint count as a test each. The last line is 'N passed, N failed, N skipped'.

exit codes: 0 nothing failed; 1 something did; 69 something is missing on this machine`;

await command(async (args) => {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  await acquireEngine(process.env, say);
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  counts = addCounts(counts, asTest(await tool("Types", "tsc", ["--noEmit", "-p", "."])));
  counts = addCounts(counts, asTest(await tool("Lint", "biome", ["check", "."])));
  counts = addCounts(counts, await vitest(args));
  process.stdout.write(`${lastLine(counts)}\n`);
  return counts.failed === 0 ? 0 : 1;
});

function asTest(exitCode: number): Counts {
  return { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 };
}

async function vitest(filters: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "pulumi-canton-test-"));
  try {
    const report = join(folder, "report.json");
    const exitCode = await tool("Tests", "vitest", [
      "run",
      "--reporter=default",
      "--reporter=json",
      `--reporter=${join(import.meta.dirname, "..", "summary", "skip-reasons.ts")}`,
      `--outputFile.json=${report}`,
      ...filters,
    ]);
    return countsIn(readFileSync(report, { encoding: "utf8", flag: "a+" }), exitCode);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a tool of the clone to its end and answers its exit code. */
function tool(title: string, name: string, args: readonly string[]): Promise<number> {
  say(`\n== ${title}`);
  const started = Date.now();
  const child = spawn(process.execPath, [join(root, "node_modules", ".bin", name), ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH ?? ""}` },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      say(`   ${code === 0 ? "ok" : "FAILED"} (${Math.round((Date.now() - started) / 1000)} s)`);
      resolve(code ?? 1);
    });
  });
}
