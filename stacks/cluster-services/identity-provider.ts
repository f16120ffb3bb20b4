/** Keycloak in a cluster: by whom users of Ledger APIs log in. */
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { type Input, mergeOptions, type Output, output, type Resource, secret } from "@pulumi/pulumi";
import type { DatabaseServerState } from "@pulumi-canton/components/database/database-server.ts";
import { Keycloak, type KeycloakArgs, providerAt } from "@pulumi-canton/components/identity/keycloak/keycloak.ts";
import { keycloakPorts } from "@pulumi-canton/components/identity/keycloak/keycloak-plan.ts";
import { traefikPorts } from "@pulumi-canton/components/ingress/traefik-options.ts";
import { TraefikRoutes } from "@pulumi-canton/components/ingress/traefik-routes.ts";
import { loginOf } from "@pulumi-canton/components/platform/kubernetes/database-job.ts";
import { KubernetesDatabase } from "@pulumi-canton/components/platform/kubernetes/kubernetes-database.ts";
import { namespacePolicies } from "@pulumi-canton/components/platform/kubernetes/network-plan.ts";
import { privateRanges } from "../infrastructure/config.ts";
import type { ClusterServices } from "../infrastructure/outputs.ts";
import { type IdentityProviderConfig, keycloakLogin, realmOf } from "./identity-provider-config.ts";
import type { Place } from "./place.ts";

/** What it stands on. */
export interface IdentityProviderBase {
  /** Its namespace. */
  readonly namespace: Resource;
  /** The server of nodes' databases; needed where the configuration names no database. */
  readonly server:
    | {
        readonly state: Input<DatabaseServerState>;
        readonly port: number;
        /** Namespace that it runs in. Absent: it is outside of the cluster. */
        readonly namespace?: string;
      }
    | undefined;
  /** The Traefik through which it is reached. */
  readonly ingress: { readonly namespace: string; readonly ingressClass: string };
  /** Namespace of who reads metrics. */
  readonly monitoring: string | undefined;
}

/** What was made. */
export interface MadeIdentityProvider {
  /** What the stacks of nodes have to know of it. */
  readonly state: NonNullable<ClusterServices["identityProvider"]>;
  /** What applications have to know of it. */
  readonly shown: Readonly<Record<string, string>>;
  /** The first administrator, and the secrets of clients. Secret. */
  readonly secrets: Output<unknown>;
}

/** Name of its Deployment and Service. */
const name = "login";

/** Keycloak in a namespace that is closed but for the ingress and its database. */
export function makeIdentityProvider(
  config: IdentityProviderConfig,
  place: Place,
  { namespace: made, server, ingress, monitoring }: IdentityProviderBase,
): MadeIdentityProvider {
  const { deployment, options } = place;
  const namespace = place.namespaces.identityProvider;
  const databases = databasePeers(config, server);
  const after = mergeOptions(options, { dependsOn: [made] });
  const closed = closeNamespace(place, namespace, databases, made);
  const { database, ready } = databaseOf(config, place, server?.state, closed);
  const url = `https://${config.host}`;
  const realm = realmOf(config, deployment.name);
  const args: KeycloakArgs = {
    deployment,
    namespace,
    image: config.image,
    optimized: config.optimized,
    replicas: config.replicas ?? (deployment.environment === "dev" ? 1 : 2),
    memoryMiB: config.memoryMiB,
    url,
    database,
    realm,
    ingress: [{ namespace: ingress.namespace }],
    monitoring: monitoring === undefined ? [] : [{ namespace: monitoring }],
    databases,
    https: config.https.map((cidr) => ({ cidr })),
  };
  const keycloak = new Keycloak(name, args, mergeOptions(after, { dependsOn: ready }));
  const { host, allowedRanges, certificateSecret, caPem } = config;
  const route = { name: "keycloak", host, services: [name], port: keycloakPorts.http, mode: "http" } as const;
  new TraefikRoutes(
    `${name}-route`,
    {
      deployment,
      namespace,
      ingressClass: ingress.ingressClass,
      routes: [{ ...route, allowedRanges, certificateSecret }],
    },
    after,
  );
  const known = providerAt(url, realm.realm);
  const { audience, client } = realm;
  return {
    state: {
      ...known,
      audience,
      ...(caPem !== undefined && { caPem }),
      through: { namespace: ingress.namespace, port: traefikPorts.websecure },
    },
    shown: { namespace, ...known, audience, client },
    secrets: secret(output({ administrator: keycloak.administrator, clients: keycloak.clientSecrets })),
  };
}

/** Where its database server is, as the network sees it. */
function databasePeers({ database }: IdentityProviderConfig, server: IdentityProviderBase["server"]) {
  const port = (database ?? server)?.port ?? 5432;
  const inCluster = database === undefined ? server?.namespace : undefined;
  if (inCluster !== undefined) return [{ peer: { namespace: inCluster }, port }];
  return (database?.ranges ?? privateRanges).map((cidr) => ({ peer: { cidr }, port }));
}

/** Nothing gets in or out but name resolution, and to the database who makes it; the rest is Keycloak's own matter. */
function closeNamespace(
  { labels, inCluster }: Place,
  namespace: string,
  databases: ReturnType<typeof databasePeers>,
  made: Resource,
): Resource[] {
  const nobody = { https: [], sequencers: [], operators: [], monitoring: [], ingress: [], workloadIdentity: false };
  return namespacePolicies(namespace, { ...nobody, databases }).map(
    ({ name: policy, spec }) =>
      new NetworkPolicy(
        `${name}-${policy}`,
        { metadata: { name: policy, namespace, labels }, spec },
        { ...inCluster, dependsOn: [made] },
      ),
  );
}

/** The database that the configuration names, or one that a job makes on the server of nodes. */
function databaseOf(
  config: IdentityProviderConfig,
  { namespaces, labels, inCluster }: Place,
  server: Input<DatabaseServerState> | undefined,
  closed: Resource[],
): { readonly database: KeycloakArgs["database"]; readonly ready: Resource[] } {
  if (config.database !== undefined) {
    const { host, port, caPem, database, user, password } = config.database;
    return {
      database: {
        server: { host, port, ...(caPem !== undefined && { caPem }) },
        login: secret({ database, user, password }),
      },
      ready: closed,
    };
  }
  if (server === undefined || config.databaseSetup === undefined) throw new Error("the database was not checked");
  const { resource } = new KubernetesDatabase(
    keycloakLogin,
    {
      name: keycloakLogin,
      namespace: namespaces.identityProvider,
      labels,
      image: config.databaseSetup,
      imagePullSecrets: [],
      server,
      takeOverFrom: config.takeOverDatabasesFrom,
      ...inCluster,
    },
    { dependsOn: closed },
  );
  const state = secret(output(server));
  return {
    database: { server: state, login: state.apply((known) => loginOf(known, keycloakLogin)) },
    ready: [...closed, resource],
  };
}
