import { isSecret } from "@pulumi/pulumi";
import { beforeEach, expect, test } from "vitest";
import { type AskedResource, ofKind, standInForGcp, valueOf } from "../network/testing/gcp-mocks.ts";
import { GcpPostgres, type GcpPostgresArgs } from "./gcp-postgres.ts";

let asked: AskedResource[];

beforeEach(async () => {
  asked = await standInForGcp();
});

const network = {
  network: "projects/acme/global/networks/acme",
  databaseRangeName: "acme-database",
  databaseRange: "10.20.72.0/22",
  databaseZone: "acme-databases",
};

function makeServer(args: Partial<GcpPostgresArgs> = {}): GcpPostgres {
  return new GcpPostgres("nodes", {
    deployment: { name: "acme", environment: "production" },
    purpose: "nodes",
    region: "europe-west3",
    network,
    keys: { database: "database-key", secrets: "secrets-key" },
    size: { edition: "ENTERPRISE", tier: "db-custom-2-8192", backups: 14, recoveryDays: 7 },
    logins: ["participant1", "mediator"],
    ...args,
  });
}

const ofType = (kind: string) => ofKind(asked, kind);

test("a server is private, encrypted, with TLS, in two zones, and can go back to any moment", async () => {
  await valueOf(makeServer().server);
  const [instance] = ofType("DatabaseInstance");
  expect(instance).toMatchObject({
    name: "acme-nodes",
    parent: "pulumi-canton:database:GcpPostgres::nodes",
    protect: true,
    retainOnDelete: true,
    ignoreChanges: ["settings.diskSize"],
  });
  expect(instance?.inputs).not.toHaveProperty("name");
  expect(instance?.inputs).toMatchObject({
    databaseVersion: "POSTGRES_17",
    encryptionKeyName: "database-key",
    deletionProtection: true,
    settings: {
      availabilityType: "REGIONAL",
      deletionProtectionEnabled: true,
      ipConfiguration: {
        ipv4Enabled: false,
        privateNetwork: network.network,
        allocatedIpRange: "acme-database",
        sslMode: "ENCRYPTED_ONLY",
        serverCaMode: "GOOGLE_MANAGED_CAS_CA",
      },
      backupConfiguration: {
        enabled: true,
        pointInTimeRecoveryEnabled: true,
        transactionLogRetentionDays: 7,
        backupRetentionSettings: { retainedBackups: 14 },
        location: "europe-west3",
      },
    },
  });
});

test.each(["16", "18"] as const)("PostgreSQL %s can be had", async (version) => {
  await valueOf(makeServer({ version }).server);
  expect(ofType("DatabaseInstance")[0]?.inputs["databaseVersion"]).toBe(`POSTGRES_${version}`);
});

test("every login has a generated password, kept in Secret Manager under the deployment's key", async () => {
  const server = makeServer();
  const state = await valueOf(server.server);
  expect(await isSecret(server.server)).toBe(true);
  expect(state).toEqual({
    host: "acme-nodes.x.sql-psa.goog",
    port: 5432,
    administrator: { user: "administrator", password: "password-of-acme-nodes-administrator" },
    caPem: "ROOT\nREGION",
    logins: {
      participant1: { database: "participant1", user: "participant1", password: "password-of-acme-nodes-participant1" },
      mediator: { database: "mediator", user: "mediator", password: "password-of-acme-nodes-mediator" },
    },
  });
  expect(ofType("SecretVersion").map(({ inputs, secrets }) => [inputs["secretData"], secrets])).toEqual(
    ["administrator", "mediator", "participant1"].map((user) => [`password-of-acme-nodes-${user}`, ["secretData"]]),
  );
  for (const { inputs, protect } of ofType("Secret")) {
    expect(protect).toBe(true);
    expect(inputs["replication"].userManaged.replicas).toEqual([
      { location: "europe-west3", customerManagedEncryption: { kmsKeyName: "secrets-key" } },
    ]);
  }
  // Those that Cloud SQL's API makes could read each other's databases: it makes the administrator alone.
  expect(ofType("User").map(({ inputs }) => inputs["name"])).toEqual(["administrator"]);
});

test("its name, which its certificate carries, is in the network's own zone", async () => {
  await valueOf(makeServer().server);
  expect(ofType("RecordSet")[0]?.inputs).toMatchObject({
    managedZone: "acme-databases",
    name: "acme-nodes.x.sql-psa.goog.",
    type: "A",
    rrdatas: ["10.20.72.3"],
  });
});

test("a copy takes over the logins, and refuses one that the other server does not have", async () => {
  const primary = await valueOf(makeServer().primary);
  expect(primary.instance).toBe("acme-nodes-1a2b3c4");
  asked = await standInForGcp();
  const copy = await valueOf(makeServer({ region: "europe-west4", replicaOf: primary }).server);
  expect(copy.logins).toEqual(primary.server.logins);
  expect(ofType("DatabaseInstance")[0]?.inputs).toMatchObject({
    instanceType: "READ_REPLICA_INSTANCE",
    masterInstanceName: primary.instance,
    settings: { backupConfiguration: { enabled: false } },
  });
  expect(ofType("SecretVersion")).toHaveLength(3);
});

test("a moment that is brought back is a new server beside the old one, with the same logins", async () => {
  const state = await valueOf(makeServer({ restoredTo: ["2026-03-01T10:15:00Z", "2026-03-04T08:00:00Z"] }).server);
  expect(state.host).toBe("acme-nodes-at-2026-03-04t08-00-00z.x.sql-psa.goog");
  expect(state.logins["mediator"]?.password).toBe("password-of-acme-nodes-mediator");
  expect(ofType("DatabaseInstance").map(({ name, protect, inputs }) => [name, protect, inputs["clone"]])).toEqual([
    ["acme-nodes", true, undefined],
    [
      "acme-nodes-at-2026-03-01t10-15-00z",
      true,
      { sourceInstanceName: "acme-nodes-1a2b3c4", pointInTime: "2026-03-01T10:15:00Z" },
    ],
    [
      "acme-nodes-at-2026-03-04t08-00-00z",
      true,
      { sourceInstanceName: "acme-nodes-at-2026-03-01t10-15-00z-1a2b3c4", pointInTime: "2026-03-04T08:00:00Z" },
    ],
  ]);
  expect(ofType("User").map(({ inputs }) => inputs["instance"])).toEqual(["acme-nodes-1a2b3c4"]);
});

test("bad arguments are named", () => {
  expect(() => makeServer({ size: { edition: "ENTERPRISE", tier: "big", backups: 14, recoveryDays: 9 } })).toThrow(
    /^size: tier: got "big".*; recoveryDays: got 9/,
  );
  expect(() => makeServer({ restoredTo: ["yesterday"] })).toThrow(/^restoredTo\[0\]: got "yesterday"/);
  expect(() => makeServer({ logins: ["administrator"] })).toThrow(/^logins: got "administrator"/);
});
