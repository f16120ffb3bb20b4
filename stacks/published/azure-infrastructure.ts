import { Provider } from "@pulumi/azure-native/provider.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { checkAzureConfig } from "../azure/config.ts";
import { azureInfrastructure } from "../azure/infrastructure.ts";
import { configOf, type InfrastructureArgs } from "./infrastructure-args.ts";

/** Arguments of an `AzureInfrastructure`. */
export interface AzureInfrastructureArgs extends InfrastructureArgs {
  /** Id of the subscription that everything is made in. Default: the one that is signed in to. */
  readonly subscription?: string;
}

/** What Canton nodes need in a region of Azure: network, cluster, databases, keys, storage. Some 90 to 120 resources. */
export class AzureInfrastructure extends ComponentResource {
  /** What a stack that runs nodes on it takes. Secret. */
  declare readonly infrastructure: Output<any>;

  constructor(name: string, args: AzureInfrastructureArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:index:AzureInfrastructure", name, {}, options);
    const config = checkAzureConfig(configOf(args));
    const { region: location, subscription: subscriptionId } = config;
    const parent = { parent: this };
    const provider = new Provider(name, { location, ...(subscriptionId && { subscriptionId }) }, parent);
    this.infrastructure = azureInfrastructure(config, {}, { ...parent, provider }).infrastructure;
    this.registerOutputs({ infrastructure: this.infrastructure });
  }
}
