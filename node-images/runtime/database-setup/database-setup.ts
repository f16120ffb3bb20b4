/**
 * Makes a node's database: a login, and a database that it owns and nobody else may use. May be repeated; sets the login's
 * password to the one that is given.
 *
 * The administrator need not be a superuser, as those of managed servers are none: it may create roles and databases.
 */
import pg from "pg";
import { ConfigError } from "../config.ts";
import { openConnection, readPasswordFile } from "../database.ts";
import type { Logger } from "../logger.ts";
import { scramVerifier } from "../scram-verifier.ts";
import type { DatabaseSetupConfig } from "./config.ts";

/**
 * Makes login and database where they are missing.
 *
 * @throws ConfigError when the database is there and belongs to somebody else, or the login may more than a node's
 */
export async function setUpDatabase(config: DatabaseSetupConfig, logger: Logger): Promise<void> {
  const { user, database } = config.login;
  const password = await readPasswordFile("login.passwordFile", config.login.passwordFile);
  const client = await openConnection(config.administrator, {
    applicationName: "database-setup",
    configKey: "administrator",
  });
  try {
    // Several at once take turns; the lock ends with the connection.
    await client.query("select pg_advisory_lock(hashtextextended('pulumi-canton database setup', 0))");
    await ensureLogin(client, user, scramVerifier(password));
    const made = await ensureDatabase(client, database, user);
    logger.info({ database, user, made }, made ? "The database was made" : "The database was there");
  } finally {
    await client.end();
  }
}

async function ensureLogin(client: pg.Client, user: string, verifier: string): Promise<void> {
  const role = pg.escapeIdentifier(user);
  const { rows } = await client.query<{ powerful: boolean }>(
    "select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as powerful from pg_roles where rolname = $1",
    [user],
  );
  if (rows[0]?.powerful) {
    throw new ConfigError([
      `login.user: got "${user}", which administers the server; expected a login of the node's own`,
    ]);
  }
  if (rows.length === 0) await client.query(`create role ${role} login`);
  await client.query(`alter role ${role} login password ${pg.escapeLiteral(verifier)}`);
}

/** @returns whether it was made */
async function ensureDatabase(client: pg.Client, database: string, user: string): Promise<boolean> {
  const [name, owner] = [pg.escapeIdentifier(database), pg.escapeIdentifier(user)];
  const { rows } = await client.query<{ owner: string }>(
    "select pg_get_userbyid(datdba) as owner from pg_database where datname = $1",
    [database],
  );
  const found = rows[0]?.owner;
  if (found !== undefined && found !== user) {
    throw new ConfigError([
      `login.database: "${database}" is there and belongs to "${found}"; expected one of "${user}", or none`,
    ]);
  }
  await asOwner(client, owner, async () => {
    if (found === undefined) await client.query(`create database ${name} owner ${owner}`);
    // Without this every login of the server may connect.
    await client.query(`revoke all on database ${name} from public`);
  });
  return found === undefined;
}

/** An administrator that is no superuser acts for the owner, and only as long as it has to. */
async function asOwner(client: pg.Client, owner: string, work: () => Promise<void>): Promise<void> {
  const { rows } = await client.query<{ superuser: boolean }>(
    "select rolsuper as superuser from pg_roles where rolname = current_user",
  );
  if (rows[0]?.superuser) return work();
  await client.query(`grant ${owner} to current_user`);
  try {
    await work();
  } finally {
    await client.query(`revoke ${owner} from current_user`);
  }
}
