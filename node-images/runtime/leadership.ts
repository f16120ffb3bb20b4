/**
 * Active and passive: of the processes that share a database one leads at a time.
 *
 * The leader holds a session lock of PostgreSQL on a connection of its own. When the process or its connection dies the
 * database gives the lock to the next in line at once; when its machine vanishes, after the keep-alive time set here. As an
 * old leader may not know yet that it was replaced, each term has a number, and {@link Term.fence} makes a transaction of an
 * old leader fail.
 */
import { hostname } from "node:os";
import type pg from "pg";
import { untilAborted } from "./abort.ts";
import { abortableSleep, backoffDelays } from "./backoff.ts";
import type { StorageConfig } from "./config.ts";
import { openConnection } from "./database.ts";
import { aborted, unavailable } from "./errors.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./logger.ts";

/** A time during which this process leads. */
export interface Term {
  /** Aborts when the leadership is lost or given up. Stop writing then. */
  readonly signal: AbortSignal;
  /** Number of the term: greater than those of all earlier leaders. */
  readonly number: bigint;
  /**
   * Makes a transaction safe against a leader that was replaced without knowing it: call it in every transaction that only
   * the leader may make.
   *
   * @throws CantonError ABORTED `NOT_THE_LEADER` when another process has taken over
   */
  fence(client: Pick<pg.ClientBase, "query">): Promise<void>;
}

/** What {@link contend} needs. */
export interface ContendOptions {
  storage: StorageConfig;
  /** What is led, for example `participant`: those who contend for the same name in the same database take turns. */
  name: string;
  logger: Logger;
  /** Ends the contention; a term in progress ends first. */
  signal: AbortSignal;
  /**
   * Runs while this process leads; told to end by `term.signal`. When it returns or throws, the leadership is given up.
   * The next term begins only after it has ended.
   */
  lead: (term: Term) => Promise<void>;
  /** Gets `leadership`: ok when leading, failed while another process leads, so that no traffic is sent to this one. */
  health?: Health | undefined;
  /** How often the leader looks whether its connection still works, in milliseconds; it gives up when that takes as long again. Default 2000. */
  heartbeatMs?: number | undefined;
  configKey?: string | undefined;
}

const createTable = `
  CREATE TABLE IF NOT EXISTS leadership (
    name text PRIMARY KEY,
    term bigint NOT NULL,
    holder text NOT NULL,
    since timestamptz NOT NULL
  )`;

async function waitForLock(client: pg.Client, options: ContendOptions): Promise<bigint> {
  // The database notices within 11 seconds that the machine of a leader is gone.
  await client.query("SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3");
  await client.query("SELECT pg_advisory_lock(hashtextextended('leadership ' || $1, 0))", [options.name]);
  // After the lock, so that two that start together do not create it at once for the same name; for others, see the handler.
  await client.query(createTable).catch(async (error: { code?: string }) => {
    // 23505 and 42P07: another name's leader created the table at the same moment.
    if (error.code !== "23505" && error.code !== "42P07") throw error;
  });
  const { rows } = await client.query<{ term: bigint }>(
    `INSERT INTO leadership AS l (name, term, holder, since) VALUES ($1, 1, $2, now())
     ON CONFLICT (name) DO UPDATE SET term = l.term + 1, holder = EXCLUDED.holder, since = EXCLUDED.since
     RETURNING term`,
    [options.name, `${hostname()}:${process.pid}`],
  );
  const term = rows[0]?.term;
  if (term === undefined) throw new Error("the leadership table gave no term");
  return term;
}

/** Looks at the lock's connection until the term ends; aborts it when the connection does not answer in time. */
async function beat(client: pg.Client, term: AbortController, heartbeatMs: number): Promise<void> {
  while (!term.signal.aborted) {
    await abortableSleep(heartbeatMs, term.signal).catch(() => undefined);
    if (term.signal.aborted) return;
    try {
      await untilAborted(client.query("SELECT 1"), AbortSignal.any([AbortSignal.timeout(heartbeatMs), term.signal]));
    } catch (error) {
      term.abort(lost(error));
    }
  }
}

function lost(cause: unknown) {
  return unavailable("LEADERSHIP_LOST", "The connection that holds the leadership was lost", { cause });
}

function fenceFor(name: string, term: bigint): Term["fence"] {
  return async (client) => {
    // FOR SHARE makes a new leader, who updates the row, wait until this transaction has ended.
    const { rows } = await client.query<{ term: bigint | string }>(
      "SELECT term FROM leadership WHERE name = $1 FOR SHARE",
      [name],
    );
    const current = rows[0]?.term;
    if (current === undefined || BigInt(current) !== term) {
      throw aborted(
        "NOT_THE_LEADER",
        `Another process leads ${name} since term ${current ?? "unknown"}; this one had term ${term}`,
      );
    }
  };
}

async function oneTerm(options: ContendOptions): Promise<void> {
  const { storage, name, logger, signal, health, heartbeatMs = 2_000 } = options;
  const connection = { applicationName: `leadership ${name}`, configKey: options.configKey ?? "storage" };
  // No statement timeout: the lock may take days to come.
  const client = await openConnection(storage, { ...connection, statementTimeoutMs: 0 });
  const term = new AbortController();
  const onLost = (error?: Error) => term.abort(lost(error));
  const onStop = () => term.abort(signal.reason);
  client.on("error", onLost);
  client.on("end", onLost);
  signal.addEventListener("abort", onStop, { once: true });
  try {
    if (signal.aborted) return;
    const number = await untilAborted(waitForLock(client, options), term.signal);
    logger.info({ leadership: name, term: number }, "This process leads");
    health?.set("leadership", "ok");
    const heart = beat(client, term, heartbeatMs);
    try {
      await options.lead({ signal: term.signal, number, fence: fenceFor(name, number) });
    } finally {
      term.abort(signal.reason);
      await heart;
      logger.info({ leadership: name, term: number }, "This process leads no more");
    }
  } finally {
    signal.removeEventListener("abort", onStop);
    client.off("end", onLost);
    await closeAtOnce(client);
  }
}

/** Ends a connection that may hang in a statement or be dead. */
async function closeAtOnce(client: pg.Client): Promise<void> {
  const socket = (client as unknown as { connection?: { stream?: { destroy(): void } } }).connection?.stream;
  const ended = client.end().catch(() => undefined);
  socket?.destroy();
  await ended;
}

/**
 * Contends for the leadership until the signal aborts: waits, leads, and contends again after the leadership was lost.
 *
 * @throws ConfigError when the database cannot be used; what `lead` throws, unless the leadership had been lost
 */
export async function contend(options: ContendOptions): Promise<void> {
  const { signal, logger, health, name } = options;
  let delays = backoffDelays({ maxDelayMs: 2_000 });
  while (!signal.aborted) {
    health?.set("leadership", { failed: `another process leads ${name}, or the database is away` });
    let leadFailed: { error: unknown } | undefined;
    const lead: ContendOptions["lead"] = async (term) => {
      delays = backoffDelays({ maxDelayMs: 2_000 });
      try {
        await options.lead(term);
      } catch (error) {
        if (!term.signal.aborted) leadFailed = { error };
        throw error;
      }
    };
    try {
      await oneTerm({ ...options, lead });
    } catch (error) {
      if (leadFailed !== undefined) throw leadFailed.error;
      if (signal.aborted) break;
      if ((error as Error).name === "ConfigError") throw error;
      logger.warn({ error, leadership: name }, "Leadership is contended for again");
      await abortableSleep(delays.next().value, signal).catch(() => undefined);
    }
  }
  health?.remove("leadership");
}
