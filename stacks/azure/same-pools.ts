/** Has a preview tell of machines what Azure would refuse in the update. */
import { ResourceHook, type ResourceHookArgs, type ResourceTransformation } from "@pulumi/pulumi";

/** To be given to all that a stack makes; it looks at clusters alone. */
export const samePools: ResourceTransformation = ({ type, name, props, opts }) => {
  if (type !== "azure-native:containerservice:ManagedCluster") return undefined;
  const hook = new ResourceHook(
    `${name}-same-pools`,
    ({ oldInputs, newInputs }) => {
      const why = whyPoolsRefused(poolsIn(oldInputs), poolsIn(newInputs));
      if (why !== undefined) throw new Error(why);
    },
    { onDryRun: true },
  );
  return { props, opts: { ...opts, hooks: { beforeUpdate: [hook] } } };
};

/**
 * Why Azure refuses to update a cluster: it takes no pools but those that it was made with, and keeps those that are left out.
 * Undefined: it does not. Pure.
 *
 * @param before names of the cluster's own pools until now
 * @param after the names that they are to have
 */
export function whyPoolsRefused(before: readonly string[], after: readonly string[]): string | undefined {
  if (before.toSorted().join() === after.toSorted().join()) return undefined;
  return (
    "cluster.machines, cluster.systemMachines, cluster.hostEncryption or zones: " +
    `got what makes the pools ${after.join(", ")}; the cluster was made with ${before.join(", ")}, and Azure takes no others ` +
    "in their place; expected what they were made with, or cluster.ownPools: true, see docs/azure.md"
  );
}

function poolsIn(inputs: ResourceHookArgs["oldInputs"]): string[] {
  const pools = (inputs?.["agentPoolProfiles"] ?? []) as readonly { readonly name: string }[];
  return pools.map(({ name }) => name);
}
