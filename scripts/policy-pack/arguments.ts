import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, loadConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import type { StackSession } from "../engine/session.ts";
import { Failure } from "../environment/failure.ts";
import { root } from "../environment/paths.ts";
import { type PolicySettings, packConfig, policySettings } from "./settings.ts";

const stackFile = z.looseObject({ config: z.record(z.string(), z.unknown()).nullish() });

/**
 * What a stack's configuration file says to the policy pack.
 *
 * @throws {Failure} naming the file and the key
 */
export function settingsOf({ stack, config }: Pick<StackSession, "stack" | "config">): PolicySettings {
  try {
    const given = existsSync(config.source) ? (loadConfig(stackFile, config.source).config ?? {}) : {};
    return policySettings(stack, given);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const message = error.message.includes(config.source) ? error.message : `${config.source}: ${error.message}`;
    throw new Failure(message, ["docs/policies.md describes the keys."], 78);
  }
}

/** The arguments with which the engine asks the policies, configured as the stack says. Writes their configuration into the home. */
export function policyArguments(session: StackSession, settings = settingsOf(session)): string[] {
  const file = join(session.home.config, `policies.${session.stack}.json`);
  mkdirSync(session.home.config, { recursive: true, mode: 0o700 });
  writeFileSync(file, JSON.stringify(packConfig(settings)));
  return ["--policy-pack", join(root, "policies"), "--policy-pack-config", file];
}
