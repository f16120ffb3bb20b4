import { beforeEach, expect, test } from "vitest";
import { type AskedResource, ofKind, standInForGcp, valueOf } from "../network/testing/gcp-mocks.ts";
import { GcpStorage, type GcpStorageArgs } from "./gcp-storage.ts";

let asked: AskedResource[];

beforeEach(async () => {
  asked = await standInForGcp();
});

function makeStorage(args: Partial<GcpStorageArgs> = {}): GcpStorage {
  return new GcpStorage("acme", {
    deployment: { name: "acme", environment: "production" },
    project: "acme-canton",
    region: "europe-west3",
    key: "storage-key",
    workload: "serviceAccount:nodes",
    namespace: "canton-prod",
    ...args,
  });
}

const ofType = (kind: string) => ofKind(asked, kind);
const bucket = (purpose: string) => ofType("Bucket").find(({ name }) => name.startsWith(`acme-${purpose}-`));

test("both buckets are private, encrypted with the deployment's key, and stay when the stack goes", async () => {
  const storage = makeStorage();
  expect(await valueOf(storage.backups)).toBe(`gs://${bucket("backups")?.name}`);
  expect(await valueOf(storage.logs)).toBe(bucket("logs")?.name);
  expect(ofType("Bucket")).toHaveLength(2);
  for (const { inputs, protect, retainOnDelete } of ofType("Bucket")) {
    expect(inputs).toMatchObject({
      location: "europe-west3",
      uniformBucketLevelAccess: true,
      publicAccessPrevention: "enforced",
      encryption: { defaultKmsKeyName: "storage-key" },
      forceDestroy: false,
    });
    expect([protect, retainOnDelete]).toEqual([true, true]);
  }
});

test("logs cannot be deleted or changed before their days are over; dumps have versions and end with theirs", async () => {
  await valueOf(makeStorage({ logDays: 400, backupDays: 20 }).logs);
  expect(bucket("logs")?.inputs).toMatchObject({
    retentionPolicy: { retentionPeriod: String(400 * 86_400), isLocked: true },
    lifecycleRules: [
      { action: { type: "SetStorageClass", storageClass: "COLDLINE" }, condition: { age: 90 } },
      { action: { type: "Delete" }, condition: { age: 400 } },
    ],
  });
  expect(bucket("backups")?.inputs).toMatchObject({ versioning: { enabled: true } });
  expect(bucket("backups")?.inputs["lifecycleRules"][0]).toEqual({
    action: { type: "Delete" },
    condition: { age: 20 },
  });
});

test("nodes write dumps and add logs, Google adds its audit log and the nodes'; nobody else has a right", async () => {
  await valueOf(makeStorage().logs);
  expect(ofType("BucketIAMMember").map(({ inputs }) => [inputs["bucket"], inputs["role"], inputs["member"]])).toEqual([
    [bucket("logs")?.name, "roles/storage.objectCreator", "serviceAccount:sink"],
    [bucket("backups")?.name, "roles/storage.objectUser", "serviceAccount:nodes"],
    [bucket("logs")?.name, "roles/storage.objectCreator", "serviceAccount:nodes"],
  ]);
  expect(ofType("ProjectSink")[0]?.inputs["filter"]).toMatch(
    /cloudaudit\.googleapis\.com\/activity.*namespace_name="canton-prod"/,
  );
});

test("names of buckets are everybody's: another project gets others", async () => {
  await valueOf(makeStorage().logs);
  const [first] = ofType("Bucket");
  asked = await standInForGcp();
  await valueOf(makeStorage({ project: "acme-other" }).logs);
  expect(ofType("Bucket")[0]?.name).not.toBe(first?.name);
});

test("days that are none are named", () => {
  expect(() => makeStorage({ logDays: 0 })).toThrow(/^logDays: got 0; expected 1 to 3650/);
  expect(() => makeStorage({ backupDays: 1.5 })).toThrow(/^backupDays: got 1.5/);
});
