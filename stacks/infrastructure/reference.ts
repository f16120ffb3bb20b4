/** Which infrastructure a stack is on: that of another stack, or a cluster that its own configuration names. */
import { StackReference } from "@pulumi/pulumi";
import { type Deployment, deploymentName, environments } from "@pulumi-canton/components/deployment/deployment.ts";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { notRight } from "../config/read-config.ts";
import type { InfrastructureState } from "./outputs.ts";

/** Keys of every stack on an infrastructure. */
export const referenceKeys = {
  /** Stack whose cluster and databases are used. Example: `organization/pulumi-canton/aws-production`. Otherwise the configuration says it. */
  infrastructure: z
    .string()
    .regex(/^[^/\s]+\/[^/\s]+\/[^/\s]+$/, "expected organization/project/stack")
    .optional(),
  /** Start of what is marked. Default: that of the infrastructure. */
  name: z
    .string()
    .regex(deploymentName, "expected 2 to 20 lower-case letters, digits or hyphens, a letter first")
    .optional(),
  /** Default: that of the infrastructure. */
  environment: z.enum(environments).optional(),
  /** Labels of every object. */
  tags: z.record(z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/), z.string().regex(/^[a-z0-9_-]{0,63}$/)).default({}),
};

/** Keys of the section `cluster`. */
export const clusterKeys = {
  /** YAML; a secret where it holds credentials. */
  kubeconfig: z.string().min(1),
  /** Default: the current one. */
  context: z.string().min(1).optional(),
};

const referenceSchema = z.strictObject(referenceKeys);
/** Those keys, checked. */
export type ReferenceConfig = z.output<typeof referenceSchema>;

/**
 * What is wrong when both are said, or neither.
 *
 * @param own keys that say what an infrastructure would
 */
export function referenceProblems<Key extends string>(
  config: ReferenceConfig & Readonly<Partial<Record<Key, unknown>>>,
  own: readonly Key[],
): string[] {
  return ([...own, "name", "environment"] as const).flatMap((key) => {
    const given = (config as Readonly<Record<string, unknown>>)[key] !== undefined;
    if (config.infrastructure === undefined) {
      return given ? [] : [`${key} is required; expected it, or infrastructure: the stack that has it`];
    }
    return given ? [`${key}: is set beside infrastructure, which says it too; expected one of both`] : [];
  });
}

/**
 * What another stack gave out: known before anything is made, so that it can be refused.
 *
 * @throws RunError when it has given out nothing
 */
export async function readInfrastructure({
  infrastructure: stack,
}: ReferenceConfig): Promise<InfrastructureState | undefined> {
  if (stack === undefined) return undefined;
  const { value, secretValue } = await new StackReference(stack).getOutputDetails("infrastructure");
  const state = (secretValue ?? value) as InfrastructureState | undefined;
  if (state === undefined) {
    throw notRight(
      `infrastructure: got "${stack}", which has no output "infrastructure"; expected a stack of the template azure, aws, gcp or cluster-services that is up`,
    );
  }
  return state;
}

/** The deployment that the stack is part of. */
export function deploymentOf(
  { name, environment, tags }: ReferenceConfig,
  infrastructure: InfrastructureState | undefined,
): Deployment {
  if (infrastructure !== undefined) return { ...infrastructure.deployment, tags };
  if (name === undefined || environment === undefined) throw new Error("name and environment were not checked");
  return { name, environment, tags };
}

/** A kubeconfig whose current context is the one that was asked for. @throws RunError when it has none of that name */
export function kubeconfigOf({ kubeconfig, context }: { kubeconfig: string; context?: string | undefined }): string {
  if (context === undefined) return kubeconfig;
  const file = parse(kubeconfig) as { contexts?: readonly { readonly name: string }[] } | null;
  const names = (file?.contexts ?? []).map(({ name }) => name);
  if (names.includes(context)) return stringify({ ...file, "current-context": context });
  throw notRight(`cluster.context: got "${context}"; expected one of the kubeconfig's: ${names.join(", ") || "none"}`);
}
