/** The supervisor itself: all processes of one home, and the socket that clients talk to. */
import { chmodSync, existsSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { z } from "zod";
import type { LocalHome } from "../home.ts";
import { type Answer, onLines, protocolVersion, type Request, requestSchema, shortPath } from "./control-socket.ts";
import { defaultLogLimits, rotateLog } from "./log-file.ts";
import { namesIn, readSpec, readState, type SupervisorFiles, supervisorFiles } from "./process-spec.ts";
import { SupervisedProcess } from "./supervised-process.ts";

/** How often logs are looked at, in milliseconds. */
const rotateEveryMs = 1_000;

/** Keeps the processes of one home running. Exactly one may run for a home; `main.ts` sees to that. */
export class Supervisor {
  readonly #files: SupervisorFiles;
  readonly #log: (message: string) => void;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #processes = new Map<string, SupervisedProcess>();
  readonly #connections = new Set<Socket>();
  /** What concerns one process follows one another: a new spec may come while the old process is still ending. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #server: Server | undefined;
  #timer: NodeJS.Timeout | undefined;
  #path: { readonly path: string; release(): void } | undefined;
  #finish: () => void = () => undefined;
  /** Resolves when the supervisor has nothing more to do. */
  readonly finished: Promise<void>;

  /**
   * @param options.environment small environment that every process gets
   * @param options.log takes one line a call
   */
  constructor(options: {
    home: LocalHome;
    environment: Readonly<Record<string, string>>;
    log: (message: string) => void;
  }) {
    this.#files = supervisorFiles(options.home);
    this.#environment = options.environment;
    this.#log = options.log;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Listens, adopts or starts what the spec files say, and ends what they say no more. */
  async begin(): Promise<void> {
    await this.#listen();
    this.#timer = setInterval(() => this.#lookAround(), rotateEveryMs);
    const wanted = new Set(namesIn(this.#files.specs));
    const unwanted = namesIn(this.#files.states).filter((name) => !wanted.has(name));
    await Promise.all([
      ...[...wanted].map((name) => this.#apply(name).catch((error: Error) => this.#log(error.message))),
      ...unwanted.map((name) => this.#remove(name).catch((error: Error) => this.#log(error.message))),
    ]);
  }

  /** Ends every process, keeps the specs (the next supervisor starts them again), and finishes. */
  async stop(): Promise<void> {
    this.#log("stops all processes");
    await Promise.all([...this.#processes.values()].map((process) => process.stop()));
    this.#close();
  }

  /** Finishes and leaves every process running. */
  async leave(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.leave()));
    this.#close();
  }

  #inTurn(name: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(work);
    this.#turns.set(
      name,
      turn.catch(() => undefined),
    );
    return turn;
  }

  #apply(name: string): Promise<void> {
    return this.#inTurn(name, () => this.#start(name));
  }

  #remove(name: string): Promise<void> {
    return this.#inTurn(name, async () => {
      // The spec goes first: a supervisor that takes over half-way sees that the process is not wanted.
      rmSync(this.#files.spec(name), { force: true });
      await this.#discard(name);
      if (this.#isIdle()) this.#close();
    });
  }

  #isIdle(): boolean {
    return this.#processes.size === 0 && namesIn(this.#files.specs).length === 0;
  }

  async #start(name: string): Promise<void> {
    const spec = readSpec(this.#files, name);
    if (spec === undefined) throw new Error(`no process ${name}: ${this.#files.spec(name)} does not exist`);
    if (spec.name !== name) throw new Error(`${this.#files.spec(name)} names ${spec.name}; its name must be ${name}`);
    const known = this.#processes.get(name);
    if (known) return known.apply(spec);
    const process = new SupervisedProcess({
      files: this.#files,
      spec,
      state: readState(this.#files, name),
      environment: this.#environment,
      log: this.#log,
    });
    this.#processes.set(name, process);
    await process.begin();
  }

  /** Ends a process that no spec asks for. */
  async #discard(name: string): Promise<void> {
    const known = this.#processes.get(name);
    if (known) {
      await known.remove();
      this.#processes.delete(name);
      return;
    }
    const state = readState(this.#files, name);
    if (state === undefined) return rmSync(this.#files.state(name), { force: true });
    const orphan = new SupervisedProcess({
      files: this.#files,
      spec: {
        name,
        command: "none",
        args: [],
        env: {},
        cwd: "/",
        stopSignal: "SIGINT",
        stopDeadlineMs: 15_000,
        log: defaultLogLimits,
        revision: "",
      },
      state,
      environment: {},
      log: this.#log,
    });
    await orphan.remove();
  }

  #lookAround(): void {
    if (!existsSync(this.#files.specs)) {
      this.#log(`${this.#files.specs} is gone: ends with all processes`);
      this.stop().catch((error: Error) => {
        this.#log(error.message);
        this.#close();
      });
      return;
    }
    // Nothing to run, as after a start that failed: a later client starts another supervisor.
    if (this.#isIdle()) return this.#close();
    rotateLog(this.#files.log, defaultLogLimits);
    for (const [name, process] of this.#processes) {
      try {
        process.rotate();
      } catch (error) {
        this.#log(`${name}: its log could not be rotated: ${(error as Error).message}`);
      }
    }
  }

  async #listen(): Promise<void> {
    rmSync(this.#files.socket, { force: true });
    this.#path = shortPath(this.#files.socket);
    const { path } = this.#path;
    const server = createServer((socket) => this.#serve(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ path }, resolve);
    });
    chmodSync(this.#files.socket, 0o600);
    this.#server = server;
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.once("close", () => this.#connections.delete(socket));
    socket.on("error", () => undefined);
    onLines(socket, (line) => {
      this.#answer(line).then((answer) => socket.write(`${JSON.stringify(answer)}\n`));
    });
  }

  async #answer(line: string): Promise<Answer> {
    try {
      const request = requestSchema.safeParse(JSON.parse(line));
      if (!request.success) return { error: z.prettifyError(request.error) };
      await this.#perform(request.data);
      return {
        version: protocolVersion,
        pid: process.pid,
        processes: [...this.#processes.values()].map((process) => process.state),
      };
    } catch (error) {
      return { error: (error as Error).message };
    }
  }

  async #perform(request: Request): Promise<void> {
    if (request.op === "apply") await this.#apply(request.name);
    if (request.op === "remove") await this.#remove(request.name);
    if (request.op === "leave") await this.leave();
  }

  #close(): void {
    clearInterval(this.#timer);
    this.#server?.close(() => this.#path?.release());
    rmSync(this.#files.socket, { force: true });
    // Answers under way still go out; then each connection ends.
    setImmediate(() => {
      for (const connection of this.#connections) connection.end();
    });
    this.#finish();
  }
}
