import { beforeEach, expect, test } from "vitest";
import { AzureEncryptionKey } from "../identity/azure-encryption-key.ts";
import { AzureKeyVault } from "../identity/azure-key-vault.ts";
import { AzureNetwork } from "../network/azure-network.ts";
import {
  mockAzure,
  productionPlace as place,
  type Registered,
  settled,
  valueOf,
} from "../network/testing/azure-mocks.ts";
import { AzureBackupStorage } from "./azure-backup-storage.ts";
import { AzureBackupVault } from "./azure-backup-vault.ts";

let registered: Registered[];
beforeEach(async () => {
  registered = (await mockAzure()).registered;
});
const of = (type: string) => registered.filter((resource) => resource.type === type);

function storage() {
  const network = new AzureNetwork("net", { place, addressSpace: "10.20.0.0/16" });
  const vault = new AzureKeyVault("vault", { place });
  const encryption = new AzureEncryptionKey("key", { place, vault, part: "storage" });
  return new AzureBackupStorage("store", {
    place,
    network,
    encryption,
    backupDays: 20,
    auditDays: 400,
    writer: "pods",
  });
}

test("storage is closed, goes by identity only, and is under one's own key", async () => {
  const { backups, logs } = storage();
  expect(await valueOf(backups)).toMatch(/^https:\/\/[a-z0-9]{3,24}\.blob\.core\.windows\.net\/backups$/);
  expect(await valueOf(logs)).toMatch(/\/logs$/);
  await settled();
  const [account] = of("storage:StorageAccount");
  expect(account).toMatchObject({ protect: true, retainOnDelete: true });
  expect(account?.inputs).toMatchObject({
    sku: { name: "Standard_ZRS" },
    publicNetworkAccess: "Disabled",
    allowBlobPublicAccess: false,
    allowSharedKeyAccess: false,
    minimumTlsVersion: "TLS1_2",
    networkRuleSet: { defaultAction: "Deny" },
    encryption: {
      keySource: "Microsoft.Keyvault",
      keyVaultProperties: { keyName: "storage", keyVaultUri: expect.stringMatching(/^https:\/\/[^/]+\/$/) },
      requireInfrastructureEncryption: true,
    },
  });
  expect(account?.inputs.encryption.keyVaultProperties.keyVersion).toBeUndefined();
  for (const { inputs } of of("storage:BlobContainer")) expect(inputs.publicAccess).toBe("None");
});

test("logs cannot be changed for as long as they are kept; backups and logs end after their days", async () => {
  storage();
  await settled();
  const [policy] = of("storage:BlobContainerImmutabilityPolicy");
  expect(policy?.inputs).toMatchObject({
    containerName: "logs",
    immutabilityPeriodSinceCreationInDays: 400,
    allowProtectedAppendWritesAll: true,
  });
  const rules = of("storage:ManagementPolicy")[0]?.inputs.policy.rules;
  expect(
    rules.map(({ definition }: never) => (definition as { actions: { baseBlob: unknown } }).actions.baseBlob),
  ).toEqual([
    { delete: { daysAfterModificationGreaterThan: 20 } },
    { tierToCool: { daysAfterModificationGreaterThan: 30 }, delete: { daysAfterModificationGreaterThan: 400 } },
  ]);
});

test("the pods' identity writes to the two containers, and to nothing else of the account", async () => {
  storage();
  await settled();
  const roles = of("authorization:RoleAssignment").filter(({ inputs }) => inputs.principalId === "pods");
  expect(roles.map(({ inputs }) => inputs.scope.split("/").at(-1))).toEqual(["backups", "logs"]);
  for (const { inputs } of roles) expect(inputs.roleDefinitionId).toMatch(/ba92f5b4-2d11-453d-a403-e96b0029c9fe$/);
});

test("a backup vault takes every server weekly, and keeps it for the months asked for", async () => {
  const resourceGroupId = "/subscriptions/s/resourceGroups/g";
  const nodes = `${resourceGroupId}/providers/Microsoft.DBforPostgreSQL/flexibleServers/nodes`;
  new AzureBackupVault("backups", { place, resourceGroupId, servers: { nodes }, months: 12, geoRedundant: true });
  await settled();
  const [vault] = of("dataprotection:BackupVault");
  expect(vault).toMatchObject({ protect: true, retainOnDelete: true });
  expect(vault?.inputs.properties).toMatchObject({
    storageSettings: [{ type: "GeoRedundant" }],
    securitySettings: { softDeleteSettings: { state: "On" }, immutabilitySettings: { state: "Unlocked" } },
  });
  const [backup, retention] = of("dataprotection:BackupPolicy")[0]?.inputs.properties.policyRules ?? [];
  expect(backup.trigger.schedule.repeatingTimeIntervals[0]).toMatch(/\/P1W$/);
  expect(retention.lifecycles[0].deleteAfter.duration).toBe("P12M");
  expect(of("dataprotection:BackupInstance")[0]?.inputs.properties.dataSourceInfo).toMatchObject({ resourceID: nodes });
  const roles = of("authorization:RoleAssignment").map(({ inputs }) => [inputs.scope, inputs.principalId]);
  expect(roles).toEqual([
    [resourceGroupId, "backups-principal"],
    [nodes, "backups-principal"],
  ]);
  expect(() => new AzureBackupVault("b", { place, resourceGroupId, servers: {}, months: 0 })).toThrow(
    "months: got 0; expected 1 to 120",
  );
});
