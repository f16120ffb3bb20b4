/** The configuration of the bridge stack: what is accepted, and what is understood when a key is left out. */
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { domainAlias } from "../config/domain.ts";
import { nameProblems, participantSchema, refuseProblems } from "../config/nodes.ts";
import { joinSchema, reachProblems } from "../kubernetes/join-config.ts";
import { type PlannedNode, platformKeys, platformProblems } from "../kubernetes/platform-config.ts";

/** All keys of the stack's configuration. */
export const bridgeConfigSchema = z.strictObject({
  ...platformKeys,
  /** The participant that is on all of the domains, and so are its parties. */
  participant: participantSchema,
  /** Domains by what the participant calls them, for good: two or more. Two owners may call theirs the same. */
  domains: z.record(domainAlias, joinSchema.omit({ alias: true })),
});

/** The configuration of the bridge stack, checked and complete. */
export type BridgeConfig = z.output<typeof bridgeConfigSchema>;

/** The nodes that the stack runs. */
export function nodesOf({ participant }: Pick<BridgeConfig, "participant">): PlannedNode[] {
  return [{ name: participant.name, role: "participant" }];
}

/**
 * Checks the configuration of the bridge stack.
 *
 * @param given what the configuration file has; keys that it leaves out get their defaults
 * @throws ConfigError with every problem: its key, its value, and what is accepted
 */
export function checkBridgeConfig(given: Readonly<Record<string, unknown>>): BridgeConfig {
  const config = checkConfig(bridgeConfigSchema, given);
  const problems = nameProblems([config.participant], []);
  const { length } = Object.keys(config.domains);
  if (length < 2) {
    problems.push(`domains: got ${length}; expected two or more: the template kubernetes has participants on one`);
  }
  problems.push(...reachProblems(config.network.sequencers));
  problems.push(...platformProblems(config, nodesOf(config), [config.participant]));
  // The only participant has no place in a list.
  refuseProblems(problems.map((problem) => problem.replace("participants[0]", "participant")));
  return config;
}
