/** A real network in this process, with logs in files and the stack's outputs as `up` writes them, and the console as a process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { idle } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { type SequencerSettings, TestDomain } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import { uidOf } from "@pulumi-canton/participant/testing/permissioned-domain.ts";
import { startTestParticipant, type TestParticipant } from "@pulumi-canton/participant/testing/test-participant.ts";
import type { StorageConfig } from "@pulumi-canton/runtime/config.ts";

const program = join(import.meta.dirname, "..", "main.ts");

/** Commands start in half the time when their code is kept compiled. */
const compileCache = join(tmpdir(), "pulumi-canton-compile-cache");

/** How a console command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A participant of the network: what it runs on, and what runs now. */
interface Participant {
  readonly storage: StorageConfig;
  running: TestParticipant;
  id: string;
}

/** A permissioned domain and participants; nobody is admitted yet. */
export class TestNetwork implements AsyncDisposable {
  /** CANTON_HOME of the console. */
  readonly home: string;
  readonly #nodes: TestDomain;
  readonly #servers: Server[] = [];
  readonly #participants = new Map<string, Participant>();
  #domainId = "";
  #urls: string[] = [];
  /** The stack's output `nodes`. */
  readonly #outputs: Record<string, object> = {};

  private constructor(home: string) {
    this.home = home;
    this.#nodes = new TestDomain(undefined, (node) => this.#logTo(node));
  }

  /** @param settings of the sequencers, for example their terms of service */
  static async start(names: readonly string[] = ["alice", "bob"], settings?: SequencerSettings): Promise<TestNetwork> {
    const home = await mkdtemp(join(tmpdir(), "pulumi-canton-console-"));
    await mkdir(join(home, "logs"));
    const network = new TestNetwork(home);
    try {
      await network.#startDomain(settings);
      for (const name of names) await network.#startParticipant(name, (await network.#nodes.database()).storage);
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  get domainId(): string {
    return this.#domainId;
  }

  /** The sequencers' public APIs. */
  get urls(): readonly string[] {
    return this.#urls;
  }

  /** Stops a participant and starts it again, on other ports. */
  async restart(name: string): Promise<void> {
    const participant = this.#participants.get(name);
    if (participant === undefined) throw new Error(`there is no participant ${name}`);
    await participant.running.stop();
    await this.#startParticipant(name, participant.storage);
  }

  #logTo(node: string) {
    return { write: (line: string) => appendFileSync(join(this.home, "logs", `${node}.log`), line) };
  }

  async #startDomain(settings: SequencerSettings | undefined): Promise<void> {
    const sequencers = [
      await this.#nodes.sequencer("sequencer1", { settings }),
      await this.#nodes.sequencer("sequencer2", { settings }),
    ];
    const mediator = await this.#nodes.mediator("mediator1");
    const manager = await this.#nodes.manager({ sequencers, mediators: [mediator] });
    const { commonStatus } = await idle(manager.adminPort);
    const id = commonStatus?.uid ?? "";
    this.#domainId = id;
    this.#urls = sequencers.map(({ publicPort }) => local(publicPort));
    const outputs = this.#outputs;
    outputs.mydomain = { role: "domain-manager", id: `DOM::${id}`, adminApi: local(manager.adminPort), ...nowhere };
    outputs.mediator1 = { role: "mediator", id: `MED::${id}`, adminApi: local(mediator.adminPort), ...nowhere };
    for (const { name, adminPort, publicPort } of sequencers) {
      const apis = { adminApi: local(adminPort), publicApi: local(publicPort), ...nowhere };
      outputs[name] = { role: "sequencer", id: `SEQ::${id}`, ...apis };
    }
  }

  /** Starts a participant that waits to be initialised by hand. */
  async addUninitialised(name: string): Promise<void> {
    await this.#startParticipant(name, (await this.#nodes.database()).storage, false);
  }

  async #startParticipant(name: string, storage: StorageConfig, autoInit = true): Promise<void> {
    const logTo = (node: string) => this.#logTo(node);
    const running = await startTestParticipant({ name, storage, autoInit, waitUntilReady: autoInit, logTo });
    const id = autoInit ? `PAR::${await uidOf(running)}` : "";
    this.#participants.set(name, { storage, running, id });
    const { server, port } = await serve(() => running.metrics.registry.metrics());
    this.#servers.push(server);
    this.#outputs[name] = {
      role: "participant",
      id,
      adminApi: local(running.adminPort),
      ledgerApi: local(running.ledgerPort),
      health: local(port),
      metrics: `${local(port)}/metrics`,
    };
    const domain = { id: this.#domainId, alias: "mydomain", sequencers: this.#urls, policy: "permissioned" };
    const outputs = { domain, nodes: this.#outputs, parties: {}, console: "./scripts/console" };
    await writeFile(join(this.home, "outputs.json"), JSON.stringify(outputs));
  }

  /** A participant's member id. */
  idOf(name: string): string {
    return this.#participants.get(name)?.id ?? "";
  }

  /** A path in a folder that ends with the network. */
  path(name: string): string {
    return join(this.home, name);
  }

  /** Runs a console command to its end. */
  async console(args: readonly string[], input?: string): Promise<Ended> {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, CANTON_HOME: this.home, NODE_COMPILE_CACHE: compileCache },
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    const texts = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.on("data", (data: Buffer) => {
        texts[stream] += data.toString();
      });
    }
    child.stdin?.end(input);
    const [code] = (await once(child, "close")) as [number | null];
    return { code, ...texts };
  }

  /** What a command prints with `--json`. */
  async json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.console([...args, "--json"]);
    if (code !== 0) throw new Error(`console ${args.join(" ")} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** What a command prints; it has to succeed. */
  async text(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.console(args);
    if (code !== 0) throw new Error(`console ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  }

  /** What a command that is refused says. */
  async refusal(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.console(args);
    if (code === 0) throw new Error(`console ${args.join(" ")} was not refused: ${stdout}`);
    return stderr;
  }

  /** Admits a participant and connects it: what most of the other commands begin from. */
  async join(name: string): Promise<void> {
    await this.text("set-state", name, "Submission");
    await this.text("domains", "connect-multi", "mydomain", ...this.urls, "--node", name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#participants.values()].map(({ running }) => running.stop()));
    await this.#nodes[Symbol.asyncDispose]();
    for (const server of this.#servers) server.close();
    await rm(this.home, { recursive: true, force: true });
  }
}

/** Nodes whose health and metrics nobody asks for in tests. */
const nowhere = { health: "http://127.0.0.1:9", metrics: "http://127.0.0.1:9/metrics" };

function local(port: number): string {
  return `http://127.0.0.1:${port}`;
}

async function serve(text: () => Promise<string>): Promise<{ server: Server; port: number }> {
  const server = createServer((_request, response) => {
    void text().then((body) => response.end(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port to be had on loopback");
  return { server, port: address.port };
}
