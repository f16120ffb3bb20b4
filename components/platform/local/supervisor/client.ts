/** How everything else talks to the supervisor of a home; starts one when there is none. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type LocalHome, makeFolder, makePrivateFolder } from "../home.ts";
import { withLock } from "../mutex.ts";
import { isAlive } from "../process-identity.ts";
import { writeAtomically } from "../write-atomically.ts";
import { type Answer, answerSchema, onLines, protocolVersion, type Request, shortPath } from "./control-socket.ts";
import { tailOf } from "./log-file.ts";
import {
  namesIn,
  type ProcessSpec,
  type ProcessSpecInput,
  type ProcessState,
  processSpecSchema,
  readState,
  supervisorFiles,
} from "./process-spec.ts";

type Report = Exclude<Answer, { error: string }>;

/** How long a supervisor may take to start, in milliseconds. */
const startDeadlineMs = 20_000;

/** How long any one request may take, in milliseconds: longer than the longest stop. */
const requestDeadlineMs = 60_000;

/**
 * Keeps a process running from now on: starts it, or restarts it if anything in its spec changed.
 *
 * @returns its state, after the start
 * @throws Error when the spec is wrong or no supervisor can be started
 */
export async function superviseProcess(home: LocalHome, input: ProcessSpecInput): Promise<ProcessState> {
  const parsed = processSpecSchema.safeParse(input);
  if (!parsed.success) throw new Error(`process ${input.name}: ${z.prettifyError(parsed.error)}`);
  const spec: ProcessSpec = parsed.data;
  const files = supervisorFiles(home);
  await withLock(foldersLock(home), async () => {
    makePrivateFolder(home.supervisor);
    makePrivateFolder(files.specs);
    writeAtomically(files.spec(spec.name), `${JSON.stringify(spec, null, 2)}\n`);
  });
  const report = await askOrStart(home, { op: "apply", name: spec.name });
  const state = report.processes.find((process) => process.name === spec.name);
  if (state === undefined) throw new Error(`the supervisor does not know ${spec.name}; its log: ${files.log}`);
  return state;
}

/** Ends a process and forgets it; well when there is none. The last one ends the supervisor and removes its files too. */
export async function endProcess(home: LocalHome, name: string): Promise<void> {
  const files = supervisorFiles(home);
  if (!existsSync(files.spec(name)) && !existsSync(files.state(name))) return;
  await askOrStart(home, { op: "remove", name });
  await removeFolders(home);
}

/** A process as the files tell, checked against the operating system. */
export interface ProcessReport extends ProcessState {
  /** Process id of the live process, or null. */
  readonly pid: number | null;
  /** Path of its log. */
  readonly logFile: string;
}

/** What is known of every process of a home. Asks nobody, starts nothing, works while no supervisor runs. */
export function listProcesses(home: LocalHome): ProcessReport[] {
  const files = supervisorFiles(home);
  return namesIn(files.states).flatMap((name) => {
    const state = readState(files, name);
    if (state === undefined) return [];
    const pid = state.process !== null && isAlive(state.process) ? state.process.pid : null;
    return [{ ...state, pid, logFile: files.logOf(name) }];
  });
}

/** Process id of the running supervisor, or undefined. */
export async function supervisorPid(home: LocalHome): Promise<number | undefined> {
  return (await ask(home, { op: "hello" }))?.pid;
}

/**
 * Makes sure that a supervisor of this version runs where there is something to run.
 *
 * @returns its process id, or undefined when there is nothing to run
 */
export async function ensureSupervisor(home: LocalHome): Promise<number | undefined> {
  const files = supervisorFiles(home);
  if (namesIn(files.specs).length + namesIn(files.states).length === 0) return undefined;
  return (await askOrStart(home, { op: "hello" })).pid;
}

/** The folders of specs are made and removed under this lock: a spec is never written into a folder that is just going. */
function foldersLock(home: LocalHome): string {
  return `supervisor files of ${home.directory}`;
}

/** Removes what a supervisor leaves when it has ended; leaves everything while there is a process to run. */
async function removeFolders(home: LocalHome): Promise<void> {
  const files = supervisorFiles(home);
  await withLock(foldersLock(home), async () => {
    if (namesIn(files.specs).length > 0 || namesIn(files.states).length > 0) return;
    rmSync(home.supervisor, { recursive: true, force: true });
  });
}

async function askOrStart(home: LocalHome, request: Request): Promise<Report> {
  const deadline = Date.now() + startDeadlineMs;
  let startAt = 0;
  for (;;) {
    const hello = await ask(home, { op: "hello" });
    if (hello !== undefined && hello.version !== protocolVersion) {
      await ask(home, { op: "leave" });
      continue;
    }
    // A supervisor that finishes between the two leaves the request without an answer: it is made again to the next.
    const report = hello && (await ask(home, request));
    if (report !== undefined) return report;
    if (Date.now() > deadline) {
      const log = supervisorFiles(home).log;
      throw new Error(`no supervisor could be started for ${home.directory}; the end of ${log}:\n${tailOf(log)}`);
    }
    if (Date.now() > startAt) {
      startDaemon(home);
      // One that found its predecessor just ending has gone again: another is started after a while.
      startAt = Date.now() + 500;
    }
    await delay(30);
  }
}

/**
 * A shell that starts the supervisor, and starts it again whenever a signal ended it: killed, or out of memory. It ends with
 * a supervisor that ends by itself, because it has nothing to do or because another one runs.
 */
const keeper = 'while :; do "$@"; [ $? -gt 128 ] || exit 0; sleep 1; done';

function startDaemon(home: LocalHome): void {
  makeFolder(home.logs);
  const log = openSync(supervisorFiles(home).log, "a", 0o600);
  try {
    const environment = { ...process.env };
    // Options meant for the program that starts it are not meant for it.
    delete environment["NODE_OPTIONS"];
    const program = [process.execPath, fileURLToPath(new URL("main.ts", import.meta.url)), home.directory];
    const child = spawn("/bin/sh", ["-c", keeper, "supervisor", ...program], {
      cwd: "/",
      env: environment,
      stdio: ["ignore", log, log],
      detached: true,
    });
    child.on("error", () => undefined);
    child.unref();
  } finally {
    closeSync(log);
  }
}

/** One request on a connection of its own; undefined when no supervisor answers. */
async function ask(home: LocalHome, request: Request): Promise<Report | undefined> {
  const { socket: file } = supervisorFiles(home);
  if (!existsSync(file)) return undefined;
  const short = shortPath(file);
  const socket = connect({ path: short.path });
  socket.setTimeout(requestDeadlineMs, () => socket.destroy());
  try {
    const line = await new Promise<string | undefined>((resolve) => {
      socket.once("error", () => resolve(undefined));
      socket.once("close", () => resolve(undefined));
      onLines(socket, resolve);
      socket.write(`${JSON.stringify(request)}\n`);
    });
    if (line === undefined) return undefined;
    const answer = answerSchema.parse(JSON.parse(line));
    if ("error" in answer) throw new Error(answer.error);
    return answer;
  } finally {
    socket.destroy();
    short.release();
  }
}
