/** PostgreSQL in the cluster, as the configuration of `cluster-services` has it. */
import { postgresVersions } from "@pulumi-canton/components/database/database-server.ts";
import { z } from "zod";
import { nodeName } from "../config/nodes.ts";
import { moment } from "../infrastructure/config.ts";

/** Keys of the Secret with which the object store is written to, by its kind. */
const credentialKeys = {
  s3: ["accessKeyId", "secretAccessKey"],
  gs: ["key.json"],
  azure: ["connectionString"],
} as const;

const backups = z.strictObject({
  /** Folder in the object store. Example: `s3://canton-backups/prod`. */
  url: z
    .string()
    .regex(
      /^(?:s3|gs):\/\/[^/\s]+(?:\/\S*)?$|^https:\/\/[^/\s]+\.blob\.core\.windows\.net\/\S+$/,
      "expected s3://BUCKET, gs://BUCKET or https://ACCOUNT.blob.core.windows.net/CONTAINER",
    ),
  /** Of an object store that is no cloud's own; on port 443, the only one that servers get out to. */
  endpoint: z
    .string()
    .regex(/^https:\/\/[^/\s:]+(?::443)?\/?$/, "expected https://HOST, on port 443")
    .optional(),
  /** `identity`: that of `databases.identity`. Otherwise the login: `accessKeyId` and `secretAccessKey` for s3, `key.json` for gs, `connectionString` for Azure. Secrets. */
  credentials: z.union(
    [z.literal("identity"), z.record(z.string(), z.string().min(1))],
    'expected "identity", or the login of the object store',
  ),
  /** `in-tree`: by the operator itself, which versions before 1.29 can; otherwise by its Barman Cloud plugin. */
  through: z.enum(["plugin", "in-tree"]).default("plugin"),
  /** How far back recovery can go. */
  days: z.int().min(1).max(3650).default(30),
  /** Cron with seconds first, in UTC. Default: daily at one. */
  schedule: z
    .string()
    .regex(/^(?:\S+ ){5}\S+$/, 'expected six fields, seconds first, such as "0 0 1 * * *"')
    .optional(),
});

/** The section `databases`. */
export const databasesSchema = z.strictObject({
  /** Namespace of the servers. Default: the name and `-databases`. */
  namespace: nodeName.optional(),
  /** Who gets a database and a login. Default: a domain with two sequencers and one participant. */
  nodes: z
    .array(nodeName)
    .min(1)
    .max(40)
    .refine((names) => new Set(names).size === names.length, "expected each name once")
    .refine(
      (names) => !names.includes("administrator") && !names.includes("monitoring"),
      "expected the names of nodes; administrator makes their databases, and monitoring looks at them",
    )
    .default(["domain-manager", "mediator", "sequencer1", "sequencer2", "participant1"]),
  /** Whether there is a domain, so that its sequencers need a server for their shared backend. */
  domain: z.boolean().default(true),
  version: z.enum(postgresVersions).default("17"),
  /** Image of that version; in production by tag and digest. Default: the operator's. */
  image: z.string().min(1).optional(),
  /** Machines with a copy each. Default: 1 in `dev`, 2 in `staging`, 3 in `production`. */
  instances: z.int().min(1).max(9).optional(),
  /** Of each instance. */
  diskGiB: z.int().min(1).max(65_536).default(20),
  cpu: z.number().min(0.1).max(256).default(1),
  memoryGiB: z.int().min(1).max(1024).default(2),
  maxConnections: z.int().min(20).max(10_000).default(300),
  backups: backups.optional(),
  /** Annotations of the servers' service accounts: their cloud identity. */
  identity: z.record(z.string(), z.string()).default({}),
  /** Counts up when servers begin anew, from backups of an earlier generation. */
  generation: z.int().min(1).max(999).default(1),
  /** Begins with the backups of an earlier generation, as they were at a moment. Default: the last. */
  restore: z.strictObject({ generation: z.int().min(1).max(999), at: moment.optional() }).optional(),
  /** Where CloudNativePG runs. */
  operatorNamespace: nodeName.default("cnpg-system"),
});

/** That section, checked. */
export type DatabasesConfig = z.output<typeof databasesSchema>;

/** What is wrong with how its keys go together. */
export function databasesProblems({ backups: store, restore, generation, identity }: DatabasesConfig): string[] {
  const problems: string[] = [];
  if (restore !== undefined) {
    if (store === undefined) problems.push("databases.backups is required: databases.restore begins with them");
    if (restore.generation >= generation) {
      problems.push(
        `databases.restore.generation: got ${restore.generation}; expected one before databases.generation, which is ${generation}`,
      );
    }
  }
  if (store === undefined) return problems;
  if (store.credentials === "identity") {
    if (Object.keys(identity).length === 0) {
      problems.push("databases.identity is required: databases.backups.credentials asks for it; expected annotations");
    }
    return problems;
  }
  const kind = store.url.startsWith("https:") ? "azure" : (store.url.slice(0, 2) as "s3" | "gs");
  const expected = credentialKeys[kind];
  const given = Object.keys(store.credentials);
  if (given.toSorted().join() !== expected.toSorted().join()) {
    problems.push(
      `databases.backups.credentials: got ${given.join(", ") || "nothing"}; expected ${expected.join(" and ")} for ${store.url}`,
    );
  }
  return problems;
}
