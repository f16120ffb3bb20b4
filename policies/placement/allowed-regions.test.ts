import { expect, test } from "vitest";
import { testType, violations } from "../testing/ask.ts";
import { allowedRegions } from "./allowed-regions.ts";

testType(
  allowedRegions,
  { type: "aws:rds/instance:Instance", props: { region: "eu-central-1" } },
  [["region", "us-east-1"]],
  { regions: ["eu-central-1"] },
);
testType(
  allowedRegions,
  { type: "azure-native:dbforpostgresql:Server", props: { location: "West Europe" } },
  [["location", "eastus"]],
  { regions: ["westeurope"] },
);
testType(
  allowedRegions,
  { type: "gcp:container/cluster:Cluster", props: { location: "europe-west3-a" } },
  [["location", "us-central1-a"]],
  { regions: ["europe-west3"] },
);
testType(
  allowedRegions,
  { type: "gcp:sql/databaseInstance:DatabaseInstance", props: { region: "europe-west3" } },
  [["region", "europe-west30"]],
  { regions: ["europe-west3"] },
);

test("a provider's region is that of all it makes", async () => {
  const vpc = (region: string) => ({ type: "aws:ec2/vpc:Vpc", props: {}, provider: { region } });
  const regions = { regions: ["eu-central-1"] };
  expect(await violations(allowedRegions, vpc("eu-central-1"), regions)).toEqual([]);
  expect(await violations(allowedRegions, vpc("us-east-1"), regions)).toEqual([
    'region: got "us-east-1"; expected one of eu-central-1',
  ]);
});

test("what is in no region, and what no cloud has, is not judged; without a list nothing is", async () => {
  const regions = { regions: ["westeurope"] };
  const zone = { type: "azure-native:privatedns:PrivateZone", props: { location: "Global" } };
  expect(await violations(allowedRegions, zone, regions)).toEqual([]);
  const map = { type: "kubernetes:core/v1:ConfigMap", props: { region: "us-east-1" } };
  expect(await violations(allowedRegions, map, regions)).toEqual([]);
  expect(await violations(allowedRegions, { type: "aws:ec2/vpc:Vpc", props: { region: "us-east-1" } })).toEqual([]);
});
