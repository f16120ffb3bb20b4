/** What the supervisor is asked to keep running, and what it says of it: the files between it and its clients. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { LocalHome } from "../home.ts";
import { defaultLogLimits } from "./log-file.ts";

/** Names of processes: they become file names. */
export const processNameSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    "accepted: lower-case letters, digits and hyphens, at most 63, not a hyphen first",
  );

/** A process to keep running. Holds no secrets: those are in files that the configuration names. */
export const processSpecSchema = z.strictObject({
  /** Name of the process in this home. */
  name: processNameSchema,
  /** Program, an absolute path or a name on the supervisor's PATH. */
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  /** Added to the supervisor's own small environment. */
  env: z.record(z.string(), z.string()).default({}),
  cwd: z.string().min(1),
  /** Run to its end before every start; when it fails the start counts as failed. */
  before: z.strictObject({ command: z.string().min(1), args: z.array(z.string()) }).optional(),
  /** Asks the process to end. */
  stopSignal: z.enum(["SIGTERM", "SIGINT"]).default("SIGTERM"),
  /** Milliseconds after which a process that was asked to end is killed. */
  stopDeadlineMs: z.number().int().positive().default(15_000),
  log: z
    .strictObject({ maxBytes: z.number().int().positive(), keep: z.number().int().min(0).max(99) })
    .default(defaultLogLimits),
  /** Any text that, when it changes, calls for a restart: the digest of a configuration file, say. */
  revision: z.string().default(""),
});

/** A process to keep running. */
export type ProcessSpec = z.output<typeof processSpecSchema>;

/** What may be left out of a `ProcessSpec`. */
export type ProcessSpecInput = z.input<typeof processSpecSchema>;

/** What the supervisor knows of a process; written before anything is acted upon. */
export const processStateSchema = z.object({
  name: processNameSchema,
  /** Digest of the spec that was started last. */
  spec: z.string(),
  /** `waiting` for its next start, or `failed` for good: a configuration error is not tried again. */
  status: z.enum(["running", "waiting", "failed"]),
  /** The process, or the last one. */
  process: z.object({ pid: z.number().int(), startTime: z.string() }).nullable(),
  /** When that process was started, ISO 8601. */
  startedAt: z.string().nullable(),
  /** Starts after the first, since the spec was given. */
  restarts: z.number().int(),
  /** Failures in a row. */
  failures: z.number().int(),
  /** How it ended last. */
  lastExit: z.object({ reason: z.string(), at: z.string() }).nullable(),
});

/** What the supervisor knows of a process. */
export type ProcessState = z.infer<typeof processStateSchema>;

/** Digest of a spec: differs when a restart is called for. */
export function specDigest(spec: ProcessSpec): string {
  return createHash("sha256").update(JSON.stringify(spec)).digest("hex").slice(0, 16);
}

/** The supervisor's files below a home. */
export interface SupervisorFiles {
  /** Folder of specs, `NAME.json`. */
  readonly specs: string;
  /** Folder of states, `NAME.json`. */
  readonly states: string;
  /** The control socket. */
  readonly socket: string;
  /** The supervisor's own log. */
  readonly log: string;
  spec(name: string): string;
  state(name: string): string;
  /** The log of a process. */
  logOf(name: string): string;
}

/** Where the supervisor's files lie; makes nothing. */
export function supervisorFiles(home: LocalHome): SupervisorFiles {
  const specs = join(home.supervisor, "processes");
  const states = join(home.supervisor, "state");
  return {
    specs,
    states,
    socket: join(home.supervisor, "control.sock"),
    log: join(home.logs, "supervisor.log"),
    spec: (name) => join(specs, `${name}.json`),
    state: (name) => join(states, `${name}.json`),
    logOf: (name) => join(home.logs, `${name}.log`),
  };
}

/** Names of the JSON files in a folder, without the ending. */
export function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
}

/**
 * Reads a spec.
 *
 * @throws Error naming the file and the field
 */
export function readSpec(files: SupervisorFiles, name: string): ProcessSpec | undefined {
  return readJson(files.spec(name), processSpecSchema);
}

/** Reads a state; a damaged one counts as none, since it is only what was seen last. */
export function readState(files: SupervisorFiles, name: string): ProcessState | undefined {
  try {
    return readJson(files.state(name), processStateSchema);
  } catch {
    return undefined;
  }
}

function readJson<T extends z.ZodType>(file: string, schema: T): z.output<T> | undefined {
  if (!existsSync(file)) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
