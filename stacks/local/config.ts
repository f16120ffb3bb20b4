/** The configuration of the local stack: what is accepted, and what is understood when a key is left out. */
import {
  durationParameters,
  integerParameters,
} from "@pulumi-canton/components/topology/domain-parameters/parameters.ts";
import { permissions, trustLevels } from "@pulumi-canton/components/topology/topology-names.ts";
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { durationSyntax, parseDuration } from "@pulumi-canton/runtime/durations.ts";
import { z } from "zod";
import {
  nameProblems,
  nodeName,
  participantSchema,
  partyName,
  portProblems,
  portsSchema,
  refuseProblems,
} from "../config/nodes.ts";

const duration = z.string().refine((text) => parseDuration(text) !== undefined, `expected ${durationSyntax}`);

const parametersSchema = z.strictObject({
  ...named(durationParameters, duration.optional()),
  ...named(integerParameters, z.int().optional()),
});

function named<N extends string, S>(names: readonly N[], schema: S): Record<N, S> {
  return Object.fromEntries(names.map((name) => [name, schema])) as Record<N, S>;
}

const hostingSchema = z.strictObject({
  /** Name of a party of this stack. */
  party: partyName,
  /** Name of the participant of this stack that is to host it too. */
  participant: nodeName,
  permission: z.enum(permissions).default("Observation"),
});

const admissionSchema = z.strictObject({
  /** Name of a participant of this stack, or the id of one that runs elsewhere. */
  participant: z.string().min(1),
  permission: z.enum(permissions).default("Submission"),
  trustLevel: z.enum(trustLevels).default("Ordinary"),
});

/** All keys of the stack's configuration. */
export const localConfigSchema = z.strictObject({
  domain: z
    .strictObject({
      /** Name of the domain, and the identifier in its id. */
      alias: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,185}$/, "expected 1 to 185 letters, digits, - or _")
        .default("mydomain"),
      /** The participant, among `participants`, of whoever owns the domain. */
      owner: nodeName.default("bob"),
      /** How many sequencers share the work. */
      sequencers: z.int().min(1).max(9).default(2),
      /** `permissioned`: participants on the allow-list may join; `open`: everybody. */
      policy: z.enum(["permissioned", "open"]).default("permissioned"),
      /** Terms that every participant has to accept; those of this stack do. Default: none. */
      termsOfService: z.strictObject({ id: z.string().min(1).max(185), textFile: z.string().min(1) }).optional(),
      /** Dynamic parameters that differ from what they are; ranges are checked by the resource. */
      parameters: parametersSchema.optional(),
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
  invitation: z
    .strictObject({
      /** Days in which it may be taken up. */
      validDays: z.int().min(1).max(366).default(14),
    })
    .optional(),
  /** Has every gRPC API speak TLS, with certificates of an authority that the stack makes. */
  tls: z.boolean().default(false),
  /** Port numbers by node and port, for those that must not be chosen; `postgres` takes a number. */
  ports: portsSchema,
});

/** The configuration of the local stack, checked and complete. */
export type LocalConfig = z.output<typeof localConfigSchema>;

/** Names that the nodes of the domain have. */
function domainNodes(sequencers: number): string[] {
  return ["domain-manager", "mediator", ...Array.from({ length: sequencers }, (_, index) => `sequencer${index + 1}`)];
}

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
  config.allowList.forEach(({ participant }, index) => {
    const isId = /^(PAR::)?[A-Za-z0-9_-]+::[A-Za-z0-9]+$/.test(participant);
    if (!isId && !names.includes(participant)) {
      problems.push(
        `allowList[${index}].participant: got "${participant}"; expected a participant of this stack (${names.join(", ")}) or an id such as PAR::carol::1220…`,
      );
    }
    if (config.allowList.findIndex((other) => other.participant === participant) < index) {
      problems.push(
        `allowList[${index}].participant: got "${participant}" a second time; expected each participant once`,
      );
    }
  });
  config.hostings.forEach(({ party, participant }, index) => {
    const host = config.participants.find(({ parties }) => parties.includes(party))?.name;
    if (host === undefined) {
      const known = config.participants.flatMap(({ parties }) => parties).join(", ");
      problems.push(`hostings[${index}].party: got "${party}"; expected a party of this stack (${known || "none"})`);
    }
    if (!names.includes(participant) || participant === host) {
      const others = names.filter((name) => name !== host).join(", ");
      problems.push(
        `hostings[${index}].participant: got "${participant}"; expected a participant of this stack that does not host it yet (${others || "none"})`,
      );
    }
  });
  problems.push(...portProblems(config.ports, [...domainNodes(config.domain.sequencers), ...names]));
  refuseProblems(problems);
  return config;
}

/** The lines that admit a participant, for whoever is refused. Pure. */
export function admissionLines(participant: string, file: string): string {
  return [
    `To admit it, add this entry to pulumi-canton:allowList in ${file} and run the update again:`,
    "",
    "  pulumi-canton:allowList:",
    `    - participant: ${participant}`,
    "      permission: Submission",
  ].join("\n");
}
