/** A machine of its own in namespaces of the kernel: network, mounts and processes, which all end with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { loopback } from "@pulumi-canton/components/platform/local/embedded-postgres.ts";
import type { DebianPackages } from "../debian-packages.ts";
import type { Order, Report } from "./machine-inside.ts";

/** Address of the machine in its network. */
export const machineAddress = "10.200.0.1";
const gateway = "10.200.0.254";

/** Where a machine is made. */
export interface MachineParts {
  /** Folder for all that it writes. */
  readonly folder: string;
  /** Programs that it has besides those of the machine outside. */
  readonly packages: DebianPackages;
  /** Address of the server that resolves names in it. */
  readonly nameServer: string;
}

/** A machine that runs. */
export class Machine implements AsyncDisposable {
  readonly #first: ChildProcess;
  readonly #parts: MachineParts;
  readonly #waiting = new Map<number, (report: Report) => void>();
  #orders = 0;

  private constructor(first: ChildProcess, parts: MachineParts) {
    this.#first = first;
    this.#parts = parts;
    first.on("message", (report: Report) => {
      this.#waiting.get(report.order)?.(report);
      this.#waiting.delete(report.order);
    });
    first.once("exit", () => {
      for (const [order, settle] of this.#waiting)
        settle({ order, error: `the machine has ended\n${this.log("machine")}` });
      this.#waiting.clear();
    });
  }

  /** Makes the machine; needs root. @throws Error with what its first program wrote */
  static async start(parts: MachineParts): Promise<Machine> {
    const { folder, packages } = parts;
    mkdirSync(join(folder, "logs"), { recursive: true });
    const log = openSync(join(folder, "logs", "machine.log"), "a");
    const script = [join(import.meta.dirname, "machine.sh"), packages.folder, join(folder, "var")];
    const program = [process.execPath, join(import.meta.dirname, "machine-inside.ts")];
    const first = spawn(
      "setpriv",
      // Whatever ends this process ends the machine.
      [
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--kill-child=KILL",
        "--mount-proc",
      ].concat(["sh", ...script, `${machineAddress}/24`, gateway, ...program]),
      { stdio: ["ignore", log, log, "ipc"] },
    );
    closeSync(log);
    const machine = new Machine(first, parts);
    await machine.run("true");
    return machine;
  }

  /** A folder for files of the machine's own. */
  folder(...path: string[]): string {
    const folder = join(this.#parts.folder, ...path);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Starts a program that runs as long as the machine. @param name of its log */
  async start(name: string, file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
    const log = join(this.#parts.folder, "logs", `${name}.log`);
    await this.#order({ what: "start", file, args, env: { ...process.env, ...env }, log });
  }

  /** Runs a program to its end. @returns what it printed. @throws Error with what it complained of */
  run(file: string, ...args: string[]): Promise<string> {
    return this.#order({ what: "run", file, args });
  }

  /**
   * A port on loopback outside that leads to one inside.
   *
   * @param host an address, or a name that the cluster resolves; looked up for every connection
   */
  async tunnel(host: string, port: number): Promise<number> {
    const server = createServer();
    server.listen(0, loopback);
    await once(server, "listening");
    const { port: outside } = server.address() as AddressInfo;
    await this.#order({ what: "lead", host, port, nameServer: this.#parts.nameServer }, server);
    // The machine listens from here on.
    server.close();
    return outside;
  }

  /** The end of what a program has written. */
  log(name: string, lines = 20): string {
    const text = readFileSync(join(this.#parts.folder, "logs", `${name}.log`), "utf8");
    return text.trimEnd().split("\n").slice(-lines).join("\n");
  }

  /** The ends of all logs. */
  get logs(): string {
    const names = readdirSync(join(this.#parts.folder, "logs")).map((file) => file.replace(/\.log$/, ""));
    return names.map((name) => `${name}:\n${this.log(name)}`).join("\n\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#first.exitCode !== null || this.#first.signalCode !== null) return;
    const exit = once(this.#first, "exit");
    this.#first.kill("SIGKILL");
    await exit;
  }

  async #order(order: Order, handle?: ReturnType<typeof createServer>): Promise<string> {
    this.#orders += 1;
    const number = this.#orders;
    const report = await new Promise<Report>((resolve) => {
      this.#waiting.set(number, resolve);
      const failed = (error: Error | null) => error && resolve({ order: number, error: error.message });
      this.#first.send({ ...order, order: number }, handle, failed);
    });
    if ("error" in report) throw new Error(`${"file" in order ? order.file : order.what}: ${report.error}`);
    return report.output;
  }
}
