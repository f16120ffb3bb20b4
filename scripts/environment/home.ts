import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Failure } from "./failure.ts";
import { type Home, root } from "./paths.ts";

const marker = "MADE-BY-PULUMI-CANTON";

/**
 * Makes the folder that everything goes into, and marks it as ours, so that {@link removeHome} may remove it whole.
 *
 * @throws {Failure} when it exists, is not empty and was not made by this project, or cannot be written to
 */
export function ensureHome(home: Home): void {
  const mark = join(home.directory, marker);
  if (isHome(home)) return;
  try {
    makeFolder(home.directory);
    const foreign = readdirSync(home.directory).filter((name) => !name.startsWith("lock"));
    if (foreign.length > 0) {
      throw new Failure(
        `CANTON_HOME is ${home.directory}, which holds other things (${foreign.slice(0, 3).join(", ")})`,
        ["Set CANTON_HOME to a folder that is empty or not there yet: ./scripts/down removes all of it."],
      );
    }
    writeFileSync(mark, "This folder and all in it was made by pulumi-canton; ./scripts/down removes it.\n");
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure(
      `cannot write to ${home.directory}: ${cause instanceof Error ? cause.message : cause}`,
      ["Set CANTON_HOME to a folder that you may write to."],
      1,
      { cause },
    );
  }
}

/** Step by step: Node's own way of making all of a path never ends where the file system makes no folders, as in /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder) && statSync(folder).isDirectory()) return;
  if (!existsSync(dirname(folder))) makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !statSync(folder).isDirectory()) throw error;
  }
}

/** Whether the folder is there and all in it is ours: `.canton` in the clone is, another one if it is marked. */
export function isHome(home: Home): boolean {
  return (
    existsSync(join(home.directory, marker)) || (home.directory === join(root, ".canton") && existsSync(home.directory))
  );
}

/** Removes the folder and all in it, if all of it is ours. */
export function removeHome(home: Home): void {
  if (isHome(home)) rmSync(home.directory, { recursive: true, force: true });
}
