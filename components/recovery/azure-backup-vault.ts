import { BackupInstance } from "@pulumi/azure-native/dataprotection/backupInstance.js";
import { BackupPolicy } from "@pulumi/azure-native/dataprotection/backupPolicy.js";
import { BackupVault } from "@pulumi/azure-native/dataprotection/backupVault.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from "@pulumi/pulumi";
import { grant } from "../identity/azure-roles.ts";
import { type AzurePlace, azureName, kept, placed } from "../network/azure-place.ts";

/** What a vault takes backups of. */
const datasource = "Microsoft.DBforPostgreSQL/flexibleServers";

/** Arguments of an `AzureBackupVault`. */
export interface AzureBackupVaultArgs {
  readonly place: AzurePlace;
  /** Id of the resource group, which the vault looks for servers in. */
  readonly resourceGroupId: Input<string>;
  /** Database servers by a name for each. */
  readonly servers: Readonly<Record<string, Input<string>>>;
  /** Months for which a weekly backup is kept, 1 to 120. */
  readonly months: number;
  /** Keeps its copies in the paired region too. Default: false. */
  readonly geoRedundant?: boolean;
}

/**
 * Weekly backups of database servers, kept for months or years beyond the 35 days that a server itself keeps, where not even an
 * owner of the subscription deletes them at once.
 *
 * Resources: 1 + 3, and 2 for every server.
 *
 * Cost: per server 10 a month for every 250 GB, and 0.05 per GB kept.
 */
export class AzureBackupVault extends ComponentResource {
  declare readonly vaultId: Output<string>;

  constructor(name: string, args: AzureBackupVaultArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:recovery:AzureBackupVault", name, {}, options);
    const { place, servers, months, geoRedundant = false } = args;
    if (!Number.isInteger(months) || months < 1 || months > 120) {
      throw new Error(`months: got ${months}; expected 1 to 120`);
    }
    const parent = { parent: this };
    const vault = new BackupVault(
      name,
      {
        ...placed(place),
        vaultName: azureName(place, "backups"),
        identity: { type: "SystemAssigned" },
        properties: {
          storageSettings: [{ datastoreType: "VaultStore", type: geoRedundant ? "GeoRedundant" : "ZoneRedundant" }],
          securitySettings: {
            softDeleteSettings: { state: "On", retentionDurationInDays: 14 },
            // To make it final is a decision of its own, which cannot be taken back.
            immutabilitySettings: { state: "Unlocked" },
          },
        },
      },
      { ...parent, ...kept(place) },
    );
    this.vaultId = vault.id;
    const principalId = vault.identity.apply((identity) => identity?.principalId ?? "");
    const policy = new BackupPolicy(
      name,
      {
        resourceGroupName: place.resourceGroupName,
        vaultName: vault.name,
        backupPolicyName: "weekly",
        properties: weekly(months),
      },
      parent,
    );
    const reads = grant(
      name,
      { principalId, role: "reader", scope: args.resourceGroupId, description: "finds the servers to back up" },
      parent,
    );
    for (const [part, serverId] of Object.entries(servers)) {
      const backs = grant(
        `${name}-${part}`,
        { principalId, role: "databaseBackup", scope: serverId, description: `backs up ${part}` },
        parent,
      );
      new BackupInstance(
        `${name}-${part}`,
        {
          resourceGroupName: place.resourceGroupName,
          vaultName: vault.name,
          backupInstanceName: part,
          tags: place.tags,
          properties: {
            objectType: "BackupInstance",
            friendlyName: part,
            dataSourceInfo: {
              objectType: "Datasource",
              datasourceType: datasource,
              resourceType: datasource,
              resourceID: serverId,
              resourceLocation: place.location,
            },
            policyInfo: { policyId: policy.id },
          },
        },
        { ...parent, dependsOn: [reads, backs] },
      );
    }
    this.registerOutputs({ vaultId: this.vaultId });
  }
}

function weekly(months: number) {
  const store = { objectType: "DataStoreInfoBase", dataStoreType: "VaultStore" };
  return {
    objectType: "BackupPolicy" as const,
    datasourceTypes: [datasource],
    policyRules: [
      {
        objectType: "AzureBackupRule" as const,
        name: "weekly",
        backupParameters: { objectType: "AzureBackupParams" as const, backupType: "Full" },
        dataStore: store,
        trigger: {
          objectType: "ScheduleBasedTriggerContext" as const,
          // Any Saturday in the past: a week is counted from there.
          schedule: { repeatingTimeIntervals: ["R/2025-01-04T01:00:00+00:00/P1W"], timeZone: "UTC" },
          taggingCriteria: [{ isDefault: true, taggingPriority: 99, tagInfo: { tagName: "Default" } }],
        },
      },
      {
        objectType: "AzureRetentionRule" as const,
        name: "Default",
        isDefault: true,
        lifecycles: [
          {
            deleteAfter: { objectType: "AbsoluteDeleteOption" as const, duration: `P${months}M` },
            sourceDataStore: store,
          },
        ],
      },
    ],
  };
}
