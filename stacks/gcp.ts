/**
 * What a Canton deployment stands on in Google Cloud: network, cluster, databases, keys, storage. The `kubernetes` stack runs
 * the nodes on it. Configured by the stack's file, such as `Pulumi.gcp-production.yaml`; see docs/gcp.md.
 */
import { checkGcpConfig } from "./gcp/config.ts";
import { gcpInfrastructure, gcpReplicationOf } from "./gcp/infrastructure.ts";
import { readInfrastructureConfig } from "./infrastructure/read-infrastructure-config.ts";

/** Makes what the stack's configuration says; gives back the stack's outputs. */
export default async function gcp(): Promise<Record<string, unknown>> {
  const config = await readInfrastructureConfig(checkGcpConfig);
  const { standby } = config;
  const { infrastructure, replication, summary } = gcpInfrastructure(
    config,
    standby && {
      replicaOf: gcpReplicationOf(standby.of),
      promoted: standby.promoted,
    },
  );
  return { infrastructure, replication, ...summary };
}
