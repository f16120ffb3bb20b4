import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  output,
  secret,
  unsecret,
} from "@pulumi/pulumi";
import type { DatabaseServerState } from "../database/database-server.ts";
import type { Deployment } from "../deployment/deployment.ts";
import type { ApplicationPeer } from "../participant/application/application-policies.ts";
import type { WorkloadIdentity } from "../platform/kubernetes/cluster.ts";
import { commonLabels } from "../platform/kubernetes/labels.ts";
import {
  backupCronJob,
  backupEnvironment,
  backupFiles,
  backupLabels,
  backupPolicy,
  backupTarget,
  cronFields,
  loginVariable,
  storePort,
  storeProblems,
} from "./database-backup-plan.ts";

/** Arguments of a `DatabaseBackup`. */
export interface DatabaseBackupArgs {
  readonly deployment: Deployment;
  /** Namespace of the nodes: their service account has the cloud identity that may write to the bucket. Example: `"canton-prod"`. */
  readonly namespace: string;
  /** That identity, as the cluster gives it out. Default: the service account `canton`, without one. */
  readonly workloadIdentity?: Input<Pick<WorkloadIdentity, "serviceAccount" | "podLabels"> | undefined>;
  /**
   * Image with /bin/sh, sha256sum, rclone 1.65 or later, and the PostgreSQL client in the server's version or a later one. Pin it by
   * digest in production. Example: `"registry.example.com/postgres-rclone@sha256:…"`.
   */
  readonly image: string;
  /** The server whose databases are backed up: one for each of its logins. */
  readonly server: Input<DatabaseServerState>;
  /**
   * Where backups go: `s3://BUCKET/PATH`, `gs://BUCKET/PATH` or `https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH`; each run makes
   * a folder there. The bucket encrypts them and deletes them when they are old.
   */
  readonly url: Input<string>;
  /** URL of an object store that speaks S3 and is not AWS'. Default: AWS'. Example: `"https://minio.example.com:9000"`. */
  readonly endpoint?: string;
  /** Region of the bucket, for S3. Default: the one that AWS tells the pod. */
  readonly region?: string;
  /**
   * A login of the object store, for pods that have no identity there: `accessKeyId` and `secretAccessKey` for `s3:`, `key.json` (a
   * service account's key) for `gs:`, `tenantId`, `clientId` and `clientSecret` for Azure. Default: the pods' cloud identity.
   */
  readonly credentials?: Readonly<Record<string, Input<string>>>;
  /**
   * Days after which a run that succeeded deletes older ones, 1 to 3650; its identity has to be allowed to delete. Default: never,
   * as a pod that cannot delete backups is the safer one: the bucket has a rule for them.
   */
  readonly keepDays?: number;
  /** Dumps of identities (`IdentityDump.content`), by node, that go with every backup. Default: none. */
  readonly identityDumps?: Readonly<Record<string, Input<string>>>;
  /**
   * When, as the five fields of cron, in UTC. Where sequencers share a server of their own, have that backed up an hour after the
   * nodes' server: no node may be ahead of it. Default: `"17 1 * * *"`.
   */
  readonly schedule?: string;
  /** Longest time of one run, in minutes, 1 to 1440. Default: 240. */
  readonly deadlineMinutes?: number;
  /** GiB for the largest dump, 1 to 4096. Default: 20. */
  readonly scratchGiB?: number;
  /** Class of encrypted disks for that. Default: the disk of the machine. */
  readonly storageClass?: string;
  /** Where the database server is. */
  readonly databases: readonly ApplicationPeer[];
  /** Where the bucket and the cloud's identity service are: private endpoints, or the world outside of the network. */
  readonly storage: readonly ApplicationPeer[];
}

/**
 * Nightly dumps of all databases of a server to a bucket of any cloud, beside what the cloud itself keeps: they can be read without
 * that cloud and restored to any PostgreSQL. How much is lost at most is a day; for less there is the cloud's point-in-time restore.
 *
 * Resources: 4.
 *
 * Cost: a small pod for the time of a run; the bucket, about 0.02 USD a GB and month.
 */
export class DatabaseBackup extends ComponentResource {
  constructor(name: string, args: DatabaseBackupArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:recovery:DatabaseBackup", name, {}, options);
    refuse(name, args);
    const { namespace, image, server, url, workloadIdentity, identityDumps = {} } = args;
    const { schedule = "17 1 * * *", deadlineMinutes = 240, scratchGiB = 20, storageClass } = args;
    const { endpoint, region, credentials = {}, keepDays } = args;
    const parent = { parent: this };
    const named = { name, namespace, labels: commonLabels(args.deployment) };
    const identity = output(workloadIdentity);

    // Where the server is is no secret; the passwords are.
    const where = unsecret(
      output(server).apply(({ administrator: _, logins: __, ...address }): ServerAddress => address),
    );
    const stringData = secret(
      all([server, all(identityDumps), all(credentials)]).apply(([state, dumps, login]) => ({
        ...backupFiles(state as DatabaseServerState, dumps),
        ...login,
      })),
    );
    const read = new Secret(
      name,
      { metadata: { name, namespace, labels: backupLabels(named) }, type: "Opaque", stringData },
      parent,
    );
    const allowed = new NetworkPolicy(
      name,
      backupPolicy(
        named,
        { peers: args.databases, port: where.apply(({ port }) => port) },
        { peers: args.storage, port: storePort(endpoint) },
      ),
      parent,
    );
    const access = { endpoint, region, login: args.credentials && Object.keys(credentials) };
    const env = all([where, url]).apply(([at, to]) => {
      const problems = storeProblems(to, access);
      if (problems.length > 0) throw new Error(problems.join("\n"));
      const plain = Object.entries(backupEnvironment(at, backupTarget(to, access), keepDays));
      return [
        ...plain.map(([variable, value]) => ({ name: variable, value })),
        ...Object.keys(credentials).map((key) => ({
          name: loginVariable[key] as string,
          valueFrom: { secretKeyRef: { name, key } },
        })),
      ];
    });
    const podLabels = identity.apply((given) => ({ ...backupLabels(named), ...given?.podLabels }));
    const serviceAccount = identity.apply((given) => given?.serviceAccount ?? "canton");
    new CronJob(
      name,
      backupCronJob(
        { ...named, image, schedule, deadlineMinutes, scratch: { gib: scratchGiB, storageClass }, serviceAccount },
        env,
        podLabels,
      ),
      { ...parent, dependsOn: [read, allowed] },
    );
    this.registerOutputs({});
  }
}

/** How a server is reached, without what it keeps. */
type ServerAddress = Omit<DatabaseServerState, "administrator" | "logins">;

function refuse(name: string, args: DatabaseBackupArgs): void {
  const { schedule = "17 1 * * *", deadlineMinutes = 240, scratchGiB = 20, image, deployment } = args;
  const whole = (field: string, value: number, most: number) =>
    Number.isInteger(value) && value >= 1 && value <= most
      ? []
      : [`${field}: got ${value}; expected a whole number, 1 to ${most}`];
  const problems = [
    ...(/^[a-z](?:[a-z0-9-]{0,50}[a-z0-9])?$/.test(name)
      ? []
      : [
          `name: got "${name}"; expected 1 to 52 lower-case letters, digits and hyphens, which a CronJob may be called`,
        ]),
    ...(cronFields.test(schedule)
      ? []
      : [`schedule: got "${schedule}"; expected the five fields of cron, such as "17 1 * * *"`]),
    ...whole("deadlineMinutes", deadlineMinutes, 1440),
    ...whole("scratchGiB", scratchGiB, 4096),
    ...(args.keepDays === undefined ? [] : whole("keepDays", args.keepDays, 3650)),
    ...(typeof args.url === "string"
      ? storeProblems(args.url, { ...args, login: args.credentials && Object.keys(args.credentials) })
      : []),
    ...(deployment.environment !== "production" || /@sha256:[0-9a-f]{64}$/.test(image)
      ? []
      : [`image: got "${image}"; expected an image by its digest in production, such as "registry/name@sha256:…"`]),
  ];
  if (problems.length > 0) throw new Error(problems.join("\n"));
}
