/** Loki's configuration: one process that takes, keeps and finds logs. Pure. */

import { httpPorts } from "../kubernetes/names.ts";

/** Where logs are kept. */
export type LogStore =
  | { readonly kind: "filesystem" }
  | { readonly kind: "s3"; readonly bucket: string; readonly region: string }
  | { readonly kind: "gcs"; readonly bucket: string }
  | { readonly kind: "azure"; readonly account: string; readonly container: string };

/** What Loki keeps, and for how long. */
export interface LokiOptions {
  readonly store: LogStore;
  /** Days after which logs are deleted. */
  readonly retentionDays: number;
  /** Megabytes a second that it takes. */
  readonly ingestionMegabytes: number;
  /** Where the alerts go that are read out of logs; absent: there are none. */
  readonly alertmanagerUrl?: string;
}

/** Folder of Loki's volume. */
export const lokiFolder = "/var/loki";
/** Folder of the rules, by tenant; without tenants it is called `fake`. */
export const lokiRulesFolder = "/etc/loki-rules";

/**
 * What a URL of a bucket stands for, as the infrastructure stacks hand it on.
 *
 * @param url `s3://bucket`, `gs://bucket`, `https://account.blob.core.windows.net/container`; absent: Loki's own volume
 * @param region of an S3 bucket
 * @throws Error naming the URL and what is expected
 */
export function logStore(url?: string, region?: string): LogStore {
  if (url === undefined) return { kind: "filesystem" };
  const [, bucket] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?$/.exec(url) ?? [];
  if (bucket !== undefined) {
    if (region === undefined)
      throw new Error(`logs.region: got none; the bucket ${url} needs the region that it is in`);
    return { kind: "s3", bucket, region };
  }
  const [, gcs] = /^gs:\/\/([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])\/?$/.exec(url) ?? [];
  if (gcs !== undefined) return { kind: "gcs", bucket: gcs };
  const [, account, container] =
    /^https:\/\/([a-z0-9]{3,24})\.blob\.core\.windows\.net\/([a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9]))\/?$/.exec(url) ?? [];
  if (account !== undefined && container !== undefined) return { kind: "azure", account, container };
  throw new Error(
    `logs.bucket: got "${url}"; expected s3://bucket, gs://bucket or https://account.blob.core.windows.net/container`,
  );
}

/** Credentials are the cloud's own: the pod's workload identity. */
function storage(store: LogStore) {
  switch (store.kind) {
    case "filesystem":
      return { filesystem: { directory: `${lokiFolder}/chunks` } };
    case "s3":
      // The client of the bucket speaks HTTPS unless it is told otherwise.
      return { aws: { bucketnames: store.bucket, region: store.region, insecure: false } };
    case "gcs":
      return { gcs: { bucket_name: store.bucket } };
    case "azure":
      return { azure: { account_name: store.account, container_name: store.container, use_federated_token: true } };
  }
}

const objectStore = { filesystem: "filesystem", s3: "aws", gcs: "gcs", azure: "azure" } as const;

/** The configuration file. */
export function lokiConfig({ store, retentionDays, ingestionMegabytes, alertmanagerUrl }: LokiOptions) {
  return {
    // One deployment, one tenant: who may read is decided by who reaches it.
    auth_enabled: false,
    server: { http_listen_port: httpPorts.loki, grpc_listen_address: "127.0.0.1", log_format: "json" },
    common: {
      path_prefix: lokiFolder,
      replication_factor: 1,
      ring: { kvstore: { store: "inmemory" }, instance_addr: "127.0.0.1" },
    },
    // Its parts call each other on loopback; this one would tell them the pod's own address.
    frontend: { address: "127.0.0.1" },
    schema_config: {
      configs: [
        {
          from: "2024-01-01",
          store: "tsdb",
          object_store: objectStore[store.kind],
          schema: "v13",
          index: { prefix: "index_", period: "24h" },
        },
      ],
    },
    storage_config: {
      ...storage(store),
      tsdb_shipper: { active_index_directory: `${lokiFolder}/index`, cache_location: `${lokiFolder}/index-cache` },
    },
    compactor: {
      working_directory: `${lokiFolder}/compactor`,
      retention_enabled: true,
      delete_request_store: objectStore[store.kind],
    },
    limits_config: {
      retention_period: `${retentionDays * 24}h`,
      ingestion_rate_mb: ingestionMegabytes,
      ingestion_burst_size_mb: ingestionMegabytes * 2,
      reject_old_samples: true,
      reject_old_samples_max_age: "168h",
      allow_structured_metadata: true,
      volume_enabled: true,
      // Logs kept for audit are deleted by age alone: nobody can ask for it.
      deletion_mode: "disabled",
    },
    ...(alertmanagerUrl !== undefined && {
      ruler: {
        storage: { type: "local", local: { directory: lokiRulesFolder } },
        rule_path: `${lokiFolder}/rules`,
        alertmanager_url: alertmanagerUrl,
        ring: { kvstore: { store: "inmemory" } },
      },
    }),
    analytics: { reporting_enabled: false },
  };
}
