import { readFile } from "node:fs/promises";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { z } from "zod";

/** What a node does in the network, in the field's own words. */
export const roles = ["domain-manager", "sequencer", "mediator", "participant"] as const;
export type Role = (typeof roles)[number];

const nodeSchema = z.looseObject({
  role: z.enum(roles),
  id: z.string(),
  adminApi: z.url(),
  publicApi: z.url().optional(),
  ledgerApi: z.url().optional(),
  health: z.url(),
  metrics: z.url(),
});

const networkSchema = z.object({
  domain: z
    .looseObject({
      /** Left out, as its sequencers are, until the domain has an identity. */
      id: z.string().default(""),
      alias: z.string().default(""),
      sequencers: z.array(z.string()).default([]),
      /** Known to the owner's stack alone. */
      policy: z.enum(["open", "permissioned"]).optional(),
    })
    .prefault({}),
  nodes: z.record(z.string(), nodeSchema),
  /** A party whose participant was refused has no id yet, and is left out. */
  parties: z
    .record(z.string(), z.string().nullish())
    .transform((given) => Object.fromEntries(Object.entries(given).flatMap(([name, id]) => (id ? [[name, id]] : [])))),
  console: z.string().default("console"),
});

/** One node of a running network, as the stack's output `nodes` describes it. */
export type NetworkNode = z.infer<typeof nodeSchema>;

/** The outputs of a stack: the contract between the stack and everything that works on the running network. */
export type Network = z.infer<typeof networkSchema>;

/** The outputs of a stack from their JSON text; undefined when the text is not what the stack of a network gives. */
export function parseNetwork(text: string): Network | undefined {
  try {
    return networkSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * Reads the outputs of a stack from a JSON file.
 *
 * @throws ConsoleError when the file is missing (nothing has been brought up), cannot be read, or is not the output of a network's stack
 */
export async function loadNetwork(file: string): Promise<Network> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") {
      throw new ConsoleError(
        `${file} cannot be read: ${message}`,
        "Use the account that ran ./scripts/up, or name another outputs file with --outputs.",
      );
    }
    throw new ConsoleError(
      `No network is up: ${file} does not exist.`,
      "Bring one up with ./scripts/up, or name another outputs file with --outputs.",
    );
  }
  const network = parseNetwork(text);
  if (network === undefined) {
    throw new ConsoleError(
      `${file} is not the output of a network's stack.`,
      "Run ./scripts/up again: it writes the file anew.",
    );
  }
  return network;
}

/**
 * The node of that name.
 *
 * @throws ConsoleError that lists the names there are.
 */
export function nodeNamed(network: Network, name: string): NetworkNode {
  const node = network.nodes[name];
  if (node === undefined) {
    throw new ConsoleError(`There is no node ${name}.`, `The nodes are: ${Object.keys(network.nodes).join(", ")}.`);
  }
  return node;
}

/**
 * The domain manager, which administers the domain and its topology.
 *
 * @throws ConsoleError when the network has none, as in the stack of an application user.
 */
export function domainManagerOf(network: Network): NetworkNode {
  const manager = Object.values(network.nodes).find((node) => node.role === "domain-manager");
  if (manager === undefined) {
    throw new ConsoleError("This network has no domain manager.", "Ask the owner of the domain.");
  }
  return manager;
}

/**
 * The node that is asked about topology: the one of that name; without a name the domain manager, or in the network of an
 * application user its participant.
 *
 * @throws ConsoleError when it has to be named
 */
export function topologyReaderOf(network: Network, name: string | undefined): NetworkNode {
  if (name !== undefined) return nodeNamed(network, name);
  return (
    Object.values(network.nodes).find(({ role }) => role === "domain-manager") ?? participantOf(network, undefined)
  );
}

/**
 * A participant of the network.
 *
 * @param name its node name; may be left out where the network has one participant only
 * @throws ConsoleError naming the participants there are
 */
export function participantOf(network: Network, name: string | undefined): NetworkNode & { name: string } {
  const participants = Object.entries(network.nodes).filter(([, { role }]) => role === "participant");
  const found = participants.find(([each]) => name === undefined || each === name);
  if (found === undefined || (name === undefined && participants.length > 1)) {
    throw new ConsoleError(
      name === undefined
        ? `This network has ${participants.length === 0 ? "no participant" : "several participants"}.`
        : `${name} is no participant of this network.`,
      `Name one with --node: ${participants.map(([each]) => each).join(", ") || "(there is none)"}.`,
    );
  }
  return { ...found[1], name: found[0] };
}

/**
 * As {@link participantOf}, one that has its identity.
 *
 * @throws ConsoleError when it still waited to be initialised at the stack's last update
 */
export function initialisedParticipantOf(network: Network, name: string | undefined): NetworkNode & { name: string } {
  const participant = participantOf(network, name);
  if (participant.id === "") {
    throw new ConsoleError(
      `${participant.name} was not initialised yet when the stack was last updated.`,
      `\`console init status ${participant.name}\` says what is missing; then run ./scripts/up again.`,
    );
  }
  return participant;
}

/** A member id or unique identifier as such; the name of a node of this network becomes the node's own. */
export function identifierOf(network: Network, given: string): string {
  return network.nodes[given]?.id ?? given;
}

/** A participant's member id `PAR::…`, from a node name or an id with or without its prefix. @throws ConsoleError */
export function participantId(network: Network, given: string): string {
  const id = network.nodes[given]?.role === "participant" ? network.nodes[given].id : given;
  if (id.includes("::")) return id.startsWith("PAR::") ? id : `PAR::${id}`;
  const names = Object.entries(network.nodes).flatMap(([name, { role }]) => (role === "participant" ? [name] : []));
  throw new ConsoleError(
    `${given} is neither a participant of this network nor an id.`,
    `Give one of ${names.join(", ")}, or an id such as PAR::name::1220….`,
  );
}

/** A party's id, from a name in the stack's outputs, an id, or a name in the namespace of a participant. */
export function partyId(network: Network, given: string, namespaceOwner?: NetworkNode): string {
  if (given.includes("::")) return given;
  const known = network.parties[given];
  if (namespaceOwner === undefined) {
    if (known !== undefined) return known;
    throw new ConsoleError(`${given} is no party of the stack's outputs.`, "Give the whole id, name::1220….");
  }
  return `${given}::${namespaceOwner.id.split("::").at(-1)}`;
}
