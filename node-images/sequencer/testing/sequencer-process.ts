/** A sequencer as a process of its own, that a test can kill and start again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { stringify } from "yaml";
import { freePorts } from "../../../test/free-port.ts";
import type { SequencerAddress } from "./test-domain.ts";

/** A sequencer process. */
export class SequencerProcess implements SequencerAddress {
  readonly adminPort: number;
  readonly publicPort: number;
  readonly #configFile: string;
  #process: ChildProcess | undefined;

  private constructor(configFile: string, adminPort: number, publicPort: number) {
    this.#configFile = configFile;
    this.adminPort = adminPort;
    this.publicPort = publicPort;
  }

  /** Writes its configuration into a folder. */
  static async configure(
    name: string,
    folder: string,
    storage: TestDatabase["storage"],
    backend: TestDatabase["storage"],
  ): Promise<SequencerProcess> {
    const [admin, open, health] = (await freePorts(3)) as [number, number, number];
    const file = `${folder}/${name}.yaml`;
    const server = (port: number) => ({ address: "127.0.0.1", port });
    const config = { name, adminApi: server(admin), publicApi: server(open), health: server(health), storage, backend };
    await writeFile(file, stringify(config));
    return new SequencerProcess(file, admin, open);
  }

  /** Starts it; resolves when it serves. */
  async start(): Promise<void> {
    const main = fileURLToPath(new URL("../main.ts", import.meta.url));
    const started = spawn(process.execPath, [main, "--config", this.#configFile], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = started;
    const serving = Promise.withResolvers<void>();
    let log = "";
    // Read to the end: a process whose log nobody reads stops at the first line too many.
    started.stdout?.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-10_000);
      if (log.includes('"message":"Started"')) serving.resolve();
    });
    started.on("exit", () => serving.reject(new Error(`the sequencer ended before it had started:\n${log}`)));
    await serving.promise;
  }

  /** SIGKILL: no goodbye. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    running.kill("SIGKILL");
    await once(running, "exit");
  }
}
