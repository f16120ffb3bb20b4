import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Fate, type PlannedResource, type Properties, unknownText } from "../events.ts";
import { costOf, estimate } from "./estimate.ts";

const usd = (type: string, inputs: Properties) => {
  const cost = costOf(type, inputs);
  return typeof cost === "object" ? Math.round(cost.usd) : cost;
};

describe("databases", () => {
  const rds = { instanceClass: "db.m7g.large", allocatedStorage: 100 };
  const azure = { sku: { name: "Standard_D4ds_v5", tier: "GeneralPurpose" }, storage: { storageSizeGB: 128 } };
  const cloudSql = { settings: { tier: "db-custom-2-7680", diskSize: 100 } };

  test("RDS: machine and disk, twice in two zones", () => {
    expect(usd("aws:rds/instance:Instance", rds)).toBe(Math.round(730 * 0.168 + 100 * 0.115));
    expect(usd("aws:rds/instance:Instance", { ...rds, multiAz: true })).toBe(Math.round(2 * (730 * 0.168 + 11.5)));
    expect(usd("aws:rds/instance:Instance", { ...rds, instanceClass: "db.r6g.4xlarge" })).toBe(
      Math.round(730 * 0.225 * 8 + 11.5),
    );
  });

  test("Flexible Server", () => {
    expect(usd("azure-native:dbforpostgresql:Server", azure)).toBe(Math.round(730 * 0.089 * 4 + 128 * 0.115));
    const redundant = { ...azure, highAvailability: { mode: "ZoneRedundant" } };
    expect(usd("azure-native:dbforpostgresql:Server", redundant)).toBe(Math.round(2 * (730 * 0.089 * 4 + 128 * 0.115)));
    const small = { sku: { name: "Standard_B1ms" }, storage: { storageSizeGB: 32 } };
    expect(usd("azure-native:dbforpostgresql:Server", small)).toBe(16);
  });

  test("Cloud SQL", () => {
    const zonal = 2 * 30.2 + 7.5 * 5.11 + 17;
    expect(usd("gcp:sql/databaseInstance:DatabaseInstance", cloudSql)).toBe(Math.round(zonal));
    const plus = { settings: { tier: "db-perf-optimized-N-4", diskSize: 100 } };
    expect(usd("gcp:sql/databaseInstance:DatabaseInstance", plus)).toBe(Math.round(4 * (39.2 + 8 * 6.6) + 17));
    const regional = { settings: { ...cloudSql.settings, availabilityType: "REGIONAL" } };
    expect(usd("gcp:sql/databaseInstance:DatabaseInstance", regional)).toBe(Math.round(2 * zonal));
  });
});

test("clusters and their machines", () => {
  expect(usd("aws:eks/cluster:Cluster", {})).toBe(73);
  const group = { instanceTypes: ["m7g.xlarge"], scalingConfig: { desiredSize: 3 }, diskSize: 50 };
  expect(usd("aws:eks/nodeGroup:NodeGroup", group)).toBe(Math.round(3 * (730 * 0.0816 * 2 + 4)));
  const aks = {
    sku: { tier: "Standard" },
    agentPoolProfiles: [{ vmSize: "Standard_D4ds_v5", count: 3, osDiskType: "Ephemeral" }],
  };
  expect(usd("azure-native:containerservice:ManagedCluster", aks)).toBe(Math.round(73 + 3 * 730 * 0.0565 * 4));
  const pool = {
    location: "europe-west3",
    nodeCount: 1,
    nodeConfig: { machineType: "n2-standard-4", diskType: "pd-ssd" },
  };
  expect(costOf("gcp:container/nodePool:NodePool", pool)).toEqual({
    usd: 3 * (730 * 0.0486 * 4 + 17),
    assumed: "three zones",
  });
});

test("disks in the cluster are paid for, the rest of Kubernetes is in its machines", () => {
  const claim = { spec: { resources: { requests: { storage: "20Gi" } } } };
  expect(usd("kubernetes:core/v1:PersistentVolumeClaim", claim)).toBe(2);
  expect(usd("kubernetes:apps/v1:StatefulSet", { spec: { replicas: 3, volumeClaimTemplates: [claim] } })).toBe(6);
  expect(usd("kubernetes:apps/v1:Deployment", {})).toBe(0);
  expect(usd("kubernetes:core/v1:Service", { spec: { type: "LoadBalancer" } })).toBe(20);
});

test("what is not known is not guessed", () => {
  expect(costOf("aws:rds/instance:Instance", { instanceClass: "db.z9.large" })).toBe("not known");
  expect(costOf("aws:rds/instance:Instance", { instanceClass: unknownText })).toBe("not known");
  expect(costOf("azure-native:compute:VirtualMachine", { hardwareProfile: { vmSize: "Standard_ND96" } })).toBe(
    "not known",
  );
  expect(costOf("aws:redshift/cluster:Cluster", {})).toBe("not known");
  expect(costOf("aws:s3/bucket:Bucket", {})).toBe("by use");
  expect(costOf("aws:s3/bucketPolicy:BucketPolicy", {})).toEqual({ usd: 0 });
});

const planned = (type: string, fate: Fate, before?: Properties, after?: Properties): PlannedResource => ({
  urn: `urn::${type}`,
  type,
  name: "x",
  parent: undefined,
  fate,
  before,
  after,
  changed: [],
  replacedBy: [],
});

test("an estimate says what there is now and what there will be, and what is not in it", () => {
  const stack = estimate([
    planned("aws:eks/cluster:Cluster", "same", {}, {}),
    planned("aws:ec2/natGateway:NatGateway", "create", undefined, {}),
    planned("aws:kms/key:Key", "delete", {}),
    planned("aws:s3/bucket:Bucket", "create", undefined, {}),
    planned("aws:redshift/cluster:Cluster", "create", undefined, {}),
    planned("aws:redshift/cluster:Cluster", "create", undefined, {}),
    planned("aws:iam/role:Role", "create", undefined, {}),
  ]);
  expect(stack).toMatchObject({ before: 74, after: 106 });
  expect(stack.lines.map(({ type }) => type)).toEqual([
    "aws:eks/cluster:Cluster",
    "aws:ec2/natGateway:NatGateway",
    "aws:kms/key:Key",
  ]);
  expect(stack.byUse).toEqual([{ type: "aws:s3/bucket:Bucket", count: 1 }]);
  expect(stack.notEstimated).toEqual([{ type: "aws:redshift/cluster:Cluster", count: 2 }]);
});

test("more of it never costs less", () => {
  const size = fc.constantFrom("micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge");
  const cost = (instanceClass: string, allocatedStorage: number, multiAz: boolean) =>
    usd("aws:rds/instance:Instance", { instanceClass, allocatedStorage, multiAz }) as number;
  fc.assert(
    fc.property(size, fc.integer({ min: 20, max: 2000 }), fc.integer({ min: 0, max: 2000 }), (of, disk, more) => {
      const one = cost(`db.m6g.${of}`, disk, false);
      expect(cost(`db.m6g.${of}`, disk + more, false)).toBeGreaterThanOrEqual(one);
      expect(cost(`db.m6g.${of}`, disk, true)).toBeGreaterThan(one);
    }),
  );
});
