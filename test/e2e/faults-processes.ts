/** The processes of a deployment: killed from outside, and watched as they come back. */
import { localHome } from "@pulumi-canton/components/platform/local/home.ts";
import { listProcesses, supervisorPid } from "@pulumi-canton/components/platform/local/supervisor/client.ts";
import { expect } from "vitest";

/** The name that the supervisor goes by here; it is not among the processes that it supervises. */
export const supervisor = "supervisor";

/** How long a process, and all that depend on it, may take to work again, in milliseconds. */
const comeBackWithinMs = 60_000;

/** The processes of one home. */
export class Processes {
  readonly #home: ReturnType<typeof localHome>;
  readonly #health: readonly string[];

  /**
   * @param home folder of the deployment
   * @param health base URLs of the probes of all nodes
   */
  constructor(home: string, health: readonly string[]) {
    this.#home = localHome(home);
    this.#health = health;
  }

  /** Process id of what runs under a name now, or undefined. */
  async pidOf(name: string): Promise<number | undefined> {
    if (name === supervisor) return await supervisorPid(this.#home);
    return listProcesses(this.#home).find((process) => process.name === name)?.pid ?? undefined;
  }

  /** Process ids of everything that is supervised, by name. */
  pids(): Record<string, number | null> {
    return Object.fromEntries(listProcesses(this.#home).map(({ name, pid }) => [name, pid]));
  }

  /** Kills a process; gives back its id. It must be running. */
  async kill(name: string): Promise<number> {
    const pid = await this.pidOf(name);
    if (pid === undefined) throw new Error(`${name} does not run`);
    process.kill(pid, "SIGKILL");
    return pid;
  }

  /** Waits until a process that was killed runs again, and every node says that it is ready. */
  async cameBack(name: string, killed: number): Promise<void> {
    await expect
      .poll(() => this.pidOf(name), { timeout: comeBackWithinMs, interval: 20, message: `${name} did not come back` })
      .toSatisfy((pid) => typeof pid === "number" && pid !== killed);
    await this.allReady();
  }

  /** Waits until every node says that it is ready. */
  async allReady(): Promise<void> {
    await expect
      .poll(async () => (await Promise.all(this.#health.map(notReady))).filter((why) => why !== undefined), {
        timeout: comeBackWithinMs,
        interval: 50,
      })
      .toEqual([]);
  }
}

/** Why a node is not ready, or undefined. */
async function notReady(health: string): Promise<string | undefined> {
  try {
    const response = await fetch(new URL("/health/ready", health), { signal: AbortSignal.timeout(5_000) });
    const text = await response.text();
    return response.ok ? undefined : `${health}: ${text}`;
  } catch (error) {
    return `${health}: ${error}`;
  }
}
