/** Configurations of the template `kubernetes` for a cluster of the tests. */
import type { Config } from "../clouds/cloud-stack.ts";
import type { Server } from "./database-server.ts";
import type { NodeImages } from "./images/node-images.ts";

/** What differs between them. */
export interface Wanted {
  readonly environment: "dev" | "staging";
  readonly namespace: string;
  readonly databases: Server;
  readonly images: NodeImages;
  /** Where the admin API of each node is reached. */
  readonly tunnels: Readonly<Record<string, string>>;
  readonly sequencers: number;
  readonly participants: readonly string[];
  /** Default: the first. */
  readonly participantImage?: 2;
  /** That tokens have to have. Default: any. */
  readonly audience?: string;
  /** Default: that of the environment. */
  readonly standbys?: number;
}

const roles = ["domain-manager", "sequencer", "mediator", "participant"] as const;

/** Names of the nodes of a domain and its participants. */
export function nodesOf({ sequencers, participants }: Pick<Wanted, "sequencers" | "participants">): string[] {
  const ofDomain = Array.from({ length: sequencers }, (_, index) => `sequencer${index + 1}`);
  return ["domain-manager", "mediator", ...ofDomain, ...participants];
}

/** The keys of a stack's configuration. */
export function configurationOf(wanted: Wanted): Config {
  const { images, participants, standbys, audience, tunnels } = wanted;
  const image = (role: (typeof roles)[number]) =>
    images.pinned(role, role === "participant" ? wanted.participantImage : undefined);
  // For machines with two processors and little memory.
  const resources = { cpuMillis: 50, cpuLimitMillis: 2000, memoryMiB: 512 };
  return {
    template: "kubernetes",
    environment: wanted.environment,
    name: wanted.namespace,
    cluster: { kubeconfig: "{}" },
    databases: { nodes: wanted.databases },
    images: {
      nodes: Object.fromEntries(roles.map((role) => [role, image(role)])),
      databaseSetup: images.pinned("database-setup"),
    },
    resources: Object.fromEntries(roles.map((role) => [role, resources])),
    ...(standbys !== undefined && { standbys }),
    ledgerApi: {
      auth: [{ type: "jwks", url: "https://idp.example.com/jwks", ...(audience && { targetAudience: audience }) }],
    },
    access: {
      via: "tunnels",
      tunnels: Object.fromEntries(nodesOf(wanted).map((node) => [node, tunnels[node]])),
    },
    domain: { alias: "mydomain", sequencers: wanted.sequencers, policy: "permissioned" },
    participants: participants.map((name) => ({ name, parties: [`Party-of-${name}`] })),
  };
}
