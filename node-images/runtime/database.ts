/**
 * PostgreSQL: a pool that survives restarts of the database, transactions that are tried again only where that is safe, and
 * migrations.
 *
 * 64-bit integers (`bigint`, `count(*)`) come back as JavaScript bigints.
 */
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { abortableSleep, retry } from "./backoff.ts";
import { ConfigError, describeFileError, type StorageConfig } from "./config.ts";
import { type CantonError, invalidArgument, isCantonError, unavailable } from "./errors.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { loadTls } from "./tls.ts";

/** What is behind the failure of a statement. */
export type DatabaseErrorKind =
  /** The database could not be reached, went away, or is a standby: trying again helps once it is back. */
  | "connection"
  /** Serialization failure or deadlock: the transaction was rolled back, trying again helps. */
  | "contention"
  /** A unique constraint. */
  | "duplicate"
  /** Another constraint: not null, foreign key, check, exclusion. */
  | "constraint"
  /** The statement took longer than it may. */
  | "timeout"
  /** User or password refused. */
  | "credentials"
  /** A fault of ours: syntax, unknown table, wrong type. */
  | "statement"
  /** Not an error of the database. */
  | "other";

const connectionStates = /^(08|57P0[1-5]|53300|25006)/;
const connectionCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ECONNABORTED",
]);
/** Errors that pg makes itself have neither class nor code. */
const connectionTexts =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|The server does not support SSL)/;

/** What is behind an error that a statement, or a function that runs statements, failed with. Looks through causes. */
export function databaseErrorKind(error: unknown): DatabaseErrorKind {
  if (!(error instanceof Error)) return "other";
  if (error instanceof AggregateError && error.errors.length > 0) return databaseErrorKind(error.errors[0]);
  const code = (error as { code?: unknown }).code;
  if (error instanceof pg.DatabaseError && typeof code === "string") {
    if (connectionStates.test(code)) return "connection";
    if (code === "40001" || code === "40P01" || code === "55P03") return "contention";
    if (code === "23505") return "duplicate";
    if (code.startsWith("23")) return "constraint";
    if (code === "57014") return "timeout";
    if (code.startsWith("28")) return "credentials";
    return "statement";
  }
  if (typeof code === "string" && connectionCodes.has(code)) return "connection";
  if (connectionTexts.test(error.message)) return "connection";
  return error.cause === undefined ? "other" : databaseErrorKind(error.cause);
}

/** The name of the constraint that a statement violated, or `undefined`. */
export function violatedConstraint(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.constraint : undefined;
}

/** PostgreSQL's character_not_in_repertoire and untranslatable_character: its texts, also those in JSON, have no U+0000. */
function hasUnstorableText(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === "22021" || error.code === "22P05");
}

function unstorable(error: unknown): CantonError {
  return invalidArgument("INVALID_ARGUMENT", "A text of the request has the character U+0000, which is not accepted", {
    cause: error,
  });
}

function unreachable(error: unknown): CantonError {
  return unavailable("DB_STORAGE_UNAVAILABLE", "The node's database cannot be reached at the moment", {
    retryDelayMs: 1_000,
    cause: error,
  });
}

/** The connection was lost while a transaction was being committed: it may have been, or not. Look before trying again. */
export class CommitOutcomeUnknownError extends Error {
  override readonly name = "CommitOutcomeUnknownError";
}

/**
 * Reads a password from its file, without a line end.
 *
 * @throws ConfigError when the file is unreadable, empty, or readable by every user of the machine
 */
export async function readPasswordFile(configKey: string, file: string): Promise<string> {
  let password: string;
  try {
    const { mode } = await stat(file);
    if ((mode & 0o007) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, "0");
      throw new ConfigError([
        `${configKey}: every user of this machine can read or change ${file} (mode ${octal}); expected mode 0600 or 0640`,
      ]);
    }
    password = (await readFile(file, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([`${configKey}: cannot read ${file}: ${describeFileError(error)}`]);
  }
  if (password === "") throw new ConfigError([`${configKey}: ${file} is empty; expected a password`]);
  return password;
}

const int8Oid = 20;
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: "text" | "binary") =>
    oid === int8Oid && format !== "binary" ? BigInt : pg.types.getTypeParser(oid, format),
};

/** What a connection needs; the password is read anew for every connection, so that it may be changed. */
function connectionConfig(storage: StorageConfig, configKey: string, applicationName: string): pg.ClientConfig {
  const ca = storage.tls === undefined ? undefined : loadTls(`${configKey}.tls`, storage.tls).ca;
  return {
    host: storage.host,
    port: storage.port,
    database: storage.database,
    user: storage.user,
    password: () => readPasswordFile(`${configKey}.passwordFile`, storage.passwordFile),
    application_name: applicationName,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: storage.statementTimeout ?? 60_000,
    types,
    ...(storage.tls === undefined ? {} : { ssl: ca === undefined ? true : { ca: ca.toString() } }),
  };
}

/**
 * Opens a connection of its own, outside of any pool: for `LISTEN` and for session locks. The caller handles its `error`
 * and `end` events and ends it.
 *
 * @param options.statementTimeoutMs default that of the storage; 0 for none
 */
export async function openConnection(
  storage: StorageConfig,
  options: { applicationName: string; configKey?: string; statementTimeoutMs?: number },
): Promise<pg.Client> {
  const config = connectionConfig(storage, options.configKey ?? "storage", options.applicationName);
  if (options.statementTimeoutMs !== undefined) config.statement_timeout = options.statementTimeoutMs;
  const client = new pg.Client(config);
  // An `error` event without a listener ends the process; this one is for the time until the caller has its own.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return client;
}

/** A folder of migrations: SQL files in the order of their names, each run once. */
export interface MigrationFolder {
  folder: URL;
  /** Table that remembers what has run. Default `migrations_<name of the folder above>`. */
  table?: string;
}

/** What {@link openDatabase} needs. */
export interface DatabaseOptions {
  storage: StorageConfig;
  /** Folders of `.sql` files, run in the order given. */
  migrations: URL | readonly (URL | MigrationFolder)[];
  logger: Logger;
  /** Ends the waiting for a database that is not there yet. */
  signal?: AbortSignal | undefined;
  /** Gets the state of the database under `configKey`. */
  health?: Health | undefined;
  /** Tell how full the pool is. */
  metrics?: Pick<Metrics, "databasePools"> | undefined;
  /** Key of the storage in the configuration, for messages and metrics. Default `storage`. */
  configKey?: string | undefined;
  /** Name that the database's administrator sees. Default `pulumi-canton`. */
  applicationName?: string | undefined;
}

/** How a transaction runs. */
export interface TransactionOptions {
  /** Default `READ COMMITTED`. */
  isolation?: "READ COMMITTED" | "REPEATABLE READ" | "SERIALIZABLE" | undefined;
  /** No attempt after this many milliseconds. Default 30000. */
  deadlineMs?: number | undefined;
  /** No attempt after its abort. */
  signal?: AbortSignal | undefined;
}

/** A pool of connections to a database whose migrations have run. */
export interface Database {
  readonly pool: pg.Pool;
  readonly storage: StorageConfig;
  /**
   * Runs a function in a transaction: committed when it returns, rolled back when it throws.
   *
   * After a serialization failure, a deadlock, or a connection lost before the commit, the function runs again: it must do
   * nothing but work with the client.
   *
   * @throws what the function throws; CantonError UNAVAILABLE when the database stays away, INVALID_ARGUMENT for a text with
   *   U+0000; CommitOutcomeUnknownError
   */
  transaction<T>(fn: (client: pg.PoolClient) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Runs one statement. Not tried again once it was sent, as it may have been carried out. */
  query<R extends pg.QueryResultRow = pg.QueryResultRow>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<R>>;
  /** Runs one statement that may be carried out more than once, such as a SELECT: tried again when the connection is lost. */
  read<R extends pg.QueryResultRow = pg.QueryResultRow>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<R>>;
  /** Closes all connections; those in use are given `graceMs`, default 5000, to be given back. Work that waits is ended. */
  close(graceMs?: number): Promise<void>;
}

const attemptsDeadlineMs = 30_000;
const probeIntervalMs = 5_000;
/** A database that does not answer is asked more often: a node is ready again soon after it is back. */
const failedProbeIntervalMs = 500;

function migrationFolders(migrations: DatabaseOptions["migrations"]): { dir: string; table: string }[] {
  const list = migrations instanceof URL ? [migrations] : migrations;
  return list.map((each) => {
    const { folder, table } = each instanceof URL ? { folder: each, table: undefined } : each;
    const dir = resolve(fileURLToPath(folder));
    const owner = basename(dir) === "migrations" ? basename(dirname(dir)) : basename(dir);
    return { dir, table: table ?? `migrations_${owner.replaceAll(/[^A-Za-z0-9]/g, "_").toLowerCase()}` };
  });
}

/** Runs what has not run yet. Processes that start together take turns. */
async function migrate(client: pg.Client, options: DatabaseOptions): Promise<void> {
  const quiet = (text: string) => options.logger.debug({ text }, "Migrations");
  for (const { dir, table } of migrationFolders(options.migrations)) {
    const done = await runner({
      dbClient: client,
      dir,
      migrationsTable: table,
      direction: "up",
      singleTransaction: true,
      advisoryLockMode: "wait",
      // Order is checked: a migration that was slipped in before one that has run is a mistake of the release.
      checkOrder: true,
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    });
    for (const { name } of done) options.logger.info({ migration: name, table }, "Migration has run");
  }
}

/** What the operator can correct comes as a ConfigError: waiting would not help. */
function asConfigError(error: unknown, { storage, configKey = "storage" }: DatabaseOptions): ConfigError | undefined {
  if (error instanceof ConfigError) return error;
  if (!(error instanceof pg.DatabaseError)) return undefined;
  const where = `at ${storage.host}:${storage.port}`;
  if (error.code === "3D000") {
    return new ConfigError([
      `${configKey}.database: there is no database ${JSON.stringify(storage.database)} ${where}; create it, or name one that exists`,
    ]);
  }
  if (databaseErrorKind(error) === "credentials") {
    return new ConfigError([
      `${configKey}.user: the database ${where} refuses user ${JSON.stringify(storage.user)} with the password in ${configKey}.passwordFile: ${error.message}`,
    ]);
  }
  return undefined;
}

/**
 * Connects to a database, waiting until it can be reached, and runs its migrations.
 *
 * @throws ConfigError when user, password, database name or password file are wrong
 * @throws Error when a migration fails; nothing of its folder is then applied
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { storage, logger, signal, health, configKey = "storage" } = options;
  const applicationName = options.applicationName ?? "pulumi-canton";
  health?.register(configKey);
  await retry(
    async () => {
      try {
        const client = await openConnection(storage, { applicationName, configKey, statementTimeoutMs: 0 });
        try {
          await migrate(client, options);
        } finally {
          await client.end().catch(() => undefined);
        }
      } catch (error) {
        throw asConfigError(error, options) ?? error;
      }
    },
    {
      maxDelayMs: 2_000,
      retryIf: (error) => databaseErrorKind(error) === "connection",
      onRetry: ({ error, attempt, delayMs }) => {
        health?.set(configKey, { failed: `waiting for the database at ${storage.host}:${storage.port}` });
        const line = { error: (error as Error).message, host: storage.host, port: storage.port, attempt, delayMs };
        if (attempt % 10 === 1) logger.warn(line, "The database cannot be reached yet");
      },
      ...(signal === undefined ? {} : { signal }),
    },
  );
  health?.set(configKey, "ok");

  const pool = new pg.Pool({
    ...connectionConfig(storage, configKey, applicationName),
    max: storage.maxConnections,
    idleTimeoutMillis: 30_000,
    // Sockets that wait for the next statement do not keep a process alive that is done.
    allowExitOnIdle: true,
  } as pg.PoolConfig);
  options.metrics?.databasePools.set(configKey, pool);
  // Without listeners a connection that dies, idle or in use, would end the process; its user sees the failed statement.
  pool.on("error", (error) => logger.warn({ error: error.message }, "An idle database connection was lost"));
  pool.on("connect", (client) => client.on("error", () => undefined));

  const stop = new AbortController();
  if (health !== undefined) void probe(pool, health, configKey, stop.signal);

  const attempt = async <T>(
    run: () => Promise<T>,
    retryIf: (error: unknown) => boolean,
    how: TransactionOptions = {},
  ) => {
    const signals = [how.signal, stop.signal].filter((each) => each !== undefined);
    try {
      return await retry(run, {
        initialDelayMs: 20,
        maxDelayMs: 1_000,
        deadlineMs: how.deadlineMs ?? attemptsDeadlineMs,
        signal: AbortSignal.any(signals),
        retryIf,
        onRetry: ({ error, attempt: number }) =>
          logger.debug({ error: (error as Error).message, attempt: number }, "Database work is tried again"),
      });
    } catch (error) {
      if (error instanceof NotSentError) throw unreachable(error.cause);
      if (hasUnstorableText(error)) throw unstorable(error);
      throw databaseErrorKind(error) === "connection" &&
        !isCantonError(error) &&
        !(error instanceof CommitOutcomeUnknownError)
        ? unreachable(error)
        : error;
    }
  };

  return {
    pool,
    storage,
    transaction: (fn, how) => attempt(() => runTransaction(pool, fn, how?.isolation), mayRepeatTransaction, how),
    query: (sql, values) =>
      attempt(
        () => onClient(pool, (client) => client.query(sql, values as unknown[])),
        (error) => error instanceof NotSentError,
      ),
    read: (sql, values) =>
      attempt(
        () => onClient(pool, (client) => client.query(sql, values as unknown[])),
        (error) => error instanceof NotSentError || databaseErrorKind(error) === "connection",
      ),
    close: async (graceMs = 5_000) => {
      if (stop.signal.aborted) return;
      stop.abort(unavailable("DB_STORAGE_CLOSED", "The node is stopping"));
      const timeout = new AbortController();
      await Promise.race([
        pool.end(),
        abortableSleep(graceMs, timeout.signal).then(
          () => logger.warn("Database connections were still in use when the database was closed"),
          () => undefined,
        ),
      ]);
      timeout.abort();
    },
  };
}

/** No connection could be had: nothing was sent, so trying again is safe whatever the statement. */
class NotSentError extends Error {
  override readonly name = "NotSentError";
}

async function takeClient(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    if (databaseErrorKind(error) !== "connection") throw error;
    throw new NotSentError("no connection to the database", { cause: error });
  }
}

async function onClient<T>(pool: pg.Pool, use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await takeClient(pool);
  let broken = false;
  try {
    return await use(client);
  } catch (error) {
    broken = databaseErrorKind(error) === "connection";
    throw error;
  } finally {
    client.release(broken);
  }
}

async function runTransaction<T>(
  pool: pg.Pool,
  fn: (client: pg.PoolClient) => Promise<T>,
  isolation: TransactionOptions["isolation"] = "READ COMMITTED",
): Promise<T> {
  const client = await takeClient(pool);
  let broken = false;
  let committing = false;
  try {
    await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
    const result = await fn(client);
    committing = true;
    const { command } = await client.query("COMMIT");
    // PostgreSQL answers COMMIT with ROLLBACK, and no error, when a statement had failed and the function swallowed that.
    if (command !== "COMMIT") throw new Error("the transaction was rolled back because one of its statements failed");
    return result;
  } catch (error) {
    broken = databaseErrorKind(error) === "connection";
    if (broken && committing) {
      throw new CommitOutcomeUnknownError(
        "The connection to the database was lost during a commit; whether it took effect is not known",
        { cause: error },
      );
    }
    if (!broken) {
      await client.query("ROLLBACK").catch(() => {
        broken = true;
      });
    }
    throw error;
  } finally {
    client.release(broken);
  }
}

function mayRepeatTransaction(error: unknown): boolean {
  if (error instanceof CommitOutcomeUnknownError) return false;
  if (error instanceof NotSentError) return true;
  const kind = databaseErrorKind(error);
  return kind === "connection" || kind === "contention";
}

/** Tells the health registry whether the database answers. */
async function probe(pool: pg.Pool, health: Health, name: string, signal: AbortSignal): Promise<void> {
  let failed = false;
  while (!signal.aborted) {
    await abortableSleep(failed ? failedProbeIntervalMs : probeIntervalMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await pool.query("SELECT 1");
      failed = false;
      health.set(name, "ok");
    } catch (error) {
      failed = true;
      if (!signal.aborted) health.set(name, { failed: `the database does not answer: ${(error as Error).message}` });
    }
  }
}
