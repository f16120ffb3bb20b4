import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { checkGcpConfig } from "../gcp/config.ts";
import { gcpInfrastructure } from "../gcp/infrastructure.ts";
import { configOf, type InfrastructureArgs } from "./infrastructure-args.ts";

/** Arguments of a `GcpInfrastructure`. */
export interface GcpInfrastructureArgs extends InfrastructureArgs {
  /** Id of the project that everything is made in. */
  readonly project: string;
}

/** What Canton nodes need in a region of Google Cloud: network, cluster, databases, keys, storage. Some 110 to 150 resources. */
export class GcpInfrastructure extends ComponentResource {
  /** What a stack that runs nodes on it takes. Secret. */
  declare readonly infrastructure: Output<any>;

  constructor(name: string, args: GcpInfrastructureArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:index:GcpInfrastructure", name, {}, options);
    const { infrastructure } = gcpInfrastructure(checkGcpConfig(configOf(args)), {}, { parent: this });
    this.infrastructure = infrastructure;
    this.registerOutputs({ infrastructure: this.infrastructure });
  }
}
