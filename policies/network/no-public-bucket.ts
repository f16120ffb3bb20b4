import { isFalse, isOneOf, isTrue, must, policy } from "../policy.ts";

/** Backups, dumps and logs are for those who are named, whatever is set on a single object. */
export const noPublicBucket = policy({
  name: "no-public-bucket",
  description: "No bucket can be read by everybody.",
  severity: "critical",
  appliesIn: "every environment",
  rules: {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": [
      must("blockPublicAcls", "true", isTrue),
      must("blockPublicPolicy", "true", isTrue),
      must("ignorePublicAcls", "true", isTrue),
      must("restrictPublicBuckets", "true", isTrue),
    ],
    "azure-native:storage:StorageAccount": [must("allowBlobPublicAccess", "false", isFalse)],
    "azure-native:storage:BlobContainer": [must("publicAccess", '"None"', isOneOf("None", undefined))],
    "gcp:storage/bucket:Bucket": [
      must("publicAccessPrevention", '"enforced"', isOneOf("enforced")),
      must("uniformBucketLevelAccess", "true", isTrue),
    ],
  },
  stack: (resources) => {
    const blocks = resources.filter(({ type }) => type === "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock");
    return resources
      .filter(({ type }) => type === "aws:s3/bucket:Bucket")
      .filter(({ urn }) => !blocks.some(({ takenFrom }) => takenFrom("bucket").includes(urn)))
      .map(({ urn }) => ({
        urn,
        message: "no BucketPublicAccessBlock is for this bucket; expected one that blocks all",
      }));
  },
});
