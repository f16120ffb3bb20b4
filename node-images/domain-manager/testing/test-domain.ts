/** A domain for tests: real nodes in this process, each with a database of its own. */

import { checkConfig, type InitConfig } from "@pulumi-canton/runtime/config.ts";
import { Health } from "@pulumi-canton/runtime/health.ts";
import { createLogger, type LogDestination, type Logger, silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createMetrics } from "@pulumi-canton/runtime/metrics.ts";
import type { NodeContext } from "@pulumi-canton/runtime/node.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { mediatorSchema } from "../../mediator/config.ts";
import { type RunningMediator, startMediator } from "../../mediator/node.ts";
import { type SequencerConfigInput, sequencerSchema } from "../../sequencer/config.ts";
import { type RunningSequencer, startSequencer } from "../../sequencer/sequencer-node.ts";
import { domainManagerSchema } from "../config.ts";
import { type RunningDomainManager, startDomainManager } from "../node.ts";

const http = { address: "127.0.0.1", port: 0 };
const admin = { address: "127.0.0.1", port: 0 };

/** What a test sets of a sequencer's configuration. */
export type SequencerSettings = Partial<
  Pick<SequencerConfigInput, "termsOfService" | "authentication" | "onboardingsPerMinute">
> & { publicApi?: { tls: { certChainFile: string; privateKeyFile: string } } };

/** Where the log of a node goes. */
export type LogTo = (node: string) => LogDestination;

/** What a node is started with; `failure` settles when the node says that it cannot go on. */
export function testContext(name: string, role: string, logTo?: LogTo): NodeContext & { readonly failures: unknown[] } {
  const logger: Logger =
    logTo !== undefined
      ? createLogger({ node: name, role, level: "info", destination: logTo(name) })
      : process.env["TEST_LOGS"] === undefined
        ? silentLogger
        : createLogger({ node: name, role, level: "info" });
  const failures: unknown[] = [];
  return {
    logger,
    health: new Health(),
    metrics: createMetrics({}, { processMetrics: false }),
    signal: new AbortController().signal,
    fail: (error) => failures.push(error),
    failures,
  };
}

/** Nodes and databases that a test has started; all end with it. */
export class TestDomain implements AsyncDisposable {
  readonly #databases: TestDatabase[] = [];
  readonly #running = new Set<{ close(): Promise<void> }>();
  readonly #postgresUrl: string | undefined;
  #backend: TestDatabase | undefined;
  readonly #logTo: LogTo | undefined;

  /**
   * @param postgresUrl of a superuser; default that of the test run
   * @param logTo default: nowhere, or standard output when TEST_LOGS is set
   */
  constructor(postgresUrl?: string, logTo?: LogTo) {
    this.#postgresUrl = postgresUrl;
    this.#logTo = logTo;
  }

  async database(): Promise<TestDatabase> {
    const database = await createTestDatabase(this.#postgresUrl);
    this.#databases.push(database);
    return database;
  }

  /** Starts a sequencer on the shared backend. `settings` are further keys of its configuration. */
  async sequencer(
    name: string,
    options: {
      database?: TestDatabase;
      adminPort?: number;
      publicPort?: number;
      auto?: boolean;
      settings?: SequencerSettings | undefined;
    } = {},
  ): Promise<RunningSequencer & { readonly name: string; readonly database: TestDatabase }> {
    const database = options.database ?? (await this.database());
    this.#backend ??= await this.database();
    const { publicApi, ...settings } = options.settings ?? {};
    const config = checkConfig(sequencerSchema, {
      ...settings,
      name,
      adminApi: { ...admin, port: options.adminPort ?? 0 },
      publicApi: { ...admin, ...publicApi, port: options.publicPort ?? 0 },
      health: http,
      storage: { ...database.storage, maxConnections: 4 },
      backend: { ...this.#backend.storage, maxConnections: 4 },
      init: { auto: options.auto ?? true },
    });
    const context = testContext(name, "sequencer", this.#logTo);
    const running = await startSequencer(config, context);
    context.health.markStarted();
    return { ...this.#track(running), name, database };
  }

  /** Starts a mediator. */
  async mediator(
    name: string,
    options: { database?: TestDatabase; adminPort?: number; auto?: boolean } = {},
  ): Promise<RunningMediator & { readonly name: string; readonly database: TestDatabase }> {
    const database = options.database ?? (await this.database());
    const config = checkConfig(mediatorSchema, {
      name,
      adminApi: { ...admin, port: options.adminPort ?? 0 },
      health: http,
      storage: { ...database.storage, maxConnections: 4 },
      init: { auto: options.auto ?? true },
    });
    const context = testContext(name, "mediator", this.#logTo);
    const running = await startMediator(config, context);
    context.health.markStarted();
    return { ...this.#track(running), name, database };
  }

  /** Starts the domain manager. */
  async manager(options: {
    sequencers?: readonly { name: string; adminPort: number; publicPort: number }[];
    /** The authority of the sequencers' certificates, when they speak TLS. */
    sequencersCaFile?: string | undefined;
    mediators?: readonly { name: string; adminPort: number }[];
    policy?: "open" | "permissioned";
    auto?: boolean;
    nodeIdentifier?: InitConfig["identity"]["nodeIdentifier"];
    database?: TestDatabase;
  }): Promise<
    RunningDomainManager & { readonly database: TestDatabase; readonly context: ReturnType<typeof testContext> }
  > {
    const database = options.database ?? (await this.database());
    const context = testContext("mydomain", "domain-manager", this.#logTo);
    const config = checkConfig(domainManagerSchema, {
      ...managerConfig({ ...options, sequencers: options.sequencers ?? [], mediators: options.mediators ?? [] }),
      storage: { ...database.storage, maxConnections: 4 },
    });
    const running = await startDomainManager(config, context);
    context.health.markStarted();
    return { ...this.#track(running), database, context };
  }

  #track<T extends { close(): Promise<void> }>(running: T): T {
    const tracked = {
      ...running,
      close: async () => {
        this.#running.delete(tracked);
        await running.close();
      },
    };
    this.#running.add(tracked);
    return tracked;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.close()));
    await Promise.all(this.#databases.map((database) => database.drop()));
  }
}

/** The part of a domain manager's configuration that is not about its own database. */
export function managerConfig(options: {
  sequencers: readonly { name: string; adminPort: number; publicPort: number }[];
  sequencersCaFile?: string | undefined;
  mediators: readonly { name: string; adminPort: number }[];
  policy?: "open" | "permissioned";
  auto?: boolean;
  nodeIdentifier?: InitConfig["identity"]["nodeIdentifier"];
}) {
  const { sequencersCaFile: caFile } = options;
  return {
    name: "mydomain",
    adminApi: admin,
    health: http,
    init: {
      auto: options.auto ?? true,
      ...(options.nodeIdentifier === undefined ? {} : { identity: { nodeIdentifier: options.nodeIdentifier } }),
    },
    domain: {
      onboarding: { policy: options.policy ?? "permissioned" },
      sequencers: options.sequencers.map(({ name, adminPort, publicPort }) => ({
        name,
        adminApi: { address: "127.0.0.1", port: adminPort },
        publicApi: `${caFile === undefined ? "http" : "https"}://127.0.0.1:${publicPort}`,
        ...(caFile === undefined ? {} : { publicApiCaFile: caFile }),
      })),
      mediators: options.mediators.map(({ name, adminPort }) => ({
        name,
        adminApi: { address: "127.0.0.1", port: adminPort },
      })),
    },
  };
}

/** Looks again and again until a value is there; the look that throws last is what a timeout tells. */
export async function eventually<T>(look: () => Promise<T | undefined>, withinMs = 20_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last: unknown = "nothing yet";
  while (performance.now() < deadline) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`not within ${withinMs} ms`, { cause: last });
}
