import { ProjectSink } from "@pulumi/gcp/logging/projectSink.js";
import { Bucket, type BucketArgs } from "@pulumi/gcp/storage/bucket.js";
import { BucketIAMMember } from "@pulumi/gcp/storage/bucketIAMMember.js";
import { ComponentResource, type ComponentResourceOptions, type Input, interpolate, type Output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";

/** Arguments of a `GcpStorage`. */
export interface GcpStorageArgs {
  readonly deployment: Deployment;
  /** Id of the project. Example: `"acme-canton-prod"`. */
  readonly project: string;
  /** Example: `"europe-west3"`. */
  readonly region: string;
  /** Resource name of the key that encrypts both buckets. */
  readonly key: Input<string>;
  /** The account of the nodes: it writes and reads dumps, and adds logs. */
  readonly workload: Input<string>;
  /** Namespace of the nodes, whose logs are kept. */
  readonly namespace: string;
  /** Days that a dump is kept. Default: 35. */
  readonly backupDays?: number;
  /** Days that logs are kept for audit; before that nobody can delete or change them. Default: 365. */
  readonly logDays?: number;
  /** Locks that: not even the project's owner can shorten it, or delete the bucket before. It cannot be taken back. Default: true. */
  readonly lockLogs?: boolean;
  /** Keeps both buckets when the stack is destroyed. Default: true. */
  readonly retain?: boolean;
}

const day = 86_400;

/**
 * Where dumps and logs go: a bucket for identity dumps and backups, with versions, and one for logs kept for audit, in which
 * nothing can be deleted or changed before its days are over. Google's audit log and the logs of the nodes go to the latter.
 *
 * Resources: 7.
 *
 * Cost: 0.02 USD a GiB and month, less as it gets older; KMS 0.03 USD for 10,000 requests.
 */
export class GcpStorage extends ComponentResource {
  /** URL `gs://…` of the bucket for backups. */
  declare readonly backups: Output<string>;
  /** Name of the bucket of logs. */
  declare readonly logs: Output<string>;

  constructor(name: string, args: GcpStorageArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:recovery:GcpStorage", name, {}, options);
    const { backupDays = 35, logDays = 365, lockLogs = true } = args;
    for (const [field, days] of Object.entries({ backupDays, logDays })) {
      if (!Number.isInteger(days) || days < 1 || days > 3650)
        throw new Error(`${field}: got ${days}; expected 1 to 3650`);
    }

    const backups = this.#makeBucket("backups", args, {
      versioning: { enabled: true },
      softDeletePolicy: { retentionDurationSeconds: 7 * day },
      lifecycleRules: [
        ...(backupDays > 30 ? [coldAfter(30, "NEARLINE")] : []),
        { action: { type: "Delete" }, condition: { age: backupDays } },
        { action: { type: "Delete" }, condition: { daysSinceNoncurrentTime: 7, withState: "ARCHIVED" } },
      ],
    });
    const logs = this.#makeBucket("logs", args, {
      retentionPolicy: { retentionPeriod: String(logDays * day), isLocked: lockLogs },
      lifecycleRules: [
        ...(logDays > 90 ? [coldAfter(90, "COLDLINE")] : []),
        { action: { type: "Delete" }, condition: { age: logDays } },
      ],
    });
    const { deployment, workload } = args;
    this.#grant(`${deployment.name}-backups`, backups, "roles/storage.objectUser", workload);
    this.#grant(`${deployment.name}-logs`, logs, "roles/storage.objectCreator", workload);
    this.#keepLogs(args, logs);

    this.backups = interpolate`gs://${backups.name}`;
    this.logs = logs.name;
    this.registerOutputs({ backups: this.backups, logs: this.logs });
  }

  #makeBucket(purpose: string, args: GcpStorageArgs, special: Partial<BucketArgs>): Bucket {
    const { deployment, project, region, key, retain = true } = args;
    // Names of buckets are everybody's.
    const name = nameWithin({ length: 63, scope: project }, deployment.name, purpose);
    return new Bucket(
      name,
      {
        name,
        location: region,
        storageClass: "STANDARD",
        uniformBucketLevelAccess: true,
        publicAccessPrevention: "enforced",
        encryption: { defaultKmsKeyName: key },
        forceDestroy: !retain,
        labels: tagsOf(deployment),
        ...special,
      },
      { parent: this, protect: retain, retainOnDelete: retain },
    );
  }

  #grant(name: string, bucket: Bucket, role: string, member: Input<string>): void {
    new BucketIAMMember(name, { bucket: bucket.name, role, member }, { parent: this });
  }

  #keepLogs({ deployment, project, namespace }: GcpStorageArgs, bucket: Bucket): void {
    const name = nameWithin({ length: 63 }, deployment.name, "audit");
    const sink = new ProjectSink(
      name,
      {
        name,
        project,
        destination: interpolate`storage.googleapis.com/${bucket.name}`,
        filter: [
          `log_id("cloudaudit.googleapis.com/activity")`,
          `log_id("cloudaudit.googleapis.com/data_access")`,
          `log_id("cloudaudit.googleapis.com/system_event")`,
          `(resource.type="k8s_container" AND resource.labels.namespace_name="${namespace}")`,
        ].join(" OR "),
        uniqueWriterIdentity: true,
      },
      { parent: this },
    );
    this.#grant(name, bucket, "roles/storage.objectCreator", sink.writerIdentity);
  }
}

function coldAfter(age: number, storageClass: string) {
  return { action: { type: "SetStorageClass", storageClass }, condition: { age } };
}
