import { PrivateDnsZoneGroup } from "@pulumi/azure-native/network/privateDnsZoneGroup.js";
import { PrivateEndpoint } from "@pulumi/azure-native/network/privateEndpoint.js";
import { ComponentResource, type ComponentResourceOptions, type Input } from "@pulumi/pulumi";
import type { AzureNetwork, PrivateService } from "./azure-network.ts";
import { type AzurePlace, azureName, placed } from "./azure-place.ts";

/** Arguments of an `AzurePrivateEndpoint`. */
export interface AzurePrivateEndpointArgs {
  readonly place: AzurePlace;
  /** In whose subnet for endpoints the address is. */
  readonly network: AzureNetwork;
  /** What is reached, in the names of the network's private zones. */
  readonly service: Exclude<PrivateService, "postgres">;
  /** Id of the vault or storage account. */
  readonly targetId: Input<string>;
  /** Last part of its name, where a network has several of a service. Default: the service. */
  readonly part?: string;
}

/**
 * An address in the network for a service of Azure, found under the service's own name.
 *
 * Resources: 1 + 2.
 *
 * Cost: about 7 a month and 0.01 per GB.
 */
export class AzurePrivateEndpoint extends ComponentResource {
  constructor(name: string, args: AzurePrivateEndpointArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AzurePrivateEndpoint", name, {}, options);
    const { place, network, service, targetId, part = service } = args;
    const endpoint = new PrivateEndpoint(
      name,
      {
        ...placed(place),
        privateEndpointName: azureName(place, part),
        subnet: { id: network.subnet("endpoints") },
        privateLinkServiceConnections: [{ name: service, privateLinkServiceId: targetId, groupIds: [service] }],
      },
      { parent: this },
    );
    new PrivateDnsZoneGroup(
      name,
      {
        resourceGroupName: place.resourceGroupName,
        privateEndpointName: endpoint.name,
        privateDnsZoneGroupName: "default",
        privateDnsZoneConfigs: [{ name: service, privateDnsZoneId: network.zones[service].id }],
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
