import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { checkAwsConfig } from "../aws/config.ts";
import { awsInfrastructure } from "../aws/infrastructure.ts";

/** Arguments of an `AwsInfrastructure`. */
export interface AwsInfrastructureArgs {
  /** Start of every resource's name: 2 to 20 lower-case letters, digits or hyphens, a letter first. */
  readonly name: string;
  /** `dev`, `staging` or `production`: what is not set otherwise follows from it. */
  readonly environment: string;
  /** Region of the cloud. */
  readonly region: string;
  /** Further keys of the configuration of the cloud's template, as its documentation describes them. */
  readonly settings?: Record<string, any>;
  /** PEM of the authorities of RDS in this region. */
  readonly caPem: string;
}

/** What Canton nodes need in a region of AWS: network, cluster, databases, keys, buckets. */
export class AwsInfrastructure extends ComponentResource {
  /** What a stack that runs nodes on it takes. Secret. */
  declare readonly infrastructure: Output<any>;

  constructor(name: string, args: AwsInfrastructureArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:index:AwsInfrastructure", name, {}, options);
    const { caPem, settings, ...config } = args;
    const built = awsInfrastructure(checkAwsConfig({ ...settings, ...config }), { caPem }, { parent: this });
    this.infrastructure = built.infrastructure;
    this.registerOutputs({ infrastructure: this.infrastructure });
  }
}
