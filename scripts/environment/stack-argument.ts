import { unknownArgument } from "./command.ts";
import { Failure } from "./failure.ts";

/**
 * Takes `--stack NAME` from a command's arguments and puts it into the environment, as `CANTON_STACK`: folders follow from it.
 *
 * @param flags the other arguments that the command knows
 * @throws {Failure} for an argument that is not known, or a name that no stack has
 */
export function takeStack(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  flags: readonly string[] = [],
): void {
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] as string;
    if (flags.includes(argument)) continue;
    const [option, value = args[at + 1]] = argument.startsWith("--stack=") ? argument.split("=", 2) : [argument];
    if (option !== "--stack" && option !== "-s") unknownArgument(argument);
    if (value === undefined || !/^[a-z][a-z0-9-]{0,39}$/.test(value)) {
      throw new Failure(
        `--stack: got ${value ?? "nothing"}; expected the name of a stack`,
        ["Example: --stack local"],
        64,
      );
    }
    environment.CANTON_STACK = value;
    if (argument === option) at += 1;
  }
}
