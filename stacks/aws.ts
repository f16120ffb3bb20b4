/**
 * What Canton nodes need in a region of AWS: network, cluster, databases, keys, buckets. The template `kubernetes` runs
 * nodes on it. Configured by `Pulumi.STACK.yaml`; see docs/aws.md.
 */
import { Provider } from "@pulumi/aws/provider.js";
import { interpolate } from "@pulumi/pulumi";
import { readAuthorities } from "./aws/authorities.ts";
import { checkAwsConfig } from "./aws/config.ts";
import { awsInfrastructure, awsRegionOf } from "./aws/infrastructure.ts";
import { fileInConfig, notRight } from "./config/read-config.ts";
import { readInfrastructureConfig } from "./infrastructure/read-infrastructure-config.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default async function aws(): Promise<Record<string, unknown>> {
  const config = await readInfrastructureConfig(checkAwsConfig);
  const { region, account, standby, database } = config;
  const provider = new Provider(config.name, { region, allowedAccountIds: [account] });
  const caPem = authoritiesIn(database.caFile, region);
  const { infrastructure, ids } = awsInfrastructure(
    config,
    { caPem, ...(standby && { replicaOf: awsRegionOf(standby.of), promoted: standby.promoted }) },
    { provider },
  );
  const name = ids.clusterName;
  return {
    infrastructure,
    aws: ids,
    cluster: { name, kubeconfig: interpolate`aws eks update-kubeconfig --region ${region} --name ${name}` },
    ...(config.bastion && { bastion: ids.apply(({ bastion }) => forwardCommand(region, bastion?.instanceId ?? "")) }),
  };
}

function authoritiesIn(file: string, region: string): string {
  try {
    return readAuthorities(fileInConfig(file), region);
  } catch (error) {
    throw notRight(`database.caFile: got "${file}"; ${(error as Error).message}`);
  }
}

/** How a person reaches a server in the network, such as a database or the Kubernetes API. */
function forwardCommand(region: string, instanceId: string): string {
  return [
    `aws ssm start-session --region ${region} --target ${instanceId}`,
    "--document-name AWS-StartPortForwardingSessionToRemoteHost",
    "--parameters host=HOST,portNumber=5432,localPortNumber=15432",
  ].join(" ");
}
