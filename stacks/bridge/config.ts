/** The configuration of the bridge stack: what is accepted, and what is understood when a key is left out. */
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { nodeName, participantSchema, refuseProblems } from "../config/nodes.ts";
import { joinSchema, reachProblems } from "../kubernetes/join-config.ts";
import { type PlannedNode, platformKeys, platformProblems } from "../kubernetes/platform-config.ts";

/** All keys of the stack's configuration. */
export const bridgeConfigSchema = z.strictObject({
  ...platformKeys,
  /** The participant that is on all of the domains. */
  participant: participantSchema.omit({ parties: true }),
  /** Domains by a name of this stack's: two or more. */
  domains: z.record(nodeName, joinSchema),
  /** Parties that it hosts, seen on these domains. Example: `{ Bank: [private, public] }`. */
  parties: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,185}$/), z.array(nodeName).min(1)).default({}),
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
  const names = Object.keys(config.domains);
  const problems: string[] = [];
  if (names.length < 2) {
    problems.push(
      `domains: got ${names.length}; expected two or more: the template kubernetes has participants on one`,
    );
  }
  const aliases = Object.values(config.domains).flatMap(({ alias }) => alias ?? []);
  for (const [name, { alias }] of Object.entries(config.domains)) {
    // Two owners may call their domains the same; here each needs a name of its own.
    if (alias === undefined) {
      problems.push(`domains.${name}.alias is required; expected what the participant calls it`);
    } else if (aliases.filter((other) => other === alias).length > 1) {
      problems.push(`domains.${name}.alias: got "${alias}" for more than one domain; expected each once`);
    }
  }
  for (const [party, on] of Object.entries(config.parties)) {
    on.forEach((name, index) => {
      if (!names.includes(name)) {
        problems.push(`parties.${party}[${index}]: got "${name}"; expected one of ${names.join(", ")}`);
      }
    });
  }
  problems.push(...reachProblems(config.network.sequencers));
  problems.push(...platformProblems(config, nodesOf(config), [{ ...config.participant, parties: [] }]));
  refuseProblems(problems);
  return config;
}
