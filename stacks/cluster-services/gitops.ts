/** What is reconciled from git: objects for Argo CD, or for the Pulumi operator. */
import { mergeOptions, type Resource } from "@pulumi/pulumi";
import { ArgoApplication, type ArgoApplicationArgs } from "@pulumi-canton/components/gitops/argo-application.ts";
import { OperatorStack, type OperatorStackArgs } from "@pulumi-canton/components/gitops/operator-stack.ts";
import type { GitopsConfig } from "./gitops-config.ts";
import type { Place } from "./place.ts";

/**
 * Makes the objects; gives back their names.
 *
 * @param made the namespace that they are in, or lead to
 */
export function makeGitops({ argo, operator }: GitopsConfig, place: Place, made: Resource): readonly string[] {
  const { deployment, namespaces, options } = place;
  const after = mergeOptions(options, { dependsOn: [made] });
  // Keys that were left out are not there at all: to this the types do not attest.
  if (argo !== undefined) {
    const { namespace: argoNamespace, ...rest } = argo;
    const args = { deployment, ...rest, argoNamespace, destinationNamespace: namespaces.gitops };
    new ArgoApplication(deployment.name, args as ArgoApplicationArgs, after);
    return [deployment.name];
  }
  const { stacks = [], ...common } = operator ?? {};
  for (const { name, ...rest } of stacks) {
    const args = { deployment, namespace: namespaces.gitops, ...common, ...rest };
    new OperatorStack(name, args as OperatorStackArgs, after);
  }
  return stacks.map(({ name }) => name);
}
