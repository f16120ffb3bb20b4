import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { Engine } from "../engine/engine.ts";
import { pluginsVariable } from "../engine/plugin-launchers.ts";
import { ensurePassphrase } from "./passphrase.ts";
import { cacheDirectory, type Home, root } from "./paths.ts";

const plugins = join(root, "scripts", "language-host", "bin");

/** The backend that a team shares, such as `s3://…`: the environment names it. Undefined: the state is in the home. */
export function sharedBackend(environment: NodeJS.ProcessEnv): string | undefined {
  return environment.CANTON_BACKEND_URL || undefined;
}

/**
 * The environment in which the engine runs this project: state in a folder of the clone, no account, Node 24 first on
 * the PATH, plugins of this clone. Makes the folders and the passphrase if they are not there. With a shared backend
 * (`CANTON_BACKEND_URL`) the state is there, and what protects its secrets is the environment's own.
 */
export function engineEnvironment(environment: NodeJS.ProcessEnv, home: Home, engine: Engine): NodeJS.ProcessEnv {
  mkdirSync(home.state, { recursive: true, mode: 0o700 });
  mkdirSync(home.pulumiHome, { recursive: true });
  const shared = sharedBackend(environment);
  if (shared === undefined) ensurePassphrase(home.passphraseFile);
  const { PULUMI_CONFIG_PASSPHRASE: _, ...inherited } = environment; // it would win over the file
  return {
    ...(shared === undefined
      ? {
          ...inherited,
          PULUMI_BACKEND_URL: `file://${home.state}`,
          PULUMI_CONFIG_PASSPHRASE_FILE: home.passphraseFile,
        }
      : { ...environment, PULUMI_BACKEND_URL: shared }),
    CANTON_HOME: home.directory,
    PATH: searchPath(environment.PATH, engine),
    PULUMI_HOME: home.pulumiHome,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The packages for clouds are dependencies of every stack's program; their plugins are got by the stacks that use them. Beforehand,
    // a network on this machine would wait for all of them, and in a closed network for five attempts at each.
    PULUMI_OPTION_SKIP_PLUGIN_PRE_INSTALL: "true",
    [pluginsVariable]: plugins,
    // Programs, language host and dynamic providers load the same modules each time: compiled code is kept.
    NODE_COMPILE_CACHE: environment.NODE_COMPILE_CACHE || join(cacheDirectory(environment), "compiled"),
  };
}

/** Node 24 first; our plugins last, and only for an engine that came without its own: those are not to be shadowed. */
function searchPath(path: string | undefined, engine: Engine): string {
  const own = existsSync(join(dirname(realpathSync(engine.file)), "pulumi-language-nodejs"));
  return [join(root, "node_modules", ".bin"), path ?? "", ...(own ? [] : [plugins])].join(delimiter);
}
