import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Registered, register } from "../testing/registered.ts";
import { DatabaseBackup, type DatabaseBackupArgs } from "./database-backup.ts";
import { backupFiles, backupOrder, backupScript, backupTarget } from "./database-backup-plan.ts";

const run = promisify(execFile);

let registered: Registered[];

beforeAll(async () => {
  registered = await register();
});
beforeEach(() => {
  registered.length = 0;
});

const login = (name: string, password = `password-of-${name}`) => ({ database: name, user: name, password });
const server = {
  host: "db.internal",
  port: 5432,
  administrator: { user: "root", password: "password-of-root" },
  caPem: "PEM of the database",
  logins: { "sequencer-backend": login("sequencer-backend"), alice: login("alice"), mediator: login("mediator") },
};
const base: DatabaseBackupArgs = {
  deployment: { name: "canton", environment: "production" },
  namespace: "canton-prod",
  workloadIdentity: { serviceAccount: "nodes", podLabels: { "azure.workload.identity/use": "true" } },
  image: `backup@sha256:${"a".repeat(64)}`,
  server: pulumi.secret(server),
  url: "s3://acme-backups/databases",
  identityDumps: { alice: pulumi.secret("the dump of alice") },
  storageClass: "encrypted",
  databases: [{ cidr: "10.0.9.0/24" }],
  storage: [{ cidr: "0.0.0.0/0" }],
};

async function made(changes: Partial<DatabaseBackupArgs> = {}) {
  new DatabaseBackup("nodes-backup", { ...base, ...changes });
  await pulumi.runtime.disconnect();
  const of = (kind: string) => registered.find(({ type }) => type.endsWith(`:${kind}`))?.inputs;
  return { cronJob: of("CronJob"), secret: of("Secret"), policy: of("NetworkPolicy"), all: registered };
}

describe("a backup", () => {
  test("is one job a night, which can do nothing but that", async () => {
    const { cronJob, all } = await made();
    expect(all.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort()).toEqual([
      "CronJob nodes-backup",
      "DatabaseBackup nodes-backup",
      "NetworkPolicy nodes-backup",
      "Secret nodes-backup",
    ]);
    expect(cronJob.spec).toMatchObject({
      schedule: "17 1 * * *",
      timeZone: "Etc/UTC",
      concurrencyPolicy: "Forbid",
      startingDeadlineSeconds: 3600,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 5,
      jobTemplate: { spec: { backoffLimit: 2, activeDeadlineSeconds: 240 * 60 } },
    });
    const { metadata, spec } = cronJob.spec.jobTemplate.spec.template;
    expect(metadata.labels).toMatchObject({
      "azure.workload.identity/use": "true",
      "app.kubernetes.io/component": "database-backup",
      "app.kubernetes.io/instance": "nodes-backup",
    });
    expect(spec).toMatchObject({
      serviceAccountName: "nodes",
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          command: ["/bin/sh", "/etc/backup/backup.sh"],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
        },
      ],
    });
    expect(spec.volumes[1].ephemeral.volumeClaimTemplate.spec).toMatchObject({
      storageClassName: "encrypted",
      resources: { requests: { storage: "20Gi" } },
    });
  });

  test("reaches the server as itself only, and keeps no secret where it can be seen", async () => {
    const { cronJob, secret, all } = await made();
    const env = Object.fromEntries(
      cronJob.spec.jobTemplate.spec.template.spec.containers[0].env.map(({ name, value }: any) => [name, value]),
    );
    expect(env).toMatchObject({
      PGHOST: "db.internal",
      PGPORT: "5432",
      PGSSLMODE: "verify-full",
      PGSSLROOTCERT: "/etc/backup/server.crt",
      BACKUP_REMOTE: ":s3:acme-backups/databases",
      RCLONE_S3_ENV_AUTH: "true",
    });
    const open = all.filter(({ type }) => !type.endsWith(":Secret"));
    expect(JSON.stringify(open)).not.toMatch(/password-of|dump of alice|1b47061264138c4ac30d75fd1eb44270/);
    expect(secret.stringData["4dabf18193072939515e22adb298388d"]).toBe("1b47061264138c4ac30d75fd1eb44270");
    const files = secret.stringData.value;
    expect(files).toEqual({
      "backup.sh": backupScript,
      databases: "alice alice\nmediator mediator\nsequencer-backend sequencer-backend\n",
      pgpass: ["alice", "mediator", "sequencer-backend"]
        .map((name) => `db.internal:5432:${name}:${name}:password-of-${name}\n`)
        .join(""),
      "server.crt": "PEM of the database",
      "identity-alice.json": "the dump of alice",
    });
    expect(JSON.stringify(files)).not.toContain("password-of-root");
  });

  test("talks to the database, the bucket and whoever gives out its identity", async () => {
    const { policy } = await made({ server: { ...server, port: 5433 } });
    expect(policy.spec).toMatchObject({
      podSelector: { matchLabels: { "app.kubernetes.io/instance": "nodes-backup" } },
      policyTypes: ["Ingress", "Egress"],
      egress: [
        { to: [{ ipBlock: { cidr: "10.0.9.0/24" } }], ports: [{ port: 5433, protocol: "TCP" }] },
        { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: [{ port: 443, protocol: "TCP" }] },
        { to: [{ ipBlock: { cidr: "169.254.169.254/32" } }], ports: [{ port: 80, protocol: "TCP" }] },
        {},
        {},
      ],
    });
    expect(policy.spec.ingress).toBeUndefined();
  });

  test("goes to an object store that is no cloud's own with a login, which only the container sees", async () => {
    const { cronJob, secret, policy, all } = await made({
      endpoint: "https://minio.example.com:9000",
      region: "eu",
      credentials: { accessKeyId: "the id", secretAccessKey: pulumi.secret("the key") },
      keepDays: 90,
    });
    const { env } = cronJob.spec.jobTemplate.spec.template.spec.containers[0];
    const valueOf = (name: string) => env.find((each: any) => each.name === name);
    expect(valueOf("RCLONE_S3_ENDPOINT").value).toBe("https://minio.example.com:9000");
    expect(valueOf("RCLONE_S3_REGION").value).toBe("eu");
    expect(valueOf("BACKUP_KEEP_DAYS").value).toBe("90");
    expect(valueOf("RCLONE_S3_ENV_AUTH")).toBeUndefined();
    expect(valueOf("RCLONE_S3_SECRET_ACCESS_KEY").valueFrom).toEqual({
      secretKeyRef: { name: "nodes-backup", key: "secretAccessKey" },
    });
    expect(secret.stringData.value).toMatchObject({ accessKeyId: "the id", secretAccessKey: "the key" });
    expect(JSON.stringify(all.filter(({ type }) => !type.endsWith(":Secret")))).not.toMatch(/the id|the key/);
    expect(policy.spec.egress[1].ports).toEqual([{ port: 9000, protocol: "TCP" }]);
  });

  test.each<[Partial<DatabaseBackupArgs>, RegExp]>([
    [{ keepDays: 0 }, /^keepDays: got 0/],
    [{ endpoint: "http://minio" }, /^endpoint: got "http:\/\/minio"/],
    [{ url: "gs://acme-backups", region: "eu" }, /^region: is for s3:/],
    [{ credentials: { "key.json": "k" } }, /^credentials: got key.json; expected accessKeyId and secretAccessKey/],
    [{ url: "ftp://somewhere" }, /^url: got "ftp:\/\/somewhere"; expected s3:/],
    [{ schedule: "nightly" }, /^schedule: got "nightly"; expected the five fields/],
    [{ deadlineMinutes: 0 }, /^deadlineMinutes: got 0/],
    [{ scratchGiB: 0.5 }, /^scratchGiB: got 0.5/],
    [{ image: "backup:latest" }, /^image: got "backup:latest"; expected an image by its digest/],
  ])("refuses %j", (changes, message) => {
    expect(() => new DatabaseBackup("nodes-backup", { ...base, ...changes })).toThrow(message);
    expect(() => new DatabaseBackup("x".repeat(53), { ...base })).toThrow(/^name: /);
  });
});

test("every cloud's URL becomes a remote of rclone that acts as the pod's identity", () => {
  expect(backupTarget("gs://acme-backups").remote).toBe(":gcs:acme-backups");
  expect(backupTarget("https://acmestore.blob.core.windows.net/backups/eu/")).toMatchObject({
    remote: ":azureblob:backups/eu",
    env: { RCLONE_AZUREBLOB_ACCOUNT: "acmestore", RCLONE_AZUREBLOB_ENV_AUTH: "true" },
  });
  const part = fc.stringMatching(/^[a-z0-9][a-z0-9-]{1,20}[a-z0-9]$/);
  fc.assert(
    fc.property(fc.constantFrom(["s3", "s3"], ["gs", "gcs"]), part, fc.array(part), ([scheme, kind], bucket, path) => {
      const { remote, env } = backupTarget([`${scheme}://${bucket}`, ...path].join("/"));
      expect(remote).toBe([`:${kind}:${bucket}`, ...path].join("/"));
      expect(Object.entries(env).some(([key, value]) => key.endsWith("_ENV_AUTH") && value === "true")).toBe(true);
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(..." $`;'\"\n&|"), (odd) => {
      expect(() => backupTarget(`s3://acme-backups/a${odd}b`)).toThrow(/expected s3:/);
    }),
  );
});

test("what the sequencers share is dumped last, and a password may be anything", () => {
  const names = fc.uniqueArray(fc.constantFrom("sequencer-backend", "eu-sequencer-backend", "alice", "zoe", "t-1"));
  fc.assert(
    fc.property(names, (given) => {
      const order = backupOrder(given);
      expect([...order].sort()).toEqual([...given].sort());
      const firstShared = order.findIndex((name) => name.endsWith("sequencer-backend"));
      if (firstShared >= 0) expect(order.slice(firstShared).every((name) => name.endsWith("backend"))).toBe(true);
    }),
  );
  const { pgpass } = backupFiles({ ...server, logins: { a: login("a", "p:a\\ss") } }, {});
  expect(pgpass).toBe("db.internal:5432:a:a:p\\:a\\\\ss\n");
  expect(() => backupFiles({ ...server, logins: { a: { ...login("a"), database: "a b" } } }, {})).toThrow(
    /got the database or login "a b"/,
  );
});

/** Stand-ins for pg_dump and rclone: the one writes what it was asked for, the other puts files into a folder. */
const stubs = {
  pg_dump: `#!/bin/sh
for arg; do case "$arg" in --file=*) file="\${arg#--file=}";; --username=*) user="\${arg#--username=}";; esac; database="$arg"; done
[ "$database" != broken ] || { echo "no such database" >&2; exit 1; }
[ "$(stat -c %a "$PGPASSFILE")" = 400 ] || exit 2
echo "$database as $user" > "$file"`,
  pg_restore: '#!/bin/sh\n[ "$1" = --list ] && [ -s "$2" ]',
  rclone: '#!/bin/sh\n[ "$1" = copyto ] && mkdir -p "$(dirname "$3")" && cp "$2" "$3"',
} as const;

describe("the script", () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "database-backup-"));
    for (const folder of ["bin", "files", "scratch"]) await mkdir(join(home, folder));
    for (const [name, text] of Object.entries(stubs)) {
      await writeFile(join(home, "bin", name), text);
      await chmod(join(home, "bin", name), 0o755);
    }
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const backUp = async (logins: Parameters<typeof backupFiles>[0]["logins"], dumps: Record<string, string> = {}) => {
    for (const [name, text] of Object.entries(backupFiles({ ...server, logins }, dumps))) {
      await writeFile(join(home, "files", name), text, { mode: 0o440 });
    }
    return run("/bin/sh", [join(home, "files", "backup.sh")], {
      env: {
        PATH: `${join(home, "bin")}:${process.env["PATH"]}`,
        BACKUP_FOLDER: join(home, "files"),
        BACKUP_SCRATCH: join(home, "scratch"),
        BACKUP_REMOTE: join(home, "bucket"),
      },
    });
  };
  const uploaded = async () => {
    const [stamp = ""] = await readdir(join(home, "bucket"));
    return { stamp, folder: join(home, "bucket", stamp), files: (await readdir(join(home, "bucket", stamp))).sort() };
  };

  test.each(["/bin/sh", "bash"])("is one that %s understands", async (shell) => {
    await writeFile(join(home, "backup.sh"), backupScript);
    await run(shell, ["-n", join(home, "backup.sh")]);
  });

  test("uploads a dump of each database, the identities, and last the sums of all", async () => {
    await backUp(server.logins, { alice: "who alice is" });
    const { stamp, folder, files } = await uploaded();
    expect(stamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/);
    expect(files).toEqual([
      "SHA256SUMS",
      "alice.dump",
      "identity-alice.json",
      "mediator.dump",
      "sequencer-backend.dump",
    ]);
    expect(await readFile(join(folder, "mediator.dump"), "utf8")).toBe("mediator as mediator\n");
    expect(await readFile(join(folder, "identity-alice.json"), "utf8")).toBe("who alice is");
    await run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: folder });
    expect((await readFile(join(folder, "SHA256SUMS"), "utf8")).trim().split("\n")).toHaveLength(4);
    expect((await readdir(join(home, "scratch"))).filter((name) => name.endsWith(".dump"))).toEqual([]);
  });

  test("that fails half-way says so, and leaves no sums", async () => {
    await expect(backUp({ a: login("alice"), b: login("broken"), c: login("zoe") })).rejects.toMatchObject({
      code: 1,
      stderr: "no such database\n",
    });
    expect((await uploaded()).files).toEqual(["alice.dump"]);
  });
});
