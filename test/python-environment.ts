/** Python environments with packages of fixed versions, kept in the cache that all clones of a user share. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../scripts/environment/paths.ts";

/** Those that the packages support. */
const pythons = ["python3.12", "python3.11", "python3.10", "python3.9", "python3"];
const run = promisify(execFile);

/**
 * The Python of an environment that has what a requirements file says, from the cache, or made with the package index,
 * which takes some ten seconds.
 *
 * @returns its file, or why it cannot be had here
 */
export async function pythonEnvironment(requirements: string): Promise<string | { readonly unavailable: string }> {
  const cache = cacheDirectory(process.env);
  const version = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = join(cache, `python-${basename(requirements, ".txt")}-${version}`);
  const python = join(folder, "bin", "python");
  if (existsSync(python)) return python;
  mkdirSync(cache, { recursive: true });
  const staging = mkdtempSync(`${folder}-`);
  try {
    await firstThatRuns(pythons, ["-m", "venv", staging]);
    const install = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--requirement", requirements];
    await run(join(staging, "bin", "python"), install, { timeout: 180_000 });
    rmSync(folder, { recursive: true, force: true });
    renameSync(staging, folder);
    return python;
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (existsSync(python)) return python;
    return { unavailable: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function firstThatRuns(programs: readonly string[], args: readonly string[]): Promise<void> {
  const failures: string[] = [];
  for (const program of programs) {
    try {
      await run(program, args, { timeout: 60_000 });
      return;
    } catch (error) {
      failures.push(`${program}: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
    }
  }
  throw new Error(`no Python to make an environment with: ${failures.join("; ")}`);
}
