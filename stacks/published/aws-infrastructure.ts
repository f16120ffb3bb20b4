import { Provider } from "@pulumi/aws/provider.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { awsConfigSchema, checkAwsConfig } from "../aws/config.ts";
import { type AwsIds, awsInfrastructure, awsRegionOf } from "../aws/infrastructure.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { infrastructureArgs } from "./infrastructure-args.ts";

/** Arguments of an `AwsInfrastructure`: the configuration of the template, with the file that it names as an argument. */
export const awsInfrastructureArgs = awsConfigSchema.extend({
  ...infrastructureArgs,
  /** The database servers. */
  database: awsConfigSchema.shape.database.omit({ caFile: true }).prefault({}),
  /** PEM of the authorities of RDS in this region. */
  caPem: z.string().includes("-----BEGIN CERTIFICATE-----", { error: "expected certificates, PEM" }),
});

/** Arguments of an `AwsInfrastructure`. */
export type AwsInfrastructureArgs = z.input<typeof awsInfrastructureArgs>;

/** What Canton nodes need in a region of AWS: network, cluster, databases, keys, buckets. Some 110 to 150 resources. */
export class AwsInfrastructure extends ComponentResource {
  /** What a stack that runs nodes on it takes. Secret. */
  declare readonly infrastructure: Output<InfrastructureState>;
  /** Ids of what was made. */
  declare readonly aws: Output<AwsIds>;

  constructor(name: string, args: AwsInfrastructureArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:index:AwsInfrastructure", name, {}, options);
    const { caPem, database, ...given } = checkConfig(awsInfrastructureArgs, args);
    const config = checkAwsConfig({ ...given, database: { ...database, caFile: "the argument caPem" } });
    const { region, account, standby } = config;
    const parent = { parent: this };
    const provider = new Provider(name, { region, allowedAccountIds: [account] }, parent);
    const made = awsInfrastructure(
      config,
      { caPem, ...(standby && { replicaOf: awsRegionOf(standby.of, parent), promoted: standby.promoted }) },
      { ...parent, provider },
    );
    this.infrastructure = made.infrastructure;
    this.aws = made.ids;
    this.registerOutputs({ infrastructure: this.infrastructure, aws: this.aws });
  }
}
