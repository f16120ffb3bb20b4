/** Where in Azure the resources of a deployment go, and what they are called. */
import { type CustomResourceOptions, type Input, type Output, output } from "@pulumi/pulumi";
import { type NameRule, nameWithin } from "../deployment/names.ts";

/** What all components of one deployment in one region of Azure are given. */
export interface AzurePlace {
  /** Start of every resource's name: that of the deployment, with the region's suffix where there are several. Example: `"canton-prod"`. */
  readonly name: string;
  /** Region. Example: `"westeurope"`. */
  readonly location: string;
  readonly resourceGroupName: Input<string>;
  /** Tenant of the subscription. */
  readonly tenantId: Input<string>;
  /** Put into names that nobody else in Azure may have. Example: a random text of the stack. */
  readonly unique: Input<string>;
  readonly tags: Readonly<Record<string, string>>;
  /** What cannot be made again (keys, databases, backups) is protected, and stays when the stack lets go of it. */
  readonly keep: boolean;
}

/** The arguments that nearly every resource of Azure takes. */
export function placed({ location, resourceGroupName, tags }: AzurePlace) {
  return { location, resourceGroupName, tags };
}

/** Options of a resource that holds what cannot be made again. */
export function kept({ keep }: Pick<AzurePlace, "keep">): CustomResourceOptions {
  return keep ? { protect: true, retainOnDelete: true } : {};
}

/** The name of a resource in a place: 1 to 63 characters, good for every kind of resource of the components. */
export function azureName({ name }: AzurePlace, ...parts: readonly string[]): string {
  return nameWithin({ length: 63 }, name, ...parts);
}

/** A name that nobody else in Azure has. */
export function uniqueAzureName(
  { name, unique }: AzurePlace,
  rule: Omit<NameRule, "scope">,
  ...parts: readonly string[]
): Output<string> {
  return output(unique).apply((scope) => nameWithin({ ...rule, scope }, name, ...parts));
}
