/** What a stack's configuration says to the policy pack, and how the engine is told. Pure. */
import { allPolicies } from "@pulumi-canton/policies/all-policies.ts";
import { type Environment, type Exemption, environments } from "@pulumi-canton/policies/policy.ts";
import { ConfigError, checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";

/** Templates of one machine: without an environment of their own they are for development. */
const localTemplates: readonly string[] = ["local", "application-user"];

/** What ./scripts/preview asks besides the pack, which is not shown what is a secret. */
export const secretInputsPolicy = "secret-inputs";

const policyName = z.enum([...allPolicies.map(({ name }) => name), secretInputsPolicy]);

const settingsSchema = z.strictObject({
  /** The regions that resources may be in; none: any. */
  regions: z.array(z.string().min(1)).optional(),
  /** Keys that every resource with tags or labels has to have. */
  tags: z.array(z.string().min(1)).optional(),
  /** Days for which backups of databases have to be kept. */
  backupDays: z.int().min(1).max(35).optional(),
  /** Resources that are let off a policy. */
  exemptions: z
    .array(
      z.strictObject({
        policy: policyName,
        resource: z.string().min(1),
        reason: z.string().min(1),
        until: z.iso.date().optional(),
      }),
    )
    .default([]),
  /** Policies that are to stop an update, or not to, whatever the environment. */
  levels: z.partialRecord(policyName, z.enum(["advisory", "mandatory"])).default({}),
});

/** What a stack says to the policy pack. */
export interface PolicySettings extends z.output<typeof settingsSchema> {
  readonly environment: Environment;
}

const prefix = "policies:";

/**
 * Reads the keys `policies:…` and the environment out of a stack's configuration. A stack that names no environment is judged
 * as production, unless all of it is on one machine.
 *
 * @param config the section `config` of the stack's file
 * @throws ConfigError with every problem
 */
export function policySettings(stack: string, config: Readonly<Record<string, unknown>>): PolicySettings {
  const own = Object.entries(config).filter(([key]) => key.startsWith(prefix));
  const template = config["pulumi-canton:template"] ?? stack;
  const environment = config["pulumi-canton:environment"];
  const fallback = localTemplates.includes(String(template)) ? "dev" : "production";
  const known = environments.find((name) => name === environment);
  try {
    const settings = checkConfig(
      settingsSchema,
      Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])),
    );
    // A name that there is not is told by the stack's own program.
    return { ...settings, environment: known ?? (environment === undefined ? fallback : "production") };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems.map((problem) => `${prefix}${problem}`));
  }
}

/** How strict a policy is. */
export function levelOf({ levels, environment }: PolicySettings, policy: string): "advisory" | "mandatory" {
  return levels[policy] ?? (environment === "dev" ? "advisory" : "mandatory");
}

/** The resources that are let off a policy. */
export function exemptionsOf({ exemptions }: PolicySettings, policy: string): Exemption[] {
  return exemptions
    .filter((exemption) => exemption.policy === policy)
    .map(({ resource, reason, until }) => ({ resource, reason, ...(until !== undefined && { until }) }));
}

/** The policy pack's configuration, by policy, as the engine takes it (`--policy-pack-config`). */
export function packConfig(settings: PolicySettings): Record<string, Record<string, unknown>> {
  const { environment, regions, tags, backupDays } = settings;
  const own: Readonly<Record<string, object>> = {
    ...(regions && { "allowed-regions": { regions } }),
    ...(tags && { "required-tags": { tags } }),
    ...(backupDays !== undefined && { backups: { days: backupDays } }),
  };
  return Object.fromEntries(
    allPolicies.map(({ name }) => [
      name,
      {
        enforcementLevel: levelOf(settings, name),
        environment,
        exemptions: exemptionsOf(settings, name),
        ...own[name],
      },
    ]),
  );
}
