import type { BucketPublicAccessBlockArgs } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import type { StorageAccountArgs } from "@pulumi/azure-native/storage/storageAccount.js";
import type { BucketArgs } from "@pulumi/gcp/storage/bucket.js";
import { expect, test } from "vitest";
import { stackViolations, testType } from "../testing/ask.ts";
import { noPublicBucket } from "./no-public-bucket.ts";

const block = {
  type: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  name: "block",
  takes: { bucket: "dumps" },
  props: {
    bucket: "dumps",
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
  } satisfies BucketPublicAccessBlockArgs,
};
testType(noPublicBucket, block, [
  ["blockPublicAcls", false],
  ["blockPublicPolicy", undefined],
  ["ignorePublicAcls", false],
  ["restrictPublicBuckets", false],
]);
testType(
  noPublicBucket,
  {
    type: "azure-native:storage:StorageAccount",
    props: { allowBlobPublicAccess: false } satisfies Partial<StorageAccountArgs>,
  },
  [["allowBlobPublicAccess", true]],
);
testType(noPublicBucket, { type: "azure-native:storage:BlobContainer", props: { publicAccess: "None" } }, [
  ["publicAccess", "Blob"],
]);
testType(
  noPublicBucket,
  {
    type: "gcp:storage/bucket:Bucket",
    props: { publicAccessPrevention: "enforced", uniformBucketLevelAccess: true } satisfies Partial<BucketArgs>,
  },
  [
    ["publicAccessPrevention", "inherited"],
    ["uniformBucketLevelAccess", false],
  ],
);

test("every bucket of S3 has a block of its own", async () => {
  const bucket = { type: "aws:s3/bucket:Bucket", name: "dumps", props: {} };
  expect(await stackViolations(noPublicBucket, [bucket, block])).toEqual({});
  expect(await stackViolations(noPublicBucket, [bucket])).toEqual({
    dumps: ["no BucketPublicAccessBlock is for this bucket; expected one that blocks all"],
  });
});
