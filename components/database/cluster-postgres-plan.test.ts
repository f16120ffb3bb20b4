import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import {
  administrator,
  type BackupStore,
  type ClusterPlan,
  checkClusterPlan,
  planCluster,
  planObjectStore,
  planScheduledBackup,
  storeOf,
} from "./cluster-postgres-plan.ts";

const backups: BackupStore = { url: "s3://canton-backups/prod", credentials: "identity" };
const plan: ClusterPlan = {
  name: "canton-nodes",
  environment: "production",
  version: "17",
  image: "registry.example.com/postgresql@sha256:00",
  instances: 3,
  zones: 3,
  storageClass: "encrypted",
  diskGiB: 20,
  cpu: 1.5,
  memoryGiB: 4,
  maxConnections: 300,
  labels: { deployment: "canton" },
  identity: {},
  backups,
  secrets: { authority: "authority", administrator: "administrator" },
};

test.each<[Partial<ClusterPlan>, RegExp]>([
  [{ instances: 2 }, /^instances: got 2; production takes at least 3/],
  [{ instances: 10 }, /^instances: got 10; expected a whole number from 1 to 9/],
  [{ diskGiB: 0.5 }, /^diskGiB: got 0.5/],
  [{ cpu: 0 }, /^cpu: got 0; expected 0.1 to 256/],
  [{ maxConnections: 5 }, /^maxConnections: got 5/],
  [{ backups: { ...backups, url: "ftp://x" } }, /^backups.url: got "ftp:\/\/x"; expected s3:/],
  [{ backups: { ...backups, days: 0 } }, /^backups.days: got 0/],
  [
    { backups: { ...backups, schedule: "0 1 * * *" } },
    /^backups.schedule: got "0 1 \* \* \*"; expected six fields, seconds first/,
  ],
  [{ restore: { from: "canton-nodes" } }, /^restore.from: got "canton-nodes", the server's own name/],
  [{ restore: { from: "old", at: "yesterday" } }, /^restore.at: got "yesterday"; expected a moment/],
])("refuses %j", (change, reason) => {
  expect(() => checkClusterPlan(plan)).not.toThrow();
  expect(() => checkClusterPlan({ ...plan, ...change })).toThrow(reason);
});

test("refuses production without backups, and a restore without", () => {
  const { backups: _, ...without } = plan;
  expect(() => checkClusterPlan(without)).toThrow(/^backups: got none; production takes a place for backups/);
  const dev = { ...without, environment: "dev", restore: { from: "old" } } as const;
  expect(() => checkClusterPlan(dev)).toThrow(/^restore: there are no backups to begin with/);
});

test("copies lie apart, and a commit is acknowledged when two have it", () => {
  expect(planCluster(plan)).toMatchObject({
    instances: 3,
    postgresql: { synchronous: { method: "any", number: 1, dataDurability: "required" } },
    affinity: { podAntiAffinityType: "required", topologyKey: "kubernetes.io/hostname" },
    topologySpreadConstraints: [{ topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule" }],
    storage: { storageClass: "encrypted", size: "20Gi" },
    walStorage: { storageClass: "encrypted", size: "5Gi" },
  });
  // Two zones for three: one takes two of them.
  expect(planCluster({ ...plan, zones: 2 })).toMatchObject({
    topologySpreadConstraints: [{ whenUnsatisfiable: "ScheduleAnyway" }],
  });
  const alone = planCluster({ ...plan, instances: 1 });
  expect(alone).toMatchObject({ affinity: { podAntiAffinityType: "preferred" } });
  expect(alone["postgresql"]).not.toHaveProperty("synchronous");
});

test("nobody connects in the clear, and nobody who connects is a superuser", () => {
  const { postgresql, managed, enableSuperuserAccess } = planCluster(plan) as any;
  expect(postgresql.pg_hba[0]).toBe("hostnossl all all all reject");
  expect(enableSuperuserAccess).toBe(false);
  expect(managed.roles).toMatchObject([{ name: administrator, superuser: false }]);
});

test("backups by the plugin and by the operator go to the same place", () => {
  const inTree: BackupStore = { ...backups, through: "in-tree", days: 7 };
  expect(planCluster({ ...plan, backups: inTree })).toMatchObject({
    backup: { retentionPolicy: "7d", barmanObjectStore: storeOf(backups) },
  });
  expect(planScheduledBackup("canton-nodes", inTree)).toMatchObject({ method: "barmanObjectStore" });
  expect(planObjectStore({ ...backups, days: 7 })).toEqual({ retentionPolicy: "7d", configuration: storeOf(backups) });
  expect(planCluster(plan)).toMatchObject({
    plugins: [{ isWALArchiver: true, parameters: { barmanObjectName: "canton-nodes", serverName: "canton-nodes" } }],
  });
  expect(planScheduledBackup("canton-nodes", backups)).toMatchObject({ method: "plugin", immediate: true });
});

test("a restored server reads another's backups and writes its own", () => {
  const restored = planCluster({ ...plan, restore: { from: "canton-old", at: "2026-11-29T12:00:00Z" } });
  expect(restored).toMatchObject({
    bootstrap: { recovery: { source: "canton-old", recoveryTarget: { targetTime: "2026-11-29T12:00:00Z" } } },
    externalClusters: [{ name: "canton-old", plugin: { parameters: { serverName: "canton-old" } } }],
    plugins: [{ parameters: { serverName: "canton-nodes" } }],
  });
  expect(restored["bootstrap"]).not.toHaveProperty("initdb");
});

describe("PostgreSQL itself", () => {
  let client: pg.Client;
  beforeAll(async () => {
    client = new pg.Client({ connectionString: inject("postgresUrl") });
    await client.connect();
  });
  afterAll(() => client.end());

  test("knows every parameter and takes its value", async () => {
    const { parameters } = planCluster(plan)["postgresql"] as { parameters: Record<string, string> };
    const { rows } = await client.query<{ name: string; vartype: string; enumvals: string[] | null }>(
      "select name, vartype, enumvals from pg_settings where name = any($1)",
      [Object.keys(parameters)],
    );
    expect(rows.map(({ name }) => name).toSorted()).toEqual(Object.keys(parameters).toSorted());
    for (const { name, vartype, enumvals } of rows) {
      const shape = { bool: /^(on|off)$/, integer: /^\d+(MB)?$/ }[vartype];
      if (shape !== undefined)
        expect({ name, value: parameters[name] }).toEqual({ name, value: expect.stringMatching(shape) });
      if (vartype === "enum") expect(enumvals).toContain(parameters[name]);
    }
  });

  test("lets such an administrator hand a database to a login that it made, which no other login reaches", async () => {
    const [role] = (planCluster(plan)["managed"] as any).roles;
    const url = new URL(inject("postgresUrl"));
    const names = { admin: "cluster_plan_admin", one: "cluster_plan_one", two: "cluster_plan_two" };
    const as = async <T>(user: string, database: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
      const connection = { host: url.hostname, port: Number(url.port), user, password: "secret", database };
      const connected = new pg.Client(connection);
      await connected.connect();
      try {
        return await work(connected);
      } finally {
        await connected.end();
      }
    };
    const attributes = [
      role.superuser ? "superuser" : "nosuperuser",
      role.createdb ? "createdb" : "nocreatedb",
      role.createrole ? "createrole" : "nocreaterole",
    ].join(" ");
    const { createrole_self_grant: selfGrant } = (planCluster(plan)["postgresql"] as any).parameters;
    try {
      await client.query(`create role ${names.admin} login password 'secret' ${attributes}`);
      await client.query(`alter role ${names.admin} set createrole_self_grant = '${selfGrant}'`);
      await as(names.admin, "postgres", async (admin) => {
        for (const name of [names.one, names.two]) {
          await admin.query(`create role ${name} login password 'secret'`);
          await admin.query(`create database ${name} owner ${name}`);
          await admin.query(`revoke connect on database ${name} from public`);
        }
      });
      await as(names.one, names.one, (own) => own.query("create schema mine"));
      await expect(as(names.one, names.two, (other) => other.query("select 1"))).rejects.toThrow(/permission denied/);
    } finally {
      for (const name of [names.one, names.two]) {
        await client.query(`drop database if exists ${name}`);
        await client.query(`drop role if exists ${name}`);
      }
      await client.query(`drop role if exists ${names.admin}`);
    }
  });
});
