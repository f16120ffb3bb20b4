import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { status } from "@grpc/grpc-js";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ConfigError, type StorageConfig } from "./config.ts";
import {
  CommitOutcomeUnknownError,
  type Database,
  type DatabaseOptions,
  databaseErrorKind,
  openDatabase,
  readPasswordFile,
  violatedConstraint,
} from "./database.ts";
import { Health } from "./health.ts";
import { silentLogger } from "./logger.ts";
import { createTestDatabase, type TestDatabase } from "./testing/database.ts";

let folder: string;
let migrations: URL;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "database-test-"));
  migrations = await migrationFolder("example", {
    "0001_accounts.sql": "CREATE TABLE account (id text PRIMARY KEY, amount bigint NOT NULL CHECK (amount >= 0))",
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function migrationFolder(name: string, files: Record<string, string>): Promise<URL> {
  const path = join(folder, name, "migrations");
  await mkdir(path, { recursive: true });
  for (const [file, sql] of Object.entries(files)) await writeFile(join(path, file), sql);
  return pathToFileURL(`${path}/`);
}

let testDatabase: TestDatabase;
const opened: Database[] = [];
beforeEach(async () => {
  testDatabase = await createTestDatabase();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.close(100)));
  await testDatabase.drop();
});

async function open(options: Partial<DatabaseOptions> = {}): Promise<Database> {
  const database = await openDatabase({
    storage: testDatabase.storage,
    migrations,
    logger: silentLogger,
    ...options,
  });
  opened.push(database);
  return database;
}

const insert = "INSERT INTO account (id, amount) VALUES ($1, $2)";
const amountOf = async (database: Database, id: string) =>
  (await database.read<{ amount: bigint }>("SELECT amount FROM account WHERE id = $1", [id])).rows[0]?.amount;

describe("statements and transactions", () => {
  test("64-bit integers are bigints", async () => {
    const database = await open();
    await database.query(insert, ["a", 9_007_199_254_740_993n]);
    expect(await amountOf(database, "a")).toBe(9_007_199_254_740_993n);
  });

  test("a transaction commits when its function returns and rolls back when it throws", async () => {
    const database = await open();
    const result = await database.transaction(async (client) => {
      await client.query(insert, ["a", 1]);
      return "done";
    });
    expect(result).toBe("done");
    const failing = database.transaction(async (client) => {
      await client.query(insert, ["b", 1]);
      throw new Error("changed my mind");
    });
    await expect(failing).rejects.toThrow("changed my mind");
    expect(await amountOf(database, "a")).toBe(1n);
    expect(await amountOf(database, "b")).toBeUndefined();
  });

  test("a statement that failed and was swallowed does not pass for a commit", async () => {
    const database = await open();
    const failing = database.transaction(async (client) => {
      await client.query(insert, ["a", 1]);
      await client.query(insert, ["a", 2]).catch(() => undefined);
    });
    await expect(failing).rejects.toThrow(/rolled back because one of its statements failed/);
    expect(await amountOf(database, "a")).toBeUndefined();
  });

  test("errors are told apart", async () => {
    const database = await open();
    await database.query(insert, ["a", 1]);
    const kindOf = async (sql: string, values: unknown[] = []) => {
      const error = await database.query(sql, values).catch((thrown: unknown) => thrown);
      return [databaseErrorKind(error), violatedConstraint(error)];
    };
    expect(await kindOf(insert, ["a", 2])).toEqual(["duplicate", "account_pkey"]);
    expect(await kindOf(insert, ["b", -1])).toEqual(["constraint", "account_amount_check"]);
    expect(await kindOf("SELEKT 1")).toEqual(["statement", undefined]);
    expect(databaseErrorKind(new Error("x"))).toBe("other");
    expect(databaseErrorKind("x")).toBe("other");
  });

  test("a statement that takes too long is stopped", async () => {
    const database = await open({ storage: { ...testDatabase.storage, statementTimeout: 100 } });
    const error = await database.query("SELECT pg_sleep(30)").catch((thrown: unknown) => thrown);
    expect(databaseErrorKind(error)).toBe("timeout");
  });

  test("transactions that get in each other's way are run again until both have taken effect", async () => {
    const database = await open();
    await database.query(insert, ["a", 0]);
    const increment = () =>
      database.transaction(
        async (client) => {
          const { rows } = await client.query<{ amount: bigint }>("SELECT amount FROM account WHERE id = 'a'");
          await client.query("UPDATE account SET amount = $1 WHERE id = 'a'", [(rows[0]?.amount ?? 0n) + 1n]);
        },
        { isolation: "SERIALIZABLE" },
      );
    await Promise.all(Array.from({ length: 6 }, increment));
    expect(await amountOf(database, "a")).toBe(6n);
  });

  test("a deadlock is dissolved by running one of the two again", async () => {
    const database = await open();
    await database.query("INSERT INTO account (id, amount) VALUES ('a', 0), ('b', 0)");
    const meet = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const cross = (mine: string, other: string, me: number) =>
      database.transaction(async (client) => {
        const add = "UPDATE account SET amount = amount + 1 WHERE id = $1";
        await client.query(add, [mine]);
        meet[me]?.resolve();
        await meet[1 - me]?.promise;
        await client.query(add, [other]);
      });
    await Promise.all([cross("a", "b", 0), cross("b", "a", 1)]);
    expect([await amountOf(database, "a"), await amountOf(database, "b")]).toEqual([2n, 2n]);
  });
});

describe("a database that goes away", () => {
  test("idle connections that are cut do no harm", async () => {
    const database = await open();
    await Promise.all(Array.from({ length: 5 }, () => database.query("SELECT pg_sleep(0.01)")));
    expect(await testDatabase.terminateConnections()).toBeGreaterThan(0);
    await expect(database.read("SELECT 1")).resolves.toMatchObject({ rowCount: 1 });
    await expect(database.transaction((client) => client.query("SELECT 1"))).resolves.toMatchObject({ rowCount: 1 });
  });

  test("a transaction whose connection is cut before the commit runs again, and takes effect once", async () => {
    const database = await open();
    let runs = 0;
    await database.transaction(async (client) => {
      await client.query(insert, [`run${++runs}`, 1]);
      if (runs === 1) await testDatabase.terminateConnections();
      await client.query("SELECT 1");
    });
    expect(runs).toBe(2);
    expect(await amountOf(database, "run1")).toBeUndefined();
    expect(await amountOf(database, "run2")).toBe(1n);
  });

  test("a connection that is cut during the commit is told as an unknown outcome, and not run again", async () => {
    const database = await open();
    let runs = 0;
    const committing = database.transaction(async (client) => {
      runs++;
      await client.query(insert, ["a", 1]);
      await testDatabase.terminateConnections();
    });
    await expect(committing).rejects.toThrow(CommitOutcomeUnknownError);
    expect(runs).toBe(1);
  });

  test("a single statement that was cut is not run again, a read is", async () => {
    const database = await open();
    const busy = async () => {
      const { rowCount } = await database.read(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep(3)%' AND state = 'active'",
      );
      if (rowCount === 0) await busy();
    };
    const writing = database.query("SELECT pg_sleep(3)").catch((error: unknown) => error);
    await busy();
    await testDatabase.terminateConnections();
    expect(await writing).toMatchObject({ code: status.UNAVAILABLE, reason: "DB_STORAGE_UNAVAILABLE" });
    const reading = database.read("SELECT pg_sleep(3)");
    await busy();
    await testDatabase.terminateConnections();
    await expect(reading).resolves.toMatchObject({ rowCount: 1 });
  });

  test("when it stays away work fails as UNAVAILABLE at its deadline, and succeeds when it is back", async () => {
    const forward = await proxyTo(testDatabase.storage);
    const database = await open({ storage: { ...testDatabase.storage, ...forward.address } });
    await forward.stop();
    const work = () => database.transaction((client) => client.query("SELECT 1"), { deadlineMs: 300 });
    await expect(work()).rejects.toMatchObject({ code: status.UNAVAILABLE, retryable: true });
    const patient = database.transaction((client) => client.query("SELECT 1"));
    await forward.start();
    await expect(patient).resolves.toMatchObject({ rowCount: 1 });
    await forward.stop();
  });

  test("a start waits for a database that is not there yet, and tells so; an abort ends the wait", async () => {
    const forward = await proxyTo(testDatabase.storage);
    await forward.stop();
    const health = new Health();
    health.markStarted();
    const waits = Promise.withResolvers<void>();
    health.onChange(() => {
      if (health.component("storage")?.state === "failed") waits.resolve();
    });
    const storage = { ...testDatabase.storage, ...forward.address };
    const opening = open({ storage, health });
    await waits.promise;
    expect(health.whyNotReady()).toMatch(/storage: waiting for the database at 127\.0\.0\.1/);
    const abort = new AbortController();
    const other = open({ storage, signal: abort.signal });
    abort.abort(new Error("stopping"));
    await expect(other).rejects.toThrow("stopping");
    await forward.start();
    const database = await opening;
    expect(health.ready).toBe(true);
    await database.close();
    await forward.stop();
  });
});

/** A TCP forwarder that can be stopped, to make a database unreachable. */
async function proxyTo(storage: StorageConfig) {
  const { connect } = await import("node:net");
  const sockets = new Set<import("node:net").Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(storage.port, storage.host);
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        incoming.destroy();
        outgoing.destroy();
      });
    }
    incoming.pipe(outgoing).pipe(incoming);
  });
  let port = 0;
  const start = async () => {
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    port = (server.address() as { port: number }).port;
  };
  const stop = async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await closed;
  };
  await start();
  return { start, stop, address: { host: "127.0.0.1", port } };
}

describe("what the operator can correct is told with the key", () => {
  const opening = (change: Partial<StorageConfig>) =>
    open({ storage: { ...testDatabase.storage, ...change }, configKey: "backend" });

  test("no such database", async () => {
    await expect(opening({ database: "nowhere" })).rejects.toThrow(
      /backend\.database: there is no database "nowhere" at/,
    );
  });

  test("a wrong password", async () => {
    const passwordFile = join(folder, "wrong");
    await writeFile(passwordFile, "hunter2", { mode: 0o600 });
    const failing = opening({ passwordFile });
    await expect(failing).rejects.toThrow(ConfigError);
    await expect(failing).rejects.toThrow(/backend\.user: .* refuses user/);
    await expect(failing).rejects.not.toThrow(/hunter2/);
  });

  test("a password file that is absent, empty, or open to everybody", async () => {
    await expect(opening({ passwordFile: "/nowhere" })).rejects.toThrow(
      "backend.passwordFile: cannot read /nowhere: there is no such file",
    );
    const file = join(folder, "password");
    await writeFile(file, "\n");
    await chmod(file, 0o600);
    await expect(readPasswordFile("k", file)).rejects.toThrow(/is empty/);
    await writeFile(file, "secret\n");
    await expect(readPasswordFile("k", file)).resolves.toBe("secret");
    await chmod(file, 0o640);
    await expect(readPasswordFile("k", file)).resolves.toBe("secret");
    for (const mode of [0o644, 0o602, 0o604]) {
      await chmod(file, mode);
      await expect(readPasswordFile("k", file)).rejects.toThrow(
        /k: every user of this machine can read or change .* expected mode 0600/,
      );
    }
  });

  test("a changed password is taken up without a restart", async () => {
    const database = await open();
    const { user, passwordFile } = testDatabase.storage;
    await database.query(`ALTER ROLE ${user} PASSWORD 'another'`);
    await writeFile(passwordFile, "another");
    await testDatabase.terminateConnections();
    await expect(database.read("SELECT 1")).resolves.toMatchObject({ rowCount: 1 });
  });
});

describe("migrations", () => {
  test("run once, in order, each folder with its own table", async () => {
    const second = await migrationFolder("other-part", {
      "0001_first.sql": "CREATE TABLE first (id int)",
      "0002_second.sql": "ALTER TABLE first ADD COLUMN more int",
    });
    for (let i = 0; i < 2; i++) {
      const database = await open({ migrations: [migrations, { folder: second, table: "my_table" }] });
      const count = async (table: string) =>
        (await database.read<{ n: bigint }>(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n;
      expect(await count("migrations_example")).toBe(1n);
      expect(await count("my_table")).toBe(2n);
    }
  });

  test("processes that start at once take turns", async () => {
    const databases = await Promise.all(Array.from({ length: 4 }, () => open()));
    const { rows } = await (databases[0] as Database).read("SELECT name FROM migrations_example");
    expect(rows).toHaveLength(1);
  });

  test("one that fails leaves nothing behind, and the error says why", async () => {
    const broken = await migrationFolder("broken", {
      "0001_fine.sql": "CREATE TABLE fine (id int)",
      "0002_broken.sql": "CREATE TABLE fine (id int)",
    });
    await expect(open({ migrations: broken })).rejects.toThrow(/already exists/);
    const database = await open();
    const { rows } = await database.read("SELECT to_regclass('fine') AS found");
    expect(rows[0]).toEqual({ found: null });
  });
});

test("closing gives up waiting for connections that are not given back", async () => {
  const database = await openDatabase({ storage: testDatabase.storage, migrations, logger: silentLogger });
  const client = await database.pool.connect();
  await database.close(50);
  client.release(true);
  await expect(database.read("SELECT 1")).rejects.toMatchObject({ reason: "DB_STORAGE_CLOSED" });
});

test("a test database is gone after its drop", async () => {
  const other = await createTestDatabase();
  await other.drop();
  const client = new pg.Client({ ...other.storage, password: "x" } as pg.ClientConfig);
  await expect(client.connect()).rejects.toThrow();
});
