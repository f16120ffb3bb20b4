import { Provider } from "@pulumi/aws/provider.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { checkAwsConfig } from "../aws/config.ts";
import { awsInfrastructure } from "../aws/infrastructure.ts";
import { configOf, type InfrastructureArgs } from "./infrastructure-args.ts";

/** Arguments of an `AwsInfrastructure`. */
export interface AwsInfrastructureArgs extends InfrastructureArgs {
  /** Number of the account that everything is made in; credentials of another one are refused. */
  readonly account: string;
  /** PEM of the authorities of RDS in this region. */
  readonly caPem: string;
}

/** What Canton nodes need in a region of AWS: network, cluster, databases, keys, buckets. Some 110 to 150 resources. */
export class AwsInfrastructure extends ComponentResource {
  /** What a stack that runs nodes on it takes. Secret. */
  declare readonly infrastructure: Output<any>;

  constructor(name: string, args: AwsInfrastructureArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:index:AwsInfrastructure", name, {}, options);
    const { caPem, ...given } = args;
    // The file that a template names is an argument here.
    const database = { caFile: "an argument", ...given.settings?.["database"] };
    const config = checkAwsConfig(configOf({ ...given, settings: { ...given.settings, database } }));
    const { region, account } = config;
    const parent = { parent: this };
    const provider = new Provider(name, { region, allowedAccountIds: [account] }, parent);
    this.infrastructure = awsInfrastructure(config, { caPem }, { ...parent, provider }).infrastructure;
    this.registerOutputs({ infrastructure: this.infrastructure });
  }
}
