import type { NodeGroupArgs } from "@pulumi/aws/eks/nodeGroup.js";
import type { InstanceArgs } from "@pulumi/aws/rds/instance.js";
import type { ManagedClusterArgs } from "@pulumi/azure-native/containerservice/managedCluster.js";
import type { ServerArgs } from "@pulumi/azure-native/dbforpostgresql/server.js";
import type { DatabaseInstanceArgs } from "@pulumi/gcp/sql/databaseInstance.js";
import { expect, test } from "vitest";
import { stackViolations, testType, unknownText, violations } from "../testing/ask.ts";
import { highAvailability } from "./high-availability.ts";

const subnetIds = ["subnet-a", "subnet-b"];

testType(
  highAvailability,
  { type: "aws:rds/instance:Instance", props: { multiAz: true } satisfies Partial<InstanceArgs> },
  [["multiAz", false]],
);
testType(highAvailability, { type: "aws:eks/cluster:Cluster", props: { vpcConfig: { subnetIds } } }, [
  ["vpcConfig.subnetIds", ["subnet-a"]],
]);
testType(
  highAvailability,
  {
    type: "aws:eks/nodeGroup:NodeGroup",
    props: {
      subnetIds,
      scalingConfig: { desiredSize: 2, minSize: 2, maxSize: 4 },
    } satisfies Partial<NodeGroupArgs>,
  },
  [
    ["subnetIds", ["subnet-a"]],
    ["scalingConfig.minSize", 1],
  ],
);
testType(
  highAvailability,
  {
    type: "azure-native:dbforpostgresql:Server",
    props: { highAvailability: { mode: "ZoneRedundant" } } satisfies Partial<ServerArgs>,
  },
  [
    ["highAvailability.mode", "SameZone"],
    ["highAvailability", undefined, "highAvailability.mode"],
  ],
);
testType(
  highAvailability,
  {
    type: "azure-native:containerservice:ManagedCluster",
    props: {
      sku: { name: "Base", tier: "Standard" },
      agentPoolProfiles: [{ name: "system", availabilityZones: ["1", "2", "3"] }],
    } satisfies Partial<ManagedClusterArgs>,
  },
  [
    ["sku.tier", "Free"],
    ["agentPoolProfiles.0.availabilityZones", ["1"], /^agentPoolProfiles\[0\]\.availabilityZones/],
  ],
);
testType(
  highAvailability,
  { type: "azure-native:containerservice:AgentPool", props: { availabilityZones: ["1", "2"] } },
  [["availabilityZones", undefined]],
);
testType(
  highAvailability,
  {
    type: "gcp:sql/databaseInstance:DatabaseInstance",
    props: {
      settings: { tier: "db-custom-2-7680", availabilityType: "REGIONAL" },
    } satisfies Partial<DatabaseInstanceArgs>,
  },
  [["settings.availabilityType", "ZONAL"]],
);
testType(highAvailability, { type: "gcp:container/cluster:Cluster", props: { location: "europe-west3" } }, [
  ["location", "europe-west3-a"],
]);
const spread = [{ maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway" }];
testType(
  highAvailability,
  {
    type: "kubernetes:apps/v1:Deployment",
    props: { spec: { replicas: 2, template: { spec: { topologySpreadConstraints: spread } } } },
  },
  [["spec.template.spec.topologySpreadConstraints", undefined]],
);

test("one replica needs no spreading", async () => {
  const props = { spec: { replicas: 1, template: { spec: {} } } };
  expect(await violations(highAvailability, { type: "kubernetes:apps/v1:Deployment", props })).toEqual([]);
});

test("replicas for reading, and for another region, need no standby", async () => {
  const replicas = [
    { type: "aws:rds/instance:Instance", props: { replicateSourceDb: "nodes" } },
    { type: "azure-native:dbforpostgresql:Server", props: { createMode: "Replica" } },
    { type: "gcp:sql/databaseInstance:DatabaseInstance", props: { masterInstanceName: "nodes" } },
  ];
  for (const replica of replicas) expect(await violations(highAvailability, replica)).toEqual([]);
});

test("a domain has two sequencers or more", async () => {
  const domain = (sequencers: unknown) => ({
    type: "pulumi-canton:domain:Domain",
    name: "mydomain",
    props: { sequencers },
  });
  const sequencers = [{ alias: "sequencer1" }, { alias: "sequencer2" }];
  expect(await stackViolations(highAvailability, [domain(sequencers)])).toEqual({});
  expect(await stackViolations(highAvailability, [domain(unknownText)])).toEqual({});
  expect(await stackViolations(highAvailability, [domain(sequencers.slice(1))])).toEqual({
    mydomain: [expect.stringContaining("expected two sequencers or more")],
  });
});
