/** The shared database of a domain's sequencers, opened, and the parts of a sequencer that work on it. */
import type { StorageConfig } from "@pulumi-canton/runtime/config.ts";
import { type Database, openDatabase } from "@pulumi-canton/runtime/database.ts";
import type { Health } from "@pulumi-canton/runtime/health.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type { Metrics } from "@pulumi-canton/runtime/metrics.ts";
import { AgreementAcceptances } from "./agreement-acceptances.ts";
import { BatchWriter, type BatchWriterOptions } from "./batch-writer.ts";
import { EventReader, type EventReaderOptions } from "./event-reader.ts";
import { listenToHead } from "./head-listener.ts";
import { MemberRegistry } from "./member-registry.ts";

/** What works on the backend in one sequencer process. */
export interface Backend {
  readonly database: Database;
  readonly members: MemberRegistry;
  readonly acceptances: AgreementAcceptances;
  readonly writer: BatchWriter;
  readonly reader: EventReader;
  /** Calls back whenever the list of disabled members was read again. */
  onMembersChanged: (() => void) | undefined;
  /** Finishes what is being written and closes the connections. */
  close(): Promise<void>;
}

/** Parts that tests and benchmarks set. */
export interface BackendTuning {
  writer?: Omit<BatchWriterOptions, "database" | "logger">;
  reader?: Omit<EventReaderOptions, "database" | "logger" | "onState">;
}

/**
 * Opens the backend: waits for its database and creates the tables that are missing.
 *
 * @param options.health gets the component `sequencer-backend`
 * @throws ConfigError as `openDatabase`
 */
export async function openBackend(
  options: {
    storage: StorageConfig;
    logger: Logger;
    health?: Health;
    metrics?: Metrics;
    signal?: AbortSignal;
  } & BackendTuning,
): Promise<Backend> {
  const { storage, logger, health, metrics, signal } = options;
  const database = await openDatabase({
    storage,
    migrations: [{ folder: new URL("./migrations/", import.meta.url), table: "migrations_sequencer_backend" }],
    logger,
    signal,
    health,
    metrics,
    configKey: "backend",
    applicationName: "sequencer backend",
  });
  const members = new MemberRegistry(database);
  await members.refresh();
  const writer = new BatchWriter({ ...options.writer, database, logger });
  const reader = new EventReader({
    ...options.reader,
    database,
    logger,
    onState: (error) =>
      health?.set("sequencer-backend", error === undefined ? "ok" : { failed: "the event log cannot be read" }),
  });
  const stop = new AbortController();
  const backend: Backend = {
    database,
    members,
    acceptances: new AgreementAcceptances(database),
    writer,
    reader,
    onMembersChanged: undefined,
    close: async () => {
      await writer.close();
      stop.abort();
      await Promise.all([reader.close(), listening]);
      await database.close();
    },
  };
  const onNotify = (what: string) => {
    if (what !== "members") return reader.wake();
    members.refresh().then(
      () => backend.onMembersChanged?.(),
      (error: unknown) => logger.warn({ error }, "The list of disabled members could not be read"),
    );
  };
  const listening = listenToHead({ storage, signal: stop.signal, logger, onNotify });
  return backend;
}
