import type { InstanceArgs } from "@pulumi/aws/rds/instance.js";
import type { FirewallRuleArgs } from "@pulumi/azure-native/dbforpostgresql/firewallRule.js";
import type { ServerArgs } from "@pulumi/azure-native/dbforpostgresql/server.js";
import type { DatabaseInstanceArgs } from "@pulumi/gcp/sql/databaseInstance.js";
import { expect, test } from "vitest";
import { testType, unknownText, violations } from "../testing/ask.ts";
import { noPublicDatabase } from "./no-public-database.ts";

testType(
  noPublicDatabase,
  { type: "aws:rds/instance:Instance", props: { publiclyAccessible: false } satisfies Partial<InstanceArgs> },
  [["publiclyAccessible", true]],
);
testType(noPublicDatabase, { type: "aws:rds/clusterInstance:ClusterInstance", props: {} }, [
  ["publiclyAccessible", true],
]);
testType(
  noPublicDatabase,
  {
    type: "azure-native:dbforpostgresql:Server",
    props: { network: { publicNetworkAccess: "Disabled" } } satisfies Partial<ServerArgs>,
  },
  [
    ["network.publicNetworkAccess", "Enabled"],
    ["network", undefined, "network.publicNetworkAccess"],
  ],
);
testType(
  noPublicDatabase,
  {
    type: "azure-native:dbforpostgresql:FirewallRule",
    props: { startIpAddress: "203.0.113.1", endIpAddress: "203.0.113.9" } satisfies Partial<FirewallRuleArgs>,
  },
  [["startIpAddress", "0.0.0.0"]],
);
testType(
  noPublicDatabase,
  {
    type: "gcp:sql/databaseInstance:DatabaseInstance",
    props: {
      settings: {
        tier: "db-custom-2-7680",
        ipConfiguration: { ipv4Enabled: false, authorizedNetworks: [{ value: "203.0.113.0/24" }] },
      },
    } satisfies Partial<DatabaseInstanceArgs>,
  },
  [
    ["settings.ipConfiguration.ipv4Enabled", true],
    ["settings.ipConfiguration.ipv4Enabled", undefined],
    ["settings.ipConfiguration.authorizedNetworks.0.value", "0.0.0.0/0", /authorizedNetworks\[0\]\.value/],
  ],
);
testType(
  noPublicDatabase,
  { type: "kubernetes:core/v1:Service", props: { spec: { type: "ClusterIP", ports: [{ port: 5432 }] } } },
  [
    ["spec.type", "LoadBalancer", /^spec\.ports\[0\]/],
    ["spec.type", "NodePort", /^spec\.ports\[0\]/],
  ],
);

test("a server in a subnet of its own is not public, also before the subnet is there", async () => {
  const props = { network: { delegatedSubnetResourceId: unknownText } };
  expect(await violations(noPublicDatabase, { type: "azure-native:dbforpostgresql:Server", props })).toEqual([]);
});
