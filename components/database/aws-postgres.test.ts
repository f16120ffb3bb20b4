import { isSecret, output, secret } from "@pulumi/pulumi";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { of, type Recorded, recordAws, settled } from "../network/testing/recorded-aws.ts";
import { AwsPostgres, type AwsPostgresArgs } from "./aws-postgres.ts";
import { databaseOf, nodeProblems, stampOf } from "./aws-postgres-plan.ts";
import type { DatabaseServerState } from "./database-server.ts";

let recorded: Recorded[];

beforeEach(async () => {
  recorded = await recordAws();
});

const args: AwsPostgresArgs = {
  deployment: { name: "acme", environment: "production" },
  place: { account: "123456789012", region: "eu-central-1" },
  version: "17",
  instanceClass: "db.r7g.large",
  storage: 100,
  maxStorage: 500,
  vpcId: "vpc",
  subnetGroup: "databases",
  clients: { nodes: "sg-nodes", bastion: "sg-bastion" },
  highAvailability: true,
  backupDays: 35,
  monitoring: true,
  key: "key",
  caPem: "PEM",
  logins: ["mediator", "domain-manager"],
  protect: true,
};

const instances = () => of(recorded, "rds/instance");

describe("a server", () => {
  test("is highly available, private, encrypted, and outlives a mistake", async () => {
    await settled(new AwsPostgres("db", args).server);
    expect(recorded).toHaveLength(9 + 2 + 2);
    expect(instances()["db"]).toMatchObject({
      identifier: "db",
      engine: "postgres",
      engineVersion: "17",
      multiAz: true,
      publiclyAccessible: false,
      storageEncrypted: true,
      kmsKeyId: "key",
      backupRetentionPeriod: 35,
      deletionProtection: true,
      deleteAutomatedBackups: false,
      skipFinalSnapshot: false,
      finalSnapshotIdentifier: "db-final",
      monitoringInterval: 60,
      monitoringRoleArn: "arn:aws:iam/role:Role:db-metrics",
      dbSubnetGroupName: "databases",
    });
    const instance = recorded.find(({ type }) => type === "aws:rds/instance:Instance");
    expect(instance).toMatchObject({ protect: true, retainOnDelete: true, secrets: ["password"] });
  });

  test("without protection goes with its stack, and leaves names free", async () => {
    await settled(new AwsPostgres("db", { ...args, protect: false, monitoring: false }).server);
    expect(instances()["db"]).toMatchObject({
      deletionProtection: false,
      skipFinalSnapshot: true,
      monitoringInterval: 0,
    });
    expect(instances()["db"]).not.toHaveProperty("finalSnapshotIdentifier");
    expect(of(recorded, "secretsmanager/secret")["db-logins"]).toMatchObject({ recoveryWindowInDays: 0 });
  });

  test.each(["16", "17", "18"] as const)("of version %s insists on TLS and salted passwords", async (version) => {
    await settled(new AwsPostgres("db", { ...args, version }).server);
    const group = of(recorded, "rds/parameterGroup")["db"];
    expect(group?.["family"]).toBe(`postgres${version}`);
    expect(instances()["db"]).toMatchObject({ engineVersion: version });
    const values = Object.fromEntries(group?.["parameters"].map(({ name, value }: any) => [name, value]));
    expect(values).toMatchObject({
      "rds.force_ssl": "1",
      ssl_min_protocol_version: "TLSv1.2",
      password_encryption: "scram-sha-256",
    });
  });

  test("is reached by its clients alone, and reaches nobody", async () => {
    await settled(new AwsPostgres("db", args).server);
    const group = of(recorded, "ec2/securityGroup")["db"];
    expect(group?.["egress"]).toEqual([]);
    expect(group?.["ingress"].map((rule: any) => [rule.fromPort, rule.toPort, rule.securityGroups])).toEqual([
      [5432, 5432, ["sg-nodes"]],
      [5432, 5432, ["sg-bastion"]],
    ]);
  });

  test("has a login of its own for every node, kept apart from the administrator's", async () => {
    const { server } = new AwsPostgres("db", args);
    expect(await isSecret(server)).toBe(true);
    expect(await settled(server)).toMatchObject({
      host: "db.rds",
      caPem: "PEM",
      administrator: { user: "canton_admin", password: "password-of-db-administrator" },
      logins: {
        mediator: { database: "mediator", user: "mediator", password: "password-of-db-mediator" },
        "domain-manager": { database: "domain_manager", user: "domain_manager" },
      },
    });
    const versions = of(recorded, "secretsmanager/secretVersion");
    expect(JSON.parse(versions["db-administrator"]?.["secretString"])).toEqual({
      host: "db.rds",
      port: 5432,
      user: "canton_admin",
      password: "password-of-db-administrator",
    });
    const logins = versions["db-logins"]?.["secretString"];
    expect(logins).toContain("password-of-db-mediator");
    expect(logins).not.toContain("password-of-db-administrator");
  });
});

describe("a replica", () => {
  const state: DatabaseServerState = {
    host: "elsewhere",
    port: 5432,
    administrator: { user: "canton_admin", password: "theirs" },
    logins: { mediator: { database: "mediator", user: "mediator", password: "theirs too" } },
  };
  const source = { instanceArn: "arn:source", server: secret(output(state)) };

  test("follows, with the logins of its source, and makes none", async () => {
    const { server } = new AwsPostgres("db", { ...args, replicaOf: source });
    expect(await settled(server)).toEqual({ ...state, host: "db.rds", caPem: "PEM" });
    expect(recorded).toHaveLength(8 + 2);
    expect(instances()["db"]).toMatchObject({
      replicateSourceDb: "arn:source",
      storageEncrypted: true,
      kmsKeyId: "key",
    });
    expect(instances()["db"]).not.toHaveProperty("username");
  });

  test("promoted, is the same server without a source, of which a last snapshot is kept", async () => {
    await settled(new AwsPostgres("db", { ...args, replicaOf: source }).server);
    const { replicateSourceDb, ...others } = instances()["db"] as Record<string, unknown>;
    expect(replicateSourceDb).toBe("arn:source");
    expect(others).toMatchObject({ skipFinalSnapshot: true });
    recorded = await recordAws();
    await settled(new AwsPostgres("db", { ...args, replicaOf: { ...source, promoted: true } }).server);
    const lastSnapshot = { skipFinalSnapshot: false, finalSnapshotIdentifier: "db-final" };
    expect(instances()["db"]).toEqual({ ...others, ...lastSnapshot });
  });

  test("is not brought back to a moment", () => {
    const both = { ...args, replicaOf: source, restoredTo: ["2026-11-01T10:00:00Z"] };
    expect(() => new AwsPostgres("db", both)).toThrow(/^restoredTo: got "2026-11-01T10:00:00Z" for a replica/);
  });
});

describe("a server that was brought back", () => {
  const moments = ["2026-11-01T10:00:00Z", "2026-12-01T10:00:00Z"];

  test("to a moment is another one, the one before stays as it is", async () => {
    await settled(new AwsPostgres("db", args).server);
    const before = instances()["db"];
    recorded = await recordAws();
    const restored = new AwsPostgres("db", { ...args, restoredTo: moments.slice(0, 1) });
    expect(await settled(restored.server)).toMatchObject({ host: "db-r20261101t100000z.rds" });
    expect(await settled(restored.instanceArn)).toBe("arn:aws:rds/instance:Instance:db-r20261101t100000z");
    expect(instances()["db"]).toEqual(before);
    expect(instances()["db-r20261101t100000z"]).toMatchObject({
      identifier: "db-r20261101t100000z",
      restoreToPointInTime: { sourceDbInstanceIdentifier: "db", restoreTime: moments[0] },
      storageEncrypted: true,
      publiclyAccessible: false,
    });
  });

  test("a second time is taken from the one that was in use", async () => {
    const restored = new AwsPostgres("db", { ...args, restoredTo: moments });
    expect(await settled(restored.server)).toMatchObject({ host: "db-r20261201t100000z.rds" });
    expect(instances()["db-r20261201t100000z"]?.["restoreToPointInTime"]).toEqual({
      sourceDbInstanceIdentifier: "db-r20261101t100000z",
      restoreTime: moments[1],
    });
  });

  test("cannot have begun after what it is brought back to", () => {
    const backwards = { ...args, restoredTo: moments.toReversed() };
    expect(() => new AwsPostgres("db", backwards)).toThrow(
      /^restoredTo\[1\]: got "2026-11-01T10:00:00Z"; expected one after/,
    );
  });
});

describe("names", () => {
  const node = fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/);

  test("of databases need no quotes, and nodes of different names never share one unless that is told", () => {
    fc.assert(
      fc.property(fc.uniqueArray(node, { maxLength: 6 }), (nodes) => {
        const databases = nodes.map(databaseOf);
        for (const database of databases) expect(database).toMatch(/^[a-z][a-z0-9_]{0,62}$/);
        if (nodeProblems(nodes).length === 0) expect(new Set(databases).size).toBe(nodes.length);
      }),
    );
  });

  test("that PostgreSQL or RDS has are refused", () => {
    expect(nodeProblems(["a", "rdsadmin", "canton-admin", "a"])).toEqual([
      'nodes[1]: got "rdsadmin", a name that PostgreSQL has; choose another',
      'nodes[2]: got "canton-admin", a name that PostgreSQL has; choose another',
      'nodes[3]: got "a" a second time; expected each once',
    ]);
  });

  test("of restored servers are ones that RDS takes", () => {
    expect(`acme-${stampOf("2026-11-01T10:00:00Z")}`).toMatch(/^[a-z](?:-?[a-z0-9])*$/);
  });
});
