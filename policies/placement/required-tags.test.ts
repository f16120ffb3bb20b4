import { expect, test } from "vitest";
import { testType, unknownText, violations } from "../testing/ask.ts";
import { requiredTags } from "./required-tags.ts";
import taggable from "./taggable.json" with { type: "json" };
import { readTaggable } from "./taggable.ts";

const tags = { deployment: "canton-prod", environment: "production", "managed-by": "pulumi-canton" };

testType(requiredTags, { type: "aws:rds/instance:Instance", props: { tags } }, [
  ["tags.deployment", undefined, "tags: without deployment"],
  ["tags", undefined, "tags: without deployment, environment, managed-by"],
]);
testType(requiredTags, { type: "azure-native:network:VirtualNetwork", props: { tags } }, [["tags", {}]]);
testType(requiredTags, { type: "gcp:storage/bucket:Bucket", props: { labels: tags } }, [["labels", {}]]);
testType(requiredTags, { type: "gcp:container/cluster:Cluster", props: { resourceLabels: tags } }, [
  ["resourceLabels", {}],
]);
testType(
  requiredTags,
  { type: "gcp:sql/databaseInstance:DatabaseInstance", props: { settings: { userLabels: tags } } },
  [["settings.userLabels", {}]],
);
testType(requiredTags, { type: "kubernetes:apps/v1:Deployment", props: { metadata: { labels: tags } } }, [
  ["metadata.labels", {}],
]);

test("what a provider puts on everything counts", async () => {
  const vpc = { type: "aws:ec2/vpc:Vpc", props: {}, provider: { defaultTags: { tags } } };
  expect(await violations(requiredTags, vpc)).toEqual([]);
});

test("the keys are configuration", async () => {
  const vpc = { type: "aws:ec2/vpc:Vpc", props: { tags: { owner: unknownText } } };
  expect(await violations(requiredTags, vpc, { tags: ["owner"] })).toEqual([]);
  expect(await violations(requiredTags, vpc, { tags: ["cost-center"] })).toHaveLength(1);
});

test("what takes no tags needs none", async () => {
  expect(await violations(requiredTags, { type: "aws:rds/proxyTarget:ProxyTarget", props: {} })).toEqual([]);
});

test("the list of types is that of the SDKs (node policies/placement/taggable.ts)", () => {
  expect(readTaggable()).toEqual(taggable);
});
