import { beforeEach, expect, test } from "vitest";
import { AzureBastion } from "./azure-bastion.ts";
import { AzureGateway } from "./azure-gateway.ts";
import { AzureNetwork, type AzureNetworkArgs } from "./azure-network.ts";
import { AzureNetworkPeering } from "./azure-network-peering.ts";
import { AzurePrivateEndpoint } from "./azure-private-endpoint.ts";
import { mockAzure, productionPlace as place, type Registered, settled, valueOf } from "./testing/azure-mocks.ts";

let registered: Registered[];
beforeEach(async () => {
  registered = (await mockAzure()).registered;
});

const network = (args: Partial<AzureNetworkArgs> = {}) =>
  new AzureNetwork("net", { place, addressSpace: "10.20.0.0/16", zones: ["1", "2", "3"], ...args });
const one = (type: string, name?: string) => {
  const found = registered.filter(
    (resource) => resource.type === type && (name === undefined || resource.name === name),
  );
  expect(found).toHaveLength(1);
  return found[0] as Registered;
};
const subnets = () =>
  Object.fromEntries(
    one("network:VirtualNetwork").inputs.subnets.map((subnet: { name: string }) => [subnet.name, subnet]),
  );

test("a network is a subnet per tier, each behind a security group, with names for databases, vaults and storage", async () => {
  const { addresses } = network();
  await settled();
  const all = subnets();
  expect(Object.keys(all)).toEqual(["nodes", "ingress", "database", "endpoints", "apiserver"]);
  for (const [tier, subnet] of Object.entries(all)) {
    expect(subnet.addressPrefix).toBe(addresses[tier as keyof typeof addresses]);
    expect(subnet.networkSecurityGroup.id).toMatch(/\/networkSecurityGroups\/net-/);
  }
  expect(all.database.delegations[0].serviceName).toBe("Microsoft.DBforPostgreSQL/flexibleServers");
  expect(all.nodes.natGateway.id).toMatch(/\/natGateways\/net-egress$/);
  expect(all.nodes.defaultOutboundAccess).toBe(false);
  expect(all.endpoints.privateEndpointNetworkPolicies).toBe("NetworkSecurityGroupEnabled");
  expect(
    registered.filter(({ type }) => type === "privatedns:PrivateZone").map(({ inputs }) => inputs.privateZoneName),
  ).toEqual([
    "canton-prod.private.postgres.database.azure.com",
    "privatelink.vaultcore.azure.net",
    "privatelink.blob.core.windows.net",
  ]);
  expect(one("network:PublicIPAddress").inputs.zones).toEqual(["1", "2", "3"]);
  // As its documentation says: one of its own and 14.
  expect(registered).toHaveLength(15);
  for (const { type, parent } of registered.slice(1)) {
    expect([type, parent]).toEqual([type, "pulumi-canton:network:AzureNetwork net"]);
  }
});

test("subnets for bastion, gateway and web firewall are there when asked for, and named as Azure insists", async () => {
  const whole = network({ optionalTiers: ["firewall", "GatewaySubnet", "AzureBastionSubnet"] });
  expect(await valueOf(whole.subnet("GatewaySubnet"))).toMatch(
    /\/virtualNetworks\/canton-prod-network\/subnets\/GatewaySubnet$/,
  );
  await settled();
  const all = subnets();
  expect(Object.keys(all).slice(4)).toEqual(["AzureBastionSubnet", "GatewaySubnet", "firewall", "apiserver"]);
  expect(all.GatewaySubnet.networkSecurityGroup).toBeUndefined();
  expect(() => network().subnet("firewall")).toThrow("the network has no subnet firewall");
});

test("a private endpoint is an address among the endpoints, found by the name of its service", async () => {
  new AzurePrivateEndpoint("endpoint", { place, network: network(), service: "vault", targetId: "/vaults/v" });
  await settled();
  const { inputs } = one("network:PrivateEndpoint");
  expect(inputs.subnet.id).toMatch(/\/subnets\/endpoints$/);
  expect(inputs.privateLinkServiceConnections).toEqual([
    { name: "vault", privateLinkServiceId: "/vaults/v", groupIds: ["vault"] },
  ]);
  expect(one("network:PrivateDnsZoneGroup").inputs.privateDnsZoneConfigs[0].privateDnsZoneId).toMatch(/vaultcore/);
});

test("a gateway is in its own subnet; two active machines have an address each", async () => {
  const net = network({ optionalTiers: ["GatewaySubnet"] });
  const { end } = new AzureGateway("gateway", { place, network: net, activeActive: true });
  expect(await valueOf(end)).toMatchObject({ location: "westeurope", ranges: ["10.20.0.0/16"] });
  await settled();
  const { inputs } = one("network:VirtualNetworkGateway");
  expect(inputs).toMatchObject({ gatewayType: "Vpn", vpnType: "RouteBased", activeActive: true });
  expect(
    new Set(inputs.ipConfigurations.map((each: { publicIPAddress: { id: string } }) => each.publicIPAddress.id)).size,
  ).toBe(2);
});

test("a bastion tunnels, and neither copies files nor gives out links", async () => {
  new AzureBastion("bastion", { place, network: network({ optionalTiers: ["AzureBastionSubnet"] }) });
  await settled();
  expect(one("network:BastionHost").inputs).toMatchObject({
    sku: { name: "Standard" },
    enableTunneling: true,
    enableFileCopy: false,
    enableShareableLink: false,
    enableIpConnect: false,
  });
});

test("two regions are joined in both directions, and know the names of each other's databases", async () => {
  const peer = {
    networkId: "/subscriptions/s/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/far",
    databaseZone: "far.private.postgres.database.azure.com",
  };
  new AzureNetworkPeering("peering", { place, network: network(), peer });
  await settled();
  const here = one("network:VirtualNetworkPeering", "peering-to-peer").inputs;
  const there = one("network:VirtualNetworkPeering", "peering-from-peer").inputs;
  expect(here).toMatchObject({
    virtualNetworkName: "canton-prod-network",
    remoteVirtualNetwork: { id: peer.networkId },
  });
  expect(there).toMatchObject({ resourceGroupName: "other", virtualNetworkName: "far", allowForwardedTraffic: false });
  expect(one("privatedns:VirtualNetworkLink", "peering-to-peer").inputs).toMatchObject({
    resourceGroupName: "other",
    privateZoneName: peer.databaseZone,
  });
  expect(one("privatedns:VirtualNetworkLink", "peering-from-peer").inputs.virtualNetwork.id).toBe(peer.networkId);
});
