import type { RunPluginRequest } from "@pulumi/pulumi/proto/language_pb.js";
import { type Ending, type Started, start } from "./children.ts";
import { resolveFrom } from "./module-location.ts";
import { environmentWithThisNode } from "./run-program.ts";
import { runtimeOptions } from "./runtime-options.ts";

/** The parts of a {@link RunPluginRequest} that decide what is run. */
export interface PluginCommand {
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * What to run for a plugin written in Node.js, after `node`.
 *
 * - A policy pack (`analyzer`) goes through `cmd/run-policy-pack ENGINE PROGRAM`, which looks for the program in its
 *   working directory: that has to be the pack, where the engine gives the program's.
 * - Anything else (a component package is a `resource`) goes through `cmd/run-plugin PROGRAM ENGINE`.
 *
 * @throws {ModuleNotFoundError} when the pack's or plugin's dependencies are not installed
 */
export function pluginCommand(request: RunPluginRequest): PluginCommand {
  const info = request.getInfo();
  const program = info?.getProgramDirectory() || request.getProgram();
  const options = runtimeOptions(info);
  const environment = environmentWithThisNode(Object.fromEntries(request.getEnvList().map(splitVariable)));
  if (request.getKind() === "analyzer") {
    const runner = resolveFrom(program, "@pulumi/pulumi/cmd/run-policy-pack/index.js");
    return {
      args: [...options.nodeArguments, runner, ...request.getArgsList(), "."],
      directory: program,
      environment,
    };
  }
  const runner = resolveFrom(program, "@pulumi/pulumi/cmd/run-plugin/index.js");
  return {
    args: [...options.nodeArguments, runner, program, ...request.getArgsList()],
    directory: request.getPwd() || program,
    environment,
  };
}

/** Starts a plugin with its output piped. */
export function startPlugin(request: RunPluginRequest): Started {
  const { args, directory, environment } = pluginCommand(request);
  return start(process.execPath, args, { cwd: directory, env: environment, stdio: ["ignore", "pipe", "pipe"] });
}

/** The exit code that stands for an ending: a process ended by a signal has none of its own, so shells' 128 is used. */
export function exitCodeOf({ code }: Ending): number {
  return code ?? 128;
}

function splitVariable(variable: string): [string, string] {
  const at = variable.indexOf("=");
  return at < 0 ? [variable, ""] : [variable.slice(0, at), variable.slice(at + 1)];
}
