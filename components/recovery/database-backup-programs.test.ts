/** The script of a backup with the programs that its image has: pg_dump and rclone, on PostgreSQL and on S3 as moto plays it. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { executablesOnPath } from "../../scripts/engine/on-path.ts";
import { debianPackages } from "../../test/debian-packages.ts";
import { freePort } from "../../test/free-port.ts";
import { pythonEnvironment } from "../../test/python-environment.ts";
import {
  type BackupTarget,
  backupEnvironment,
  backupFiles,
  backupTarget,
  loginVariable,
} from "./database-backup-plan.ts";

const run = promisify(execFile);
const moto = "../../node-images/topology/key-encryption/testing/moto-5.2.txt";
const [python, postgres, rclone] = await Promise.all([
  pythonEnvironment(join(import.meta.dirname, moto)),
  pythonEnvironment(join(import.meta.dirname, "testing", "postgres-client-18.txt")),
  rcloneProgram(),
]);
const missing = [python, postgres, rclone].find((each) => typeof each !== "string");
if (missing !== undefined) console.warn(`SKIPPED: backups are not made for real: ${JSON.stringify(missing)}`);

/** From the PATH, or Debian's. */
async function rcloneProgram(): Promise<string | { readonly unavailable: string }> {
  const [onPath] = executablesOnPath("rclone", process.env["PATH"]);
  if (onPath !== undefined) return onPath;
  const unpacked = await debianPackages("rclone");
  return "unavailable" in unpacked ? unpacked : join(unpacked.folder, "usr", "bin", "rclone");
}

describe.runIf(missing === undefined)("with the programs of its image", () => {
  const url = "s3://acme-backups/databases";
  const login = { accessKeyId: "an id", secretAccessKey: "a secret" };
  let home: string;
  let server: ChildProcess;
  let target: BackupTarget;
  let environment: Record<string, string>;
  const inBucket = (...args: string[]) => run(join(home, "bin", "rclone"), args, { env: environment });

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "database-backup-"));
    for (const folder of ["bin", "files", "scratch", "old"]) await mkdir(join(home, folder));
    const where =
      'import embedded_postgres, os; print(os.path.join(embedded_postgres.__path__[0], "pginstall", "bin"))';
    const { stdout } = await run(postgres as string, ["-c", where]);
    for (const program of ["pg_dump", "pg_restore"]) {
      await symlink(join(stdout.trim(), program), join(home, "bin", program));
    }
    await symlink(rclone as string, join(home, "bin", "rclone"));
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    server = spawn(python as string, ["-m", "moto.server", "-H", "127.0.0.1", "-p", `${port}`], { stdio: "ignore" });
    await vi.waitFor(() => fetch(`${endpoint}/moto-api/`), { timeout: 30_000, interval: 100 });
    target = backupTarget(url, { endpoint, login: Object.keys(login) });
    environment = {
      PATH: `${join(home, "bin")}:${process.env["PATH"]}`,
      ...target.env,
      ...Object.fromEntries(Object.entries(login).map(([key, value]) => [loginVariable[key] as string, value])),
      RCLONE_CONFIG: join(home, "rclone.conf"),
    };
    await fetch(`${endpoint}/acme-backups`, { method: "PUT" });
  }, 60_000);
  afterAll(async () => {
    if (server !== undefined) {
      const gone = once(server, "exit");
      server.kill("SIGKILL");
      await gone;
    }
    await rm(home, { recursive: true, force: true });
  });

  /** One run of the job. */
  async function backUp({ storage }: TestDatabase, keepDays?: number): Promise<string> {
    const { host, port, database, user, passwordFile } = storage;
    const password = (await readFile(passwordFile, "utf8")).trim();
    const state = { host, port, tls: false, logins: { alice: { database, user, password } } };
    for (const [name, text] of Object.entries(backupFiles(state, { alice: "who alice is" }))) {
      await rm(join(home, "files", name), { force: true });
      await writeFile(join(home, "files", name), text, { mode: 0o440 });
    }
    await rm(join(home, "scratch", ".pgpass"), { force: true });
    const { stdout } = await run("/bin/sh", [join(home, "files", "backup.sh")], {
      env: {
        ...backupEnvironment(state, target, keepDays),
        ...environment,
        // As the pod has them, but here.
        BACKUP_FOLDER: join(home, "files"),
        BACKUP_SCRATCH: join(home, "scratch"),
      },
    });
    return stdout;
  }

  async function query(url: string, text: string): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }
  async function urlOf({ storage: { host, port, database, user, passwordFile } }: TestDatabase): Promise<string> {
    return `postgres://${user}:${(await readFile(passwordFile, "utf8")).trim()}@${host}:${port}/${database}`;
  }

  test("what is in the bucket is whole, and restores to an empty database", { timeout: 60_000 }, async () => {
    await using database = await createTestDatabase();
    await query(await urlOf(database), "CREATE TABLE kept (n int PRIMARY KEY); INSERT INTO kept VALUES (1), (2)");
    const said = await backUp(database);
    const target = /backed up to (\S+)/.exec(said)?.[1] as string;
    expect(target).toMatch(/^:s3:acme-backups\/databases\/20\d\d-/);

    const set = join(home, "set");
    await inBucket("copy", target, set);
    await run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: set });
    expect(await readFile(join(set, "identity-alice.json"), "utf8")).toBe("who alice is");

    await using empty = await createTestDatabase();
    const dump = join(set, `${database.storage.database}.dump`);
    const flags = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"];
    await run(join(home, "bin", "pg_restore"), ["--dbname", await urlOf(empty), ...flags, dump]);
    expect(await query(await urlOf(empty), "SELECT n FROM kept ORDER BY n")).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("only its own old backups go, and only when it is told to", { timeout: 60_000 }, async () => {
    await using database = await createTestDatabase();
    const long = new Date("2020-01-01T00:00:00Z");
    const put = async (path: string, when: Date) => {
      const file = join(home, "old", path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, "something");
      await utimes(file, when, when);
      await inBucket("copyto", file, `:s3:acme-backups/databases/${path}`);
    };
    await put("2020-01-01T00-00-00Z/alice.dump", long);
    await put("somebody-elses/alice.dump", long);
    await put(`${new Date().toISOString().slice(0, 10)}T00-00-00Z/alice.dump`, new Date());
    const there = async () =>
      (await inBucket("lsf", "-R", "--files-only", ":s3:acme-backups/databases")).stdout.split("\n");

    await backUp(database);
    expect(await there()).toContain("2020-01-01T00-00-00Z/alice.dump");
    const before = await there();
    await backUp(database, 30);
    const after = await there();
    expect(before.filter((path) => !after.includes(path))).toEqual(["2020-01-01T00-00-00Z/alice.dump"]);
  });
});
