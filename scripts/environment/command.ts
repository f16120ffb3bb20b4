import { Failure } from "./failure.ts";

/** Runs a command's main function and ends the process with its exit code; a {@link Failure} is told, not thrown. */
export async function command(main: (args: readonly string[]) => Promise<number>): Promise<never> {
  try {
    process.exit(await main(process.argv.slice(2)));
  } catch (error) {
    if (error instanceof Failure || (error instanceof Error && error.name === "LockedError")) {
      process.stderr.write(`\nerror: ${error.message}\n`);
      for (const line of error instanceof Failure ? error.wayOut : []) process.stderr.write(`  ${line}\n`);
      process.exit(error instanceof Failure ? error.exitCode : 75);
    }
    throw error;
  }
}

/** One line for the person who waits. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** @throws {Failure} for an argument that a command does not know */
export function unknownArgument(argument: string): never {
  throw new Failure(`unknown argument ${argument}`, ["--help shows what there is."], 64);
}
