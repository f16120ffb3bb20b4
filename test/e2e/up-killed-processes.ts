/** The processes that a command consists of, from `/proc`: what a test needs to kill some of them. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly command: readonly string[];
}

/** What of a command is killed; the supervised processes are never part of it. */
export const victims = {
  /** The command with its shell; the engine goes on. */
  command: ({ command }: ProcessEntry) => !isEngine(command) && !isPlugin(command),
  /** The engine alone: the command sees it die. */
  engine: ({ command }: ProcessEntry) => isEngine(command),
  /** What the engine started: language host, program, dynamic providers. */
  plugins: ({ command }: ProcessEntry) => isPlugin(command),
  everything: () => true,
} as const;

/** What of a command is killed. */
export type Victims = keyof typeof victims;

/**
 * Kills a part of a command at once.
 *
 * @param session process id of the command, which leads a session of its own
 * @returns how many processes were killed
 */
export function killPart(session: number, part: Victims): number {
  const chosen = runningProcesses().filter((entry) => entry.session === session && victims[part](entry));
  for (const { pid } of chosen) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
  return chosen.length;
}

/**
 * Command lines of what runs for a home beside what is supervised.
 *
 * @param supervisor its process id; the shell that keeps it running is its parent
 */
export function leftBehind(
  home: string,
  supervised: readonly (number | null)[] = [],
  supervisor: number | undefined = undefined,
): string[] {
  const running = runningProcesses();
  const keeper = running.find(({ pid }) => pid === supervisor)?.parent;
  const known = [...supervised, supervisor, keeper];
  return running
    .filter(({ pid }) => !known.includes(pid) && environmentOf(pid).includes(`CANTON_HOME=${home}`))
    .map(({ pid, command }) => `${pid}: ${command.join(" ")}`);
}

function isEngine([program]: readonly string[]): boolean {
  return program !== undefined && basename(program) === "pulumi";
}

function isPlugin(command: readonly string[]): boolean {
  return command.some((argument) =>
    /language-host|dynamic-provider|pulumi-language|pulumi-resource|cmd\/run/.test(argument),
  );
}

function runningProcesses(): ProcessEntry[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    const stat = read(`/proc/${pid}/stat`);
    const [state, parent, , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (session === undefined || state === "Z") return [];
    const command = read(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
    return [{ pid, parent: Number(parent), session: Number(session), command }];
  });
}

function environmentOf(pid: number): string[] {
  return read(`/proc/${pid}/environ`).split("\0");
}

/** Empty when the process is gone, or another account's. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
