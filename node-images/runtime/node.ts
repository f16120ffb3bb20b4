/** The life of a node's process, the same for every role: arguments, configuration, start, signals, failure, exit codes. */
import { parseArgs } from "node:util";
import { setLogger } from "@grpc/grpc-js";
import type { z } from "zod";
import { type BaseNodeConfig, ConfigError, loadConfig } from "./config.ts";
import { type Diagnostics, diagnostics, LogTail } from "./diagnostics.ts";
import { describeError } from "./errors.ts";
import { Health, type RunningHttp, startHttp } from "./health.ts";
import { exposeHealth } from "./health-metrics.ts";
import { createLogger, type Logger, standardOutput } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { PortInUseError } from "./port-in-use.ts";

/** Exit codes of a node, those of sysexits.h where it has one. */
export const ExitCode = {
  ok: 0,
  /** Start-up failed, or closing took too long. */
  failure: 1,
  /** Wrong arguments. */
  usage: 64,
  /** An error that nobody handled. */
  software: 70,
  /** A port is taken: may go away by itself. */
  temporary: 75,
  /** The configuration must be corrected first: restarting does not help. */
  config: 78,
} as const;

/** What a node gets to work with. */
export interface NodeContext {
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
  /** For the role's StatusService; absent where a node is not a process of its own. */
  readonly diagnostics?: Diagnostics;
  /** Aborts when the process is asked to stop, also during the start. */
  readonly signal: AbortSignal;
  /** Ends the process after an error that the node cannot recover from: closes what it can and exits with 70. */
  readonly fail: (error: unknown) => void;
}

/** A node that runs. */
export interface RunningNode {
  /** Finishes what is in progress and closes everything. Given 15 seconds in all. */
  close(): Promise<void>;
}

/** What makes a role's program. */
export interface NodeOptions<S extends z.ZodType<BaseNodeConfig>> {
  /** For example `sequencer`: in logs, metrics and `--help`. */
  role: string;
  /** The role's configuration: `baseNodeSchema`, extended. */
  schema: S;
  /**
   * Starts the node: resolves when it serves. Probes and metrics are already served. On failure it closes what it opened.
   *
   * @throws ConfigError, PortInUseError: told without a stack
   */
  start: (config: z.output<S>, context: NodeContext) => Promise<RunningNode>;
}

const closeGraceMs = 15_000;

/** The part of a node's health that says which revision it is, where its surroundings gave it one. */
export function revisionComponent(revision: string): string {
  return `revision ${revision}`;
}

function usage(role: string): string {
  return `Runs a ${role} node.

Usage: node main.ts --config FILE [--check-config]

  --config FILE    the node's configuration, YAML
  --check-config   check the configuration and exit
  --help           this text

Exit codes: 0 stopped on request, 1 start or stop failed, 64 wrong arguments,
70 unexpected error, 75 a port is taken, 78 the configuration must be corrected.
`;
}

function exitWith(code: number, text: string): never {
  process.stderr.write(text.endsWith("\n") ? text : `${text}\n`);
  process.exit(code);
}

function readArguments(role: string): { file: string; checkOnly: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        config: { type: "string" },
        "check-config": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage(role));
      process.exit(ExitCode.ok);
    }
    if (values.config !== undefined) return { file: values.config, checkOnly: values["check-config"] };
    return exitWith(ExitCode.usage, `--config FILE is required\n\n${usage(role)}`);
  } catch (error) {
    return exitWith(ExitCode.usage, `${(error as Error).message}\n\n${usage(role)}`);
  }
}

function readConfig<S extends z.ZodType<BaseNodeConfig>>(schema: S, file: string): z.output<S> {
  try {
    return loadConfig(schema, file);
  } catch (error) {
    if (error instanceof ConfigError) return exitWith(ExitCode.config, error.message);
    throw error;
  }
}

/**
 * Runs a node until it is asked to stop: a role's whole `main.ts`. Does not return before the process is to end.
 *
 * SIGTERM and SIGINT close the node in order; a second one ends the process at once. An error that nobody handled is logged
 * and ends the process: a supervisor starts it again from a known state.
 */
export async function runNode<S extends z.ZodType<BaseNodeConfig>>(options: NodeOptions<S>): Promise<void> {
  const { role, schema } = options;
  const { file, checkOnly } = readArguments(role);
  const config = readConfig(schema, file);
  if (checkOnly) {
    process.stdout.write(`${file} is a valid configuration for the role ${role}\n`);
    process.exit(ExitCode.ok);
  }
  const log = new LogTail(standardOutput());
  const logger = createLogger({ node: config.name, role, level: config.logging.level, destination: log });
  // The gRPC library would write to stderr in a form of its own; what matters also comes as errors.
  const library = (...text: unknown[]) =>
    logger.debug({ library: "grpc", text: text.map(String).join(" ") }, "gRPC library");
  setLogger({ error: library, info: library, debug: library });
  const health = new Health(logger);
  // Whoever asked for another configuration or program can ask whether it is the one that answers.
  const revision = process.env["NODE_REVISION"];
  if (revision) health.set(revisionComponent(revision), "ok");
  const metrics = createMetrics({ node: config.name, role });
  exposeHealth(health, metrics);
  const stopping = new AbortController();

  let http: RunningHttp | undefined;
  let running: RunningNode | undefined;
  let exiting = false;
  const exit = async (code: number): Promise<void> => {
    if (exiting) return;
    exiting = true;
    health.markStopping();
    const timer = setTimeout(() => {
      logger.error({ graceMs: closeGraceMs }, "Closing took too long");
      process.exit(code === ExitCode.ok ? ExitCode.failure : code);
    }, closeGraceMs);
    let failed = false;
    try {
      await running?.close();
      await http?.close();
    } catch (error) {
      failed = true;
      logger.error({ error }, "Closing failed");
    }
    clearTimeout(timer);
    logger.info({ exitCode: code }, "Stopped");
    process.exit(failed && code === ExitCode.ok ? ExitCode.failure : code);
  };
  const fail = (error: unknown): void => {
    logger.fatal({ error }, "The node cannot go on");
    health.markFatal(`the node cannot go on: ${describeError(error)}`);
    stopping.abort(error);
    void exit(ExitCode.software);
  };
  process.on("uncaughtException", (error, origin) => {
    logger.fatal({ error, origin }, "An error was not handled: the process ends");
    process.exit(ExitCode.software);
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping.signal.aborted) {
      logger.warn({ signal }, "Asked to stop again: the process ends at once");
      process.exit(ExitCode.failure);
    }
    logger.info({ signal }, "Asked to stop");
    stopping.abort(new Error(`asked to stop by ${signal}`));
    // During the start the abort makes `start` end; the exit is then below.
    if (running !== undefined) void exit(ExitCode.ok);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);

  try {
    http = await startHttp({ health, healthConfig: config.health, metrics, metricsConfig: config.metrics, logger });
    logger.info({ healthPort: http.healthPort, metricsPort: http.metricsPort }, "Serving health and metrics");
    running = await options.start(config, {
      logger,
      health,
      metrics,
      diagnostics: diagnostics({ config, health, metrics, log }),
      signal: stopping.signal,
      fail,
    });
  } catch (error) {
    if (stopping.signal.aborted) return await exit(ExitCode.ok);
    if (error instanceof ConfigError || error instanceof PortInUseError) {
      logger.fatal({ reason: error.message }, "The node cannot start");
      process.stderr.write(`${error.message}\n`);
      return await exit(error instanceof ConfigError ? ExitCode.config : ExitCode.temporary);
    }
    logger.fatal({ error }, "The node cannot start");
    return await exit(ExitCode.failure);
  }
  if (stopping.signal.aborted) return await exit(ExitCode.ok);
  health.markStarted();
  logger.info("Started");
}
