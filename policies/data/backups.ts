import { type CommonConfig, isOneOf, isTrue, must, policy, type Rule } from "../policy.ts";
import { at, type Properties, show, unknown } from "../properties.ts";

/** What {@link backups} takes. */
interface BackupConfig {
  /** Days for which backups have to be kept. */
  readonly days: number;
}

function days(path: string, unless: (props: Properties) => boolean = () => false): Rule<CommonConfig & BackupConfig> {
  return ({ props }, config) => {
    const value = at(props, path);
    if (unless(props) || value === unknown || (typeof value === "number" && value >= config.days)) return [];
    return [`${path}: got ${show(value)}; expected ${config.days} or more, in days`];
  };
}

/** Databases can be brought back to any instant of the last days, and what lies in buckets to what it was. */
export const backups = policy<BackupConfig>({
  name: "backups",
  description: "In production databases are backed up for point-in-time recovery, and buckets keep old versions.",
  severity: "high",
  appliesIn: "production",
  config: {
    days: {
      type: "integer",
      minimum: 1,
      maximum: 35,
      default: 7,
      description: "Days for which backups of databases are kept.",
    },
  },
  rules: {
    "aws:rds/instance:Instance": [
      days("backupRetentionPeriod", ({ replicateSourceDb }) => replicateSourceDb !== undefined),
    ],
    "aws:rds/cluster:Cluster": [days("backupRetentionPeriod")],
    "aws:s3/bucketVersioning:BucketVersioning": [
      must("versioningConfiguration.status", '"Enabled"', isOneOf("Enabled")),
    ],
    "azure-native:dbforpostgresql:Server": [
      days(
        "backup.backupRetentionDays",
        ({ createMode, replicationRole }) => createMode === "Replica" || replicationRole === "GeoAsyncReplica",
      ),
    ],
    "azure-native:storage:BlobServiceProperties": [must("isVersioningEnabled", "true", isTrue)],
    "gcp:sql/databaseInstance:DatabaseInstance": [
      must("settings.backupConfiguration.enabled", "true", isTrue, isReplica),
      must("settings.backupConfiguration.pointInTimeRecoveryEnabled", "true", isTrue, isReplica),
      days("settings.backupConfiguration.backupRetentionSettings.retainedBackups", isReplica),
    ],
    // What is under retention can neither be overwritten nor deleted.
    "gcp:storage/bucket:Bucket": [
      must("versioning.enabled", "true", isTrue, ({ retentionPolicy }) => retentionPolicy !== undefined),
    ],
  },
});

function isReplica({ masterInstanceName }: Properties): boolean {
  return masterInstanceName !== undefined;
}
