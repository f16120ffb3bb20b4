import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the clone. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Where everything goes that a clone makes when it runs: state, secrets, logs, data. */
export interface Home {
  /** `CANTON_HOME`, or in the clone `.canton`, for another stack than the default one `.canton-STACK`. */
  readonly directory: string;
  /** The engine's file backend. */
  readonly state: string;
  /** The engine's own settings and plugins. */
  readonly pulumiHome: string;
  /** The engine's copies of the stacks' configuration; see ../engine/stack-config.ts. */
  readonly config: string;
  /** What protects the secrets in the state. */
  readonly passphraseFile: string;
  /** The stack's outputs as of the last `up`, as JSON. */
  readonly outputs: string;
  /** Held by a command that changes what runs. */
  readonly lockFile: string;
}

/** The stack that commands mean when they are not told another. */
export const defaultStack = "local";

/** The stack that an environment means: `CANTON_STACK`, or the default one. */
export function stackOf(environment: NodeJS.ProcessEnv): string {
  return environment.CANTON_STACK || defaultStack;
}

/** The {@link Home} for an environment. A relative `CANTON_HOME` is relative to the working directory. */
export function homeOf(environment: NodeJS.ProcessEnv): Home {
  const directory = environment.CANTON_HOME
    ? resolve(environment.CANTON_HOME)
    : join(root, homeFolder(stackOf(environment)));
  return {
    directory,
    state: join(directory, "pulumi-state"),
    config: join(directory, "pulumi-config"),
    pulumiHome: join(directory, "pulumi-home"),
    passphraseFile: join(directory, "secrets", "passphrase"),
    outputs: join(directory, "outputs.json"),
    lockFile: join(directory, "lock"),
  };
}

/** The folder in the clone for a stack that is told no other: one of its own, as another organisation would have. */
function homeFolder(stack: string): string {
  return stack === defaultStack ? ".canton" : `.canton-${stack}`;
}

/** `${XDG_CACHE_HOME:-~/.cache}/pulumi-canton`: what all clones of a user share, and `down` leaves. */
export function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "pulumi-canton");
}
