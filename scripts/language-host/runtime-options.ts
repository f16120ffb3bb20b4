import type { ProgramInfo } from "@pulumi/pulumi/proto/language_pb.js";

/** `runtime.options` of a `Pulumi.yaml`, `PulumiPolicy.yaml` or `PulumiPlugin.yaml` whose runtime is `nodejs`. */
export interface RuntimeOptions {
  /** Load TypeScript through ts-node (type-checked, slow to start). Off: Node strips the types itself. Default true. */
  readonly typescript: boolean;
  /** The tsconfig that ts-node uses, relative to the program. Default: `tsconfig.json` if there is one. */
  readonly tsconfig?: string;
  /** Arguments for `node` itself, for example `--max-old-space-size=4096`. */
  readonly nodeArguments: readonly string[];
}

const accepted = ["typescript", "tsconfig", "nodeargs", "packagemanager"];

/** A runtime option has a value that means nothing. */
export class RuntimeOptionError extends Error {
  override readonly name = "RuntimeOptionError";
}

/**
 * Reads and validates the runtime options the engine passes on.
 *
 * @throws {RuntimeOptionError} naming the option and what it takes
 */
export function runtimeOptions(info: ProgramInfo | undefined): RuntimeOptions {
  const raw: Record<string, unknown> = info?.getOptions()?.toJavaScript() ?? {};
  for (const name of Object.keys(raw)) {
    if (!accepted.includes(name)) {
      throw new RuntimeOptionError(`unknown option runtime.options.${name}; there are ${accepted.join(", ")}`);
    }
  }
  const { typescript = true, tsconfig, nodeargs = "", packagemanager = "npm" } = raw;
  if (typeof typescript !== "boolean") {
    throw new RuntimeOptionError(`runtime.options.typescript is ${JSON.stringify(typescript)}; it takes true or false`);
  }
  if (tsconfig !== undefined && typeof tsconfig !== "string") {
    throw new RuntimeOptionError(`runtime.options.tsconfig is ${JSON.stringify(tsconfig)}; it takes a file name`);
  }
  if (typeof nodeargs !== "string") {
    throw new RuntimeOptionError(`runtime.options.nodeargs is ${JSON.stringify(nodeargs)}; it takes a string`);
  }
  if (packagemanager !== "npm") {
    throw new RuntimeOptionError(
      `runtime.options.packagemanager is ${JSON.stringify(packagemanager)}; this host knows only npm`,
    );
  }
  return {
    typescript,
    ...(tsconfig === undefined ? {} : { tsconfig }),
    nodeArguments: nodeargs.split(/\s+/).filter((argument) => argument !== ""),
  };
}
