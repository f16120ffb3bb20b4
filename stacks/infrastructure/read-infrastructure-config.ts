import { StackReference } from "@pulumi/pulumi";
import { readConfig } from "../config/read-config.ts";

/** A configuration that may be that of a standby region. */
interface MayStandBy {
  readonly standby?: { readonly promoted: boolean; readonly decidedBy?: string | undefined } | undefined;
}

/**
 * The stack's configuration. Whether a standby region is promoted is also asked of the stack that decides it, where one is named:
 * so a switch-over is one change, there.
 *
 * @param check throws ConfigError with every problem
 * @throws RunError naming the file
 */
export async function readInfrastructureConfig<Config extends MayStandBy>(
  check: (given: Readonly<Record<string, unknown>>) => Config,
): Promise<Config> {
  const config = readConfig(check);
  const { standby } = config;
  if (standby === undefined || standby.promoted || standby.decidedBy === undefined) return config;
  const { value: active } = await new StackReference(standby.decidedBy).getOutputDetails("active");
  if (active !== "standby") return config;
  return readConfig((given) => check({ ...given, standby: { ...(given["standby"] as object), promoted: true } }));
}
