/** What all components of one deployment share. */

/** How much a deployment has to withstand: the presets of the stacks follow it. */
export const environments = ["dev", "staging", "production"] as const;
/** One of {@link environments}. */
export type Environment = (typeof environments)[number];

/** One deployment: what its resources are called and marked with. */
export interface Deployment {
  /** Start of every resource's name: 2 to 20 lower-case letters, digits or hyphens, a letter first. Example: `"canton-prod"`. */
  readonly name: string;
  readonly environment: Environment;
  /** Put on every resource that takes tags or labels, besides {@link tagsOf}'s own. Default: none. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** What a deployment's name has to look like. */
export const deploymentName = /^[a-z](?:[a-z0-9-]{0,18}[a-z0-9])$/;

/** The tags of a deployment's resources. Keys and values are also good as labels of GCP and Kubernetes. Pure. */
export function tagsOf({ name, environment, tags = {} }: Deployment): Record<string, string> {
  return { ...tags, deployment: name, environment, "managed-by": "pulumi-canton" };
}
