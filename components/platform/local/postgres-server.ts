/** The one PostgreSQL server of a home, kept running by the supervisor. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import pg from "pg";
import {
  checkPostgres,
  initPostgres,
  loopback,
  postgresCommand,
  postgresUrl,
  waitForPostgres,
} from "./embedded-postgres.ts";
import type { LocalHome } from "./home.ts";
import { withLock } from "./mutex.ts";
import { claimPorts, readPorts, releasePorts } from "./ports.ts";
import { ensureSecret, readSecret, removeSecret } from "./secrets.ts";
import { endProcess, listProcesses, superviseProcess } from "./supervisor/client.ts";
import { tailOf } from "./supervisor/log-file.ts";

/** Name of its process, and of its superuser's secret. */
const name = "postgres";

const portKey = `${name}.port`;

/** Longest time to become ready, in milliseconds: crash recovery after a kill may take a while. */
const readyWithinMs = 120_000;

/** How to reach a server as its superuser; holds a password. */
export interface PostgresAccess {
  readonly port: number;
  readonly password: string;
}

/**
 * Makes sure that the server exists, runs and answers.
 *
 * @param options.port configured TCP port; a free one is chosen and kept otherwise
 * @throws Error naming the port's configuration key, or with the end of the log when it does not come up
 */
export async function ensurePostgres(
  home: LocalHome,
  options: { port?: number | undefined } = {},
): Promise<{ port: number }> {
  const ports = await claimPorts(home, [{ key: portKey, configured: options.port, configKey: "ports.postgres" }]);
  const port = ports[portKey] as number;
  const password = ensureSecret(home, name);
  await withLock(`PostgreSQL of ${home.directory}`, () => initPostgres({ directory: home.postgres, password }), {
    deadlineMs: readyWithinMs,
  });
  const { command, args, env, cwd, stopSignal } = postgresCommand({ directory: home.postgres, port });
  await superviseProcess(home, {
    name,
    command,
    args: [...args],
    env: { ...env },
    cwd,
    stopSignal,
    before: {
      command: process.execPath,
      args: [fileURLToPath(new URL("remove-foreign-lock.ts", import.meta.url)), home.postgres],
    },
  });
  try {
    await waitForPostgres({ port, password, deadlineMs: readyWithinMs });
  } catch (error) {
    const log = listProcesses(home).find((process) => process.name === name)?.logFile ?? home.logs;
    throw new Error(`${(error as Error).message}; the end of ${log}:\n${tailOf(log)}`);
  }
  return { port };
}

/** What is to be seen of the server: its port while it answers, and why it does not otherwise. */
export async function observePostgres(
  home: LocalHome,
): Promise<{ status: "absent" } | { status: "down"; why: string } | { status: "ready"; port: number }> {
  const port = readPorts(home)[portKey];
  if (port === undefined || !existsSync(home.postgres) || readdirSync(home.postgres).length === 0) {
    return { status: "absent" };
  }
  const why = await checkPostgres({ port, password: readSecret(home, name) });
  return why === undefined ? { status: "ready", port } : { status: "down", why };
}

/** Ends the server and removes its data, its secret and its port. */
export async function removePostgres(home: LocalHome): Promise<void> {
  await endProcess(home, name);
  rmSync(home.postgres, { recursive: true, force: true, maxRetries: 10 });
  removeSecret(home, name);
  await releasePorts(home, name);
}

/**
 * Runs `work` with a connection of the superuser.
 *
 * @param options.deadlineMs how long to wait for a server that does not answer, in milliseconds; 60 000 by default
 * @throws Error when it does not answer by then
 */
export async function asSuperuser<T>(
  home: LocalHome,
  work: (client: pg.Client) => Promise<T>,
  options: { deadlineMs?: number } = {},
): Promise<T> {
  const port = readPorts(home)[portKey];
  if (port === undefined) throw new Error(`there is no PostgreSQL server in ${home.directory}`);
  const access = { port, password: readSecret(home, name) };
  // Most of the time it answers: no login (slow on purpose) is spent on asking whether it does.
  const client = await connect(access).catch(async () => {
    await waitForPostgres({ ...access, deadlineMs: options.deadlineMs ?? 60_000 });
    return connect(access);
  });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function connect(access: PostgresAccess): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: postgresUrl(access),
    connectionTimeoutMillis: 10_000,
    query_timeout: 60_000,
  });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Address of every local server. */
export const postgresHost = loopback;
