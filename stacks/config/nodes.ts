/** What the configurations of all stacks of this machine have in common. */
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";

/** Names of nodes become names of processes, databases and configuration files. */
export const nodeName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, "expected 1 to 40 lower-case letters, digits or hyphens, starting with a letter");

/** A party, without the namespace that it gets. */
export const partyName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,185}$/, "expected 1 to 185 letters, digits, - or _, without the ::fingerprint that it gets");

const portNumber = z.int().min(1024).max(65_535);

const userSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9@^$.!`\-#+'~_|:()]{1,128}$/, "expected 1 to 128 letters, digits or @^$.!`-#+'~_|:()"),
  primaryParty: z.string().min(1).optional(),
  actAs: z.array(z.string().min(1)).default([]),
  readAs: z.array(z.string().min(1)).default([]),
  admin: z.boolean().default(false),
  active: z.boolean().default(true),
  annotations: z.record(z.string(), z.string().min(1)).default({}),
});

/** How a node gets its identity: by itself, step by step by a resource, or with a root key that is kept elsewhere. */
export const initialisation = z.enum(["auto", "manual", "detached"]).default("auto");

/** A participant and what it hosts. */
export const participantSchema = z.strictObject({
  /** Name of the node, and the identifier in its id. */
  name: nodeName,
  /** Parties that it hosts. */
  parties: z.array(partyName).default([]),
  initialisation,
  /** Users of its Ledger API; parties by the names of this stack's, or by their ids. */
  users: z.array(userSchema).default([]),
});

/** A participant of a configuration. */
export type ParticipantConfig = z.output<typeof participantSchema>;

/** Port numbers by node and port, for those that must not be chosen; `postgres` takes a number. */
export const portsSchema = z
  .record(
    z.string(),
    z.union([portNumber, z.partialRecord(z.enum(["adminApi", "publicApi", "ledgerApi", "health"]), portNumber)]),
  )
  .default({});

/** Ports as a configuration gives them. */
export type Ports = z.output<typeof portsSchema>;

/** The ports of a configuration, those left out left out. */
export function portsOf(ports: Ports): Record<string, number | Record<string, number>> {
  return Object.fromEntries(
    Object.entries(ports).map(([name, value]) => [
      name,
      typeof value === "number"
        ? value
        : Object.fromEntries(Object.entries(value).filter(([, port]) => port !== undefined)),
    ]),
  ) as Record<string, number | Record<string, number>>;
}

/** What is wrong with the names of participants and their parties: each once in the stack, and none that another process has. */
export function nameProblems(
  participants: readonly { readonly name: string; readonly parties: readonly string[] }[],
  taken: readonly string[],
): string[] {
  const problems: string[] = [];
  const names = participants.map(({ name }) => name);
  names.forEach((name, index) => {
    const key = `participants[${index}].name`;
    if (taken.includes(name)) problems.push(`${key}: got "${name}", which another process has; choose another name`);
    if (names.indexOf(name) < index) problems.push(`${key}: got "${name}" a second time; expected a name of its own`);
  });
  const hosted = new Set<string>();
  participants.forEach(({ parties }, index) => {
    parties.forEach((party, place) => {
      if (hosted.has(party)) {
        problems.push(
          `participants[${index}].parties[${place}]: got "${party}" a second time; expected each name once`,
        );
      }
      hosted.add(party);
    });
  });
  return problems;
}

/** What is wrong with the ports: nodes that there are not, and numbers where a section belongs. */
export function portProblems(ports: Ports, nodes: readonly string[]): string[] {
  return Object.entries(ports).flatMap(([name, value]) => {
    if (name === "postgres") {
      return typeof value === "number" ? [] : ["ports.postgres: got a section; expected a port number"];
    }
    if (!nodes.includes(name)) {
      return [`ports.${name}: there is no node of that name; expected one of postgres, ${nodes.join(", ")}`];
    }
    if (typeof value !== "number") return [];
    return [
      `ports.${name}: got ${value}; expected a section with port numbers, such as ports.${name}.adminApi: ${value}`,
    ];
  });
}

/** @throws ConfigError when there are problems */
export function refuseProblems(problems: readonly string[]): void {
  if (problems.length > 0) throw new ConfigError(problems);
}
