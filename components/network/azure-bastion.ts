import { BastionHost } from "@pulumi/azure-native/network/bastionHost.js";
import { PublicIPAddress } from "@pulumi/azure-native/network/publicIPAddress.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { type AzureNetwork, publicAddress } from "./azure-network.ts";
import { type AzurePlace, azureName, placed } from "./azure-place.ts";

/** Arguments of an `AzureBastion`. */
export interface AzureBastionArgs {
  readonly place: AzurePlace;
  /** Made with the optional tier `AzureBastionSubnet`; its `allowedRanges` say who may sign in. */
  readonly network: AzureNetwork;
  /** Zones of its address. Default: none. */
  readonly zones?: readonly string[];
  /** How many machines: each carries about 20 sessions. Default: 2. */
  readonly scaleUnits?: number;
}

/**
 * A bastion: the way for people into a closed network, signed in with their own identity. It tunnels to the API of a private
 * cluster (`az aks bastion`) and to machines; files, links to share and addresses outside of the network are off.
 *
 * Resources: 1 + 2.
 *
 * Cost: about 210 a month with two units.
 */
export class AzureBastion extends ComponentResource {
  declare readonly bastionId: Output<string>;

  constructor(name: string, args: AzureBastionArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AzureBastion", name, {}, options);
    const { place, network, zones = [], scaleUnits = 2 } = args;
    const address = new PublicIPAddress(name, publicAddress(place, "bastion", zones), { parent: this });
    const bastion = new BastionHost(
      name,
      {
        ...placed(place),
        bastionHostName: azureName(place, "bastion"),
        // The smallest that tunnels.
        sku: { name: "Standard" },
        scaleUnits,
        enableTunneling: true,
        enableFileCopy: false,
        enableIpConnect: false,
        enableShareableLink: false,
        ipConfigurations: [
          {
            name: "bastion",
            subnet: { id: network.subnet("AzureBastionSubnet") },
            publicIPAddress: { id: address.id },
            privateIPAllocationMethod: "Dynamic",
          },
        ],
        ...(zones.length > 0 && { zones: [...zones] }),
      },
      { parent: this },
    );
    this.bastionId = bastion.id;
    this.registerOutputs({ bastionId: this.bastionId });
  }
}
