/** One role and one database a node, with a password of its own. */

import { scramVerifier } from "@pulumi-canton/runtime/scram-verifier.ts";
import pg from "pg";
import type { DatabaseConnection } from "../platform.ts";
import type { LocalHome } from "./home.ts";
import { readPorts } from "./ports.ts";
import { asSuperuser, postgresHost } from "./postgres-server.ts";
import { ensureSecret, removeKeyPassphrase, removeSecret, secretFile } from "./secrets.ts";

/** Name of the role and database that belong to a name of the stack: PostgreSQL's own alphabet. */
export function databaseName(name: string): string {
  return name.replaceAll("-", "_");
}

/** Makes the role and the database where they are missing, and sets the role's password. */
export async function ensureDatabase(home: LocalHome, name: string): Promise<DatabaseConnection> {
  const user = databaseName(name);
  const verifier = scramVerifier(ensureSecret(home, `database-${name}`));
  await asSuperuser(home, async (client) => {
    const role = pg.escapeIdentifier(user);
    // Two updates at once make it once: the second waits, then sees it.
    await client.query("select pg_advisory_lock(hashtext($1))", [`database ${user}`]);
    const roles = await client.query("select 1 from pg_roles where rolname = $1", [user]);
    if (roles.rowCount === 0) await client.query(`create role ${role} login`);
    await client.query(`alter role ${role} password ${pg.escapeLiteral(verifier)}`);
    const databases = await client.query("select 1 from pg_database where datname = $1", [user]);
    if (databases.rowCount === 0) await client.query(`create database ${role} owner ${role}`);
    await client.query(`revoke all on database ${role} from public`);
  });
  return connectionOf(home, name);
}

/** Looks at the databases of a server that are under way, by home: who asks at the same time shares one login. */
const looks = new Map<string, Promise<ReadonlySet<string>>>();

/** Whether the database and its role are there; does not wait for a server that is down. */
export async function databaseExists(home: LocalHome, name: string): Promise<boolean> {
  const look = looks.get(home.directory) ?? ownDatabases(home).finally(() => looks.delete(home.directory));
  looks.set(home.directory, look);
  return (await look).has(databaseName(name));
}

/** Names of the databases that belong to a role of their name. */
async function ownDatabases(home: LocalHome): Promise<ReadonlySet<string>> {
  const question =
    "select d.datname from pg_database d join pg_roles r on r.oid = d.datdba where r.rolname = d.datname";
  const { rows } = await asSuperuser(home, (client) => client.query<{ datname: string }>(question), { deadlineMs: 0 });
  return new Set(rows.map(({ datname }) => datname));
}

/** Drops the database, its role, its password and the passphrase of its keys, whoever is connected; well when they are not there. */
export async function dropDatabase(home: LocalHome, name: string): Promise<void> {
  await asSuperuser(home, async (client) => {
    const role = pg.escapeIdentifier(databaseName(name));
    await client.query(`drop database if exists ${role} with (force)`);
    await client.query(`drop role if exists ${role}`);
  });
  removeSecret(home, `database-${name}`);
  removeKeyPassphrase(home, databaseName(name));
}

function connectionOf(home: LocalHome, name: string): DatabaseConnection {
  const port = readPorts(home)["postgres.port"];
  if (port === undefined) throw new Error(`there is no PostgreSQL server in ${home.directory}`);
  const user = databaseName(name);
  return { host: postgresHost, port, database: user, user, passwordFile: secretFile(home, `database-${name}`) };
}
