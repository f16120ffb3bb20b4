/**
 * What a Canton deployment stands on in Google Cloud: network, cluster, databases, keys, storage. The `kubernetes` stack runs
 * the nodes on it. Configured by the stack's file, such as `Pulumi.gcp-production.yaml`; see docs/gcp.md.
 */
import { type Output, StackReference } from "@pulumi/pulumi";
import { readConfig } from "./config/read-config.ts";
import { checkGcpConfig } from "./gcp/config.ts";
import { type GcpReplication, gcpInfrastructure } from "./gcp/infrastructure.ts";

/** Makes what the stack's configuration says; gives back the stack's outputs. */
export default function gcp(): Record<string, unknown> {
  const config = readConfig(checkGcpConfig);
  const { standbyOf } = config;
  const { infrastructure, replication, summary } = gcpInfrastructure(
    config,
    standbyOf && {
      replicaOf: new StackReference(standbyOf.stack).requireOutput("replication") as Output<GcpReplication>,
      promoted: standbyOf.promoted,
    },
  );
  return { infrastructure, replication, ...summary };
}
