/** The configuration of the local stack: what is accepted, and what is understood when a key is left out. */
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import {
  admissionSchema,
  domainKeys,
  domainNodes,
  hostingSchema,
  membershipProblems,
  validDays,
} from "../config/domain.ts";
import {
  nameProblems,
  nodeName,
  participantSchema,
  portProblems,
  portsSchema,
  refuseProblems,
} from "../config/nodes.ts";

export { admissionLines } from "../config/domain.ts";

/** All keys of the stack's configuration. */
export const localConfigSchema = z.strictObject({
  domain: z
    .strictObject({
      ...domainKeys,
      /** The participant, among `participants`, of whoever owns the domain. */
      owner: nodeName.default("bob"),
      /** How many sequencers share the work. */
      sequencers: z.int().min(1).max(9).default(2),
    })
    .prefault({}),
  participants: z.array(participantSchema).prefault([
    { name: "bob", parties: ["Bob"] },
    { name: "alice", parties: ["Alice"] },
  ]),
  allowList: z.array(admissionSchema).default([
    { participant: "bob", permission: "Submission", trustLevel: "Ordinary" },
    { participant: "alice", permission: "Submission", trustLevel: "Ordinary" },
  ]),
  /** Parties on further participants. */
  hostings: z.array(hostingSchema).default([]),
  /** Gives out an invitation for other organisations, as the output `invitation`. Default: none. */
  invitation: z.strictObject({ validDays }).optional(),
  /** Has every gRPC API speak TLS, with certificates of an authority that the stack makes. */
  tls: z.boolean().default(false),
  /** Port numbers by node and port, for those that must not be chosen; `postgres` takes a number. */
  ports: portsSchema,
});

/** The configuration of the local stack, checked and complete. */
export type LocalConfig = z.output<typeof localConfigSchema>;

/**
 * Checks the configuration of the local stack.
 *
 * @param given what the configuration file has; keys that it leaves out get their defaults
 * @throws ConfigError with every problem: its key, its value, and what is accepted
 */
export function checkLocalConfig(given: Readonly<Record<string, unknown>>): LocalConfig {
  const config = checkConfig(localConfigSchema, given);
  const names = config.participants.map(({ name }) => name);
  const taken = [...domainNodes(config.domain.sequencers), "sequencer-backend", "postgres", "supervisor"];
  const problems = nameProblems(config.participants, taken);
  if (!names.includes(config.domain.owner)) {
    problems.push(
      `domain.owner: got "${config.domain.owner}", which is not among the participants; expected one of ${names.join(", ") || "(none: add one to participants)"}`,
    );
  }
  problems.push(...membershipProblems(config));
  problems.push(...portProblems(config.ports, [...domainNodes(config.domain.sequencers), ...names]));
  refuseProblems(problems);
  return config;
}
