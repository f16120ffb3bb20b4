import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseConnection } from "../platform.ts";
import { databaseExists, dropDatabase, ensureDatabase } from "./databases.ts";
import { waitForPostgres } from "./embedded-postgres.ts";
import { type LocalHome, localHome } from "./home.ts";
import { readPorts } from "./ports.ts";
import { ensurePostgres, observePostgres, removePostgres } from "./postgres-server.ts";
import { identify } from "./process-identity.ts";
import { readSecret } from "./secrets.ts";
import { listProcesses, supervisorPid } from "./supervisor/client.ts";

let home: LocalHome;
beforeAll(async () => {
  home = localHome(mkdtempSync(join(tmpdir(), "postgres-")));
  await ensurePostgres(home);
}, 60_000);
afterAll(async () => {
  await removePostgres(home);
  rmSync(home.directory, { recursive: true, force: true });
}, 60_000);

function server() {
  const found = listProcesses(home).find(({ name }) => name === "postgres");
  if (found === undefined) throw new Error("PostgreSQL is not supervised");
  return found;
}

async function query(connection: DatabaseConnection, sql: string, password?: string): Promise<unknown[]> {
  const { host, port, database, user, passwordFile } = connection;
  const given = password ?? readFileSync(passwordFile, "utf8");
  const client = new pg.Client({ host, port, database, user, password: given });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe("the server", () => {
  test("is there once, and says so", async () => {
    const { pid } = server();
    expect(await ensurePostgres(home)).toEqual({ port: readPorts(home)["postgres.port"] });
    expect(server().pid).toBe(pid);
    expect(await observePostgres(home)).toMatchObject({ status: "ready" });
  });

  test("comes back after kill -9 with everything that was committed", async () => {
    const connection = await ensureDatabase(home, "crash-test");
    await query(connection, "create table kept (n int)");
    await query(connection, "insert into kept select generate_series(1, 1000)");
    const before = server();
    process.kill(before.pid as number, "SIGKILL");
    const { port } = connection;
    await expect.poll(() => server().pid !== before.pid && server().pid !== null, { timeout: 30_000 }).toBe(true);
    await waitForPostgres({ port, password: readSecret(home, "postgres"), deadlineMs: 30_000 });
    expect(await query(connection, "select count(*)::int as count from kept")).toEqual([{ count: 1000 }]);
    await dropDatabase(home, "crash-test");
  }, 60_000);

  test("starts although its old process id has gone to another program", async () => {
    const { pid } = server();
    const lock = join(home.postgres, "data", "postmaster.pid");
    const text = readFileSync(lock, "utf8");
    const supervisor = (await supervisorPid(home)) as number;
    // As after a crash of the whole machine: supervisor and server gone, the lock file there, its number given anew.
    process.kill(supervisor, "SIGKILL");
    process.kill(pid as number, "SIGQUIT");
    await expect.poll(() => identify(pid as number), { timeout: 10_000 }).toBeUndefined();
    writeFileSync(lock, text.replace(String(pid), String(process.pid)));
    await ensurePostgres(home);
    expect(server().pid).not.toBe(pid);
  }, 60_000);

  test("keeps its password out of argument lists, logs and the supervisor's files", async () => {
    const password = readSecret(home, "postgres");
    const connection = await ensureDatabase(home, "secretive");
    const own = readFileSync(connection.passwordFile, "utf8");
    expect(statSync(connection.passwordFile).mode & 0o777).toBe(0o600);
    expect(statSync(home.secrets).mode & 0o777).toBe(0o700);
    const places = [
      readFileSync(server().logFile, "utf8"),
      readFileSync(join(home.supervisor, "processes", "postgres.json"), "utf8"),
      readFileSync(`/proc/${server().pid}/cmdline`, "utf8"),
      readFileSync(`/proc/${server().pid}/environ`, "utf8"),
    ];
    for (const place of places) {
      expect(place).not.toContain(password);
      expect(place).not.toContain(own);
    }
    await dropDatabase(home, "secretive");
  });
});

describe("a database", () => {
  test("is its node's alone", async () => {
    const [one, two] = await Promise.all([ensureDatabase(home, "node-1"), ensureDatabase(home, "node-2")]);
    expect(one).toMatchObject({ database: "node_1", user: "node_1" });
    expect(await query(one, "select current_user as me")).toEqual([{ me: "node_1" }]);
    await expect(query({ ...two, user: one.user }, "select 1", readFileSync(one.passwordFile, "utf8"))).rejects.toThrow(
      /permission denied for database/,
    );
    await expect(query(one, "select 1", "wrong")).rejects.toThrow(/password authentication failed/);
    await Promise.all([dropDatabase(home, "node-1"), dropDatabase(home, "node-2")]);
  });

  test("is made once, adopted, and dropped with its role and password while somebody is connected", async () => {
    const made = await ensureDatabase(home, "short-lived");
    expect(await ensureDatabase(home, "short-lived")).toEqual(made);
    expect(await databaseExists(home, "short-lived")).toBe(true);
    const { host, port, database, user, passwordFile } = made;
    const client = new pg.Client({ host, port, database, user, password: readFileSync(passwordFile, "utf8") });
    client.on("error", () => undefined);
    await client.connect();
    await dropDatabase(home, "short-lived");
    await client.end().catch(() => undefined);
    expect(await databaseExists(home, "short-lived")).toBe(false);
    expect(existsSync(passwordFile)).toBe(false);
    await dropDatabase(home, "short-lived");
  });

  test("gets a password that was lost again", async () => {
    const made = await ensureDatabase(home, "forgetful");
    rmSync(made.passwordFile);
    expect(await query(await ensureDatabase(home, "forgetful"), "select 1 as one")).toEqual([{ one: 1 }]);
    await dropDatabase(home, "forgetful");
  });
});
