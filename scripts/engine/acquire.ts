import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../environment/failure.ts";
import { waitForLock } from "../environment/lock.ts";
import { cacheDirectory } from "../environment/paths.ts";
import { buildEngine } from "./build.ts";
import { downloadEngine } from "./download.ts";
import type { Acquisition, Engine } from "./engine.ts";
import { engineOnPath, engineVersionOf } from "./on-path.ts";
import { addPluginLaunchers } from "./plugin-launchers.ts";
import { engineVersion, oldestUsableEngine } from "./version.ts";

/**
 * The engine to use: `pulumi` on the PATH if it is new enough, else the one in the cache, else the official release if
 * it can be downloaded, else one built from Go modules. The last two fill the cache, which all clones share; several
 * at once wait for one another.
 *
 * @throws {Failure} when there is no way to get one, with what would help
 */
export async function acquireEngine(environment: NodeJS.ProcessEnv, say: (line: string) => void): Promise<Engine> {
  const onPath = await engineOnPath(environment, (file, version) => {
    say(`${file} is Pulumi ${version}; this needs ${oldestUsableEngine} or newer, so another one is used.`);
  });
  if (onPath !== undefined) return onPath;

  const cache = join(cacheDirectory(environment), "engine");
  const directory = join(cache, engineVersion);
  const file = join(directory, "pulumi");
  let source: Engine["source"] = "cache";
  if (!existsSync(file)) {
    const lock = await waitForLock(join(cache, `${engineVersion}.lock`), "getting the engine", (owner) => {
      say(`Waiting for process ${owner.pid}, which is getting the same engine ...`);
    });
    try {
      if (!existsSync(file)) source = await fillCache({ environment, directory, say });
    } finally {
      lock.release();
    }
  }
  addPluginLaunchers(directory);
  return { file, version: engineVersion, source };
}

async function fillCache(acquisition: Acquisition): Promise<"download" | "built"> {
  const { directory, say } = acquisition;
  say(`Getting the Pulumi engine ${engineVersion} (kept in ${directory}):`);
  const downloaded = await downloadEngine(acquisition, engineVersion);
  if (!downloaded) {
    say("  the official download cannot be reached from here");
    await buildEngine(acquisition, engineVersion);
  }
  if ((await engineVersionOf(join(directory, "pulumi"))) !== engineVersion) {
    throw new Failure(`${join(directory, "pulumi")} does not run, or is not version ${engineVersion}`, [
      "Remove that folder and run this again.",
    ]);
  }
  return downloaded ? "download" : "built";
}
