import { NatGateway } from "@pulumi/azure-native/network/natGateway.js";
import { NetworkSecurityGroup } from "@pulumi/azure-native/network/networkSecurityGroup.js";
import { PublicIPAddress } from "@pulumi/azure-native/network/publicIPAddress.js";
import { VirtualNetwork } from "@pulumi/azure-native/network/virtualNetwork.js";
import { PrivateZone } from "@pulumi/azure-native/privatedns/privateZone.js";
import { VirtualNetworkLink } from "@pulumi/azure-native/privatedns/virtualNetworkLink.js";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  interpolate,
  type Output,
} from "@pulumi/pulumi";
import { type AzureTier, azureAddresses, azureTiers } from "./azure-addresses.ts";
import { azureRules, type FilteredTier, type GatewayPeers, securityRules } from "./azure-firewall-rules.ts";
import { type AzurePlace, azureName, placed } from "./azure-place.ts";

/** Subnets that a network may do without. */
export type OptionalTier = "AzureBastionSubnet" | "GatewaySubnet" | "firewall";

/** Services that are reached by a private address. */
export const privateServices = ["postgres", "vault", "blob"] as const;
/** One of {@link privateServices}. */
export type PrivateService = (typeof privateServices)[number];

/** Arguments of an `AzureNetwork`. */
export interface AzureNetworkArgs {
  readonly place: AzurePlace;
  /** Addresses of the network, from /8 to /18. Example: `"10.20.0.0/16"`. */
  readonly addressSpace: string;
  /** Addresses of pods, which are of no network. Default: `10.244.0.0/16`. */
  readonly podRange?: string;
  /** Subnets on top of those for nodes, ingress, databases, private endpoints and the Kubernetes API. Default: none. */
  readonly optionalTiers?: readonly OptionalTier[];
  /** Whether the ingress has a public address. Default: no, its address is of the network. */
  readonly publicIngress?: boolean;
  /** Who may reach ingress, web firewall and bastion. Default: nobody. Example: `["203.0.113.0/24"]`. */
  readonly allowedRanges?: Input<readonly string[]>;
  /** Who may reach the Kubernetes API where that is public. Default: nobody. */
  readonly apiRanges?: readonly string[];
  /** The network behind the gateway. Default: none. */
  readonly gateway?: GatewayPeers;
  /** Databases of other regions that replicate with those here. Default: none. Example: `["10.40.65.0/24"]`. */
  readonly databasePeers?: Input<readonly string[]>;
  /** TCP ports that nodes may dial on the internet. Default: 443. */
  readonly egressPorts?: readonly number[];
  /** Zones of the address that nodes are seen by on the internet. Default: none, for regions without. */
  readonly zones?: readonly string[];
}

/** Subnets that a service of Azure puts its machines into. */
const delegated: Partial<Record<AzureTier, string>> = {
  database: "Microsoft.DBforPostgreSQL/flexibleServers",
  apiserver: "Microsoft.ContainerService/managedClusters",
};

/** The names of the zones in which private addresses are found. */
const zoneNames = (name: string): Record<PrivateService, string> => ({
  // The name of a server may not be that of its zone: the zone is named for the deployment.
  postgres: `${name}.private.postgres.database.azure.com`,
  vault: "privatelink.vaultcore.azure.net",
  blob: "privatelink.blob.core.windows.net",
});

/**
 * A network of one's own: a subnet for every tier, closed but for what the rules name, private names for databases, vaults and
 * storage, and one address by which nodes are seen on the internet.
 *
 * Resources: 1 + 14, 1 more for a bastion's or web firewall's subnet.
 *
 * Cost: the NAT gateway, about 35 a month and 0.05 per GB; everything else is free or nearly so.
 */
export class AzureNetwork extends ComponentResource {
  /** Id of the network. */
  declare readonly networkId: Output<string>;
  /** Name of the network. */
  declare readonly networkName: Output<string>;
  /** Address by which nodes are seen on the internet: what others put on their allow-lists. */
  declare readonly egressAddress: Output<string>;
  /** All its addresses. */
  readonly addressSpace: string;
  /** Range of every tier, used or not. */
  readonly addresses: Readonly<Record<AzureTier, string>>;
  /** Zones in which private addresses are found. */
  readonly zones: Readonly<Record<PrivateService, { readonly id: Output<string>; readonly name: Output<string> }>>;
  /** A database can be made once its zone is known in the network. */
  readonly zoneLinks: Readonly<Record<PrivateService, VirtualNetworkLink>>;
  readonly #tiers: readonly AzureTier[];

  constructor(name: string, args: AzureNetworkArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AzureNetwork", name, {}, options);
    const { place, addressSpace, optionalTiers = [], zones = [] } = args;
    const optional: readonly AzureTier[] = ["AzureBastionSubnet", "GatewaySubnet", "firewall"];
    const wanted: readonly AzureTier[] = optionalTiers;
    this.#tiers = azureTiers.filter((tier) => !optional.includes(tier) || wanted.includes(tier));
    this.addressSpace = addressSpace;
    this.addresses = azureAddresses(addressSpace);

    const groups = this.#securityGroups(name, args);
    const egress = new PublicIPAddress(`${name}-egress`, publicAddress(place, "egress", zones), { parent: this });
    this.egressAddress = egress.ipAddress.apply((text) => text ?? "");
    const nat = new NatGateway(
      `${name}-egress`,
      {
        ...placed(place),
        natGatewayName: azureName(place, "egress"),
        sku: { name: "Standard" },
        publicIpAddresses: [{ id: egress.id }],
        idleTimeoutInMinutes: 10,
      },
      { parent: this },
    );
    const network = new VirtualNetwork(
      name,
      {
        ...placed(place),
        virtualNetworkName: azureName(place, "network"),
        addressSpace: { addressPrefixes: [addressSpace] },
        subnets: this.#tiers.map((tier) => ({
          name: tier,
          addressPrefix: this.addresses[tier],
          ...(tier !== "GatewaySubnet" && { networkSecurityGroup: { id: groups[tier]?.id as Output<string> } }),
          ...(tier === "nodes" && { natGateway: { id: nat.id } }),
          // Azure would otherwise lend machines an address of its own, which no allow-list knows.
          ...(["nodes", "ingress", "endpoints"].includes(tier) && { defaultOutboundAccess: false }),
          ...(tier === "endpoints" && { privateEndpointNetworkPolicies: "NetworkSecurityGroupEnabled" }),
          ...(delegated[tier] && { delegations: [{ name: tier, serviceName: delegated[tier] }] }),
        })),
      },
      { parent: this },
    );
    this.networkId = network.id;
    this.networkName = network.name;

    const dns = privateServices.map((service) => {
      const zone = new PrivateZone(
        `${name}-${service}`,
        {
          resourceGroupName: place.resourceGroupName,
          tags: place.tags,
          privateZoneName: zoneNames(place.name)[service],
          location: "Global",
        },
        { parent: this },
      );
      return { service, zone, link: linkZone(`${name}-${service}`, place, zone.name, network.id, { parent: this }) };
    });
    this.zones = each(dns.map(({ service, zone }) => [service, { id: zone.id, name: zone.name }]));
    this.zoneLinks = each(dns.map(({ service, link }) => [service, link]));
    this.registerOutputs({ networkId: this.networkId });
  }

  /**
   * The id of a subnet.
   *
   * @throws Error when the network was made without it
   */
  subnet(tier: AzureTier): Output<string> {
    if (!this.#tiers.includes(tier)) {
      throw new Error(`the network has no subnet ${tier}; expected it among optionalTiers`);
    }
    return interpolate`${this.networkId}/subnets/${tier}`;
  }

  #securityGroups(name: string, args: AzureNetworkArgs): Partial<Record<FilteredTier, NetworkSecurityGroup>> {
    const { place, podRange = "10.244.0.0/16", publicIngress = false, gateway, apiRanges = [] } = args;
    const { egressPorts = [443] } = args;
    const rules = all([args.allowedRanges ?? [], args.databasePeers ?? []]).apply(([allowedRanges, databasePeers]) =>
      azureRules({
        addresses: this.addresses,
        podRange,
        publicIngress,
        allowedRanges,
        ...(gateway && { gateway }),
        databasePeers,
        apiRanges,
        egressPorts,
      }),
    );
    return Object.fromEntries(
      this.#tiers
        .filter((tier) => tier !== "GatewaySubnet")
        .map((tier) => {
          const part = tier.toLowerCase();
          const group = new NetworkSecurityGroup(
            `${name}-${part}`,
            {
              ...placed(place),
              networkSecurityGroupName: azureName(place, part),
              securityRules: rules.apply((all) => securityRules(all[tier])),
            },
            { parent: this },
          );
          return [tier, group];
        }),
    );
  }
}

/** Arguments of a public address that stays the same, in every zone of the region. */
export function publicAddress(place: AzurePlace, part: string, zones: readonly string[]) {
  return {
    ...placed(place),
    publicIpAddressName: azureName(place, part),
    publicIPAllocationMethod: "Static",
    publicIPAddressVersion: "IPv4",
    sku: { name: "Standard" },
    ...(zones.length > 0 && { zones: [...zones] }),
  };
}

/** Makes the names of a private zone known in a network. */
export function linkZone(
  name: string,
  place: AzurePlace,
  zoneName: Input<string>,
  networkId: Input<string>,
  options: ComponentResourceOptions,
  resourceGroupName: Input<string> = place.resourceGroupName,
): VirtualNetworkLink {
  return new VirtualNetworkLink(
    name,
    {
      resourceGroupName,
      tags: place.tags,
      privateZoneName: zoneName,
      virtualNetworkLinkName: azureName(place, "network"),
      virtualNetwork: { id: networkId },
      registrationEnabled: false,
      location: "Global",
    },
    options,
  );
}

function each<T>(entries: readonly (readonly [PrivateService, T])[]): Record<PrivateService, T> {
  return Object.fromEntries(entries) as Record<PrivateService, T>;
}
