/**
 * Makes a node's database: a login, and a database that it owns and nobody else may use. May be repeated; sets the login's
 * password to the one that is given. What another stack has made is left alone, unless it is to be taken over.
 *
 * The administrator need not be a superuser, as those of managed servers are none: it may create roles and databases.
 */
import pg from "pg";
import { ConfigError } from "../config.ts";
import { openConnection, readPasswordFile } from "../database.ts";
import type { Logger } from "../logger.ts";
import { scramVerifier } from "../scram-verifier.ts";
import type { DatabaseSetupConfig } from "./config.ts";

/** Start of a database's comment, before its owner: comments are kept by copies and restores of a server. */
const mark = "pulumi-canton owner: ";

/**
 * Makes login and database where they are missing, and marks the database with its owner, by its comment.
 *
 * @throws ConfigError before anything is changed when the database, or another one of the login, is marked with another owner;
 * when the database is there and belongs to somebody else; or when the login may more than a node's
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
    const there = await lookAt(client, config);
    await setUpLogin(client, user, there.login, scramVerifier(password));
    await setUpOwned(client, config, there.database);
    const made = !there.database;
    logger.info(
      {
        database,
        user,
        made,
        ...(there.owner !== undefined && there.owner !== config.owner && { takenOverFrom: there.owner }),
      },
      made ? "The database was made" : "The database was there",
    );
  } finally {
    await client.end();
  }
}

/** What is there already. */
interface There {
  readonly login: boolean;
  readonly database: boolean;
  /** That the database is marked with. */
  readonly owner: string | undefined;
}

/** Looks at login and database, and refuses what is another's. */
async function lookAt(
  client: pg.Client,
  { login: { database, user }, owner, takeOverFrom }: DatabaseSetupConfig,
): Promise<There> {
  const logins = await client.query<{ powerful: boolean }>(
    "select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as powerful from pg_roles where rolname = $1",
    [user],
  );
  if (logins.rows[0]?.powerful) {
    throw new ConfigError([
      `login.user: got "${user}", which administers the server; expected a login of the node's own`,
    ]);
  }
  // A login's other databases, too: it gets another password.
  const { rows } = await client.query<{ name: string; login: string; comment: string | null }>(
    `select datname as name, pg_get_userbyid(datdba) as login, shobj_description(oid, 'pg_database') as comment
       from pg_database where datname = $1 or pg_get_userbyid(datdba) = $2`,
    [database, user],
  );
  for (const { name, comment } of rows) {
    const other = ownerIn(comment);
    if (other === undefined || other === owner || other === takeOverFrom) continue;
    throw new ConfigError([
      `login.database: "${name}" is of the stack ${other}, and this is ${owner}; expected other names of nodes, or a server of its own; where ${owner} is to take it over from ${other}, set takeOverDatabasesFrom: ${other} in the configuration of ${owner}`,
    ]);
  }
  const found = rows.find(({ name }) => name === database);
  if (found !== undefined && found.login !== user) {
    throw new ConfigError([
      `login.database: "${database}" is there and belongs to "${found.login}"; expected one of "${user}", or none`,
    ]);
  }
  return { login: logins.rows.length > 0, database: found !== undefined, owner: ownerIn(found?.comment) };
}

/** The owner that a comment tells; none in databases from before there were marks. */
function ownerIn(comment: string | null | undefined): string | undefined {
  return comment?.startsWith(mark) ? comment.slice(mark.length) : undefined;
}

async function setUpLogin(client: pg.Client, user: string, isThere: boolean, verifier: string): Promise<void> {
  const role = pg.escapeIdentifier(user);
  if (!isThere) await client.query(`create role ${role} login`);
  await client.query(`alter role ${role} login password ${pg.escapeLiteral(verifier)}`);
}

async function setUpOwned(client: pg.Client, { login, owner }: DatabaseSetupConfig, isThere: boolean): Promise<void> {
  const [name, user] = [pg.escapeIdentifier(login.database), pg.escapeIdentifier(login.user)];
  await asOwner(client, user, async () => {
    if (!isThere) await client.query(`create database ${name} owner ${user}`);
    await client.query(`comment on database ${name} is ${pg.escapeLiteral(mark + owner)}`);
    // Without this every login of the server may connect.
    await client.query(`revoke all on database ${name} from public`);
  });
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
