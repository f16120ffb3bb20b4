/** What the configurations of all stacks that have a domain have in common. */
import {
  durationParameters,
  integerParameters,
} from "@pulumi-canton/components/topology/domain-parameters/parameters.ts";
import { permissions, trustLevels } from "@pulumi-canton/components/topology/topology-names.ts";
import { durationSyntax, parseDuration } from "@pulumi-canton/runtime/durations.ts";
import { z } from "zod";
import { initialisation, nodeName, type ParticipantConfig, partyName } from "./nodes.ts";

const duration = z.string().refine((text) => parseDuration(text) !== undefined, `expected ${durationSyntax}`);

const parametersSchema = z.strictObject({
  ...named(durationParameters, duration.optional()),
  ...named(integerParameters, z.int().optional()),
});

function named<N extends string, S>(names: readonly N[], schema: S): Record<N, S> {
  return Object.fromEntries(names.map((name) => [name, schema])) as Record<N, S>;
}

/** A domain's name for somebody. */
export const domainAlias = z.string().regex(/^[A-Za-z0-9_-]{1,185}$/, "expected 1 to 185 letters, digits, - or _");

/** Keys of a domain in every stack. */
export const domainKeys = {
  /** Name of the domain, and the identifier in its id. */
  alias: domainAlias.default("mydomain"),
  /** `permissioned`: participants on the allow-list may join; `open`: everybody. */
  policy: z.enum(["permissioned", "open"]).default("permissioned"),
  /** Of its domain manager, whose namespace is that of the domain. */
  initialisation,
  /** Terms that every participant has to accept; those of this stack do. Default: none. */
  termsOfService: z.strictObject({ id: z.string().min(1).max(185), textFile: z.string().min(1) }).optional(),
  /** Dynamic parameters that differ from what they are; ranges are checked by the resource. */
  parameters: parametersSchema.optional(),
};

/** Days in which an invitation may be taken up. */
export const validDays = z.int().min(1).max(366).default(14);

/** An entry of an allow-list. */
export const admissionSchema = z.strictObject({
  /** Name of a participant of this stack, or the id of one that runs elsewhere. */
  participant: z.string().min(1),
  permission: z.enum(permissions).default("Submission"),
  trustLevel: z.enum(trustLevels).default("Ordinary"),
});

/** A party on a further participant. */
export const hostingSchema = z.strictObject({
  /** Name of a party of this stack. */
  party: partyName,
  /** Name of the participant of this stack that is to host it too. */
  participant: nodeName,
  permission: z.enum(permissions).default("Observation"),
});

/** Who takes part in a domain, as a configuration has it. */
export interface Membership {
  readonly participants: readonly ParticipantConfig[];
  readonly allowList: readonly z.output<typeof admissionSchema>[];
  readonly hostings: readonly z.output<typeof hostingSchema>[];
}

/** Names that the nodes of the domain have. */
export function domainNodes(sequencers: number): string[] {
  return ["domain-manager", "mediator", ...Array.from({ length: sequencers }, (_, index) => `sequencer${index + 1}`)];
}

/** What is wrong with an allow-list and with hostings: those that name nobody, and those that are there twice. */
export function membershipProblems({ participants, allowList, hostings }: Membership): string[] {
  const names = participants.map(({ name }) => name);
  const problems: string[] = [];
  allowList.forEach(({ participant }, index) => {
    const isId = /^(PAR::)?[A-Za-z0-9_-]+::[A-Za-z0-9]+$/.test(participant);
    if (!isId && !names.includes(participant)) {
      problems.push(
        `allowList[${index}].participant: got "${participant}"; expected a participant of this stack (${names.join(", ")}) or an id such as PAR::carol::1220…`,
      );
    }
    if (allowList.findIndex((other) => other.participant === participant) < index) {
      problems.push(
        `allowList[${index}].participant: got "${participant}" a second time; expected each participant once`,
      );
    }
  });
  hostings.forEach(({ party, participant }, index) => {
    const host = participants.find(({ parties }) => parties.includes(party))?.name;
    if (host === undefined) {
      const known = participants.flatMap(({ parties }) => parties).join(", ");
      problems.push(`hostings[${index}].party: got "${party}"; expected a party of this stack (${known || "none"})`);
    }
    if (!names.includes(participant) || participant === host) {
      const others = names.filter((name) => name !== host).join(", ");
      problems.push(
        `hostings[${index}].participant: got "${participant}"; expected a participant of this stack that does not host it yet (${others || "none"})`,
      );
    }
  });
  return problems;
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
