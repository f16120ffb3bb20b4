/** The configuration of the local stack: what is accepted, and what is understood when a key is left out. */
import { permissions, trustLevels } from "@pulumi-canton/components/topology/topology-names.ts";
import { ConfigError, checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";

/** Names of nodes become names of processes, databases and configuration files. */
const nodeName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, "expected 1 to 40 lower-case letters, digits or hyphens, starting with a letter");

const partyName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,185}$/, "expected 1 to 185 letters, digits, - or _, without the ::fingerprint that it gets");

const portNumber = z.int().min(1024).max(65_535);

const participantSchema = z.strictObject({
  /** Name of the node, and the identifier in its id. */
  name: nodeName,
  /** Parties that it hosts. */
  parties: z.array(partyName).default([]),
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
    })
    .prefault({}),
  participants: z.array(participantSchema).default([
    { name: "bob", parties: ["Bob"] },
    { name: "alice", parties: ["Alice"] },
  ]),
  allowList: z.array(admissionSchema).default([
    { participant: "bob", permission: "Submission", trustLevel: "Ordinary" },
    { participant: "alice", permission: "Submission", trustLevel: "Ordinary" },
  ]),
  /** Has every gRPC API speak TLS, with certificates of an authority that the stack makes. */
  tls: z.boolean().default(false),
  /** Port numbers by node and port, for those that must not be chosen; `postgres` takes a number. */
  ports: z
    .record(
      z.string(),
      z.union([portNumber, z.partialRecord(z.enum(["adminApi", "publicApi", "ledgerApi", "health"]), portNumber)]),
    )
    .default({}),
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
  const problems: string[] = [];
  const names = config.participants.map(({ name }) => name);
  const taken = [...domainNodes(config.domain.sequencers), "sequencer-backend", "postgres", "supervisor"];
  names.forEach((name, index) => {
    const key = `participants[${index}].name`;
    if (taken.includes(name)) problems.push(`${key}: got "${name}", which another process has; choose another name`);
    if (names.indexOf(name) < index) problems.push(`${key}: got "${name}" a second time; expected a name of its own`);
  });
  const hosted = new Set<string>();
  config.participants.forEach(({ parties }, index) => {
    parties.forEach((party, place) => {
      if (hosted.has(party)) {
        problems.push(
          `participants[${index}].parties[${place}]: got "${party}" a second time; expected each name once`,
        );
      }
      hosted.add(party);
    });
  });
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
  const nodes = [...domainNodes(config.domain.sequencers), ...names];
  for (const [name, value] of Object.entries(config.ports)) {
    if (name === "postgres") {
      if (typeof value !== "number") problems.push("ports.postgres: got a section; expected a port number");
    } else if (!nodes.includes(name)) {
      problems.push(`ports.${name}: there is no node of that name; expected one of postgres, ${nodes.join(", ")}`);
    } else if (typeof value === "number") {
      problems.push(
        `ports.${name}: got ${value}; expected a section with port numbers, such as ports.${name}.adminApi: ${value}`,
      );
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
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
