import { expect, test } from "vitest";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { checkKubernetesConfig } from "./config.ts";
import { backupProblems, identityDigest } from "./recovery-config.ts";

const digest = `sha256:${"0".repeat(64)}`;
const base = {
  images: {
    nodes: Object.fromEntries(["domain-manager", "sequencer", "mediator", "participant"].map((role) => [role, role])),
    databaseSetup: "database-setup",
  },
  ledgerApi: { auth: [{ type: "jwks", url: "https://idp.example.com/jwks" }], administratorToken: "token" },
  domain: {},
  participants: [{ name: "alice", parties: ["Alice"] }],
};
const onAws = { ...base, infrastructure: "organization/pulumi-canton/aws" };
const anywhere = {
  ...base,
  name: "canton",
  environment: "dev",
  cluster: { kubeconfig: "apiVersion: v1" },
  databases: { nodes: { host: "db", administrator: { user: "postgres", password: "p" } } },
};
const image = `postgres-rclone@${digest}`;
const login = { accessKeyId: "id", secretAccessKey: "key" };
const url = "s3://acme-backups/databases";

const aws = {
  cloud: "aws",
  namespace: "canton-prod",
  cluster: { workloadIdentity: { serviceAccount: "canton" } },
  databases: { nodes: {}, sequencerBackend: {} },
  storage: { backups: "s3://acme-backups" },
} as unknown as InfrastructureState;
const gcp = { ...aws, cloud: "gcp", storage: { backups: "gs://acme-backups" } } as InfrastructureState;

const found = (given: object, backups: object, infrastructure?: InfrastructureState) =>
  backupProblems(
    checkKubernetesConfig({ ...given, backups: { image, ...backups } }),
    { environment: "production" },
    infrastructure,
  );

test("little has to be said: the bucket and the identity are the infrastructure's, elsewhere a URL and a login", () => {
  expect(found(onAws, {}, aws)).toEqual([]);
  expect(found(onAws, { keepDays: 30 }, gcp)).toEqual([]);
  expect(found(anywhere, { url, credentials: login })).toEqual([]);
  expect(found(onAws, { url: "gs://acme-backups", credentials: { "key.json": "{}" } }, aws)).toEqual([]);
  expect(found(onAws, { schedule: "0 3 * * *", sequencersSchedule: "0 4 * * *" }, aws)).toEqual([]);
});

test.each<[string, string[], RegExp]>([
  ["nowhere to go", found(anywhere, { credentials: login }), /^backups\.url is required; expected where backups go/],
  [
    "an infrastructure without a bucket",
    found(onAws, {}, { ...aws, storage: {} }),
    /^backups\.url is required, as organization\/pulumi-canton\/aws has no bucket/,
  ],
  ["no object store", found(anywhere, { url: "ftp://x", credentials: login }), /^backups\.url: got "ftp:\/\/x"/],
  ["no identity", found(anywhere, { url }), /^backups\.credentials is required: pods have no cloud identity here/],
  [
    "the identity of another cloud",
    found(onAws, { url: "gs://acme-backups" }, aws),
    /^backups\.credentials is required: the identity of pods on aws is not known at gs:\/\/acme-backups/,
  ],
  [
    "a namespace that no identity is for",
    found({ ...onAws, namespace: "tenant" }, {}, aws),
    /^backups\.credentials is required: only pods of the namespace canton-prod have a cloud identity/,
  ],
  [
    "half a login",
    found(anywhere, { url, credentials: { accessKeyId: "id" } }),
    /^backups\.credentials: got accessKeyId; expected accessKeyId and secretAccessKey/,
  ],
  [
    "an endpoint in the clear",
    found(anywhere, { url, credentials: login, endpoint: "http://minio" }),
    /^backups\.endpoint: got "http:\/\/minio"; expected https:\/\/HOST/,
  ],
  [
    "deleting by those who may not",
    found(onAws, { keepDays: 30 }, aws),
    /^backups\.keepDays: got 30, but the identity of pods on aws may not delete/,
  ],
  [
    "sequencers that may be backed up before their nodes",
    found(onAws, { schedule: "0 3 * * *" }, aws),
    /^backups\.sequencersSchedule is required with schedule/,
  ],
  [
    "a schedule for no server",
    found(anywhere, { url, credentials: login, sequencersSchedule: "0 3 * * *" }),
    /^backups\.sequencersSchedule: is set, but sequencers have no server of their own/,
  ],
  ["an image that can change", found(onAws, { image: "postgres-rclone:18" }, aws), /^backups\.image: got/],
])("%s is refused", (_what, problems, why) => {
  expect(problems).toEqual([expect.stringMatching(why)]);
});

test.each<[object, RegExp]>([
  [{ backups: { image, schedule: "nightly" } }, /backups\.schedule: .*expected the five fields of cron/],
  [{ backups: { image, scratchGiB: 0 } }, /backups\.scratchGiB/],
  [{ backups: {} }, /backups\.image is required/],
  [{ identityDumps: { passphraseFile: "passphrase" } }, /identityDumps\.passphraseFile: .*expected an absolute path/],
])("%j is not accepted", (more, why) => {
  expect(() => checkKubernetesConfig({ ...anywhere, ...more })).toThrow(why);
});

test("nodes are dumped again when what they have authorised changes, and not when anything else does", () => {
  const of = (more: object) => identityDigest(checkKubernetesConfig({ ...anywhere, ...more }));
  const before = of({});
  expect(of({ standbys: 1, participants: [{ ...base.participants[0], users: [{ id: "app" }] }] })).toBe(before);
  expect(of({ participants: [{ name: "alice", parties: ["Alice", "Anna"] }] })).not.toBe(before);
  expect(of({ allowList: [{ participant: "alice", permission: "Observation" }] })).not.toBe(before);
  expect(of({ domain: { sequencers: 3 } })).not.toBe(before);
});
