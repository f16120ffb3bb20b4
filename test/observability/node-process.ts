/** A node of any role as the process that a pod runs, for tests that read what it tells. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@grpc/grpc-js";
import type { Role } from "@pulumi-canton/components/platform/platform.ts";
import { eventually } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import { type ClientConstructor, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { freePorts } from "../free-port.ts";

/** A node that runs. */
export class NodeProcess implements AsyncDisposable {
  readonly name: string;
  readonly role: Role;
  readonly adminPort: number;
  readonly #folder: string;
  readonly #healthPort: number;
  readonly #process: ChildProcess;
  readonly #clients: Client[] = [];

  private constructor(name: string, role: Role, folder: string, ports: readonly number[], process: ChildProcess) {
    [this.adminPort = 0, this.#healthPort = 0] = ports;
    this.name = name;
    this.role = role;
    this.#folder = folder;
    this.#process = process;
  }

  /** Starts it; resolves when it serves. @param config what its configuration has besides name, admin API and health */
  static async start(role: Role, name: string, config: object): Promise<NodeProcess> {
    const folder = await mkdtemp(join(tmpdir(), `${role}-`));
    const [admin = 0, health = 0] = await freePorts(2);
    const http = { port: health };
    const file = join(folder, "node.yaml");
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ name, adminApi: { port: admin }, health: http, metrics: http, ...config }));
    const main = join(import.meta.dirname, "..", "..", "node-images", role, "main.ts");
    const child = spawn(process.execPath, [main, "--config", file], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        output = (output + data.toString()).slice(-10_000);
      });
    }
    const node = new NodeProcess(name, role, folder, [admin, health], child);
    try {
      await eventually(async () => {
        if (child.exitCode !== null) throw new Error(`the ${role} ended: ${output}`);
        return (await fetch(`http://127.0.0.1:${health}/health/startup`)).ok;
      });
      return node;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What Prometheus gets. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#healthPort}/metrics`)).text();
  }

  /** A client of the admin API. */
  admin<C extends Client>(constructor: ClientConstructor<C>): C {
    const client = connect(constructor, { address: "127.0.0.1", port: this.adminPort });
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, "exit");
      this.#process.kill("SIGKILL");
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
