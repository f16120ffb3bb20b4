/** The PostgreSQL servers of a cluster. */
import type { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { mergeOptions, type Output, secret } from "@pulumi/pulumi";
import { ClusterPostgres, type ClusterPostgresArgs } from "@pulumi-canton/components/database/cluster-postgres.ts";
import type { DatabaseServerState } from "@pulumi-canton/components/database/database-server.ts";
import { nameWithin } from "@pulumi-canton/components/deployment/names.ts";
import type { WatchedDatabase } from "@pulumi-canton/components/observability/kubernetes/postgres-exporter.ts";
import type { DatabasesConfig } from "./databases-config.ts";
import { type Place, restrictedNamespace } from "./place.ts";

/** What was made. */
export interface MadeDatabases {
  readonly nodes: Output<DatabaseServerState>;
  readonly sequencerBackend?: Output<DatabaseServerState>;
  /** Names of the servers in the cluster. */
  readonly names: readonly string[];
  /** For exporters, where there are some. */
  readonly watched: readonly WatchedDatabase[];
}

/** Who reads how the servers are. */
export interface Watchers {
  /** Namespace of an operator of Prometheus. */
  readonly operator?: string;
  /** Namespace of exporters. */
  readonly exporters?: string;
}

/** Login of the sequencers' shared backend. */
const backendLogin = "sequencer-backend";
const credentialsName = "backup-credentials";

/** Who has a database beside those of nodes. */
export interface Guest {
  /** Its login. */
  readonly login: string;
  readonly namespace: string;
}

/**
 * A server for the databases of nodes, and one for what sequencers share, in a namespace that only nodes, guests and exporters
 * reach.
 */
export function makeDatabases(
  config: DatabasesConfig,
  place: Place,
  { operator, exporters }: Watchers,
  guests: readonly Guest[],
): MadeDatabases {
  const { deployment, namespaces, cluster, retain, options } = place;
  const namespace = restrictedNamespace(namespaces.databases, place.labels, place.kept);
  const credentials = makeCredentials(config, place, namespace);
  const server = (purpose: string, logins: readonly string[], others: readonly Guest[] = []): ClusterPostgres => {
    const called = (generation: number) => (generation === 1 ? purpose : `${purpose}-${generation}`);
    const args: ClusterPostgresArgs = {
      deployment,
      purpose: called(config.generation),
      namespace: namespaces.databases,
      clientNamespaces: [...namespaces.nodes, ...others.map((guest) => guest.namespace)],
      storageClass: cluster.storageClass,
      zones: cluster.zones,
      logins: [...logins, ...others.map(({ login }) => login)],
      version: config.version,
      diskGiB: config.diskGiB,
      cpu: config.cpu,
      memoryGiB: config.memoryGiB,
      maxConnections: config.maxConnections,
      identity: config.identity,
      operatorNamespace: config.operatorNamespace,
      retain,
      ...(config.image !== undefined && { image: config.image }),
      ...(config.instances !== undefined && { instances: config.instances }),
      ...(config.backups && { backups: storeOf(config.backups) }),
      ...(config.restore && {
        restore: {
          from: nameWithin({ length: 50 }, deployment.name, called(config.restore.generation)),
          ...(config.restore.at !== undefined && { at: config.restore.at }),
        },
      }),
      ...(operator !== undefined && { monitoringNamespace: operator }),
      ...(exporters !== undefined && { exporterNamespace: exporters }),
    };
    const after = { dependsOn: [namespace, ...(credentials ? [credentials] : [])] };
    return new ClusterPostgres(`databases-${called(config.generation)}`, args, mergeOptions(options, after));
  };
  const nodes = server("nodes", config.nodes, guests);
  const backend = config.domain ? server("sequencers", [backendLogin]) : undefined;
  const servers = [nodes, ...(backend ? [backend] : [])];
  const copies = config.instances ?? (deployment.environment === "dev" ? 1 : 2);
  return {
    nodes: nodes.server,
    ...(backend && { sequencerBackend: backend.server }),
    names: servers.map(({ clusterName }) => clusterName),
    watched:
      exporters === undefined ? [] : servers.flatMap((each) => watchedIn(each, namespaces.databases, copies > 1)),
  };
}

/** The instance that takes the writes, and one that follows it. */
function watchedIn({ clusterName, caPem, watcher }: ClusterPostgres, namespace: string, follows: boolean) {
  return ["rw", ...(follows ? ["ro"] : [])].map(
    (service): WatchedDatabase => ({
      name: service === "rw" ? clusterName : `${clusterName}-replica`,
      host: `${clusterName}-${service}.${namespace}.svc`,
      user: watcher.apply((login) => login?.user ?? ""),
      password: watcher.apply((login) => login?.password ?? ""),
      caPem,
    }),
  );
}

function storeOf(store: NonNullable<DatabasesConfig["backups"]>): NonNullable<ClusterPostgresArgs["backups"]> {
  const { url, endpoint, credentials, through, days, schedule } = store;
  return {
    url,
    through,
    days,
    credentials: credentials === "identity" ? credentials : { secret: credentialsName },
    ...(endpoint !== undefined && { endpoint }),
    ...(schedule !== undefined && { schedule }),
  };
}

/** The login of the object store. */
function makeCredentials({ backups }: DatabasesConfig, place: Place, namespace: Namespace): Secret | undefined {
  if (backups === undefined || backups.credentials === "identity") return undefined;
  // By this label the operator takes a new login up by itself.
  const labels = { ...place.labels, "cnpg.io/reload": "true" };
  return new Secret(
    credentialsName,
    {
      metadata: { name: credentialsName, namespace: namespace.metadata.name, labels },
      stringData: secret(backups.credentials),
    },
    place.kept,
  );
}
