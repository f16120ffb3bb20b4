import type { InstanceArgs } from "@pulumi/aws/rds/instance.js";
import type { BucketVersioningArgs } from "@pulumi/aws/s3/bucketVersioning.js";
import type { ServerArgs } from "@pulumi/azure-native/dbforpostgresql/server.js";
import type { BlobServicePropertiesArgs } from "@pulumi/azure-native/storage/blobServiceProperties.js";
import type { DatabaseInstanceArgs } from "@pulumi/gcp/sql/databaseInstance.js";
import type { BucketArgs } from "@pulumi/gcp/storage/bucket.js";
import { expect, test } from "vitest";
import { testType, violations } from "../testing/ask.ts";
import { backups } from "./backups.ts";

testType(
  backups,
  { type: "aws:rds/instance:Instance", props: { backupRetentionPeriod: 7 } satisfies Partial<InstanceArgs> },
  [
    ["backupRetentionPeriod", 6],
    ["backupRetentionPeriod", undefined],
  ],
);
testType(backups, { type: "aws:rds/cluster:Cluster", props: { backupRetentionPeriod: 35 } }, [
  ["backupRetentionPeriod", 0],
]);
testType(
  backups,
  {
    type: "aws:s3/bucketVersioning:BucketVersioning",
    props: { versioningConfiguration: { status: "Enabled" } } satisfies Partial<BucketVersioningArgs>,
  },
  [["versioningConfiguration.status", "Suspended"]],
);
testType(
  backups,
  {
    type: "azure-native:dbforpostgresql:Server",
    props: { backup: { backupRetentionDays: 14 } } satisfies Partial<ServerArgs>,
  },
  [
    ["backup.backupRetentionDays", 6],
    ["backup", undefined, "backup.backupRetentionDays"],
  ],
);
testType(
  backups,
  {
    type: "azure-native:storage:BlobServiceProperties",
    props: { isVersioningEnabled: true } satisfies Partial<BlobServicePropertiesArgs>,
  },
  [["isVersioningEnabled", false]],
);
testType(
  backups,
  {
    type: "gcp:sql/databaseInstance:DatabaseInstance",
    props: {
      settings: {
        tier: "db-custom-2-7680",
        backupConfiguration: {
          enabled: true,
          pointInTimeRecoveryEnabled: true,
          backupRetentionSettings: { retainedBackups: 7 },
        },
      },
    } satisfies Partial<DatabaseInstanceArgs>,
  },
  [
    ["settings.backupConfiguration.enabled", false],
    ["settings.backupConfiguration.pointInTimeRecoveryEnabled", false],
    ["settings.backupConfiguration.backupRetentionSettings.retainedBackups", 3],
  ],
);
testType(
  backups,
  { type: "gcp:storage/bucket:Bucket", props: { versioning: { enabled: true } } satisfies Partial<BucketArgs> },
  [["versioning.enabled", false]],
);

test("how many days is configuration", async () => {
  const database = { type: "aws:rds/instance:Instance", props: { backupRetentionPeriod: 7 } };
  expect(await violations(backups, database, { days: 14 })).toEqual([
    "backupRetentionPeriod: got 7; expected 14 or more, in days",
  ]);
});

test("replicas and what is not in production need none", async () => {
  const replica = { type: "gcp:sql/databaseInstance:DatabaseInstance", props: { masterInstanceName: "nodes" } };
  expect(await violations(backups, replica)).toEqual([]);
  const database = { type: "aws:rds/instance:Instance", props: {} };
  expect(await violations(backups, database, { environment: "staging" })).toEqual([]);
});
