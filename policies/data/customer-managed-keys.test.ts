import type { InstanceArgs } from "@pulumi/aws/rds/instance.js";
import type { BucketServerSideEncryptionConfigurationArgs } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import type { SecretArgs } from "@pulumi/aws/secretsmanager/secret.js";
import type { ManagedClusterArgs } from "@pulumi/azure-native/containerservice/managedCluster.js";
import type { ServerArgs } from "@pulumi/azure-native/dbforpostgresql/server.js";
import type { StorageAccountArgs } from "@pulumi/azure-native/storage/storageAccount.js";
import type { ClusterArgs as GkeClusterArgs } from "@pulumi/gcp/container/cluster.js";
import type { NodePoolArgs } from "@pulumi/gcp/container/nodePool.js";
import type { DatabaseInstanceArgs } from "@pulumi/gcp/sql/databaseInstance.js";
import type { BucketArgs } from "@pulumi/gcp/storage/bucket.js";
import { expect, test } from "vitest";
import { stackViolations, testType, violations } from "../testing/ask.ts";
import { customerManagedKeys } from "./customer-managed-keys.ts";

const kmsKeyId = "arn:aws:kms:eu-central-1:111122223333:key/1";

testType(
  customerManagedKeys,
  { type: "aws:rds/instance:Instance", props: { kmsKeyId } satisfies Partial<InstanceArgs> },
  [["kmsKeyId", undefined]],
);
testType(
  customerManagedKeys,
  { type: "aws:secretsmanager/secret:Secret", props: { kmsKeyId } satisfies Partial<SecretArgs> },
  [["kmsKeyId", ""]],
);
for (const type of [
  "aws:rds/cluster:Cluster",
  "aws:ebs/volume:Volume",
  "aws:efs/fileSystem:FileSystem",
  "aws:cloudwatch/logGroup:LogGroup",
]) {
  testType(customerManagedKeys, { type, props: { kmsKeyId } }, [["kmsKeyId", undefined]]);
}
testType(
  customerManagedKeys,
  { type: "aws:eks/cluster:Cluster", props: { encryptionConfig: { provider: { keyArn: kmsKeyId } } } },
  [["encryptionConfig.provider.keyArn", undefined]],
);

const encryptionConfiguration = {
  type: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  name: "encryption",
  takes: { bucket: "dumps" },
  props: {
    bucket: "dumps",
    rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: kmsKeyId } }],
  } satisfies BucketServerSideEncryptionConfigurationArgs,
};
testType(customerManagedKeys, encryptionConfiguration, [
  ["rules.0.applyServerSideEncryptionByDefault.sseAlgorithm", "AES256", "sseAlgorithm"],
  ["rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId", undefined, "kmsMasterKeyId"],
]);
testType(
  customerManagedKeys,
  {
    type: "azure-native:dbforpostgresql:Server",
    props: {
      dataEncryption: { type: "AzureKeyVault", primaryKeyURI: "https://vault/keys/k/1" },
    } satisfies Partial<ServerArgs>,
  },
  [
    ["dataEncryption.type", "SystemManaged"],
    ["dataEncryption.primaryKeyURI", undefined],
  ],
);
testType(
  customerManagedKeys,
  {
    type: "azure-native:storage:StorageAccount",
    props: {
      encryption: { keySource: "Microsoft.Keyvault", keyVaultProperties: { keyName: "k" } },
    } satisfies Partial<StorageAccountArgs>,
  },
  [
    ["encryption.keySource", "Microsoft.Storage"],
    ["encryption.keyVaultProperties.keyName", undefined],
  ],
);
testType(
  customerManagedKeys,
  {
    type: "azure-native:containerservice:ManagedCluster",
    props: {
      diskEncryptionSetID: "/subscriptions/…",
      securityProfile: { azureKeyVaultKms: { enabled: true, keyId: "https://vault/keys/k/1" } },
    } satisfies Partial<ManagedClusterArgs>,
  },
  [
    ["diskEncryptionSetID", undefined],
    ["securityProfile", undefined, "securityProfile.azureKeyVaultKms.keyId"],
  ],
);
testType(
  customerManagedKeys,
  {
    type: "gcp:sql/databaseInstance:DatabaseInstance",
    props: { encryptionKeyName: "key" } satisfies Partial<DatabaseInstanceArgs>,
  },
  [["encryptionKeyName", undefined]],
);
testType(
  customerManagedKeys,
  {
    type: "gcp:storage/bucket:Bucket",
    props: { encryption: { defaultKmsKeyName: "key" } } satisfies Partial<BucketArgs>,
  },
  [["encryption.defaultKmsKeyName", undefined]],
);
testType(
  customerManagedKeys,
  {
    type: "gcp:container/cluster:Cluster",
    props: { databaseEncryption: { state: "ENCRYPTED", keyName: "key" } } satisfies Partial<GkeClusterArgs>,
  },
  [["databaseEncryption.keyName", undefined]],
);
testType(
  customerManagedKeys,
  {
    type: "gcp:container/nodePool:NodePool",
    props: { nodeConfig: { bootDiskKmsKey: "key" } } satisfies Partial<NodePoolArgs>,
  },
  [["nodeConfig.bootDiskKmsKey", undefined]],
);

const bucket = { type: "aws:s3/bucket:Bucket", name: "dumps", props: {} };

test("every bucket has an encryption of its own", async () => {
  expect(await stackViolations(customerManagedKeys, [bucket, encryptionConfiguration])).toEqual({});
  const other = { ...bucket, name: "logs" };
  expect(await stackViolations(customerManagedKeys, [bucket, encryptionConfiguration, other])).toEqual({
    logs: [expect.stringContaining("no BucketServerSideEncryptionConfiguration is for this bucket; expected")],
  });
});

test("a replica in the same region takes the key of its source, one in another region needs its own", async () => {
  const replica = (replicateSourceDb: string) => ({ type: "aws:rds/instance:Instance", props: { replicateSourceDb } });
  expect(await violations(customerManagedKeys, replica("nodes"))).toEqual([]);
  expect(await violations(customerManagedKeys, replica("arn:aws:rds:eu-west-1:1:db:nodes"))).toHaveLength(1);
});

test("outside production the cloud's keys will do", async () => {
  const database = { type: "aws:rds/instance:Instance", props: {} };
  expect(await violations(customerManagedKeys, database, { environment: "staging" })).toEqual([]);
  expect(await stackViolations(customerManagedKeys, [bucket], { environment: "dev" })).toEqual({});
});
