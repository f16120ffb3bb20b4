import { isOneOf, isSet, must, policy, wants } from "../policy.ts";
import { sectionsAt } from "../properties.ts";

const key = "the customer's own key, so that its use is logged and it can be taken away";
const kmsKeyId = must("kmsKeyId", key, isSet);

/** What is encrypted at rest is so under a key that the organisation owns, not one of the cloud's. */
export const customerManagedKeys = policy({
  name: "customer-managed-keys",
  description: "In production data is encrypted under a key that the organisation manages.",
  severity: "high",
  appliesIn: "production",
  rules: {
    "aws:rds/instance:Instance": [
      // In the same region a replica takes the key of its source, which it names by identifier; elsewhere by ARN.
      must(
        "kmsKeyId",
        key,
        isSet,
        ({ replicateSourceDb }) => typeof replicateSourceDb === "string" && !replicateSourceDb.startsWith("arn:"),
      ),
    ],
    "aws:rds/cluster:Cluster": [kmsKeyId],
    "aws:ebs/volume:Volume": [kmsKeyId],
    "aws:efs/fileSystem:FileSystem": [kmsKeyId],
    "aws:secretsmanager/secret:Secret": [kmsKeyId],
    "aws:cloudwatch/logGroup:LogGroup": [kmsKeyId],
    "aws:eks/cluster:Cluster": [must("encryptionConfig.provider.keyArn", key, isSet)],
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": [
      ({ props }) =>
        sectionsAt(props, "rules").flatMap(({ path, section }) => [
          ...wants(
            section,
            "applyServerSideEncryptionByDefault.sseAlgorithm",
            '"aws:kms"',
            isOneOf("aws:kms", "aws:kms:dsse"),
            false,
            `${path}.`,
          ),
          ...wants(section, "applyServerSideEncryptionByDefault.kmsMasterKeyId", key, isSet, false, `${path}.`),
        ]),
    ],
    "azure-native:dbforpostgresql:Server": [
      must("dataEncryption.type", '"AzureKeyVault"', isOneOf("AzureKeyVault")),
      must("dataEncryption.primaryKeyURI", key, isSet),
    ],
    "azure-native:storage:StorageAccount": [
      must("encryption.keySource", '"Microsoft.Keyvault"', isOneOf("Microsoft.Keyvault")),
      must("encryption.keyVaultProperties.keyName", key, isSet),
    ],
    "azure-native:containerservice:ManagedCluster": [
      must("diskEncryptionSetID", key, isSet),
      // For the secrets of the cluster, which Azure encrypts with its own key otherwise.
      must("securityProfile.azureKeyVaultKms.keyId", key, isSet),
    ],
    "gcp:sql/databaseInstance:DatabaseInstance": [must("encryptionKeyName", key, isSet)],
    "gcp:storage/bucket:Bucket": [must("encryption.defaultKmsKeyName", key, isSet)],
    "gcp:container/cluster:Cluster": [must("databaseEncryption.keyName", key, isSet)],
    "gcp:container/nodePool:NodePool": [must("nodeConfig.bootDiskKmsKey", key, isSet)],
  },
  stack: (resources) => {
    const encryption = resources.filter(
      ({ type }) => type === "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    );
    return resources
      .filter(({ type }) => type === "aws:s3/bucket:Bucket")
      .filter(({ urn }) => !encryption.some(({ takenFrom }) => takenFrom("bucket").includes(urn)))
      .map(({ urn }) => ({
        urn,
        message: `no BucketServerSideEncryptionConfiguration is for this bucket; expected one with ${key}`,
      }));
  },
});
