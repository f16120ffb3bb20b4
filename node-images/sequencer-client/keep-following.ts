/** What a node that lives on a domain does as long as it runs: it stays subscribed, and acknowledges what it has processed. */
import { abortableSleep, backoffDelays } from "@pulumi-canton/runtime/backoff.ts";
import { describeError } from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type { ReceivedEvent } from "./received-event.ts";
import type { SequencerClient } from "./sequencer-client.ts";

/**
 * Stays subscribed until the signal aborts; what interrupts the subscription is repeated with backoff.
 *
 * @param options.nextCounter the first event that was not processed yet
 * @param options.onState told that the subscription works (undefined), with every event, or why it does not
 * @throws the signal's reason
 */
export async function keepSubscribed(
  options: {
    readonly client: SequencerClient;
    readonly nextCounter: () => bigint;
    readonly handle: (event: ReceivedEvent) => Promise<void>;
    readonly onState: (problem: string | undefined) => void;
    readonly logger: Logger;
  },
  signal: AbortSignal,
): Promise<never> {
  const { client, nextCounter, handle, onState, logger } = options;
  let delays = backoffDelays({ maxDelayMs: 5_000 });
  onState("not connected yet");
  while (true) {
    signal.throwIfAborted();
    const fromCounter = nextCounter();
    const attempt = new AbortController();
    // A domain may be silent for long: the receipt of an empty message shows that the subscription works.
    const receipt = client
      .send({ envelopes: [] }, { signal: AbortSignal.any([signal, attempt.signal]) })
      .catch((error: unknown) => logger.debug({ error }, "An empty message was not sequenced"));
    try {
      await client.subscribe({ fromCounter, signal }, async (event) => {
        await handle(event);
        onState(undefined);
      });
      signal.throwIfAborted();
    } catch (error) {
      attempt.abort(new Error("the subscription was interrupted"));
      await receipt;
      signal.throwIfAborted();
      if (nextCounter() > fromCounter) delays = backoffDelays({ maxDelayMs: 5_000 });
      const delayMs = delays.next().value;
      onState(describeError(error));
      logger.warn({ error, delayMs }, "The subscription was interrupted, trying again");
      await abortableSleep(delayMs, signal);
    }
  }
}

/**
 * Acknowledges, every so often, what was processed since, until the signal aborts.
 *
 * @param options.processed up to which sequencing time everything is processed, in microseconds; undefined before the first event
 * @throws the signal's reason
 */
export async function keepAcknowledging(
  options: {
    readonly client: SequencerClient;
    readonly processed: () => bigint | undefined;
    readonly everyMs: number;
    readonly logger: Logger;
  },
  signal: AbortSignal,
): Promise<never> {
  const { client, processed, everyMs, logger } = options;
  let acknowledged = 0n;
  while (true) {
    await abortableSleep(everyMs, signal);
    const timestamp = processed() ?? 0n;
    if (timestamp <= acknowledged) continue;
    try {
      await client.acknowledge(timestamp, { signal });
      acknowledged = timestamp;
    } catch (error) {
      signal.throwIfAborted();
      logger.info({ error: describeError(error) }, "Acknowledging failed, trying again later");
    }
  }
}
