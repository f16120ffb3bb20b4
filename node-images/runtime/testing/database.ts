/** Databases for tests: each test gets one of its own in the PostgreSQL of the test run. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import type { StorageConfig } from "../config.ts";

/** A database with a role that owns it. */
export interface TestDatabase extends AsyncDisposable {
  /** What a node's `storage` section would be; the password file is in a temporary folder. */
  readonly storage: StorageConfig;
  /** Cuts all connections to the database, as a restart of PostgreSQL does. Gives back how many there were. */
  terminateConnections(applicationName?: string): Promise<number>;
  /**
   * Keeps the database as it is now; nothing may be connected to it. What comes back restores it, as an operator does from a
   * backup: connections are cut.
   */
  backup(): Promise<() => Promise<void>>;
  /** Removes database, role and files. Connections that are still open are cut. */
  drop(): Promise<void>;
}

async function asSuperuser<T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

/**
 * Makes an empty database and a role that owns it.
 *
 * @param url of a superuser; default that of the test run
 */
export async function createTestDatabase(url: string = inject("postgresUrl")): Promise<TestDatabase> {
  if (!url) throw new Error("no PostgreSQL for the tests: vitest.config.ts provides its URL as postgresUrl");
  const name = `test_${randomBytes(8).toString("hex")}`;
  const password = randomBytes(16).toString("hex");
  await asSuperuser(url, async (client) => {
    await client.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
    await client.query(`CREATE DATABASE ${name} OWNER ${name}`);
  });
  const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-storage-"));
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  const { hostname, port } = new URL(url);

  const backups: string[] = [];
  let dropped: Promise<void> | undefined;
  const drop = () => {
    dropped ??= (async () => {
      await asSuperuser(url, async (client) => {
        for (const each of [name, ...backups]) await client.query(`DROP DATABASE IF EXISTS ${each} WITH (FORCE)`);
        await client.query(`DROP ROLE IF EXISTS ${name}`);
      });
      await rm(folder, { recursive: true, force: true });
    })();
    return dropped;
  };
  return {
    storage: {
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 5432),
      database: name,
      user: name,
      passwordFile,
      maxConnections: 8,
    },
    terminateConnections: (applicationName) =>
      asSuperuser(url, async (client) => {
        const { rowCount } = await client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = $1 AND ($2::text IS NULL OR application_name = $2)`,
          [name, applicationName ?? null],
        );
        return rowCount ?? 0;
      }),
    backup: async () => {
      const copy = `${name}_${backups.length}`;
      await asSuperuser(url, (client) => client.query(`CREATE DATABASE ${copy} TEMPLATE ${name} OWNER ${name}`));
      backups.push(copy);
      return () =>
        asSuperuser(url, async (client) => {
          await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
          await client.query(`CREATE DATABASE ${name} TEMPLATE ${copy} OWNER ${name}`);
        });
    },
    drop,
    [Symbol.asyncDispose]: drop,
  };
}
