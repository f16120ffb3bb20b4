import { readFile } from "node:fs/promises";
import { z } from "zod";
import { ConsoleError } from "./console-error.ts";

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
  domain: z.looseObject({
    id: z.string(),
    alias: z.string(),
    sequencers: z.array(z.string()),
    policy: z.enum(["open", "permissioned"]),
  }),
  nodes: z.record(z.string(), nodeSchema),
  /** A party whose participant was refused has no id yet, and is left out. */
  parties: z
    .record(z.string(), z.string().nullish())
    .transform((given) => Object.fromEntries(Object.entries(given).flatMap(([name, id]) => (id ? [[name, id]] : [])))),
  console: z.string(),
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
