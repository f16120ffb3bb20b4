import { isFalse, isSet, isTrue, must, policy, type Rule } from "../policy.ts";

/** The engine itself refuses to delete it. */
const isProtected: Rule = ({ protect }) =>
  protect ? [] : ["the resource option protect: got false; expected true, so that no update deletes it"];

/** What cannot be had back is not deleted by a slip: by the cloud where it offers that, and by the engine everywhere. */
export const deletionProtection = policy({
  name: "deletion-protection",
  description: "In production databases, keys and buckets are protected from deletion.",
  severity: "high",
  appliesIn: "production",
  rules: {
    "aws:rds/instance:Instance": [
      isProtected,
      must("deletionProtection", "true", isTrue),
      must("skipFinalSnapshot", "false, so that a last copy stays", isFalse, ({ replicateSourceDb }) =>
        isSet(replicateSourceDb),
      ),
    ],
    "aws:rds/cluster:Cluster": [isProtected, must("deletionProtection", "true", isTrue)],
    "aws:kms/key:Key": [isProtected],
    "aws:s3/bucket:Bucket": [isProtected, must("forceDestroy", "false", isFalse)],
    "azure-native:dbforpostgresql:Server": [isProtected],
    "azure-native:keyvault:Vault": [
      isProtected,
      must("properties.enablePurgeProtection", "true", isTrue),
      must("properties.enableSoftDelete", "true", (value) => value !== false),
    ],
    "azure-native:keyvault:Key": [isProtected],
    "azure-native:storage:StorageAccount": [isProtected],
    "gcp:sql/databaseInstance:DatabaseInstance": [
      isProtected,
      // On when it is left out.
      must("deletionProtection", "true", (value) => value !== false),
      must("settings.deletionProtectionEnabled", "true", isTrue),
    ],
    "gcp:kms/cryptoKey:CryptoKey": [isProtected],
    "gcp:storage/bucket:Bucket": [isProtected, must("forceDestroy", "false", isFalse)],
    "gcp:container/cluster:Cluster": [must("deletionProtection", "true", (value) => value !== false)],
  },
});
