import type { VolumeArgs } from "@pulumi/aws/ebs/volume.js";
import type { LaunchTemplateArgs } from "@pulumi/aws/ec2/launchTemplate.js";
import type { ClusterArgs as EksClusterArgs } from "@pulumi/aws/eks/cluster.js";
import type { InstanceArgs } from "@pulumi/aws/rds/instance.js";
import type { AgentPoolArgs } from "@pulumi/azure-native/containerservice/agentPool.js";
import type { ManagedClusterArgs } from "@pulumi/azure-native/containerservice/managedCluster.js";
import type { ClusterArgs as GkeClusterArgs } from "@pulumi/gcp/container/cluster.js";
import { expect, test } from "vitest";
import { testType, violations } from "../testing/ask.ts";
import { encryptionAtRest } from "./encryption-at-rest.ts";

testType(
  encryptionAtRest,
  { type: "aws:rds/instance:Instance", props: { storageEncrypted: true } satisfies Partial<InstanceArgs> },
  [
    ["storageEncrypted", false],
    ["storageEncrypted", undefined],
  ],
);
testType(encryptionAtRest, { type: "aws:rds/cluster:Cluster", props: { storageEncrypted: true } }, [
  ["storageEncrypted", false],
]);
testType(
  encryptionAtRest,
  { type: "aws:ebs/volume:Volume", props: { encrypted: true } satisfies Partial<VolumeArgs> },
  [["encrypted", false]],
);
testType(encryptionAtRest, { type: "aws:efs/fileSystem:FileSystem", props: { encrypted: true } }, [
  ["encrypted", false],
]);
testType(
  encryptionAtRest,
  {
    type: "aws:ec2/instance:Instance",
    props: { rootBlockDevice: { encrypted: true }, ebsBlockDevices: [{ deviceName: "/dev/sdb", encrypted: true }] },
  },
  [
    ["rootBlockDevice.encrypted", false],
    ["ebsBlockDevices.0.encrypted", false, /^ebsBlockDevices\[0\]\.encrypted: got false/],
  ],
);
testType(
  encryptionAtRest,
  {
    type: "aws:ec2/launchTemplate:LaunchTemplate",
    props: {
      blockDeviceMappings: [{ deviceName: "/dev/xvda", ebs: { encrypted: "true" } }],
    } satisfies Partial<LaunchTemplateArgs>,
  },
  [["blockDeviceMappings.0.ebs.encrypted", "false", /^blockDeviceMappings\[0\]\.ebs\.encrypted/]],
);
testType(
  encryptionAtRest,
  {
    type: "aws:eks/cluster:Cluster",
    props: {
      encryptionConfig: { provider: { keyArn: "arn:aws:kms:eu-central-1:111122223333:key/1" }, resources: ["secrets"] },
    } satisfies Partial<EksClusterArgs>,
  },
  [
    ["encryptionConfig.resources", []],
    ["encryptionConfig", undefined, "encryptionConfig.resources"],
  ],
);
testType(
  encryptionAtRest,
  {
    type: "azure-native:containerservice:ManagedCluster",
    props: {
      agentPoolProfiles: [{ name: "system", enableEncryptionAtHost: true }],
    } satisfies Partial<ManagedClusterArgs>,
  },
  [["agentPoolProfiles.0.enableEncryptionAtHost", undefined, /^agentPoolProfiles\[0\]/]],
);
testType(
  encryptionAtRest,
  {
    type: "azure-native:containerservice:AgentPool",
    props: { enableEncryptionAtHost: true } satisfies Partial<AgentPoolArgs>,
  },
  [["enableEncryptionAtHost", false]],
);
testType(
  encryptionAtRest,
  { type: "azure-native:compute:VirtualMachine", props: { securityProfile: { encryptionAtHost: true } } },
  [["securityProfile.encryptionAtHost", false]],
);
testType(
  encryptionAtRest,
  {
    type: "gcp:container/cluster:Cluster",
    props: { databaseEncryption: { state: "ENCRYPTED", keyName: "key" } } satisfies Partial<GkeClusterArgs>,
  },
  [
    ["databaseEncryption.state", "DECRYPTED"],
    ["databaseEncryption", undefined, "databaseEncryption.state"],
  ],
);
testType(
  encryptionAtRest,
  {
    type: "kubernetes:storage.k8s.io/v1:StorageClass",
    props: { provisioner: "ebs.csi.aws.com", parameters: { encrypted: "true" } },
  },
  [["parameters.encrypted", "false"]],
);

test("a replica takes encryption from its source", async () => {
  const replica = { type: "aws:rds/instance:Instance", props: { replicateSourceDb: "arn:aws:rds:…" } };
  expect(await violations(encryptionAtRest, replica)).toEqual([]);
});

test("other classes of disks are the business of their clouds", async () => {
  const props = { provisioner: "disk.csi.azure.com" };
  expect(await violations(encryptionAtRest, { type: "kubernetes:storage.k8s.io/v1:StorageClass", props })).toEqual([]);
});

test("it says so in development too", async () => {
  const disk = { type: "aws:ebs/volume:Volume", props: {} };
  expect(await violations(encryptionAtRest, disk, { environment: "dev" })).toHaveLength(1);
});
