import { isSecret } from "@pulumi/pulumi";
import { beforeEach, expect, test } from "vitest";
import { AzureKeyVault } from "../identity/azure-key-vault.ts";
import { AzureNetwork } from "../network/azure-network.ts";
import {
  mockAzure,
  productionPlace as place,
  type Registered,
  settled,
  valueOf,
} from "../network/testing/azure-mocks.ts";
import { AzureDatabaseServer, type AzureDatabaseServerArgs } from "./azure-database-server.ts";

let registered: Registered[];
beforeEach(async () => {
  registered = (await mockAzure()).registered;
});
const of = (type: string) => registered.filter((resource) => resource.type === type);

function server(args: Partial<AzureDatabaseServerArgs> = {}) {
  const network = new AzureNetwork("net", { place, addressSpace: "10.20.0.0/16" });
  const vault = new AzureKeyVault("vault", { place });
  return new AzureDatabaseServer("db", {
    place,
    part: "nodes",
    network,
    vault,
    encryption: { keyUri: "https://v/keys/k/1", identityId: "/identities/i" },
    logins: ["mediator", "participant-1"],
    size: "Standard_D4ds_v5",
    ...args,
  });
}

test("a server is in the network only, encrypted with one's own key, and of version 17 where nothing is said", async () => {
  const { server: state } = server();
  expect(await isSecret(state)).toBe(true);
  const { host, port, administrator, logins } = await valueOf(state);
  expect(host).toMatch(/^canton-prod-nodes-[0-9a-f]{6}\.postgres\.database\.azure\.com$/);
  expect(port).toBe(5432);
  expect(administrator).toEqual({ user: "canton_admin", password: "password of db-administrator" });
  expect(logins).toEqual({
    mediator: { database: "mediator", user: "mediator", password: "password of db-mediator" },
    "participant-1": { database: "participant_1", user: "participant_1", password: "password of db-participant-1" },
  });
  await settled();
  const [made] = of("dbforpostgresql:Server");
  expect(made).toMatchObject({
    protect: true,
    retainOnDelete: true,
    parent: "pulumi-canton:database:AzureDatabaseServer db",
  });
  expect(made?.inputs).toMatchObject({
    version: "17",
    createMode: "Default",
    network: {
      delegatedSubnetResourceId: expect.stringMatching(/\/subnets\/database$/),
      privateDnsZoneArmResourceId: expect.stringMatching(/private\.postgres\.database\.azure\.com$/),
    },
    dataEncryption: { type: "AzureKeyVault", primaryKeyURI: "https://v/keys/k/1" },
    identity: { type: "UserAssigned", userAssignedIdentities: { "/identities/i": {} } },
    backup: { backupRetentionDays: 7, geoRedundantBackup: "Disabled" },
    highAvailability: { mode: "Disabled" },
  });
  expect(
    of("dbforpostgresql:Configuration").map(({ inputs }) => `${inputs.configurationName}=${inputs.value}`),
  ).toEqual(["require_secure_transport=ON", "ssl_min_protocol_version=TLSv1.2", "log_connections=ON"]);
});

test("passwords are generated, and kept in the vault under the name of the node", async () => {
  server();
  await settled();
  for (const { inputs } of of("random:RandomPassword")) expect(inputs).toMatchObject({ length: 40, special: false });
  expect(of("keyvault:Secret").map(({ inputs }) => inputs.secretName)).toEqual([
    "nodes-administrator",
    "nodes-mediator",
    "nodes-participant-1",
  ]);
});

test("a copy of backups in the paired region has a key of its own and who may use it", async () => {
  server({ geoBackup: { keyUri: "https://geo/keys/k/1", identityId: "/identities/geo" } });
  await settled();
  expect(of("dbforpostgresql:Server")[0]?.inputs).toMatchObject({
    backup: { geoRedundantBackup: "Enabled" },
    identity: { userAssignedIdentities: { "/identities/i": {}, "/identities/geo": {} } },
    dataEncryption: {
      geoBackupKeyURI: "https://geo/keys/k/1",
      geoBackupUserAssignedIdentityId: "/identities/geo",
    },
  });
});

test("a replica has no passwords, copies and standby of its own until it is let go", async () => {
  const source = {
    serverId: "/servers/source",
    server: {
      host: "source",
      port: 5432,
      administrator: { user: "canton_admin", password: "a" },
      logins: { mediator: { database: "mediator", user: "mediator", password: "m" } },
    },
  };
  const args = { replicaOf: source, availability: "same-zone", geoBackup: { keyUri: "x", identityId: "y" } } as const;
  expect((await valueOf(server(args).server)).logins).toEqual(source.server.logins);
  await settled();
  expect(of("random:RandomPassword")).toEqual([]);
  const [follows] = of("dbforpostgresql:Server");
  expect(follows?.inputs).toMatchObject({
    createMode: "Replica",
    sourceServerResourceId: "/servers/source",
    highAvailability: { mode: "Disabled" },
    backup: { geoRedundantBackup: "Disabled" },
  });
  expect(follows?.inputs.administratorLogin).toBeUndefined();

  registered = (await mockAzure()).registered;
  server({ ...args, promoted: true });
  await settled();
  expect(of("dbforpostgresql:Server")[0]?.inputs).toMatchObject({
    createMode: "Replica",
    replica: { role: "None" },
    highAvailability: { mode: "SameZone" },
  });
});
