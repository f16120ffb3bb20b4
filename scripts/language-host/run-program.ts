import { delimiter, dirname } from "node:path";
import type { RunRequest } from "@pulumi/pulumi/proto/language_pb.js";
import { type Ending, start } from "./children.ts";
import { resolveFrom } from "./module-location.ts";
import { runtimeOptions } from "./runtime-options.ts";

/**
 * The SDK's exit code for "failed, and the person has already been told why": the engine then prints nothing more.
 * Source: `nodeJSProcessExitedAfterLoggingUserActionableMessage` in `@pulumi/pulumi/cmd/run`.
 */
const exitCodeBail = 32;

/** What became of a program: nothing to say, a failure to report, or a failure that was already reported. */
export type RunOutcome = { readonly kind: "ok" | "bail" } | { readonly kind: "failed"; readonly error: string };

/** The command line of `@pulumi/pulumi/cmd/run` for a request, after `node`. */
export function runArguments(request: RunRequest, engineAddress: string, runModule: string): string[] {
  const info = request.getInfo();
  const args = [
    ...runtimeOptions(info).nodeArguments,
    runModule,
    `--monitor=${request.getMonitorAddress()}`,
    `--engine=${engineAddress}`,
    `--organization=${request.getOrganization()}`,
    `--project=${request.getProject()}`,
    `--stack=${request.getStack()}`,
    `--pwd=${request.getPwd()}`,
    `--parallel=${request.getParallel()}`,
  ];
  const root = info?.getRootDirectory();
  if (root) args.push(`--root-directory=${root}`);
  if (request.getDryrun()) args.push("--dry-run");
  args.push(info?.getEntryPoint() || request.getProgram() || ".", ...request.getArgsList());
  return args;
}

/** The environment of a program: this process's, plus configuration and how to load TypeScript. */
export function runEnvironment(request: RunRequest): NodeJS.ProcessEnv {
  const options = runtimeOptions(request.getInfo());
  const environment: NodeJS.ProcessEnv = {
    ...environmentWithThisNode(process.env),
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().entries() as Iterable<[string, string]>)),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    PULUMI_NODEJS_TYPESCRIPT: String(options.typescript),
  };
  if (options.tsconfig !== undefined) environment.PULUMI_NODEJS_TSCONFIG_PATH = options.tsconfig;
  return environment;
}

/** `environment` with the Node that runs this host first on the PATH, so that child processes find the same one. */
export function environmentWithThisNode(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, PATH: [dirname(process.execPath), environment.PATH ?? ""].join(delimiter) };
}

/** What the engine is told about a program that ended like this. */
export function outcomeOf({ code, signal }: Ending): RunOutcome {
  if (code === 0) return { kind: "ok" };
  if (code === exitCodeBail) return { kind: "bail" };
  return {
    kind: "failed",
    error: `Program exited with ${signal ? `signal ${signal}` : `non-zero exit code: ${code}`}`,
  };
}

/** Runs a program to its end. Its output goes where this process's goes: the engine shows it as diagnostics. */
export async function runProgram(request: RunRequest, engineAddress: string): Promise<RunOutcome> {
  try {
    const programDirectory = request.getInfo()?.getProgramDirectory() || request.getPwd();
    const args = runArguments(request, engineAddress, resolveFrom(programDirectory, "@pulumi/pulumi/cmd/run/index.js"));
    const program = start(process.execPath, args, {
      cwd: request.getPwd(),
      env: runEnvironment(request),
      stdio: ["ignore", "inherit", "inherit"],
    });
    return outcomeOf(await program.ended);
  } catch (error) {
    return { kind: "failed", error: error instanceof Error ? error.message : String(error) };
  }
}
