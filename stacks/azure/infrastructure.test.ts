import { isSecret, type Output } from "@pulumi/pulumi";
import { mockAzure, type Registered, settled, valueOf } from "@pulumi-canton/components/network/testing/azure-mocks.ts";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { checkAzureConfig } from "./config.ts";
import { type AzureRegion, azureInfrastructure, databasePeers } from "./infrastructure.ts";

const group = "8d1f0000-0000-4000-8000-000000000002";
const given = {
  dev: { name: "canton-dev", environment: "dev", region: "westeurope", allowedRanges: ["203.0.113.0/24"] },
  staging: {
    name: "canton-stage",
    environment: "staging",
    region: "westeurope",
    allowedRanges: ["203.0.113.0/24"],
    cluster: { adminGroups: [group] },
  },
  production: {
    name: "canton-prod",
    environment: "production",
    region: "westeurope",
    allowedRanges: ["203.0.113.0/24"],
    cluster: { adminGroups: [group] },
  },
};
const everything = {
  ...given.production,
  ingress: "public",
  gateway: { peerRanges: ["10.30.0.0/16"], activeActive: true },
  waf: { hostName: "api.example.com", certificate: "api" },
  storage: { longTermMonths: 12 },
  database: { replicaRanges: ["10.40.0.0/16"] },
};

/** What a configuration makes; each is made once, one after the other. */
function built(config: Record<string, unknown>): ReturnType<typeof build> {
  const key = JSON.stringify(config);
  const one = builds.get(key) ?? build(config);
  builds.set(key, one);
  return one;
}
const builds = new Map<string, ReturnType<typeof build>>();

async function build(config: Record<string, unknown>) {
  const { registered, calls } = await mockAzure();
  const region = azureInfrastructure(checkAzureConfig(config));
  const infrastructure = await valueOf(region.infrastructure as Output<InfrastructureState>);
  const ids = await valueOf(region.ids);
  await settled();
  return { registered, calls, region, infrastructure, ids };
}

const of = (registered: readonly Registered[], type: string) => registered.filter((one) => one.type === type);

test("every preset, and production with all there is, stays far below 150 resources", async () => {
  const counts: Record<string, number> = {};
  for (const [name, config] of Object.entries({ ...given, everything })) {
    counts[name] = (await built(config)).registered.length;
  }
  expect(counts).toEqual({ dev: 91, staging: 95, production: 101, everything: 122 });
}, 120_000);

test("what it hands to the stacks on top is secret and complete", async () => {
  const { region, infrastructure, ids } = await built(given.production);
  expect(await isSecret(region.infrastructure)).toBe(true);
  expect(await isSecret(region.ids)).toBe(false);
  expect(infrastructure).toMatchObject({
    cloud: "azure",
    region: "westeurope",
    deployment: { name: "canton-prod", environment: "production" },
    namespace: "canton-prod",
    keyEncryption: { type: "azure-key-vault", keyId: expect.stringMatching(/^https:\/\/[^/]+\/keys\/nodes\/4f1c$/) },
    storage: { backups: expect.stringMatching(/^https:\/\/[a-z0-9]{3,24}\.blob\.core\.windows\.net\/backups$/) },
    ingress: {
      annotations: {
        "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
        "service.beta.kubernetes.io/azure-load-balancer-internal-subnet": "ingress",
        "service.beta.kubernetes.io/azure-load-balancer-ipv4": "10.20.64.10",
      },
      address: "10.20.64.10",
      allowedRanges: ["203.0.113.0/24"],
    },
    cluster: {
      zones: ["westeurope-1", "westeurope-2", "westeurope-3"],
      workloadIdentity: {
        serviceAccount: "canton",
        annotations: { "azure.workload.identity/client-id": "canton-prod-nodes-client" },
      },
    },
  });
  expect(Object.keys(infrastructure.databases.nodes.logins)).toEqual([
    "domain-manager",
    "mediator",
    "sequencer1",
    "sequencer2",
    "participant1",
  ]);
  expect(infrastructure.databases.sequencerBackend?.logins).toEqual({
    "sequencer-backend": {
      database: "sequencer_backend",
      user: "sequencer_backend",
      password: "password of canton-prod-backend-database-sequencer-backend",
    },
  });
  expect(infrastructure.databases.sequencerBackend?.host).not.toBe(infrastructure.databases.nodes.host);
  expect(JSON.stringify(ids)).not.toContain("password");
});

test("without local accounts the kubeconfig holds no credential; with them it is the administrator's", async () => {
  const production = await built(given.production);
  const { users } = parse(production.infrastructure.cluster.kubeconfig);
  expect(users[0].user.exec.command).toBe("kubelogin");
  expect(production.infrastructure.cluster.kubeconfig).not.toContain("client-key-data");
  expect(production.calls).toContain("azure-native:containerservice:listManagedClusterUserCredentials");
  const dev = await built(given.dev);
  expect(dev.infrastructure.cluster.kubeconfig).toContain("client-key-data");
  expect(dev.calls).toContain("azure-native:containerservice:listManagedClusterAdminCredentials");
});

test("in production all that cannot be made again is protected, and stays; in development nothing is", async () => {
  const precious =
    /^(keyvault:(Vault|Key)|dbforpostgresql:Server|storage:(StorageAccount|BlobContainer)|resources:ResourceGroup)$/;
  const { registered } = await built(given.production);
  const kept = registered.filter(({ protect, retainOnDelete }) => protect && retainOnDelete);
  expect(new Set(kept.map(({ type }) => type).filter((type) => precious.test(type))).size).toBe(6);
  expect(registered.filter(({ type, protect }) => precious.test(type) && !protect)).toEqual([]);
  expect((await built(given.dev)).registered.filter(({ protect }) => protect)).toEqual([]);
});

test("every resource belongs to a component, but the group, its name, and the addresses that its rules have to know", async () => {
  const { registered } = await built(everything);
  const alone = registered.filter(
    ({ type, parent }) => !type.startsWith("pulumi-canton:") && !parent.startsWith("pulumi-canton:"),
  );
  expect(alone.map(({ type, name }) => `${type} ${name}`).sort()).toEqual([
    "network:PublicIPAddress canton-prod-firewall",
    "network:PublicIPAddress canton-prod-ingress",
    "random:RandomId canton-prod-unique",
    "resources:ResourceGroup canton-prod",
  ]);
});

test("nothing is public in production, and the copy of its backups has a key where it is", async () => {
  const { registered } = await built(given.production);
  for (const type of ["keyvault:Vault", "storage:StorageAccount"]) {
    for (const { inputs } of of(registered, type)) {
      expect((inputs.properties ?? inputs).publicNetworkAccess).toBe("Disabled");
    }
  }
  const [geo] = of(registered, "keyvault:Vault").filter(({ name }) => name.endsWith("geo-vault"));
  expect(geo?.inputs.location).toBe("northeurope");
  for (const { inputs } of of(registered, "dbforpostgresql:Server")) {
    expect(inputs).toMatchObject({
      version: "17",
      highAvailability: { mode: "ZoneRedundant", standbyAvailabilityZone: "2" },
      backup: { backupRetentionDays: 35, geoRedundantBackup: "Enabled" },
      dataEncryption: { type: "AzureKeyVault", geoBackupKeyURI: expect.stringContaining("/keys/geo-backups/4f1c") },
    });
  }
  const [cluster] = of(registered, "containerservice:ManagedCluster");
  expect(cluster?.inputs).toMatchObject({
    disableLocalAccounts: true,
    apiServerAccessProfile: { enablePrivateCluster: true },
  });
});

test("a public ingress lets the web firewall in beside those on the allow-list", async () => {
  const { registered, infrastructure, ids } = await built(everything);
  expect(infrastructure.ingress).toEqual({
    annotations: {
      "service.beta.kubernetes.io/azure-load-balancer-resource-group": "canton-prod",
      "service.beta.kubernetes.io/azure-pip-name": "canton-prod-ingress",
    },
    address: "20.1.2.3",
    allowedRanges: ["203.0.113.0/24", "10.30.0.0/16", "20.1.2.3/32"],
  });
  expect(ids).toMatchObject({
    firewallAddress: "20.1.2.3",
    gateway: { location: "westeurope", ranges: ["10.20.0.0/16"] },
  });
  const [nodes] = of(registered, "network:NetworkSecurityGroup").filter(({ name }) => name.endsWith("-nodes"));
  const rule = (name: string) => nodes?.inputs.securityRules.find((one: { name: string }) => one.name === name);
  expect(rule("ingress").sourceAddressPrefixes).toEqual(["203.0.113.0/24", "20.1.2.3/32", "10.20.69.0/24"]);
  expect(rule("gateway").sourceAddressPrefix).toBe("10.30.0.0/16");
  const [policy] = of(registered, "network:WebApplicationFirewallPolicy");
  expect(
    policy?.inputs.customRules.map(({ ruleType, action }: Record<string, string>) => `${ruleType} ${action}`),
  ).toEqual(["MatchRule Block", "RateLimitRule Block"]);
});

test("the participant's side makes the connection with the domain's gateway, in both directions under one key", async () => {
  const domainGateway = {
    gatewayId: "/subscriptions/s/resourceGroups/d/providers/Microsoft.Network/virtualNetworkGateways/domain",
    location: "northeurope",
    ranges: ["10.20.0.0/16"],
  };
  const { registered } = await built({
    ...given.dev,
    domain: false,
    nodes: ["participant1"],
    network: { range: "10.30.0.0/16" },
    gateway: { side: "participant", domainGateway, peerRanges: ["10.20.0.0/16"] },
  });
  const connections = of(registered, "network:VirtualNetworkGatewayConnection").map(({ inputs }) => inputs);
  expect(connections.map(({ location }) => location)).toEqual(["northeurope", "westeurope"]);
  expect(connections[0]?.virtualNetworkGateway1).toEqual({ id: domainGateway.gatewayId });
  expect(connections[1]?.virtualNetworkGateway2).toEqual({ id: domainGateway.gatewayId });
  expect(new Set(connections.map(({ sharedKey }) => JSON.stringify(sharedKey))).size).toBe(1);
  expect(of(registered, "dbforpostgresql:Server")).toHaveLength(1);
});

test("a standby region follows the databases, uses the same key and passwords, and is told apart by its names", async () => {
  const { registered } = await mockAzure();
  const primary = azureInfrastructure(checkAzureConfig(given.production));
  const first = await valueOf(primary.infrastructure);
  await valueOf(primary.ids);
  await settled();
  const before = registered.length;
  const config = { ...given.production, region: "northeurope", network: { range: "10.40.0.0/16" } };
  const standby: AzureRegion = azureInfrastructure(checkAzureConfig(config), { suffix: "standby", replicaOf: primary });
  const second = await valueOf(standby.infrastructure);
  await valueOf(standby.ids);
  const own = registered.slice(before);

  expect(second.keyEncryption).toEqual(first.keyEncryption);
  expect(second.databases.nodes.logins).toEqual(first.databases.nodes.logins);
  expect(second.databases.nodes.host).not.toBe(first.databases.nodes.host);
  expect(of(own, "random:RandomPassword")).toEqual([]);
  for (const { inputs } of of(own, "dbforpostgresql:Server")) {
    expect(inputs).toMatchObject({
      createMode: "Replica",
      sourceServerResourceId: expect.stringContaining("/servers/canton-prod-"),
      highAvailability: { mode: "Disabled" },
      backup: { geoRedundantBackup: "Disabled" },
    });
    expect(inputs.administratorLogin).toBeUndefined();
    expect(inputs.replica).toBeUndefined();
  }
  expect(of(own, "network:VirtualNetworkPeering")).toHaveLength(2);
  const databases = of(own, "network:NetworkSecurityGroup").find(({ name }) => name.endsWith("-database"));
  const peer = databases?.inputs.securityRules.find(({ name }: { name: string }) => name === "standby-in");
  expect(peer.sourceAddressPrefixes).toEqual(["10.40.65.0/24", "10.20.65.0/24"]);
  await settled();
  const names = registered.map(({ type, name }) => `${type} ${name}`);
  expect(new Set(names).size).toBe(names.length);
  expect(registered.length - before).toBe(85);
}, 60_000);

test("a standby in the addresses of what it follows is refused", () => {
  expect(databasePeers("10.40.0.0/16", ["10.50.0.0/16"], "10.20.65.0/24")).toEqual(["10.50.0.0/16", "10.20.65.0/24"]);
  expect(databasePeers("10.40.0.0/16", ["10.50.0.0/16"])).toEqual(["10.50.0.0/16"]);
  expect(() => databasePeers("10.20.0.0/16", [], "10.20.65.0/24")).toThrow(
    'network.range: got "10.20.0.0/16", which overlaps 10.20.65.0/24',
  );
});

test("a promoted standby takes writes and gets a standby machine of its own", async () => {
  const { registered } = await mockAzure();
  const primary = azureInfrastructure(checkAzureConfig(given.production));
  const config = { ...given.production, region: "northeurope", network: { range: "10.40.0.0/16" } };
  const standby = azureInfrastructure(checkAzureConfig(config), {
    suffix: "standby",
    replicaOf: primary,
    promoted: true,
  });
  await valueOf(standby.infrastructure);
  const promoted = of(registered, "dbforpostgresql:Server").filter(({ name }) => name.includes("-standby-"));
  expect(promoted).toHaveLength(2);
  for (const { inputs } of promoted) {
    expect(inputs).toMatchObject({
      replica: { role: "None", promoteMode: "Standalone", promoteOption: "Forced" },
      highAvailability: { mode: "ZoneRedundant" },
    });
  }
}, 60_000);

test("databases are brought back to a moment in new servers, beside those that they come from", async () => {
  const to = "2026-11-01T10:00:00Z";
  const { registered } = await built({ ...given.dev, database: { restore: { to } } });
  const before = (await built(given.dev)).registered;
  const [server, original] = [registered, before].map((all) => of(all, "dbforpostgresql:Server")[0]?.inputs);
  expect(server).toMatchObject({
    createMode: "PointInTimeRestore",
    pointInTimeUTC: to,
    sourceServerResourceId: expect.stringMatching(new RegExp(`/flexibleServers/${original?.serverName}$`)),
  });
  expect(server?.serverName).not.toBe(original?.serverName);
}, 60_000);
