/** By whom users of Ledger APIs log in, as the configuration of `cluster-services` has it. */
import { type RealmPlan, realmProblems } from "@pulumi-canton/components/identity/keycloak/realm.ts";
import { hostName } from "@pulumi-canton/components/ingress/route.ts";
import { databaseOwner } from "@pulumi-canton/runtime/database-setup/config.ts";
import { z } from "zod";
import { nodeName } from "../config/nodes.ts";
import { cidr, pem } from "../infrastructure/config.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";

/** Name of its login on a server of databases. */
export const keycloakLogin = "keycloak";

/** The section `identityProvider`: Keycloak. */
export const identityProviderSchema = z.strictObject({
  /** Default: the name and `-login`. */
  namespace: nodeName.optional(),
  /** Keycloak 26.4 or later; in production by its digest. */
  image: z.string().min(1),
  /** The image was built (`kc.sh build`) for PostgreSQL, health, metrics and the cache stack `jdbc-ping`: pods start within seconds. */
  optimized: z.boolean().default(false),
  /** Pods. Default: 1 in `dev`, otherwise 2. */
  replicas: z.int().min(1).max(9).optional(),
  memoryMiB: z.int().min(1024).max(262_144).default(1536),
  /** Host name by which browsers and participants reach it, in the DNS as the ingress' address. */
  host: z.string().regex(hostName, 'expected a host name such as "login.example.com"'),
  /** Secret of its namespace with `tls.crt` and `tls.key` for the host. */
  certificateSecret: z.string().min(1),
  /** Authorities of that certificate, for participants. Default: those that every machine knows. */
  caPem: pem.optional(),
  /** Who may come in, in CIDR notation: browsers, and participants as the ingress sees them. */
  allowedRanges: z.array(cidr).min(1),
  /** Class of a Traefik that is there. Default: that of the section `ingress`. */
  ingressClass: z.string().min(1).optional(),
  /** Namespace that it runs in. Default: that of the section `ingress`. */
  ingressNamespace: nodeName.optional(),
  /** Image of the program that makes its database, where a server of the deployment has it. */
  databaseSetup: z.string().min(1).optional(),
  /** A stack, `project/stack`, whose database it takes over. Default: that of another stack is refused. */
  takeOverDatabasesFrom: databaseOwner.optional(),
  /** A database that is there already. Default: one of its own on the server of nodes. */
  database: z
    .strictObject({
      host: z.string().min(1),
      port: z.int().min(1).max(65_535).default(5432),
      database: z.string().min(1).default(keycloakLogin),
      user: z.string().min(1).default(keycloakLogin),
      /** A secret. */
      password: z.string().min(1),
      /** Authorities of the server's certificate. Default: those that every machine knows. */
      caPem: pem.optional(),
      /** Where the server is, as the network sees it. Default: private addresses. */
      ranges: z.array(cidr).min(1).optional(),
    })
    .optional(),
  /** What it is started with first; later changes are made in Keycloak. */
  realm: z.string().default("canton"),
  /** URL of the applications that people log in to. */
  applicationUrl: z.string(),
  /** What its tokens are for. Default: `https://daml.com/jwt/aud/participant/` and the name, as the OAuth2 middleware knows them. */
  audience: z.string().min(1).optional(),
  /** The client that people log in with. */
  client: z.string().default("applications"),
  /** Clients of programs; each is the user of its name. */
  services: z.array(z.string()).max(20).default([]),
  /** One of them, which makes users of Ledger APIs: its tokens are of `participant_admin`. */
  administrator: z.string().optional(),
  /** Providers of logins that it asks itself, by port 443. */
  https: z.array(cidr).default([]),
});

/** That section, checked. */
export type IdentityProviderConfig = z.output<typeof identityProviderSchema>;

/** Its realm. */
export function realmOf(config: IdentityProviderConfig, name: string) {
  const { realm, applicationUrl, client, services, administrator, audience } = config;
  return {
    realm,
    applicationUrl,
    client,
    services,
    administrator,
    audience: audience ?? `https://daml.com/jwt/aud/participant/${name}`,
  } satisfies RealmPlan;
}

/** What else the stack has. */
interface Besides {
  /** Nodes with a database on a server of the stack; absent without one. */
  readonly nodes: readonly string[] | undefined;
  readonly ingress: boolean;
  readonly infrastructure: boolean;
}

/** What is wrong with how its keys go together, and with what else the stack has. */
export function identityProviderProblems(
  config: IdentityProviderConfig,
  { nodes, ingress, infrastructure }: Besides,
): string[] {
  const { database } = config;
  const problems = realmProblems(realmOf(config, "name")).map((problem) => `identityProvider.${problem}`);
  for (const key of ["ingressClass", "ingressNamespace"] as const) {
    if (ingress && config[key] !== undefined) {
      problems.push(`identityProvider.${key}: is set beside ingress, which says it too; expected one of both`);
    }
    if (!ingress && config[key] === undefined) {
      problems.push(`identityProvider.${key} is required without ingress; expected that of a Traefik that is there`);
    }
  }
  if (database !== undefined) {
    for (const key of ["databaseSetup", "takeOverDatabasesFrom"] as const) {
      if (config[key] === undefined) continue;
      problems.push(`identityProvider.${key}: is set beside identityProvider.database, which is there already`);
    }
    return problems;
  }
  if (nodes === undefined && !infrastructure) {
    problems.push(
      "identityProvider.database is required without databases and infrastructure; expected one that is there",
    );
  } else if (config.databaseSetup === undefined) {
    problems.push(
      "identityProvider.databaseSetup is required without identityProvider.database; expected the image of the program that makes databases",
    );
  }
  if (nodes?.includes(keycloakLogin)) {
    problems.push(
      `databases.nodes: got "${keycloakLogin}", which is the login of identityProvider; expected the names of nodes`,
    );
  }
  return problems;
}

/**
 * What is wrong with it on an infrastructure.
 *
 * @param stack that the infrastructure is of
 * @param servers of databases that the infrastructure has, where the stack has none of its own
 */
export function databaseProblems(
  { database }: IdentityProviderConfig,
  stack: string | undefined,
  servers: InfrastructureState["databases"] | undefined,
): string[] {
  if (database !== undefined || servers === undefined) return [];
  const known = Object.keys(servers.nodes.logins);
  if (known.includes(keycloakLogin)) return [];
  return [
    `identityProvider: ${stack} has no login for it; expected ${keycloakLogin} among its nodes, which are ${known.join(", ")}, or identityProvider.database`,
  ];
}
