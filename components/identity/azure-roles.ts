/** Who may do what in Azure: the roles that the components give, each as small as its use allows. */
import { RoleAssignment } from "@pulumi/azure-native/authorization/roleAssignment.js";
import { type CustomResourceOptions, type Input, output } from "@pulumi/pulumi";

/** Ids of roles that every subscription has. */
export const azureRoles = {
  /** Sees, changes nothing. */
  reader: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
  /** Puts load balancers into a subnet, and addresses onto them. */
  networkContributor: "4d97b98b-1d4f-4787-a291-c67834d212e7",
  /** Wraps and unwraps with a key; can neither export nor change it. */
  keyUser: "e147488a-f6f5-4113-8e2d-b22465e65bf6",
  /** Encrypts and decrypts with a key, too. */
  keyCipher: "12338af0-0e69-4776-bea7-57ae8d297424",
  /** Joins a vault to a network; reads nothing in it. */
  vaultContributor: "f25e0fa2-a7c8-4377-a976-54943a77a395",
  /** Reads a secret. */
  secretReader: "4633458b-17de-408a-b874-0445c86b69e6",
  /** Reads, writes and deletes the objects of a container. */
  blobContributor: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
  /** Takes backups of a database server for long keeping. */
  databaseBackup: "c088a766-074b-43ba-90d4-1fb21feae531",
} as const;
/** One of {@link azureRoles}. */
export type AzureRole = keyof typeof azureRoles;

/** What is given to whom. */
export interface Grant {
  /** Object id of the identity. */
  readonly principalId: Input<string>;
  readonly role: AzureRole;
  /** Id of the resource that it holds for. */
  readonly scope: Input<string>;
  /** What for, as the list of role assignments shows it. Example: `"unwraps the keys of nodes"`. */
  readonly description: string;
}

/** Gives an identity a role for one resource. One resource. */
export function grant(name: string, { role, scope, ...rest }: Grant, options: CustomResourceOptions): RoleAssignment {
  return new RoleAssignment(
    name,
    {
      ...rest,
      principalType: "ServicePrincipal",
      scope,
      roleDefinitionId: output(scope).apply((id) => roleIn(id, role)),
    },
    options,
  );
}

/**
 * The id of a role in the subscription of a resource: Azure gives it back with the subscription, and one without would look
 * changed for ever.
 */
export function roleIn(resourceId: string, role: AzureRole): string {
  const [subscription] = /^\/subscriptions\/[^/]+/.exec(resourceId) ?? [];
  if (subscription === undefined)
    throw new Error(`got "${resourceId}"; expected the id of a resource, "/subscriptions/…"`);
  return `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${azureRoles[role]}`;
}
