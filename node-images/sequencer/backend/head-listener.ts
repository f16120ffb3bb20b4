/** Hears from the database that the log has grown, over a connection of its own that is made again when it breaks. */
import { abortableSleep, backoffDelays } from "@pulumi-canton/runtime/backoff.ts";
import type { StorageConfig } from "@pulumi-canton/runtime/config.ts";
import { openConnection } from "@pulumi-canton/runtime/database.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type pg from "pg";

const pauses = { initialDelayMs: 50, maxDelayMs: 2_000 };

/**
 * Listens until the signal aborts.
 *
 * @param storage the database; the connection is not one of a pool's
 * @param onNotify told for every notification, with `members` when the list of members changed, and with `` for the log; also after every new connection, because what was notified in between is lost
 */
export async function listenToHead(options: {
  storage: StorageConfig;
  signal: AbortSignal;
  logger: Logger;
  onNotify: (what: string) => void;
}): Promise<void> {
  const { storage, signal, logger, onNotify } = options;
  let delays = backoffDelays(pauses);
  while (!signal.aborted) {
    let client: pg.Client | undefined;
    const ended = Promise.withResolvers<void>();
    const stop = () => ended.resolve();
    signal.addEventListener("abort", stop, { once: true });
    try {
      client = await openConnection(storage, { applicationName: "sequencer listener", configKey: "backend" });
      client.on("error", stop);
      client.on("end", stop);
      client.on("notification", ({ payload }) => onNotify(payload ?? ""));
      await client.query("LISTEN canton_sequencer");
      delays = backoffDelays(pauses);
      onNotify("members");
      onNotify("");
      await ended.promise;
    } catch (error) {
      logger.debug({ error }, "Cannot listen to the database yet; the log is polled meanwhile");
    } finally {
      signal.removeEventListener("abort", stop);
      await client?.end().catch(() => undefined);
    }
    if (signal.aborted) return;
    await abortableSleep(delays.next().value, signal).catch(() => undefined);
  }
}
