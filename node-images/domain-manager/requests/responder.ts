/** Sends the answers to registration requests, oldest first. */
import { abortableSleep, backoffDelays } from "@pulumi-canton/runtime/backoff.ts";
import { describeError, isCantonError } from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type { Wakeup } from "../dispatch/wakeup.ts";
import { type RequestStore, responseMessageId, type WaitingResponse } from "./request-store.ts";

/** How often an answer that the sequencer refuses to deliver is tried: who asked may have gone away for good. */
const maxAttempts = 3;

/** What the responder works with. */
export interface ResponderOptions {
  readonly store: RequestStore;
  /** Resolves once the message is sequenced; throws SEQUENCER_DELIVER_ERROR when it never will be. */
  readonly send: (
    message: { messageId: string; content: Buffer; recipients: readonly string[] },
    signal: AbortSignal,
  ) => Promise<unknown>;
  /** Rung when requests were decided. */
  readonly wakeup: Wakeup;
  readonly logger: Logger;
}

/** Runs until the signal aborts. @throws the signal's reason */
export async function runResponder(options: ResponderOptions, signal: AbortSignal): Promise<never> {
  const { store, wakeup, logger } = options;
  let delays = backoffDelays({ maxDelayMs: 5_000 });
  while (true) {
    signal.throwIfAborted();
    const rung = wakeup.arm();
    try {
      const waiting = await store.waiting();
      for (const response of waiting) await answer(options, response, signal);
      if (waiting.length === 0) await rung(signal);
      delays = backoffDelays({ maxDelayMs: 5_000 });
    } catch (error) {
      signal.throwIfAborted();
      const delayMs = delays.next().value;
      logger.warn({ error: describeError(error), delayMs }, "Answering registration requests failed, trying again");
      await abortableSleep(delayMs, signal);
    }
  }
}

async function answer(
  { store, send, logger }: ResponderOptions,
  response: WaitingResponse,
  signal: AbortSignal,
): Promise<void> {
  const { recipient, content } = response;
  try {
    await send({ messageId: responseMessageId(response), content, recipients: [recipient] }, signal);
  } catch (error) {
    if (!isCantonError(error) || error.reason !== "SEQUENCER_DELIVER_ERROR") throw error;
    if (response.attempt + 1 < maxAttempts) {
      await store.nextAttempt(response);
      throw error;
    }
    // It asks again when it is back: what it asked for is decided either way.
    logger.warn({ recipient, error: describeError(error) }, "The answer to a registration request cannot be delivered");
  }
  await store.done(response);
}
