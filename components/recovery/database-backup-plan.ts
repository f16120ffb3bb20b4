/** The objects that back databases up: a CronJob and what it reads. Pure. */
import type { batch, core, networking } from "@pulumi/kubernetes/types/input.js";
import type { Input } from "@pulumi/pulumi";
import type { DatabaseServerState } from "../database/database-server.ts";
import type { ApplicationPeer } from "../participant/application/application-policies.ts";
import { componentLabel, nodeLabel } from "../platform/kubernetes/labels.ts";
import { identityEndpoints, peerOf } from "../platform/kubernetes/network-plan.ts";
import { containerSecurity, podSecurity } from "../platform/kubernetes/pod-plan.ts";

/** Where the job finds what it reads. */
const folder = "/etc/backup";
/** Where it puts dumps until they are uploaded. */
const scratch = "/scratch";

/** Keys of its Secret. */
const keys = { script: "backup.sh", databases: "databases", passwords: "pgpass", authorities: "server.crt" } as const;
/** Start of the keys of identity dumps. */
const identity = "identity-";

/** Five fields of cron. */
export const cronFields = /^(?:[0-9*,/-]+\s+){4}[0-9*,/-]+$/;

/** Keys of the login of an object store, by the start of its URL, each with the variable that rclone takes it from. */
const loginVariables = {
  s3: { accessKeyId: "RCLONE_S3_ACCESS_KEY_ID", secretAccessKey: "RCLONE_S3_SECRET_ACCESS_KEY" },
  gs: { "key.json": "RCLONE_GCS_SERVICE_ACCOUNT_CREDENTIALS" },
  https: {
    tenantId: "RCLONE_AZUREBLOB_TENANT",
    clientId: "RCLONE_AZUREBLOB_CLIENT_ID",
    clientSecret: "RCLONE_AZUREBLOB_CLIENT_SECRET",
  },
} as const;

/** The variable for each key of a login; a key that no login has has none. */
export const loginVariable: Readonly<Record<string, string>> = Object.assign({}, ...Object.values(loginVariables));

/** How an object store is reached, besides its URL. */
export interface ObjectStoreAccess {
  /** URL of one that speaks S3 and is not AWS'. Default: AWS. Example: `"https://minio.example.com:9000"`. */
  readonly endpoint?: string | undefined;
  /** Region of the bucket, for S3. Default: what the cloud tells the pod. Example: `"eu-central-1"`. */
  readonly region?: string | undefined;
  /** Keys of the login that is given. Default: none, the cloud's identity of the pod is used. */
  readonly login?: readonly string[] | undefined;
}

/** Where backups go, as rclone is told of it. */
export interface BackupTarget {
  /** Path of rclone. Example: `":s3:acme-backups/databases"`. */
  readonly remote: string;
  /** Variables that have rclone use the cloud's identity of the pod, or the login, and nothing that takes more permissions. */
  readonly env: Readonly<Record<string, string>>;
}

/** Port of the object store. */
export function storePort(endpoint: string | undefined): number {
  return endpoint === undefined ? 443 : Number(new URL(endpoint).port || 443);
}

/**
 * Where the backups below a URL go.
 *
 * @param url `s3://BUCKET/…`, `gs://BUCKET/…` or `https://ACCOUNT.blob.core.windows.net/CONTAINER/…`
 * @throws Error when it is none of them
 */
export function backupTarget(url: string, { endpoint, region, login }: ObjectStoreAccess = {}): BackupTarget {
  const bucket = /^(s3|gs):\/\/([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])((?:\/[A-Za-z0-9._-]+)*)\/?$/.exec(url);
  if (bucket !== null) {
    const [, scheme, name, path] = bucket;
    return scheme === "s3"
      ? {
          remote: `:s3:${name}${path}`,
          env: {
            ...(endpoint === undefined
              ? {
                  RCLONE_S3_PROVIDER: "AWS",
                  // Under a key of one's own what S3 answers is no checksum of the object; it has checked the upload against one.
                  RCLONE_IGNORE_CHECKSUM: "true",
                }
              : { RCLONE_S3_PROVIDER: "Other", RCLONE_S3_ENDPOINT: endpoint }),
            ...(region !== undefined && { RCLONE_S3_REGION: region }),
            ...(login === undefined && { RCLONE_S3_ENV_AUTH: "true" }),
            RCLONE_S3_NO_CHECK_BUCKET: "true",
          },
        }
      : {
          remote: `:gcs:${name}${path}`,
          env: {
            ...(login === undefined && { RCLONE_GCS_ENV_AUTH: "true" }),
            RCLONE_GCS_BUCKET_POLICY_ONLY: "true",
            RCLONE_GCS_NO_CHECK_BUCKET: "true",
          },
        };
  }
  const container = /^https:\/\/([a-z0-9]{3,24})\.blob\.core\.windows\.net((?:\/[A-Za-z0-9$._-]+)+)\/?$/.exec(url);
  if (container !== null) {
    const [, account = "", path = ""] = container;
    return {
      remote: `:azureblob:${path.slice(1)}`,
      env: {
        RCLONE_AZUREBLOB_ACCOUNT: account,
        ...(login === undefined && { RCLONE_AZUREBLOB_ENV_AUTH: "true" }),
        RCLONE_AZUREBLOB_NO_CHECK_CONTAINER: "true",
      },
    };
  }
  throw new Error(
    `url: got "${url}"; expected s3://BUCKET, gs://BUCKET or https://ACCOUNT.blob.core.windows.net/CONTAINER, and a path`,
  );
}

/** What is wrong with where backups go, each with its key. */
export function storeProblems(url: string, access: ObjectStoreAccess): string[] {
  try {
    backupTarget(url);
  } catch (error) {
    return [(error as Error).message];
  }
  const { endpoint, region, login } = access;
  const problems: string[] = [];
  const kind = url.split(":")[0] as keyof typeof loginVariables;
  if (endpoint !== undefined && !/^https:\/\/[a-z0-9.-]+(?::\d{1,5})?$/.test(endpoint)) {
    problems.push(`endpoint: got "${endpoint}"; expected https://HOST, or https://HOST:PORT`);
  }
  for (const [key, value] of Object.entries({ endpoint, region })) {
    if (value !== undefined && kind !== "s3") problems.push(`${key}: is for s3://BUCKET, but url is "${url}"`);
  }
  const expected = Object.keys(loginVariables[kind]);
  if (login !== undefined && login.toSorted().join() !== expected.toSorted().join()) {
    problems.push(`credentials: got ${login.join(", ") || "nothing"}; expected ${expected.join(" and ")} for ${url}`);
  }
  return problems;
}

/**
 * What the job does: for POSIX shells, with pg_dump, pg_restore, rclone and sha256sum on the PATH.
 *
 * A dump is read once more before it is uploaded. `SHA256SUMS` comes last: a folder without it is of a run that did not end. Where
 * it is told for how many days backups are kept, older ones go after that.
 */
export const backupScript = `#!/bin/sh
set -eu
umask 077
# libpq takes no file of passwords that a group can read.
cp "$BACKUP_FOLDER/${keys.passwords}" "$BACKUP_SCRATCH/.pgpass"
export PGPASSFILE="$BACKUP_SCRATCH/.pgpass"
cd "$BACKUP_SCRATCH"
# Where AWS tells a pod its region, rclone has to be told, too.
if [ -n "\${AWS_REGION:-}" ]; then export RCLONE_S3_REGION="\${RCLONE_S3_REGION:-$AWS_REGION}"; fi
target="$BACKUP_REMOTE/$(date -u +%Y-%m-%dT%H-%M-%SZ)"
: > SHA256SUMS
put() {
  sha256sum "$1" >> SHA256SUMS
  rclone copyto "$1" "$target/$1" < /dev/null
}
while read -r database user; do
  echo "dumping $database"
  pg_dump --no-password --format=custom --username="$user" --file="$database.dump" "$database" < /dev/null
  pg_restore --list "$database.dump" > /dev/null
  put "$database.dump"
  rm "$database.dump"
done < "$BACKUP_FOLDER/${keys.databases}"
for file in "$BACKUP_FOLDER/${identity}"*; do
  [ -e "$file" ] || continue
  name="\${file##*/}"
  cat "$file" > "$name"
  put "$name"
done
rclone copyto SHA256SUMS "$target/SHA256SUMS"
echo "backed up to $target"
# Only after a whole backup: what is there is not deleted while new ones fail.
if [ -n "\${BACKUP_KEEP_DAYS:-}" ]; then
  rclone delete --min-age "\${BACKUP_KEEP_DAYS}d" --include "/20??-??-??T??-??-??Z/*" "$BACKUP_REMOTE"
fi
`;

/** Names of logins in the order in which their databases are dumped: what the sequencers share last, so that no node is ahead of it. */
export function backupOrder(logins: readonly string[]): string[] {
  const shared = (name: string) => name.endsWith("sequencer-backend");
  return [...logins].sort((a, b) => Number(shared(a)) - Number(shared(b)) || (a < b ? -1 : 1));
}

/**
 * What is in the Secret of the job. Each database is dumped with its own login.
 *
 * @param dumps identity dumps by node
 * @throws Error naming a database whose name cannot be a file's
 */
export function backupFiles(
  { host, port, logins, caPem }: Pick<DatabaseServerState, "host" | "port" | "logins" | "caPem">,
  dumps: Readonly<Record<string, string>>,
): Record<string, string> {
  const ordered = backupOrder(Object.keys(logins)).flatMap((name) => logins[name] ?? []);
  for (const { database, user } of ordered) {
    for (const name of [database, user]) {
      if (!/^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(name)) {
        throw new Error(`got the database or login "${name}"; expected letters, digits, - and _`);
      }
    }
  }
  const field = (text: string) => text.replace(/[\\:]/g, "\\$&");
  const line = ({ database, user, password }: (typeof ordered)[number]) =>
    [host, `${port}`, database, user, password].map(field).join(":");
  return {
    [keys.script]: backupScript,
    [keys.databases]: ordered.map(({ database, user }) => `${database} ${user}\n`).join(""),
    [keys.passwords]: ordered.map((login) => `${line(login)}\n`).join(""),
    ...(caPem !== undefined && { [keys.authorities]: caPem }),
    ...Object.fromEntries(Object.entries(dumps).map(([node, dump]) => [`${identity}${node}.json`, dump])),
  };
}

/**
 * How the job reaches the server and the object store; passwords are in the Secret.
 *
 * @param keepDays after how many days it deletes what it has made; undefined: never
 */
export function backupEnvironment(
  { host, port, caPem, tls }: Pick<DatabaseServerState, "host" | "port" | "caPem" | "tls">,
  { remote, env }: BackupTarget,
  keepDays?: number,
): Record<string, string> {
  return {
    PGHOST: host,
    PGPORT: `${port}`,
    PGCONNECT_TIMEOUT: "30",
    ...(tls !== false && {
      PGSSLMODE: "verify-full",
      // `system`: those that every machine knows.
      PGSSLROOTCERT: caPem === undefined ? "system" : `${folder}/${keys.authorities}`,
    }),
    BACKUP_FOLDER: folder,
    BACKUP_SCRATCH: scratch,
    BACKUP_REMOTE: remote,
    RCLONE_CONFIG: `${scratch}/rclone.conf`,
    ...(keepDays !== undefined && { BACKUP_KEEP_DAYS: `${keepDays}` }),
    ...env,
  };
}

/** A backup, as its objects show it. */
export interface BackupPlan {
  /** Name of its objects: at most 52 characters, as Kubernetes wants it of CronJobs. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly serviceAccount: Input<string>;
  /** Five fields of cron, in UTC. */
  readonly schedule: string;
  /** Longest time of a run, in minutes. */
  readonly deadlineMinutes: number;
  readonly scratch: { readonly gib: number; readonly storageClass?: string | undefined };
}

/** Labels of its objects, and of its pods for the rules of the network. */
export function backupLabels({ name, labels }: Pick<BackupPlan, "name" | "labels">): Record<string, string> {
  return { ...labels, [nodeLabel]: name, [componentLabel]: "database-backup" };
}

/**
 * Its CronJob.
 *
 * @param podLabels labels of its pods, all of them
 */
export function backupCronJob(
  plan: BackupPlan,
  env: Input<readonly Input<core.v1.EnvVar>[]>,
  podLabels: Input<Record<string, string>>,
): batch.v1.CronJob {
  const { name, namespace } = plan;
  return {
    metadata: { name, namespace, labels: backupLabels(plan) },
    spec: {
      schedule: plan.schedule,
      timeZone: "Etc/UTC",
      // A second one would only be slower than the first.
      concurrencyPolicy: "Forbid",
      startingDeadlineSeconds: 3600,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 5,
      jobTemplate: {
        metadata: { labels: backupLabels(plan) },
        spec: {
          backoffLimit: 2,
          activeDeadlineSeconds: plan.deadlineMinutes * 60,
          template: {
            metadata: { labels: podLabels },
            spec: {
              restartPolicy: "Never",
              serviceAccountName: plan.serviceAccount,
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              securityContext: podSecurity,
              containers: [
                {
                  name: "backup",
                  image: plan.image,
                  imagePullPolicy: "IfNotPresent",
                  command: ["/bin/sh", `${folder}/${keys.script}`],
                  env: env as Input<Input<core.v1.EnvVar>[]>,
                  resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "1Gi" } },
                  securityContext: containerSecurity,
                  volumeMounts: [
                    { name: "backup", mountPath: folder, readOnly: true },
                    { name: "scratch", mountPath: scratch },
                    { name: "tmp", mountPath: "/tmp" },
                  ],
                },
              ],
              volumes: [
                { name: "backup", secret: { secretName: name, defaultMode: 0o440 } },
                { name: "scratch", ...scratchOf(plan) },
                { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
              ],
            },
          },
        },
      },
    },
  };
}

/** A disk that comes and goes with the run: of an encrypted class, or else the machine's. */
function scratchOf({ scratch: { gib, storageClass } }: BackupPlan): Partial<core.v1.Volume> {
  if (storageClass === undefined) return { emptyDir: { sizeLimit: `${gib}Gi` } };
  const spec = {
    accessModes: ["ReadWriteOnce"],
    storageClassName: storageClass,
    resources: { requests: { storage: `${gib}Gi` } },
  };
  return { ephemeral: { volumeClaimTemplate: { spec } } };
}

/** Whom the job talks to: nobody talks to it. Name resolution is open to all pods of a namespace of nodes already. */
export function backupPolicy(
  plan: Pick<BackupPlan, "name" | "namespace" | "labels">,
  database: { readonly peers: readonly ApplicationPeer[]; readonly port: Input<number> },
  storage: { readonly peers: readonly ApplicationPeer[]; readonly port: number },
) {
  const tcp = (port: Input<number>) => ({ port, protocol: "TCP" });
  const spec: networking.v1.NetworkPolicySpec = {
    podSelector: { matchLabels: { [nodeLabel]: plan.name } },
    policyTypes: ["Ingress", "Egress"],
    egress: [
      { to: database.peers.map(peerOf), ports: [tcp(database.port)] },
      { to: storage.peers.map(peerOf), ports: [tcp(storage.port)] },
      ...identityEndpoints.map(({ cidr, ports }) => ({ to: [{ ipBlock: { cidr } }], ports: ports.map(tcp) })),
    ],
  };
  return { metadata: { name: plan.name, namespace: plan.namespace, labels: backupLabels(plan) }, spec };
}
