import type { Client } from "@grpc/grpc-js";
import type { LogTo } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import { eventually } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import { checkConfig, type InitConfig, type StorageConfig } from "@pulumi-canton/runtime/config.ts";
import { type ClientConstructor, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { Health } from "@pulumi-canton/runtime/health.ts";
import { createLogger, silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createMetrics, type Metrics } from "@pulumi-canton/runtime/metrics.ts";
import { participantSchema } from "../config.ts";
import { startParticipant } from "../participant-node.ts";

/** Set to a log level to see what the participants of a test log. */
const logLevel = process.env.PARTICIPANT_TEST_LOG;

/** A participant in this process, with clients for its APIs. */
export interface TestParticipant extends AsyncDisposable {
  readonly name: string;
  readonly health: Health;
  readonly failures: unknown[];
  readonly metrics: Metrics;
  readonly adminPort: number;
  readonly ledgerPort: number;
  admin<C extends Client>(constructor: ClientConstructor<C>): C;
  ledger<C extends Client>(constructor: ClientConstructor<C>): C;
  /** Stops it as a signal does. */
  stop(): Promise<void>;
}

/** Starts a participant on free ports and, unless told otherwise, waits until it is ready. */
export async function startTestParticipant(options: {
  readonly name: string;
  readonly storage: StorageConfig;
  readonly autoInit?: boolean;
  readonly nodeIdentifier?: InitConfig["identity"]["nodeIdentifier"];
  readonly waitUntilReady?: boolean;
  readonly domains?: Record<string, string>;
  /** What the configuration says of the Ledger API besides its port. */
  readonly ledgerApi?: Record<string, unknown>;
  /** Where its log goes. Default: nowhere, or standard error when PARTICIPANT_TEST_LOG is set. */
  readonly logTo?: LogTo;
}): Promise<TestParticipant> {
  const { name, storage } = options;
  const config = checkConfig(participantSchema, {
    name,
    adminApi: { port: 0 },
    ledgerApi: { port: 0, ...options.ledgerApi },
    health: { port: 0 },
    storage,
    init: {
      auto: options.autoInit ?? true,
      ...(options.nodeIdentifier === undefined ? {} : { identity: { nodeIdentifier: options.nodeIdentifier } }),
    },
    ...(options.domains === undefined ? {} : { domains: options.domains }),
  });
  const logger =
    options.logTo !== undefined
      ? createLogger({ node: name, role: "participant", destination: options.logTo(name) })
      : logLevel === undefined
        ? silentLogger
        : createLogger({
            node: name,
            role: "participant",
            level: logLevel as "debug",
            destination: { write: (line) => void process.stderr.write(line) },
          });
  const health = new Health();
  const metrics = createMetrics({}, { processMetrics: false });
  const stopping = new AbortController();
  const failures: unknown[] = [];
  const running = await startParticipant(config, {
    logger,
    health,
    metrics,
    signal: stopping.signal,
    fail: (error) => failures.push(error),
  });
  health.markStarted();
  if (options.waitUntilReady ?? true)
    await eventually(async () => health.whyNotReady() === undefined || undefined, 15_000);
  const clients: Client[] = [];
  const clientOf = <C extends Client>(constructor: ClientConstructor<C>, port: number): C => {
    const client = connect(constructor, { address: "127.0.0.1", port });
    clients.push(client);
    return client;
  };
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      for (const client of clients) client.close();
      stopping.abort(new Error("the test stops the participant"));
      await running.close();
    })();
    return stopped;
  };
  return {
    name,
    health,
    failures,
    metrics,
    adminPort: running.adminPort,
    ledgerPort: running.ledgerPort,
    admin: (constructor) => clientOf(constructor, running.adminPort),
    ledger: (constructor) => clientOf(constructor, running.ledgerPort),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
