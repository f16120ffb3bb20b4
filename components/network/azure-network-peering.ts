import { VirtualNetworkPeering } from "@pulumi/azure-native/network/virtualNetworkPeering.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output, output } from "@pulumi/pulumi";
import { type AzureNetwork, linkZone } from "./azure-network.ts";
import { type AzurePlace, azureName } from "./azure-place.ts";

/** The network of another region; handed from stack to stack. */
export interface PeerNetwork {
  readonly networkId: string;
  /** Name of the private zone of its databases. */
  readonly databaseZone: string;
}

/** Arguments of an `AzureNetworkPeering`. */
export interface AzureNetworkPeeringArgs {
  readonly place: AzurePlace;
  readonly network: AzureNetwork;
  readonly peer: Input<PeerNetwork>;
}

/**
 * Joins the networks of two regions, so that databases can follow each other and find each other's names. Addresses of the two may
 * not overlap; what passes is up to the rules of both (`databasePeers` of `AzureNetwork`).
 *
 * Resources: 1 + 4.
 *
 * Cost: 0.035 per GB in each direction within a continent.
 */
export class AzureNetworkPeering extends ComponentResource {
  constructor(name: string, args: AzureNetworkPeeringArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AzureNetworkPeering", name, {}, options);
    const { place, network } = args;
    const peer = output(args.peer);
    const here = {
      networkId: network.networkId,
      resourceGroupName: output(place.resourceGroupName),
      zone: network.zones.postgres.name,
    };
    const there = {
      networkId: peer.networkId,
      resourceGroupName: partOf(peer.networkId, "resourceGroups"),
      zone: peer.databaseZone,
    };
    for (const [part, from, to] of [
      ["to-peer", here, there],
      ["from-peer", there, here],
    ] as const) {
      new VirtualNetworkPeering(
        `${name}-${part}`,
        {
          resourceGroupName: from.resourceGroupName,
          virtualNetworkName: partOf(from.networkId, "virtualNetworks"),
          virtualNetworkPeeringName: azureName(place, part),
          remoteVirtualNetwork: { id: to.networkId },
          allowVirtualNetworkAccess: true,
          allowForwardedTraffic: false,
          allowGatewayTransit: false,
          useRemoteGateways: false,
        },
        { parent: this },
      );
      linkZone(`${name}-${part}`, place, to.zone, from.networkId, { parent: this }, to.resourceGroupName);
    }
    this.registerOutputs({});
  }
}

/** A named part of a resource's id. */
function partOf(id: Output<string>, name: string): Output<string> {
  return id.apply((text) => new RegExp(`/${name}/([^/]+)`).exec(text)?.[1] ?? "");
}
