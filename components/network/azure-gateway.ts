import { PublicIPAddress } from "@pulumi/azure-native/network/publicIPAddress.js";
import { VirtualNetworkGateway } from "@pulumi/azure-native/network/virtualNetworkGateway.js";
import { ComponentResource, type ComponentResourceOptions, type Output, output } from "@pulumi/pulumi";
import type { GatewayEnd } from "./azure-gateway-isolation.ts";
import { type AzureNetwork, publicAddress } from "./azure-network.ts";
import { type AzurePlace, azureName, placed } from "./azure-place.ts";

/** Sizes of a gateway, all of them spread over zones. */
export const gatewaySizes = ["VpnGw1AZ", "VpnGw2AZ", "VpnGw3AZ"] as const;
/** One of {@link gatewaySizes}. */
export type GatewaySize = (typeof gatewaySizes)[number];

/** Arguments of an `AzureGateway`. */
export interface AzureGatewayArgs {
  readonly place: AzurePlace;
  /** Made with the optional tier `GatewaySubnet`. */
  readonly network: AzureNetwork;
  /** 0.65, 1 or 2.5 Gbit/s. Default: `VpnGw1AZ`. */
  readonly size?: GatewaySize;
  /** Two machines that both carry traffic, so that the loss of one is not noticed. Default: one, and one that takes over. */
  readonly activeActive?: boolean;
  /** Zones of its addresses. Default: none. */
  readonly zones?: readonly string[];
}

/**
 * The gateway of a network, for `AzureGatewayIsolation`: the only way between the domain and what it is kept apart from.
 *
 * Resources: 1 + 2, one more when both machines are active.
 *
 * Cost: about 140 a month for `VpnGw1AZ`, 360 for `VpnGw2AZ`; takes up to 45 minutes to make.
 */
export class AzureGateway extends ComponentResource {
  /** What a connection is made between. */
  declare readonly end: Output<GatewayEnd>;

  constructor(name: string, args: AzureGatewayArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AzureGateway", name, {}, options);
    const { place, network, size = "VpnGw1AZ", activeActive = false, zones = [] } = args;
    const parts = activeActive ? ["gateway", "gateway-2"] : ["gateway"];
    const gateway = new VirtualNetworkGateway(
      name,
      {
        ...placed(place),
        virtualNetworkGatewayName: azureName(place, "gateway"),
        gatewayType: "Vpn",
        vpnType: "RouteBased",
        sku: { name: size, tier: size },
        activeActive,
        enableBgp: false,
        ipConfigurations: parts.map((part) => ({
          name: part,
          privateIPAllocationMethod: "Dynamic",
          subnet: { id: network.subnet("GatewaySubnet") },
          publicIPAddress: {
            id: new PublicIPAddress(`${name}-${part}`, publicAddress(place, part, zones), { parent: this }).id,
          },
        })),
      },
      { parent: this },
    );
    this.end = output({
      gatewayId: gateway.id,
      location: place.location,
      ranges: [args.network.addressSpace],
    });
    this.registerOutputs({ end: this.end });
  }
}
