import { Provider } from "@pulumi/azure-native/provider.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import type { z } from "zod";
import { azureConfigSchema, checkAzureConfig } from "../azure/config.ts";
import { type AzureIds, azureInfrastructure, azureRegionOf } from "../azure/infrastructure.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { infrastructureArgs } from "./infrastructure-args.ts";

/** Arguments of an `AzureInfrastructure`: the configuration of the template. */
export const azureInfrastructureArgs = azureConfigSchema.extend(infrastructureArgs);

/** Arguments of an `AzureInfrastructure`. */
export type AzureInfrastructureArgs = z.input<typeof azureInfrastructureArgs>;

/** What Canton nodes need in a region of Azure: network, cluster, databases, keys, storage. Some 90 to 120 resources. */
export class AzureInfrastructure extends ComponentResource {
  /** What a stack that runs nodes on it takes. Secret. */
  declare readonly infrastructure: Output<InfrastructureState>;
  /** Ids of what was made. */
  declare readonly azure: Output<AzureIds>;

  constructor(name: string, args: AzureInfrastructureArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:index:AzureInfrastructure", name, {}, options);
    const config = checkAzureConfig(checkConfig(azureInfrastructureArgs, args));
    const { region: location, subscription: subscriptionId, standby } = config;
    const parent = { parent: this };
    const provider = new Provider(name, { location, ...(subscriptionId && { subscriptionId }) }, parent);
    const made = azureInfrastructure(
      config,
      standby ? { replicaOf: azureRegionOf(standby.of, parent), promoted: standby.promoted } : {},
      { ...parent, provider },
    );
    this.infrastructure = made.infrastructure;
    this.azure = made.ids;
    this.registerOutputs({ infrastructure: this.infrastructure, azure: this.azure });
  }
}
