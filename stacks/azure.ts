/**
 * What Canton nodes need in a region of Azure: network, cluster, databases, keys, storage. The template `kubernetes` runs
 * nodes on it. Configured by `Pulumi.STACK.yaml`; see docs/azure.md.
 */
import { Provider } from "@pulumi/azure-native/provider.js";
import { checkAzureConfig } from "./azure/config.ts";
import { type AzureIds, azureInfrastructure, azureRegionOf } from "./azure/infrastructure.ts";
import { samePools } from "./azure/same-pools.ts";
import { readInfrastructureConfig } from "./infrastructure/read-infrastructure-config.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default async function azure(): Promise<Record<string, unknown>> {
  const config = await readInfrastructureConfig(checkAzureConfig);
  const { subscription, standby, name, region } = config;
  const provider = new Provider(name, { location: region, ...(subscription && { subscriptionId: subscription }) });
  const { infrastructure, ids } = azureInfrastructure(
    config,
    standby ? { replicaOf: azureRegionOf(standby.of), promoted: standby.promoted } : {},
    { provider, transformations: [samePools] },
  );
  return {
    infrastructure,
    azure: ids,
    cluster: ids.apply((known) => ({
      name: known.clusterName,
      api: known.api,
      kubeconfig: `az aks get-credentials --resource-group ${known.resourceGroup} --name ${known.clusterName}`,
      ...(known.bastion && { tunnel: tunnelCommand(known, known.bastion) }),
    })),
    egressAddress: ids.egressAddress,
  };
}

/** How a person reaches the API of a private cluster. */
function tunnelCommand({ resourceGroup, clusterName }: AzureIds, bastion: string): string {
  return `az aks bastion --resource-group ${resourceGroup} --name ${clusterName} --bastion ${bastion}`;
}
