import { createRequire } from "node:module";
import { join } from "node:path";

/** A module could not be found from a program's folder. `message` says which, from where, and what to do. */
export class ModuleNotFoundError extends Error {
  override readonly name = "ModuleNotFoundError";
}

/**
 * The file that `specifier` stands for when imported from `directory`, so that a program, policy pack or plugin runs
 * with its own copy of the SDK.
 *
 * @throws {ModuleNotFoundError} when the package is not installed there
 */
export function resolveFrom(directory: string, specifier: string): string {
  try {
    return createRequire(join(directory, "resolve-from-here.js")).resolve(specifier);
  } catch (cause) {
    throw new ModuleNotFoundError(
      `cannot find ${specifier} from ${directory}: install the dependencies there (npm install)`,
      { cause },
    );
  }
}
