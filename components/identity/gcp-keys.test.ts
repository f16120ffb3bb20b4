import { beforeEach, expect, test } from "vitest";
import { type AskedResource, ofKind, standInForGcp, valueOf } from "../network/testing/gcp-mocks.ts";
import { GcpKeys } from "./gcp-keys.ts";
import { GcpWorkloadIdentity } from "./gcp-workload-identity.ts";

let asked: AskedResource[];

beforeEach(async () => {
  asked = await standInForGcp();
});

const deployment = { name: "acme", environment: "production" } as const;
const where = { deployment, project: "acme-canton", region: "europe-west3" };
const ofType = (kind: string) => ofKind(asked, kind);

test("a key for each kind of data, rotated, in an HSM, kept when the stack goes", async () => {
  const { keys, keyEncryption } = new GcpKeys("acme", where);
  expect(await valueOf(keyEncryption)).toEqual({ type: "gcp-kms", keyId: "CryptoKey/acme-nodes" });
  expect(await valueOf(keys.database)).toBe("CryptoKey/acme-database");
  expect(ofType("CryptoKey").map(({ inputs }) => inputs["name"])).toEqual([
    "database",
    "disks",
    "nodes",
    "secrets",
    "storage",
  ]);
  for (const { inputs, protect, retainOnDelete } of [...ofType("CryptoKey")]) {
    expect(inputs).toMatchObject({ rotationPeriod: "7776000s", versionTemplate: { protectionLevel: "HSM" } });
    expect([protect, retainOnDelete]).toEqual([true, true]);
  }
  // The ring's name is new every time: one that was there cannot be had again.
  expect(ofType("KeyRing")[0]?.inputs).not.toHaveProperty("name");
});

test("each key may be used by the services that need it, and by nobody else; the nodes' by no service", async () => {
  const { keys } = new GcpKeys("acme", where);
  await valueOf(keys.secrets);
  expect(ofType("CryptoKeyIAMMember").map(({ inputs }) => [inputs["cryptoKeyId"], inputs["member"]])).toEqual([
    ["CryptoKey/acme-database", "serviceAccount:agent-of-sqladmin.googleapis.com"],
    ["CryptoKey/acme-disks", "serviceAccount:service-123456789012@compute-system.iam.gserviceaccount.com"],
    ["CryptoKey/acme-disks", "serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com"],
    ["CryptoKey/acme-secrets", "serviceAccount:agent-of-secretmanager.googleapis.com"],
    ["CryptoKey/acme-storage", "serviceAccount:gs@storage"],
  ]);
  for (const { inputs } of ofType("CryptoKeyIAMMember"))
    expect(inputs["role"]).toBe("roles/cloudkms.cryptoKeyEncrypterDecrypter");
});

test("the nodes' key can be where it outlasts the region, and a standby region uses that of the other", async () => {
  const { keys } = new GcpKeys("acme", { ...where, nodesLocation: "europe" });
  await valueOf(keys.nodes);
  expect(ofType("KeyRing").map(({ inputs }) => inputs["location"])).toEqual(["europe-west3", "europe"]);
  expect(Object.fromEntries(ofType("CryptoKey").map(({ name, inputs }) => [name, inputs["keyRing"]]))).toMatchObject({
    "acme-nodes": "KeyRing/acme-nodes-keys",
    "acme-disks": "KeyRing/acme-keys",
  });

  asked = await standInForGcp();
  const standby = new GcpKeys("acme", { ...where, nodesKey: "the-other's" });
  expect(await valueOf(standby.keyEncryption)).toEqual({ type: "gcp-kms", keyId: "the-other's" });
  expect(ofType("CryptoKey").map(({ name }) => name)).not.toContain("acme-nodes");
});

test("a deployment that may go takes its keys along", async () => {
  await valueOf(new GcpKeys("acme", { ...where, retain: false, protectionLevel: "SOFTWARE" }).keyEncryption);
  for (const { protect, retainOnDelete } of ofType("CryptoKey"))
    expect([protect, retainOnDelete]).toEqual([false, false]);
  expect(() => new GcpKeys("other", { ...where, rotationDays: 0 })).toThrow(/^rotationDays: got 0; expected 1 to 3650/);
});

test("nodes act as an account without credentials: one service account of one namespace takes it on, for one key", async () => {
  const identity = new GcpWorkloadIdentity("acme", { ...where, namespace: "canton-prod", nodesKey: "nodes-key" });
  expect(await valueOf(identity.workloadIdentity)).toEqual({
    serviceAccount: "canton",
    annotations: { "iam.gke.io/gcp-service-account": "acme-canton@acme.iam.gserviceaccount.com" },
    podLabels: {},
  });
  expect(ofType("IAMMember")[0]?.inputs).toMatchObject({
    role: "roles/iam.workloadIdentityUser",
    member: "serviceAccount:acme-canton.svc.id.goog[canton-prod/canton]",
  });
  expect(ofType("CryptoKeyIAMMember").map(({ inputs }) => inputs["cryptoKeyId"])).toEqual(["nodes-key"]);
  expect(asked.filter(({ type }) => type.endsWith(":Key"))).toEqual([]);
});
