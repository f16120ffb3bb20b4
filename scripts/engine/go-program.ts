import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { waitForLock } from "../environment/lock.ts";
import { cacheDirectory } from "../environment/paths.ts";
import { findGo } from "./go.ts";
import { goBuild } from "./go-build.ts";

/** A program that is built from Go modules. */
export interface GoProgram {
  readonly name: string;
  /** Part of the name in the cache: another version is built anew. */
  readonly version: string;
  /** Folder with `go.mod` and `go.sum`, which say what the build accepts, and the sources if they are our own. */
  readonly folder: string;
  /** The package to build. Example: `"github.com/fullstorydev/grpcurl/cmd/grpcurl"`; `"."` for sources in the folder. */
  readonly mainPackage: string;
}

/**
 * The file of a program, built once for each machine and version, and kept in the cache.
 *
 * @param say told before something takes long
 * @returns or why it cannot be had here
 */
export async function goProgram(
  { name, version, folder, mainPackage }: GoProgram,
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<string | { readonly unavailable: string }> {
  const cache = cacheDirectory(environment);
  const cached = join(cache, `${name}-${version}`);
  if (existsSync(cached)) return cached;
  const go = await findGo(environment, join(cache, "engine"), say);
  if (go === undefined) return { unavailable: `there is no Go to build ${name} with` };
  mkdirSync(cache, { recursive: true });
  const lock = await waitForLock(`${cached}.lock`, `building ${name}`, (owner) => {
    say(`Waiting for process ${owner.pid}, which is building ${name} ...`);
  });
  // What a build left that was killed.
  for (const file of readdirSync(cache).filter((each) => each.startsWith(`${name}-${version}-`))) {
    rmSync(join(cache, file), { recursive: true, force: true });
  }
  const staging = mkdtempSync(`${cached}-`);
  try {
    if (existsSync(cached)) return cached;
    say(`Building ${name} ${version} from Go modules, once per machine and version ...`);
    for (const file of readdirSync(folder).filter((each) => /^go\.(mod|sum)$|\.go$/.test(each))) {
      copyFileSync(join(folder, file), join(staging, file));
    }
    await goBuild({ go, folder: staging, mainPackage, output: name }, environment, say);
    renameSync(join(staging, name), cached);
    return cached;
  } catch (error) {
    return { unavailable: `building ${name} failed: ${error instanceof Error ? error.message : error}` };
  } finally {
    rmSync(staging, { recursive: true, force: true });
    lock.release();
  }
}
