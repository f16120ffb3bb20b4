import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The variable that tells the launchers which clone's plugins to start. */
export const pluginsVariable = "PULUMI_CANTON_PLUGINS";

const launcher = `#!/bin/sh
# Made by pulumi-canton. Engines look for these plugins beside their own file. This engine is shared by all clones, so
# the plugin itself comes from the clone that runs it.
: "\${${pluginsVariable}:?is not set: run the engine through ./scripts/pulumi of a clone}"
exec "$${pluginsVariable}/$(basename "$0")" "$@"
`;

/**
 * Puts launchers for our language host and dynamic provider beside an engine that came without: one that was built
 * has none, and the engine warns of plugins it finds on the PATH only. An official release brings its own, which stay.
 */
export function addPluginLaunchers(engineDirectory: string): void {
  for (const name of ["pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"]) {
    const file = join(engineDirectory, name);
    if (existsSync(file)) {
      const content = readFileSync(file);
      if (!content.subarray(0, 200).includes("pulumi-canton") || content.equals(Buffer.from(launcher))) continue;
    }
    const staging = `${file}.${process.pid}`;
    writeFileSync(staging, launcher, { mode: 0o755 });
    renameSync(staging, file);
  }
}
