import { isOneOf, isTrue, must, policy, wants } from "../policy.ts";
import { at, sectionsAt } from "../properties.ts";

/** Databases, disks and the secrets of clusters are encrypted where they lie. What clouds encrypt in any case is not asked for. */
export const encryptionAtRest = policy({
  name: "encryption-at-rest",
  description: "Databases, disks and the secrets of clusters are encrypted at rest.",
  severity: "critical",
  appliesIn: "every environment",
  rules: {
    // A replica takes it from its source.
    "aws:rds/instance:Instance": [
      must("storageEncrypted", "true", isTrue, ({ replicateSourceDb }) => replicateSourceDb !== undefined),
    ],
    "aws:rds/cluster:Cluster": [must("storageEncrypted", "true", isTrue)],
    "aws:ebs/volume:Volume": [must("encrypted", "true", isTrue)],
    "aws:efs/fileSystem:FileSystem": [must("encrypted", "true", isTrue)],
    "aws:ec2/instance:Instance": [
      // A launch template has the disks in it, and is asked itself.
      must("rootBlockDevice.encrypted", "true", isTrue, ({ launchTemplate }) => launchTemplate !== undefined),
      ({ props }) =>
        sectionsAt(props, "ebsBlockDevices").flatMap(({ path, section }) =>
          wants(section, "encrypted", "true", isTrue, false, `${path}.`),
        ),
    ],
    "aws:ec2/launchTemplate:LaunchTemplate": [
      ({ props }) =>
        sectionsAt(props, "blockDeviceMappings")
          .filter(({ section }) => section["ebs"] !== undefined)
          .flatMap(({ path, section }) => wants(section, "ebs.encrypted", "true", isTrue, false, `${path}.`)),
    ],
    "aws:eks/cluster:Cluster": [
      must(
        "encryptionConfig.resources",
        '["secrets"] with the key in encryptionConfig.provider.keyArn',
        (value) => Array.isArray(value) && value.includes("secrets"),
      ),
    ],
    "azure-native:containerservice:ManagedCluster": [
      ({ props }) =>
        sectionsAt(props, "agentPoolProfiles").flatMap(({ path, section }) =>
          wants(section, "enableEncryptionAtHost", "true", isTrue, false, `${path}.`),
        ),
    ],
    "azure-native:containerservice:AgentPool": [must("enableEncryptionAtHost", "true", isTrue)],
    "azure-native:compute:VirtualMachine": [must("securityProfile.encryptionAtHost", "true", isTrue)],
    "gcp:container/cluster:Cluster": [
      must("databaseEncryption.state", '"ENCRYPTED", with the key in keyName', isOneOf("ENCRYPTED")),
    ],
    "kubernetes:storage.k8s.io/v1:StorageClass": [
      ({ props }) =>
        at(props, "provisioner") === "ebs.csi.aws.com" ? wants(props, "parameters.encrypted", '"true"', isTrue) : [],
    ],
  },
});
