import type { InstanceArgs } from "@pulumi/aws/rds/instance.js";
import type { BucketArgs as S3BucketArgs } from "@pulumi/aws/s3/bucket.js";
import type { VaultArgs } from "@pulumi/azure-native/keyvault/vault.js";
import type { ClusterArgs as GkeClusterArgs } from "@pulumi/gcp/container/cluster.js";
import type { DatabaseInstanceArgs } from "@pulumi/gcp/sql/databaseInstance.js";
import type { BucketArgs } from "@pulumi/gcp/storage/bucket.js";
import { expect, test } from "vitest";
import { type Resource, testType, violations } from "../testing/ask.ts";
import { deletionProtection } from "./deletion-protection.ts";

const protect = true;
const database: Resource = {
  type: "aws:rds/instance:Instance",
  protect,
  props: { deletionProtection: true, skipFinalSnapshot: false } satisfies Partial<InstanceArgs>,
};

testType(deletionProtection, database, [
  ["deletionProtection", false],
  ["deletionProtection", undefined],
  ["skipFinalSnapshot", true],
]);
testType(deletionProtection, { type: "aws:rds/cluster:Cluster", protect, props: { deletionProtection: true } }, [
  ["deletionProtection", false],
]);
testType(
  deletionProtection,
  { type: "aws:s3/bucket:Bucket", protect, props: { forceDestroy: false } satisfies S3BucketArgs },
  [["forceDestroy", true]],
);
testType(
  deletionProtection,
  {
    type: "azure-native:keyvault:Vault",
    protect,
    props: {
      properties: {
        enablePurgeProtection: true,
        enableSoftDelete: true,
        tenantId: "t",
        sku: { family: "A", name: "premium" },
      },
    } satisfies Partial<VaultArgs>,
  },
  [
    ["properties.enablePurgeProtection", undefined],
    ["properties.enableSoftDelete", false],
  ],
);
testType(
  deletionProtection,
  {
    type: "gcp:sql/databaseInstance:DatabaseInstance",
    protect,
    props: {
      deletionProtection: true,
      settings: { tier: "db-custom-2-7680", deletionProtectionEnabled: true },
    } satisfies Partial<DatabaseInstanceArgs>,
  },
  [
    ["deletionProtection", false],
    ["settings.deletionProtectionEnabled", undefined],
  ],
);
testType(
  deletionProtection,
  { type: "gcp:storage/bucket:Bucket", protect, props: { forceDestroy: false } satisfies Partial<BucketArgs> },
  [["forceDestroy", true]],
);
testType(
  deletionProtection,
  {
    type: "gcp:container/cluster:Cluster",
    props: { deletionProtection: true } satisfies Partial<GkeClusterArgs>,
  },
  [["deletionProtection", false]],
);

const kept = [
  database,
  { type: "aws:kms/key:Key", protect, props: {} },
  { type: "azure-native:dbforpostgresql:Server", protect, props: {} },
  { type: "azure-native:keyvault:Key", protect, props: {} },
  { type: "azure-native:storage:StorageAccount", protect, props: {} },
  { type: "gcp:kms/cryptoKey:CryptoKey", protect, props: {} },
];
for (const resource of kept) {
  test(`${resource.type}: protected by the engine too`, async () => {
    expect(await violations(deletionProtection, resource)).toEqual([]);
    expect(await violations(deletionProtection, { ...resource, protect: false })).toEqual([
      "the resource option protect: got false; expected true, so that no update deletes it",
    ]);
    expect(await violations(deletionProtection, { ...resource, protect: false }, { environment: "staging" })).toEqual(
      [],
    );
  });
}
