/** A member's stream, without gap or repeat, from whichever sequencer works. */
import { status } from "@grpc/grpc-js";
import {
  type CantonError,
  failedPrecondition,
  internal,
  isCantonError,
  unavailable,
} from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type { ConnectionSet, SequencerConnection } from "./connection-set.ts";
import { InconsistentStream, StreamPosition, UntrustedSequencer } from "./event-stream.ts";
import { isOutage, Refusals } from "./failover.ts";
import type { ReachedTime } from "./reached-time.ts";
import type { ReceivedEvent } from "./received-event.ts";
import type { SequencerAccess } from "./sequencer-access.ts";
import type { SequencerTrust } from "./sequencer-trust.ts";

/** How to subscribe. */
export interface SubscribeOptions {
  domainId: string;
  fromCounter: bigint;
  signal: AbortSignal;
  trust: SequencerTrust | undefined;
  /** See {@link StreamPosition}. */
  reached: ReachedTime;
  logger: Logger;
  /** See `SequencerClientOptions.refusalGraceMs`. */
  refusalGraceMs: number;
}

/** Reason of the error when no sequencer signs with a key of the domain's sequencers. */
export const untrustedSequencer = "SEQUENCER_NOT_TRUSTED";

/** How long events by an unknown key are held, in milliseconds, before the sequencer is left for another. */
const maxHoldMs = 30_000;

/** How many times in a row every sequencer may deliver what does not fit before the subscription gives up. */
const inconsistentRounds = 3;

/** Marks what the handler threw, so that it is not taken for a failure of the connection. */
class HandlerFailure extends Error {
  constructor(cause: unknown) {
    super("the handler of an event failed", { cause });
  }
}

/** Delivers events until the signal aborts. See `SequencerClient.subscribe`. */
export async function subscribeWithFailover(
  connections: ConnectionSet,
  access: SequencerAccess,
  handler: (event: ReceivedEvent, signal: AbortSignal) => Promise<void>,
  options: SubscribeOptions,
): Promise<void> {
  const { signal, logger, refusalGraceMs } = options;
  const position = new StreamPosition(options.domainId, options.fromCounter, options.trust, options.reached);
  let inconsistent = 0;
  const refusals = new Refusals(connections.size, refusalGraceMs);
  while (!signal.aborted) {
    let connection: SequencerConnection;
    try {
      connection = await connections.next(signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const before = position.nextCounter;
    const failure = await follow(connection, access, position, handler, options);
    if (signal.aborted) return;
    if (failure instanceof HandlerFailure) throw failure.cause;
    if (position.nextCounter > before) {
      inconsistent = 0;
      refusals.clear();
    }
    logger.info({ url: connection.url, counter: position.nextCounter, error: failure }, "Subscription interrupted");

    if (failure instanceof InconsistentStream) {
      connection.failed(failure);
      logger.error({ url: connection.url, error: failure }, "A sequencer delivered an event that does not fit");
      if (++inconsistent >= inconsistentRounds * connections.size) throw inconsistency(failure);
      continue;
    }
    if (isCantonError(failure) && failure.code === status.UNAUTHENTICATED) {
      access.rejected(connection);
      // The usual end of a token: on with a new one at the same sequencer, at once if it had worked.
      if (position.nextCounter === before) connection.failed(failure);
      continue;
    }
    connection.failed(failure);
    if (!isOutage(failure)) {
      if (!isCantonError(failure) || refusals.areFinal(connection)) throw failure;
    }
  }
}

/** Follows one sequencer until it fails; answers why. */
async function follow(
  connection: SequencerConnection,
  access: SequencerAccess,
  position: StreamPosition,
  handler: (event: ReceivedEvent, signal: AbortSignal) => Promise<void>,
  { signal, reached }: SubscribeOptions,
): Promise<unknown> {
  const untrusted = new AbortController();
  const giveUp = () => untrusted.abort(position.heldInVain());
  const stopListening = reached.onAdvance(() => {
    if (position.nothingToCome) giveUp();
  });
  let holding: NodeJS.Timeout | undefined;
  try {
    position.restart();
    const over = AbortSignal.any([signal, untrusted.signal]);
    for await (const response of access.subscribe(connection, position.nextCounter, over)) {
      const events = position.admit(response);
      if (position.holds) holding ??= setTimeout(giveUp, maxHoldMs);
      else {
        clearTimeout(holding);
        holding = undefined;
      }
      for (const event of events) {
        connection.succeeded();
        await handler(event, signal).catch((error: unknown) => {
          throw new HandlerFailure(error);
        });
        position.handled(event);
      }
    }
    return unavailable("SEQUENCER_UNAVAILABLE", `${connection.url} ended the subscription`);
  } catch (error) {
    return untrusted.signal.aborted && !signal.aborted ? untrusted.signal.reason : error;
  } finally {
    clearTimeout(holding);
    stopListening();
  }
}

function inconsistency(cause: InconsistentStream): CantonError {
  if (cause instanceof UntrustedSequencer) {
    return failedPrecondition(untrustedSequencer, `no sequencer is one of the domain: ${cause.message}`, { cause });
  }
  return internal(
    "SEQUENCER_STREAM_INCONSISTENT",
    `no sequencer delivers the stream as it has to be: ${cause.message}`,
    {
      cause,
      redacted: false,
    },
  );
}
