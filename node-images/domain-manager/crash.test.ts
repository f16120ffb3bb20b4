import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { expect, test } from "vitest";
import { idle, listAll, setState } from "./testing/admin.ts";
import { eventually, managerConfig, TestDomain } from "./testing/test-domain.ts";
import { nameOf, TestParticipant } from "./testing/test-participant.ts";

/** A domain manager in a process of its own, to be killed. */
class ManagerProcess implements AsyncDisposable {
  readonly #folder: string;
  readonly adminPort: number;
  #process: ChildProcess | undefined;

  private constructor(folder: string, adminPort: number) {
    this.#folder = folder;
    this.adminPort = adminPort;
  }

  static async create(peers: Parameters<typeof managerConfig>[0], database: TestDatabase): Promise<ManagerProcess> {
    const folder = await mkdtemp(join(tmpdir(), "domain-manager-"));
    const adminPort = await freePort();
    const { name, init, domain, health } = managerConfig(peers);
    const config = { name, init, domain, health, adminApi: { port: adminPort }, storage: database.storage };
    // JSON is YAML.
    await writeFile(join(folder, "config.yaml"), JSON.stringify(config));
    return new ManagerProcess(folder, adminPort);
  }

  start(): void {
    const main = fileURLToPath(new URL("./main.ts", import.meta.url));
    this.#process = spawn(process.execPath, [main, "--config", join(this.#folder, "config.yaml")], {
      stdio: ["ignore", "ignore", process.env["TEST_LOGS"] === undefined ? "ignore" : "inherit"],
    });
  }

  async kill(): Promise<void> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill("SIGKILL");
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("killed again and again while it sets up the domain and takes in participants: nothing is lost or repeated", async () => {
  await using domain = new TestDomain();
  const sequencers = [await domain.sequencer("sequencer1"), await domain.sequencer("sequencer2")];
  const mediators = [await domain.mediator("mediator1")];
  const database = await domain.database();
  await using manager = await ManagerProcess.create({ sequencers, mediators }, database);

  // While it sets up: killed ever later, so that every step is interrupted in some round.
  for (let ms = 350; ms < 950; ms += 60) {
    manager.start();
    await pause(ms);
    await manager.kill();
  }
  manager.start();
  const domainId = (await idle(manager.adminPort)).commonStatus?.uid ?? "";
  const urls = sequencers.map(({ publicPort }) => `http://127.0.0.1:${publicPort}`);

  // While it works: a killer at random moments, and participants that ask until they are answered.
  let working = true;
  const killer = (async () => {
    for (let round = 0; working && round < 12; round++) {
      await pause(600 + Math.random() * 900);
      if (!working) return;
      await manager.kill();
      manager.start();
    }
  })();
  const participants = ["alice", "bob", "carol"].map((name) => new TestParticipant(name, domainId, urls));
  try {
    for (const participant of participants) {
      await eventually(async () => {
        await setState(manager.adminPort, domainId, participant.member).catch((error) => {
          if (error.reason !== "TOPOLOGY_MAPPING_ALREADY_EXISTS") throw error;
        });
        return true;
      }, 60_000);
      const results = await participant.requestOnboarding();
      for (const { state } of results) expect(["ACCEPTED", "DUPLICATE"]).toContain(state);
      participant.follow();
      const party = (n: number) =>
        participant.signed({
          kind: "PartyToParticipant",
          side: "Both",
          party: uniqueIdentifier(`party${n}`, participant.key.publicKey.id),
          participant: participant.member,
          permission: "Submission",
        });
      await eventually(async () => (participant.received.length > 0 ? true : undefined), 60_000);
      for (let n = 0; n < 5; n++) await participant.register([party(n)]);
    }
    working = false;
    await killer;
    const expected = 7 + 3 * (1 + 3 + 5);
    await eventually(async () => {
      const log = await listAll(manager.adminPort, "Authorized", "history");
      return log.length >= expected ? true : undefined;
    }, 60_000);
    await idle(manager.adminPort);
    const log = await listAll(manager.adminPort, "Authorized", "history");
    expect(log).toHaveLength(expected);
    expect(new Set(log).size).toBe(expected);
    for (const participant of participants) {
      await participant.hasReceived(log.length);
      expect(participant.received.map(nameOf)).toEqual(log);
      expect(participant.refused).toEqual([]);
    }
    for (const { adminPort } of [manager, ...sequencers, ...mediators]) {
      await eventually(async () =>
        (await listAll(adminPort, domainId, "history")).length === log.length ? true : undefined,
      );
      expect(await listAll(adminPort, domainId, "history")).toEqual(log);
    }
  } finally {
    working = false;
    for (const participant of participants) participant[Symbol.dispose]();
    await killer;
  }
}, 180_000);
