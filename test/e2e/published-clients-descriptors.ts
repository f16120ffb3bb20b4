/**
 * The published descriptors of Canton's and Daml's services, as a client has them that knows nothing of this repository:
 * taken from the PyPI package that `node-images/protocol/published/descriptors.py` reads.
 */
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../../scripts/environment/paths.ts";

/** The package and its version: the one that `facts.json` was written from. */
const published = "dazl==8.9.0";
/** Those that the package supports. */
const pythons = ["python3.12", "python3.11", "python3.10", "python3.9", "python3"];
const script = join(import.meta.dirname, "..", "..", "node-images", "protocol", "published", "descriptors.py");
const run = promisify(execFile);

/**
 * The descriptors as a serialized `FileDescriptorSet`: from the file that `PUBLISHED_DESCRIPTORS` names, from the cache,
 * or from the package index (kept in the cache), which takes Python 3.9 to 3.12 and some ten seconds.
 *
 * @returns or why they cannot be had here
 */
export async function publishedDescriptors(): Promise<Buffer | { readonly unavailable: string }> {
  const given = process.env["PUBLISHED_DESCRIPTORS"];
  if (given !== undefined && given !== "") return readFileSync(given);
  const cached = join(cacheDirectory(process.env), `published-${published.replace("==", "-")}.binpb`);
  if (existsSync(cached)) return readFileSync(cached);
  const folder = mkdtempSync(join(tmpdir(), "published-descriptors-"));
  try {
    const python = join(folder, "python", "bin", "python");
    await firstThatRuns(pythons, ["-m", "venv", join(folder, "python")]);
    await run(python, ["-m", "pip", "install", "--quiet", "--only-binary", ":all:", published], { timeout: 180_000 });
    const file = join(folder, "published.binpb");
    await run(python, [script, file], { timeout: 60_000 });
    const descriptors = readFileSync(file);
    mkdirSync(cacheDirectory(process.env), { recursive: true });
    const staging = `${cached}.${process.pid}`;
    copyFileSync(file, staging);
    renameSync(staging, cached);
    return descriptors;
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
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
