import { output } from "@pulumi/pulumi";
import { beforeEach, describe, expect, test } from "vitest";
import { of, type Recorded, recordAws, settled } from "../network/testing/recorded-aws.ts";
import { AwsBackup, type AwsBackupArgs } from "./aws-backup.ts";
import { AwsBucket, type AwsBucketArgs, tlsOnly } from "./aws-bucket.ts";

let recorded: Recorded[];

beforeEach(async () => {
  recorded = await recordAws();
});

const shared = {
  deployment: { name: "acme", environment: "production" },
  place: { account: "123456789012", region: "eu-central-1" },
  key: "key",
  protect: true,
} as const;

describe("a bucket", () => {
  const args: AwsBucketArgs = { ...shared, oldVersionDays: 30 };

  test("is encrypted, never public, keeps versions for a while, and has a name that nobody else has", async () => {
    const url = await settled(new AwsBucket("acme-backups", args).url);
    expect(url).toMatch(/^s3:\/\/acme-backups-[0-9a-f]{6}$/);
    expect(recorded).toHaveLength(7);
    const bucket = url.replace("s3://", "");
    expect(of(recorded, "s3/bucket")["acme-backups"]).toMatchObject({ bucket, forceDestroy: false });
    expect(of(recorded, "s3/bucketPublicAccessBlock")["acme-backups"]).toEqual({
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    expect(of(recorded, "s3/bucketVersioning")["acme-backups"]).toMatchObject({
      versioningConfiguration: { status: "Enabled" },
    });
    const [rule] = of(recorded, "s3/bucketLifecycleConfiguration")["acme-backups"]?.["rules"] ?? [];
    expect(rule).toMatchObject({ status: "Enabled", noncurrentVersionExpiration: { noncurrentDays: 30 } });
    expect(rule).not.toHaveProperty("expiration");
  });

  test("of another account or region has another name", async () => {
    const urlIn = (region: string) =>
      settled(new AwsBucket("acme-backups", { ...args, place: { ...shared.place, region } }).url);
    expect(await urlIn("eu-west-1")).not.toBe(await urlIn("eu-central-1"));
  });

  test("of logs is locked until they expire", async () => {
    await settled(new AwsBucket("logs", { ...args, expireDays: 365, lock: { mode: "compliance", days: 90 } }).url);
    expect(recorded).toHaveLength(8);
    expect(of(recorded, "s3/bucket")["logs"]).toMatchObject({ objectLockEnabled: true });
    expect(of(recorded, "s3/bucketObjectLockConfiguration")["logs"]).toMatchObject({
      objectLockEnabled: "Enabled",
      rule: { defaultRetention: { mode: "COMPLIANCE", days: 90 } },
    });
    expect(of(recorded, "s3/bucketLifecycleConfiguration")["logs"]?.["rules"][0].expiration).toEqual({ days: 365 });
  });

  test("whose objects expire while they are locked is refused", () => {
    const both = { ...args, expireDays: 30, lock: { mode: "governance", days: 90 } } as const;
    expect(() => new AwsBucket("logs", both)).toThrow("expireDays: got 30; expected at least the 90 days of the lock");
  });

  test("is not talked to without TLS, or with an old one", () => {
    const statements: any[] = JSON.parse(tlsOnly("arn:b")).Statement;
    for (const { Effect, Principal, Action, Resource } of statements) {
      expect({ Effect, Principal, Action, Resource }).toEqual({
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: ["arn:b", "arn:b/*"],
      });
    }
    expect(statements.map(({ Condition }) => Condition)).toEqual([
      { Bool: { "aws:SecureTransport": "false" } },
      { NumericLessThan: { "s3:TlsVersion": "1.2" } },
    ]);
  });
});

describe("backups", () => {
  const args: AwsBackupArgs = { ...shared, resources: ["arn:db", "arn:bucket"], days: 35 };

  async function backUp(given: Partial<AwsBackupArgs> = {}) {
    new AwsBackup("backup", { ...args, ...given });
    await settled(output(0));
    return of(recorded, "backup/plan")["backup"]?.["rules"][0];
  }

  test("are made every night of what is named, and kept from being deleted early", async () => {
    expect(await backUp()).toMatchObject({
      targetVaultName: "backup",
      lifecycle: { deleteAfter: 35 },
      copyActions: [],
    });
    expect(recorded).toHaveLength(7 + 1);
    expect(of(recorded, "backup/selection")["backup"]).toMatchObject({
      resources: ["arn:db", "arn:bucket"],
      planId: "backup-id",
      iamRoleArn: "arn:aws:iam/role:Role:backup",
    });
    expect(of(recorded, "backup/vault")["backup"]).toMatchObject({ kmsKeyArn: "key", forceDestroy: false });
    expect(of(recorded, "backup/vaultLockConfiguration")["backup"]).toMatchObject({ minRetentionDays: 7 });
  });

  test("are copied to another region, encrypted there with a key of that region", async () => {
    const rule = await backUp({ copyTo: "eu-west-1" });
    expect(rule.copyActions).toEqual([
      { destinationVaultArn: "arn:aws:backup/vault:Vault:backup-copy", lifecycle: { deleteAfter: 35 } },
    ]);
    expect(of(recorded, "backup/vault")["backup-copy"]).toMatchObject({
      region: "eu-west-1",
      kmsKeyArn: "arn:aws:kms/key:Key:backup-copy",
    });
    expect(of(recorded, "kms/key")["backup-copy"]).toMatchObject({ region: "eu-west-1" });
    expect(of(recorded, "kms/key")["backup-copy"]?.["policy"]).toContain("backup.eu-west-1.amazonaws.com");
    expect(recorded).toHaveLength(7 + 4 + 2);
  });

  test("without protection go with their stack", async () => {
    await backUp({ protect: false });
    expect(of(recorded, "backup/vault")["backup"]).toMatchObject({ forceDestroy: true });
    expect(of(recorded, "backup/vaultLockConfiguration")).toEqual({});
  });
});
