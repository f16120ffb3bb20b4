import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Client } from "@grpc/grpc-js";
import { eventually } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import type { StorageConfig } from "@pulumi-canton/runtime/config.ts";
import { type ClientConstructor, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { freePorts } from "../../../test/free-port.ts";
import type { ParticipantApis } from "./permissioned-domain.ts";

const program = fileURLToPath(new URL("../main.ts", import.meta.url));

/** A participant as a process of its own, to be killed. */
export class ParticipantProcess implements ParticipantApis, AsyncDisposable {
  readonly #folder: string;
  readonly #ports: { readonly admin: number; readonly ledger: number; readonly health: number };
  readonly #clients: Client[] = [];
  #process: ChildProcess | undefined;
  #output = "";

  private constructor(folder: string, ports: { admin: number; ledger: number; health: number }) {
    this.#folder = folder;
    this.#ports = ports;
  }

  /**
   * Prepares it; `start` starts it.
   *
   * @param more keys of the configuration besides what every test needs
   */
  static async create(name: string, storage: StorageConfig, more: object = {}): Promise<ParticipantProcess> {
    const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-participant-"));
    const [admin, ledger, health] = await freePorts(3);
    const ports = { admin: admin ?? 0, ledger: ledger ?? 0, health: health ?? 0 };
    const config = {
      name,
      adminApi: { port: ports.admin },
      ledgerApi: { port: ports.ledger },
      health: { port: ports.health },
      storage,
      logging: { level: "warn" },
      ...more,
    };
    // JSON is YAML too.
    await writeFile(join(folder, "participant.yaml"), JSON.stringify(config));
    return new ParticipantProcess(folder, ports);
  }

  /** `http://host:port` of the API. */
  url(api: "admin" | "ledger"): string {
    return `http://127.0.0.1:${this.#ports[api]}`;
  }

  /** Starts the process and waits until it is ready, or, one that is to be initialised by hand, until it serves. */
  async start(until: "ready" | "startup" = "ready"): Promise<void> {
    const process = spawn(globalThis.process.execPath, [program, "--config", join(this.#folder, "participant.yaml")], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = process;
    for (const stream of [process.stdout, process.stderr]) {
      stream.on("data", (data: Buffer) => {
        this.#output += data.toString();
      });
    }
    await eventually(async () => {
      if (process.exitCode !== null) throw new Error(`the participant ended: ${this.#output}`);
      return (await fetch(`http://127.0.0.1:${this.#ports.health}/health/${until}`)).ok || undefined;
    });
  }

  /** Of the process that runs. */
  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error("the participant does not run");
    return pid;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined || process.exitCode !== null) return;
    const ended = once(process, "exit");
    process.kill("SIGKILL");
    await ended;
  }

  admin<C extends Client>(constructor: ClientConstructor<C>): C {
    return this.#client(constructor, this.#ports.admin);
  }

  ledger<C extends Client>(constructor: ClientConstructor<C>): C {
    return this.#client(constructor, this.#ports.ledger);
  }

  #client<C extends Client>(constructor: ClientConstructor<C>, port: number): C {
    const client = connect(constructor, { address: "127.0.0.1", port });
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
