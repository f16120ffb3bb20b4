import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import { isSecret } from "@pulumi/pulumi";
import { beforeEach, expect, test } from "vitest";
import { AzureEncryptionKey } from "../identity/azure-encryption-key.ts";
import { AzureKeyVault } from "../identity/azure-key-vault.ts";
import { AzureNetwork } from "../network/azure-network.ts";
import {
  mockAzure,
  productionPlace as place,
  type Registered,
  settled,
  valueOf,
} from "../network/testing/azure-mocks.ts";
import { AzureCluster, type AzureClusterArgs } from "./azure-cluster.ts";

let registered: Registered[];
let calls: readonly string[];
beforeEach(async () => {
  ({ registered, calls } = await mockAzure());
});
const one = (type: string) => {
  const found = registered.filter((resource) => resource.type === type);
  expect(found).toHaveLength(1);
  return found[0]?.inputs ?? {};
};

function cluster(args: Partial<AzureClusterArgs> = {}) {
  const network = new AzureNetwork("net", { place, addressSpace: "10.20.0.0/16" });
  const vault = new AzureKeyVault("vault", { place });
  return new AzureCluster("cluster", {
    place,
    network,
    diskKey: new AzureEncryptionKey("disks", { place, vault, part: "disks" }),
    secretsKey: new AzureEncryptionKey("secrets", { place, vault, part: "cluster", use: "encrypt" }),
    vaultId: vault.vaultId,
    podIdentity: new UserAssignedIdentity("pods", { resourceGroupName: "g", resourceName: "pods" }),
    namespace: "canton",
    kubernetesVersion: "1.34",
    zones: ["1", "2", "3"],
    machines: { size: "Standard_D4ds_v5", fewest: 3, most: 9 },
    systemMachines: { size: "Standard_D2ds_v5", fewest: 2, most: 3 },
    adminGroups: ["group"],
    ...args,
  });
}

test("a cluster is closed, knows no account but those of the directory, and encrypts its disks", async () => {
  const made = cluster();
  expect(await isSecret(made.cluster)).toBe(true);
  const state = await valueOf(made.cluster);
  expect(state).toMatchObject({
    zones: ["westeurope-1", "westeurope-2", "westeurope-3"],
    storageClass: "managed-csi-premium",
    workloadIdentity: {
      serviceAccount: "canton",
      annotations: { "azure.workload.identity/client-id": "pods-client" },
      podLabels: { "azure.workload.identity/use": "true" },
    },
  });
  expect(state.kubeconfig).toContain("kubelogin");
  expect(await valueOf(made.api)).toBe("https://canton-prod-cluster.private.azmk8s.io");
  await settled();
  expect(one("containerservice:ManagedCluster")).toMatchObject({
    sku: { name: "Base", tier: "Standard" },
    disableLocalAccounts: true,
    enableRBAC: true,
    aadProfile: { managed: true, enableAzureRBAC: true, adminGroupObjectIDs: ["group"] },
    apiServerAccessProfile: {
      enablePrivateCluster: true,
      enablePrivateClusterPublicFQDN: false,
      enableVnetIntegration: true,
      subnetId: expect.stringMatching(/\/subnets\/apiserver$/),
    },
    networkProfile: {
      networkPolicy: "cilium",
      networkDataplane: "cilium",
      outboundType: "userAssignedNATGateway",
      podCidr: "10.244.0.0/16",
      serviceCidr: "10.245.0.0/16",
      dnsServiceIP: "10.245.0.10",
    },
    oidcIssuerProfile: { enabled: true },
    securityProfile: {
      workloadIdentity: { enabled: true },
      azureKeyVaultKms: {
        enabled: true,
        keyId: expect.stringMatching(/\/keys\/cluster\/4f1c$/),
        keyVaultNetworkAccess: "Private",
      },
    },
    diskEncryptionSetID: expect.stringContaining("/diskEncryptionSets/"),
  });
});

test("machines of every pool are in the subnet for nodes", async () => {
  cluster();
  await settled();
  const pools = one("containerservice:ManagedCluster").agentPoolProfiles;
  expect(pools).toHaveLength(2);
  for (const pool of pools) expect(pool.vnetSubnetID).toMatch(/\/subnets\/nodes$/);
});

test("pools of their own are the machines of nodes and of the system; the cluster has one to begin with", async () => {
  cluster({ ownPools: true });
  await settled();
  const [first, ...others] = one("containerservice:ManagedCluster").agentPoolProfiles;
  expect(others).toEqual([]);
  expect(first).toMatchObject({ mode: "System", maxCount: 1, vnetSubnetID: expect.stringMatching(/subnets\/nodes$/) });
  const pools = registered.filter(({ type }) => type === "containerservice:AgentPool");
  expect(Object.fromEntries(pools.map(({ name, inputs }) => [name, inputs.mode]))).toEqual({
    "cluster-system": "System",
    "cluster-nodes": "User",
  });
  for (const { inputs } of pools) {
    expect(inputs).toMatchObject({
      vnetSubnetID: expect.stringMatching(/subnets\/nodes$/),
      enableEncryptionAtHost: true,
    });
    expect(inputs.agentPoolName).not.toBe(first.name);
  }
});

test("pods of one service account in one namespace act as the identity, and no others", async () => {
  cluster();
  await settled();
  expect(one("managedidentity:FederatedIdentityCredential")).toMatchObject({
    resourceName: "pods",
    issuer: "https://issuer.example.com/",
    subject: "system:serviceaccount:canton:canton",
    audiences: ["api://AzureADTokenExchange"],
  });
});

test("a public API is for those listed, and local accounts give their certificate", async () => {
  const made = cluster({ privateApi: false, apiRanges: ["203.0.113.0/24"], localAccounts: true, adminGroups: [] });
  expect((await valueOf(made.cluster)).kubeconfig).toContain("client-key-data");
  expect(calls).toContain("azure-native:containerservice:listManagedClusterAdminCredentials");
  await settled();
  expect(one("containerservice:ManagedCluster")).toMatchObject({
    disableLocalAccounts: false,
    apiServerAccessProfile: { authorizedIPRanges: ["203.0.113.0/24"] },
  });
});

test("updates keep to the window", async () => {
  cluster({ maintenance: { day: "Saturday", startTime: "01:00", hours: 6 } });
  await settled();
  const windows = registered.filter(({ type }) => type === "containerservice:MaintenanceConfiguration");
  expect(windows.map(({ inputs }) => inputs.configName).sort()).toEqual([
    "aksManagedAutoUpgradeSchedule",
    "aksManagedNodeOSUpgradeSchedule",
  ]);
  for (const { inputs } of windows) {
    expect(inputs.maintenanceWindow).toMatchObject({
      schedule: { weekly: { intervalWeeks: 1, dayOfWeek: "Saturday" } },
      startTime: "01:00",
      durationHours: 6,
    });
  }
});

test("a cluster that nobody could administer is refused", () => {
  expect(() => cluster({ adminGroups: [] })).toThrow("adminGroups: got none; without local accounts nobody");
});
