import { ComponentResource, type ComponentResourceOptions, type Output, output } from "@pulumi/pulumi";
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { checkGcpConfig, gcpConfigSchema, gcpTunnelSchema } from "../gcp/config.ts";
import { type GcpReplication, gcpInfrastructure, gcpReplicationOf } from "../gcp/infrastructure.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { infrastructureArgs } from "./infrastructure-args.ts";

/** Arguments of a `GcpInfrastructure`: the configuration of the template, without keys, which would be in the state in the clear. */
export const gcpInfrastructureArgs = gcpConfigSchema.extend({
  ...infrastructureArgs,
  /** Joins the network to that of a participant of the domain's owner elsewhere, or the other way round, by a VPN. Default: none. */
  vpn: gcpConfigSchema.shape.vpn
    .unwrap()
    .extend({
      /** Two tunnels to the other gateway, or four to one with four addresses. Their key is drawn. */
      tunnels: z.array(gcpTunnelSchema.omit({ sharedKey: true })),
    })
    .optional(),
});

/** Arguments of a `GcpInfrastructure`. */
export type GcpInfrastructureArgs = z.input<typeof gcpInfrastructureArgs>;

/** What Canton nodes need in a region of Google Cloud: network, cluster, databases, keys, storage. Some 110 to 150 resources. */
export class GcpInfrastructure extends ComponentResource {
  /** What a stack that runs nodes on it takes. Secret. */
  declare readonly infrastructure: Output<InfrastructureState>;
  /** What a standby region takes. Secret. */
  declare readonly replication: Output<GcpReplication>;
  /** Names and addresses of what was made. */
  declare readonly gcp: Output<unknown>;

  constructor(name: string, args: GcpInfrastructureArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:index:GcpInfrastructure", name, {}, options);
    const config = checkGcpConfig(checkConfig(gcpInfrastructureArgs, args));
    const { standby } = config;
    const parent = { parent: this };
    const made = gcpInfrastructure(
      config,
      standby && { replicaOf: gcpReplicationOf(standby.of, parent), promoted: standby.promoted },
      parent,
    );
    this.infrastructure = made.infrastructure;
    this.replication = made.replication;
    this.gcp = output(made.summary);
    this.registerOutputs({ infrastructure: this.infrastructure, replication: this.replication, gcp: this.gcp });
  }
}
