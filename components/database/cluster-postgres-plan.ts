/** What a PostgreSQL cluster of CloudNativePG is made of. Pure. */
import type { Environment } from "../deployment/deployment.ts";
import type { PostgresVersion } from "./database-server.ts";

/** Where backups and the write-ahead log go, and how pods may write there. */
export interface BackupStore {
  /** Folder in the object store. Example: `"s3://canton-backups/prod"`, `"gs://canton-backups/prod"`. */
  readonly url: string;
  /** Of an object store that is no cloud's own. Example: `"https://minio.example.com"`. Default: the cloud's. */
  readonly endpoint?: string;
  /**
   * `identity`: the pods' cloud identity. Otherwise a Secret: for `s3` with the keys `accessKeyId` and `secretAccessKey`, for
   * `gs` with `key.json`, for `azure` with `connectionString`.
   */
  readonly credentials: "identity" | { readonly secret: string };
  /** `plugin`: by the Barman Cloud plugin; `in-tree`: by the operator itself, which versions before 1.29 can. Default: `plugin`. */
  readonly through?: "plugin" | "in-tree";
  /** Days that backups and the log are kept: how far back recovery can go. Default: 30. */
  readonly days?: number;
  /** When a base backup is made: cron with seconds first, in UTC. Default: `0 0 1 * * *`, daily at one. */
  readonly schedule?: string;
}

/** A backup to begin with instead of nothing. */
export interface Restore {
  /** Name of the server whose backups are taken, in the same object store. Example: `"canton-prod-nodes"`. */
  readonly from: string;
  /** Moment to stop at, in ISO 8601 with a time zone. Example: `"2026-11-29T12:00:00Z"`. Default: as far as the log goes. */
  readonly at?: string;
}

/** What a `Cluster` is made of. */
export interface ClusterPlan {
  readonly name: string;
  readonly environment: Environment;
  readonly version: PostgresVersion;
  readonly image: string;
  readonly instances: number;
  readonly zones: number;
  readonly storageClass: string;
  readonly diskGiB: number;
  readonly cpu: number;
  readonly memoryGiB: number;
  readonly maxConnections: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Annotations of the pods' service account: their cloud identity. */
  readonly identity: Readonly<Record<string, string>>;
  readonly backups?: BackupStore;
  readonly restore?: Restore;
  /** Names of secrets. */
  readonly secrets: {
    readonly authority: string;
    readonly administrator: string;
    /** Absent: nobody looks at it from within. */
    readonly watcher?: string;
  };
}

/** Who makes databases and logins: no superuser. */
export const administrator = "administrator";
/** Who looks at how the server is. */
export const watcher = "monitoring";
/** Name of the plugin that keeps backups. */
const plugin = "barman-cloud.cloudnative-pg.io";

/**
 * Checks what a cluster is made of.
 *
 * @throws Error naming what is wrong
 */
export function checkClusterPlan(plan: ClusterPlan): void {
  const { environment, instances, backups, restore } = plan;
  for (const [key, value, least, most] of [
    ["instances", instances, 1, 9],
    ["diskGiB", plan.diskGiB, 1, 65_536],
    ["memoryGiB", plan.memoryGiB, 1, 1_024],
    ["maxConnections", plan.maxConnections, 20, 10_000],
    ["backups.days", backups?.days ?? 30, 1, 3_650],
  ] as const) {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new Error(`${key}: got ${value}; expected a whole number from ${least} to ${most}`);
    }
  }
  if (!(plan.cpu >= 0.1 && plan.cpu <= 256)) throw new Error(`cpu: got ${plan.cpu}; expected 0.1 to 256 CPUs`);
  if (environment === "production") {
    if (instances < 3) {
      throw new Error(
        `instances: got ${instances}; production takes at least 3, so that one that fails stops no commit`,
      );
    }
    if (backups === undefined) throw new Error("backups: got none; production takes a place for backups");
  }
  if (backups !== undefined) {
    storeOf(backups);
    if (!/^(?:\S+ ){5}\S+$/.test(backups.schedule ?? defaultSchedule)) {
      throw new Error(
        `backups.schedule: got "${backups.schedule}"; expected six fields, seconds first, such as "${defaultSchedule}"`,
      );
    }
  }
  if (restore === undefined) return;
  if (backups === undefined) throw new Error("restore: there are no backups to begin with; expected `backups` too");
  if (restore.from === plan.name) {
    throw new Error(
      `restore.from: got "${restore.from}", the server's own name, whose backups it would write over; expected another`,
    );
  }
  if (restore.at !== undefined && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(restore.at)) {
    throw new Error(`restore.at: got "${restore.at}"; expected a moment such as "2026-11-29T12:00:00Z"`);
  }
}

const defaultSchedule = "0 0 1 * * *";

/** The object store in the operator's words, the same for the plugin and in-tree. */
export function storeOf({ url, endpoint, credentials }: BackupStore): Record<string, unknown> {
  const kind = storeKind(url);
  const key = (name: string) => ({ name: (credentials as { readonly secret: string }).secret, key: name });
  const access = {
    s3: () => ({
      s3Credentials:
        credentials === "identity"
          ? { inheritFromIAMRole: true }
          : { accessKeyId: key("accessKeyId"), secretAccessKey: key("secretAccessKey") },
    }),
    gs: () => ({
      googleCredentials:
        credentials === "identity" ? { gkeEnvironment: true } : { applicationCredentials: key("key.json") },
    }),
    azure: () => ({
      azureCredentials:
        credentials === "identity" ? { inheritFromAzureAD: true } : { connectionString: key("connectionString") },
    }),
  };
  return {
    destinationPath: url,
    ...(endpoint !== undefined && { endpointURL: endpoint }),
    ...access[kind](),
    // Object stores of clouds encrypt by themselves; what is asked for here is their own key, which the bucket has.
    wal: { compression: "gzip", maxParallel: 4 },
    data: { compression: "gzip", jobs: 2 },
  };
}

function storeKind(url: string): "s3" | "gs" | "azure" {
  if (/^s3:\/\/[^/]+/.test(url)) return "s3";
  if (/^gs:\/\/[^/]+/.test(url)) return "gs";
  if (/^https:\/\/[^/]+\.blob\.core\.windows\.net\/[^/]+/.test(url)) return "azure";
  throw new Error(
    `backups.url: got "${url}"; expected s3://BUCKET, gs://BUCKET or https://ACCOUNT.blob.core.windows.net/CONTAINER`,
  );
}

/** The spec of the `Cluster`. */
export function planCluster(plan: ClusterPlan): Record<string, unknown> {
  const { name, instances, zones, version, storageClass, diskGiB, cpu, memoryGiB } = plan;
  const disk = (size: number) => ({ storageClass, size: `${size}Gi`, resizeInUseVolumes: true });
  return {
    description: `PostgreSQL ${version} of ${name}`,
    imageName: plan.image,
    instances,
    storage: disk(diskGiB),
    // On a disk of its own: a log that cannot be archived fills this one first, and data stays whole.
    walStorage: disk(Math.max(2, Math.ceil(diskGiB / 4))),
    resources: {
      requests: { cpu: `${Math.round(cpu * 1000)}m`, memory: `${memoryGiB}Gi` },
      limits: { memory: `${memoryGiB}Gi` },
    },
    inheritedMetadata: { labels: plan.labels },
    // Without an annotation the object would show a change for ever.
    ...(Object.keys(plan.identity).length > 0 && {
      serviceAccountTemplate: { metadata: { annotations: plan.identity } },
    }),
    affinity: {
      enablePodAntiAffinity: true,
      topologyKey: "kubernetes.io/hostname",
      podAntiAffinityType: instances > 1 ? "required" : "preferred",
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        // With fewer zones than instances, one zone takes more; it must not keep the others from starting.
        whenUnsatisfiable: zones >= instances && instances > 1 ? "DoNotSchedule" : "ScheduleAnyway",
        labelSelector: { matchLabels: { "cnpg.io/cluster": name, "cnpg.io/podRole": "instance" } },
      },
    ],
    enablePDB: true,
    enableSuperuserAccess: false,
    primaryUpdateStrategy: "unsupervised",
    primaryUpdateMethod: "switchover",
    certificates: { serverCASecret: plan.secrets.authority },
    postgresql: {
      // A commit is acknowledged when a second machine has it.
      ...(instances > 1 && { synchronous: { method: "any", number: 1, dataDurability: "required" } }),
      parameters: {
        max_connections: String(plan.maxConnections),
        shared_buffers: `${memoryGiB * 256}MB`,
        effective_cache_size: `${memoryGiB * 768}MB`,
        password_encryption: "scram-sha-256",
        ssl_min_protocol_version: "TLSv1.2",
        log_checkpoints: "on",
        log_connections: "on",
        log_disconnections: "on",
        log_lock_waits: "on",
        log_temp_files: "0",
        // So that the administrator can hand a database to the login that it made.
        createrole_self_grant: "set, inherit",
      },
      pg_hba: ["hostnossl all all all reject", "hostssl all all all scram-sha-256"],
    },
    managed: {
      roles: [
        {
          name: administrator,
          ensure: "present",
          login: true,
          createdb: true,
          createrole: true,
          superuser: false,
          inherit: true,
          passwordSecret: { name: plan.secrets.administrator },
        },
        ...(plan.secrets.watcher === undefined
          ? []
          : [
              {
                name: watcher,
                ensure: "present",
                login: true,
                superuser: false,
                inherit: true,
                inRoles: ["pg_monitor"],
                passwordSecret: { name: plan.secrets.watcher },
              },
            ]),
      ],
    },
    bootstrap: bootstrapOf(plan),
    ...backupOf(plan),
    ...sourceOf(plan),
  };
}

function bootstrapOf({ restore }: ClusterPlan): Record<string, unknown> {
  if (restore === undefined) {
    return {
      initdb: {
        database: "app",
        owner: "app",
        dataChecksums: true,
        encoding: "UTF8",
        localeCType: "C",
        localeCollate: "C",
      },
    };
  }
  return {
    recovery: { source: restore.from, ...(restore.at !== undefined && { recoveryTarget: { targetTime: restore.at } }) },
  };
}

/** Where the log and backups go. */
function backupOf({ name, backups }: ClusterPlan): Record<string, unknown> {
  if (backups === undefined) return {};
  if (backups.through === "in-tree") {
    return {
      backup: { target: "prefer-standby", retentionPolicy: retention(backups), barmanObjectStore: storeOf(backups) },
    };
  }
  return {
    backup: { target: "prefer-standby" },
    plugins: [{ name: plugin, isWALArchiver: true, parameters: { barmanObjectName: name, serverName: name } }],
  };
}

/** Where a restored server comes from. */
function sourceOf({ name, backups, restore }: ClusterPlan): Record<string, unknown> {
  if (backups === undefined || restore === undefined) return {};
  const { from } = restore;
  const store =
    backups.through === "in-tree"
      ? { barmanObjectStore: { ...storeOf(backups), serverName: from } }
      : { plugin: { name: plugin, parameters: { barmanObjectName: name, serverName: from } } };
  return { externalClusters: [{ name: from, ...store }] };
}

/** The spec of the plugin's `ObjectStore`. */
export function planObjectStore(backups: BackupStore): Record<string, unknown> {
  return { configuration: storeOf(backups), retentionPolicy: retention(backups) };
}

/** The spec of the `ScheduledBackup`. */
export function planScheduledBackup(name: string, backups: BackupStore): Record<string, unknown> {
  return {
    cluster: { name },
    schedule: backups.schedule ?? defaultSchedule,
    // So that recovery is possible from the first hour on.
    immediate: true,
    backupOwnerReference: "self",
    ...(backups.through === "in-tree"
      ? { method: "barmanObjectStore" }
      : { method: "plugin", pluginConfiguration: { name: plugin } }),
  };
}

function retention({ days = 30 }: BackupStore): string {
  return `${days}d`;
}
