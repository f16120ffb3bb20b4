import { VirtualNetworkGatewayConnection } from "@pulumi/azure-native/network/virtualNetworkGatewayConnection.js";
import { ComponentResource, type ComponentResourceOptions, type Input, output } from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { type AzurePlace, azureName, placed } from "./azure-place.ts";

/** One end of a connection between networks; handed from stack to stack. */
export interface GatewayEnd {
  /** Id of the network's `AzureGateway`. */
  readonly gatewayId: string;
  /** Region of the gateway. */
  readonly location: string;
  /** Addresses of the network behind it. */
  readonly ranges: readonly string[];
}

/** Arguments of an `AzureGatewayIsolation`. */
export interface AzureGatewayIsolationArgs {
  readonly place: AzurePlace;
  /** The gateway of the domain's network. */
  readonly domain: Input<GatewayEnd>;
  /** The gateway of the network of the owner's participant. */
  readonly participant: Input<GatewayEnd>;
}

/** Keys are changed hourly, and none can be told from another: the strongest that the gateways offer. */
const ipsecPolicy = {
  ikeEncryption: "AES256",
  ikeIntegrity: "SHA384",
  dhGroup: "ECP384",
  ipsecEncryption: "GCMAES256",
  ipsecIntegrity: "GCMAES256",
  pfsGroup: "ECP384",
  saLifeTimeSeconds: 3600,
  saDataSizeKilobytes: 102_400_000,
};

/**
 * Joins the network of a domain and that of its owner's participant by an encrypted connection of their gateways. Of what could
 * pass, the rules of both networks (`gateway` of `AzureNetwork`) let only the ports of sequencers through.
 *
 * Made by the participant's stack, which is the second: nothing in the domain's has to wait for it. Who runs it needs to be
 * allowed to use the domain's gateway.
 *
 * Resources: 1 + 3.
 *
 * Cost: traffic between networks of one region about 0.035 per GB; the gateways themselves are the larger part.
 */
export class AzureGatewayIsolation extends ComponentResource {
  constructor(name: string, args: AzureGatewayIsolationArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AzureGatewayIsolation", name, {}, options);
    const { place } = args;
    const sharedKey = new RandomPassword(`${name}-key`, { length: 64, special: false }, { parent: this }).result;
    const [domain, participant] = [output(args.domain), output(args.participant)];
    for (const [part, here, there] of [
      ["from-domain", domain, participant],
      ["from-participant", participant, domain],
    ] as const) {
      new VirtualNetworkGatewayConnection(
        `${name}-${part}`,
        {
          ...placed(place),
          // A connection is where its first gateway is.
          location: here.location,
          virtualNetworkGatewayConnectionName: azureName(place, part),
          connectionType: "Vnet2Vnet",
          connectionProtocol: "IKEv2",
          virtualNetworkGateway1: { id: here.gatewayId },
          virtualNetworkGateway2: { id: there.gatewayId },
          sharedKey,
          enableBgp: false,
          usePolicyBasedTrafficSelectors: false,
          ipsecPolicies: [ipsecPolicy],
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
