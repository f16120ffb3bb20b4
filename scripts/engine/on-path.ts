import { execFile } from "node:child_process";
import { accessSync, constants, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { root } from "../environment/paths.ts";
import type { Engine } from "./engine.ts";
import { isAtLeast, oldestUsableEngine } from "./version.ts";

/** The executables called `name` on the PATH, in order, leaving out this clone's own. */
export function executablesOnPath(name: string, path: string | undefined): string[] {
  const found: string[] = [];
  for (const folder of (path ?? "").split(delimiter)) {
    if (folder === "") continue;
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      // ./scripts/pulumi is a way to get here, and node_modules/.bin/pulumi a downloader of its own.
      if (!realpathSync(file).startsWith(`${root}/`)) found.push(file);
    } catch {
      // not there, or not executable
    }
  }
  return found;
}

/** What `pulumi version` answers, without the leading `v`; undefined if it does not answer with a version in 20 s. */
export async function engineVersionOf(file: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(file, ["version"], {
      timeout: 20_000,
      env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    return /^v?(\d+\.\d+\.\d+\S*)$/m.exec(stdout.trim())?.[1];
  } catch {
    return undefined;
  }
}

/** The first engine on the PATH that is new enough; `older` is told of those that are not. */
export async function engineOnPath(
  environment: NodeJS.ProcessEnv,
  older: (file: string, version: string) => void,
): Promise<Engine | undefined> {
  for (const file of executablesOnPath("pulumi", environment.PATH)) {
    const version = await engineVersionOf(file);
    if (version === undefined) continue;
    if (isAtLeast(version, oldestUsableEngine)) return { file, version, source: "PATH" };
    older(file, version);
  }
  return undefined;
}
