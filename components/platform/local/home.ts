/** Where the local platform keeps everything: one folder, `.canton` by default, `CANTON_HOME` moves it. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

/** The paths below one home. */
export interface LocalHome {
  /** Absolute path of the home itself. */
  readonly directory: string;
  /** Port numbers that were chosen. */
  readonly ports: string;
  /** One YAML file a node. */
  readonly config: string;
  /** One log a process, rotated. */
  readonly logs: string;
  /** Passwords, one file each, mode 0600 in a folder of mode 0700. */
  readonly secrets: string;
  /** Certificates and their keys. */
  readonly tls: string;
  /** PostgreSQL's files; belongs to the account that PostgreSQL runs as. */
  readonly postgres: string;
  /** The supervisor's own files. */
  readonly supervisor: string;
}

/**
 * The paths of a home; makes nothing.
 *
 * @param directory the home; a relative one is taken from the working directory
 */
export function localHome(directory: string): LocalHome {
  const home = resolve(directory);
  return {
    directory: home,
    ports: join(home, "ports.json"),
    config: join(home, "config"),
    logs: join(home, "logs"),
    secrets: join(home, "secrets"),
    tls: join(home, "tls"),
    postgres: join(home, "postgres"),
    supervisor: join(home, "supervisor"),
  };
}

/**
 * Makes a folder that only its owner may enter.
 *
 * @throws Error naming the folder and CANTON_HOME when it cannot be made
 */
export function makePrivateFolder(folder: string): string {
  return makeFolder(folder, 0o700);
}

/** Makes a folder; see `makePrivateFolder` for one that holds secrets. */
export function makeFolder(folder: string, mode = 0o755): string {
  try {
    mkdirSync(folder, { recursive: true, mode });
  } catch (error) {
    throw new Error(`cannot make ${folder}: ${(error as Error).message}; CANTON_HOME names another place`);
  }
  return folder;
}
