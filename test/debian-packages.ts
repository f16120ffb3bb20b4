/** Programs out of Debian's packages, fetched and unpacked into the cache, not installed: no root is needed. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { waitForLock } from "../scripts/environment/lock.ts";
import { cacheDirectory } from "../scripts/environment/paths.ts";

const run = promisify(execFile);

/** Packages, unpacked. */
export interface DebianPackages {
  /** Folder that stands for `/`. */
  readonly folder: string;
  /** Environment in which their programs find their libraries. */
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Packages that belong together: a program and what it needs that not every machine has.
 *
 * @returns or why they cannot be had here
 */
export async function debianPackages(...names: string[]): Promise<DebianPackages | { readonly unavailable: string }> {
  const set = createHash("sha256").update(names.join()).digest("hex").slice(0, 8);
  const folder = join(cacheDirectory(process.env), `debian-${names[0]}-${set}`);
  const lock = `${folder}.lock`;
  if (!existsSync(folder)) {
    mkdirSync(dirname(folder), { recursive: true });
    const held = await waitForLock(lock, `fetching ${names[0]}`, () => undefined);
    try {
      if (!existsSync(folder)) await unpack(names, folder);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { unavailable: `Debian's packages ${names.join(", ")} cannot be had: ${why}` };
    } finally {
      held.release();
    }
  }
  const libraries = join(folder, "usr", "lib");
  const within = existsSync(libraries) ? readdirSync(libraries) : [];
  const paths = [libraries, ...within.map((each) => join(libraries, each))];
  return { folder, environment: { ...process.env, LD_LIBRARY_PATH: paths.join(":") } };
}

async function unpack(names: readonly string[], folder: string): Promise<void> {
  const staging = mkdtempSync(`${folder}-`);
  try {
    const download = () => run("apt-get", ["download", ...names], { cwd: staging, timeout: 120_000 });
    // A machine that was just made does not know yet what there is.
    await download().catch(async () => {
      await run("apt-get", ["update"], { timeout: 180_000 });
      await download();
    });
    for (const file of readdirSync(staging).filter((each) => each.endsWith(".deb"))) {
      await run("dpkg", ["-x", file, "."], { cwd: staging, timeout: 60_000 });
      rmSync(join(staging, file));
    }
    renameSync(staging, folder);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
