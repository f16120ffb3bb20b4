import { BlobContainer } from "@pulumi/azure-native/storage/blobContainer.js";
import { BlobContainerImmutabilityPolicy } from "@pulumi/azure-native/storage/blobContainerImmutabilityPolicy.js";
import { BlobServiceProperties } from "@pulumi/azure-native/storage/blobServiceProperties.js";
import { ManagementPolicy } from "@pulumi/azure-native/storage/managementPolicy.js";
import { StorageAccount } from "@pulumi/azure-native/storage/storageAccount.js";
import { PublicAccess } from "@pulumi/azure-native/types/enums/storage/index.js";
import { ComponentResource, type ComponentResourceOptions, type Input, interpolate, type Output } from "@pulumi/pulumi";
import type { AzureEncryptionKey } from "../identity/azure-encryption-key.ts";
import { grant } from "../identity/azure-roles.ts";
import type { AzureNetwork } from "../network/azure-network.ts";
import { type AzurePlace, kept, placed, uniqueAzureName } from "../network/azure-place.ts";
import { AzurePrivateEndpoint } from "../network/azure-private-endpoint.ts";

/** How many copies there are, and where: in one building, in all zones, and of either a copy in the paired region. */
export const azureCopies = ["Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_GZRS"] as const;
/** One of {@link azureCopies}. */
export type AzureCopies = (typeof azureCopies)[number];

/** Arguments of an `AzureBackupStorage`. */
export interface AzureBackupStorageArgs {
  readonly place: AzurePlace;
  readonly network: AzureNetwork;
  readonly encryption: AzureEncryptionKey;
  /** Default: `Standard_ZRS`. */
  readonly copies?: AzureCopies;
  /** Days after which a backup is deleted. Default: 35. */
  readonly backupDays?: number;
  /** Days in which nobody can change or delete a log kept for audit, and after which it is deleted. Default: 365. */
  readonly auditDays?: number;
  /** Who writes backups and logs: the object id of the pods' identity. */
  readonly writer: Input<string>;
}

/**
 * Where backups, identity dumps and logs kept for audit go: under one's own key, reached from the network only, by identity only.
 * Logs can be added and not changed.
 *
 * Resources: 1 + 6, an endpoint of 3, and 2 roles.
 *
 * Cost: 0.02 per GB and month in one building, 0.045 with zones and a copy in the paired region; half of that after a month.
 */
export class AzureBackupStorage extends ComponentResource {
  /** Address of the container for backups. */
  declare readonly backups: Output<string>;
  /** Address of the container for logs. */
  declare readonly logs: Output<string>;
  declare readonly accountId: Output<string>;

  constructor(name: string, args: AzureBackupStorageArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:recovery:AzureBackupStorage", name, {}, options);
    const { place, network, encryption, copies = "Standard_ZRS", backupDays = 35, auditDays = 365 } = args;
    const parent = { parent: this };
    const keeps = { ...parent, ...kept(place) };
    const account = new StorageAccount(
      name,
      {
        ...placed(place),
        accountName: uniqueAzureName(place, { length: 24, characters: "plain" }, "store"),
        kind: "StorageV2",
        sku: { name: copies },
        allowBlobPublicAccess: false,
        allowCrossTenantReplication: false,
        // By identity only: an account's key would open all of it to whoever has seen it.
        allowSharedKeyAccess: false,
        defaultToOAuthAuthentication: true,
        isLocalUserEnabled: false,
        enableHttpsTrafficOnly: true,
        minimumTlsVersion: "TLS1_2",
        publicNetworkAccess: "Disabled",
        networkRuleSet: { bypass: "AzureServices", defaultAction: "Deny" },
        identity: { type: "UserAssigned", userAssignedIdentities: [encryption.identity.id] },
        encryption: {
          keySource: "Microsoft.Keyvault",
          encryptionIdentity: { encryptionUserAssignedIdentity: encryption.identity.id },
          keyVaultProperties: {
            keyVaultUri: encryption.uri.apply((uri) => new URL("/", uri).href),
            // Without a version: Azure takes the newest by itself.
            keyName: encryption.uri.apply((uri) => new URL(uri).pathname.split("/")[2] ?? ""),
          },
          requireInfrastructureEncryption: true,
        },
      },
      keeps,
    );
    this.accountId = account.id;
    const inAccount = { resourceGroupName: place.resourceGroupName, accountName: account.name };
    const properties = new BlobServiceProperties(
      name,
      {
        ...inAccount,
        blobServicesName: "default",
        isVersioningEnabled: true,
        deleteRetentionPolicy: { enabled: true, days: 14 },
        containerDeleteRetentionPolicy: { enabled: true, days: 14 },
      },
      { ...parent, deletedWith: account },
    );
    const container = (part: string) =>
      new BlobContainer(
        `${name}-${part}`,
        { ...inAccount, containerName: part, publicAccess: PublicAccess.None },
        { ...keeps, dependsOn: [properties] },
      );
    const backups = container("backups");
    const logs = container("logs");
    new BlobContainerImmutabilityPolicy(
      `${name}-logs`,
      {
        ...inAccount,
        containerName: logs.name,
        immutabilityPolicyName: "default",
        immutabilityPeriodSinceCreationInDays: auditDays,
        allowProtectedAppendWritesAll: true,
      },
      keeps,
    );
    new ManagementPolicy(
      name,
      {
        ...inAccount,
        managementPolicyName: "default",
        policy: { rules: [keepFor("backups", backupDays), keepFor("logs", auditDays)] },
      },
      { ...parent, dependsOn: [backups, logs], deletedWith: account },
    );
    new AzurePrivateEndpoint(`${name}-endpoint`, { place, network, service: "blob", targetId: account.id }, parent);
    for (const [part, { id }] of Object.entries({ backups, logs })) {
      grant(
        `${name}-${part}`,
        { principalId: args.writer, role: "blobContributor", scope: id, description: `writes ${part} of nodes` },
        parent,
      );
    }
    this.backups = interpolate`https://${account.name}.blob.core.windows.net/${backups.name}`;
    this.logs = interpolate`https://${account.name}.blob.core.windows.net/${logs.name}`;
    this.registerOutputs({ accountId: this.accountId });
  }
}

/** Cheaper storage after a month, and the end after `days`; old versions of what was overwritten end after two weeks. */
function keepFor(container: string, days: number) {
  return {
    name: container,
    type: "Lifecycle",
    enabled: true,
    definition: {
      filters: { blobTypes: ["blockBlob"], prefixMatch: [`${container}/`] },
      actions: {
        baseBlob: {
          ...(days > 30 && { tierToCool: { daysAfterModificationGreaterThan: 30 } }),
          delete: { daysAfterModificationGreaterThan: days },
        },
        version: { delete: { daysAfterCreationGreaterThan: 14 } },
      },
    },
  };
}
