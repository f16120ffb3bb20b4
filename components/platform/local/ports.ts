/** TCP ports of the local platform: chosen once and kept in `ports.json`, or configured. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { z } from "zod";
import { loopback } from "./embedded-postgres.ts";
import { type LocalHome, makeFolder } from "./home.ts";
import { withLock } from "./mutex.ts";
import { writeAtomically } from "./write-atomically.ts";

/**
 * Ports that are chosen lie here: below the range that operating systems take the near end of outgoing connections from
 * (32768 on Linux), so that nothing takes a kept port by accident while its node is down.
 */
export const chosenPorts = { first: 20_000, last: 31_999 } as const;

/** One port that a process needs. */
export interface WantedPort {
  /** What it is for, such as `sequencer1.adminApi`; the key in `ports.json`. */
  readonly key: string;
  /** Number that the configuration asks for; absent: any free one. */
  readonly configured?: number | undefined;
  /** The key of the configuration that asks for it, for messages. */
  readonly configKey: string;
}

/** Number by key. */
export type Ports = Readonly<Record<string, number>>;

/**
 * Decides on numbers: a configured one is taken as it is, a kept one is kept, everything else is the first free one from
 * `start` on. Pure but for `isFree`, which is asked only about numbers that nothing kept has.
 *
 * @param options.kept what `ports.json` has, for other processes too
 * @param options.start where in `chosenPorts` to begin
 * @throws Error naming the configuration key when a configured number is taken, or asked for twice
 */
export async function planPorts(options: {
  wanted: readonly WantedPort[];
  kept: Ports;
  start: number;
  isFree: (port: number) => Promise<boolean>;
}): Promise<Ports> {
  const { wanted, kept, start, isFree } = options;
  const holders = new Map(Object.entries(kept).map(([key, port]) => [port, key]));
  const release = (key: string) => {
    const port = kept[key];
    if (port !== undefined && holders.get(port) === key) holders.delete(port);
  };
  const plan: Record<string, number> = {};
  for (const { key, configured, configKey } of wanted) {
    if (configured === undefined) continue;
    const holder = holders.get(configured);
    if (holder !== undefined && holder !== key && !wanted.some((other) => other.key === holder)) {
      throw new Error(`${configKey}: port ${configured} belongs to ${holder} already; choose another port`);
    }
    const twin = Object.entries(plan).find(([, port]) => port === configured);
    if (twin) throw new Error(`${configKey}: port ${configured} is given to ${twin[0]} as well; choose another port`);
    if (kept[key] !== configured && holder === undefined && !(await isFree(configured))) {
      throw new Error(
        `${configKey}: port ${configured} is taken by another program on this machine; ` +
          `stop that program, choose another port, or remove ${configKey} so that a free one is chosen`,
      );
    }
    plan[key] = configured;
  }
  for (const { key } of wanted) if (plan[key] !== undefined) release(key);
  for (const port of Object.values(plan)) holders.set(port, "configured");
  for (const { key } of wanted) {
    if (plan[key] !== undefined) continue;
    const before = kept[key];
    if (before !== undefined && holders.get(before) === key) {
      plan[key] = before;
      continue;
    }
    const port = await firstFree(start, holders, isFree);
    plan[key] = port;
    holders.set(port, key);
  }
  return plan;
}

async function firstFree(
  start: number,
  holders: ReadonlyMap<number, string>,
  isFree: (port: number) => Promise<boolean>,
): Promise<number> {
  const count = chosenPorts.last - chosenPorts.first + 1;
  for (let step = 0; step < count; step += 1) {
    const port = chosenPorts.first + ((start - chosenPorts.first + step) % count);
    if (!holders.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port between ${chosenPorts.first} and ${chosenPorts.last}`);
}

const portsSchema = z.record(z.string(), z.number().int().min(1).max(65_535));

/** What `ports.json` has. */
export function readPorts(home: LocalHome): Ports {
  if (!existsSync(home.ports)) return {};
  try {
    return portsSchema.parse(JSON.parse(readFileSync(home.ports, "utf8")));
  } catch (error) {
    throw new Error(`${home.ports} is damaged (${(error as Error).message}); remove it and new ports are chosen`);
  }
}

/**
 * Gives a process its ports and writes them down.
 *
 * @throws Error as `planPorts` does
 */
export function claimPorts(home: LocalHome, wanted: readonly WantedPort[]): Promise<Ports> {
  return locked(home, async () => {
    const kept = readPorts(home);
    const plan = await planPorts({ wanted, kept, start: startOf(home), isFree });
    const all = { ...kept, ...plan };
    if (Object.keys(plan).some((key) => kept[key] !== plan[key])) writePorts(home, all);
    return plan;
  });
}

/** Forgets the ports whose keys begin with `PROCESS.`. */
export function releasePorts(home: LocalHome, processName: string): Promise<void> {
  return locked(home, async () => {
    const kept = Object.entries(readPorts(home));
    const left = kept.filter(([key]) => !key.startsWith(`${processName}.`));
    if (left.length === 0) rmSync(home.ports, { force: true });
    else if (left.length < kept.length) writePorts(home, Object.fromEntries(left));
  });
}

function locked<T>(home: LocalHome, work: () => Promise<T>): Promise<T> {
  return withLock(`ports of ${home.directory}`, work);
}

function writePorts(home: LocalHome, ports: Ports): void {
  makeFolder(home.directory);
  const sorted = Object.fromEntries(Object.entries(ports).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeAtomically(home.ports, `${JSON.stringify(sorted, null, 2)}\n`);
}

/** Two homes on one machine begin at different places, so that they seldom look at the same number at once. */
function startOf(home: LocalHome): number {
  const digest = createHash("sha256").update(home.directory).digest();
  return chosenPorts.first + (digest.readUInt32BE(0) % (chosenPorts.last - chosenPorts.first + 1));
}

/** Whether nothing listens on this port of loopback now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: loopback, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
