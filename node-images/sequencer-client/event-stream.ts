/** The checks that turn what a sequencer sends into events that a member may act on. */
import { decodeSequencedEvent } from "@pulumi-canton/protocol/envelope/sequenced-event.ts";
import { decodeSignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";
import type { VersionedSubscriptionResponse } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_service.ts";
import { formatMicros } from "@pulumi-canton/protocol/timestamp.ts";
import type { EventVerifier, ReceivedEvent } from "./received-event.ts";

/** The most bytes that a batch may have once it is unpacked: what a gRPC client of ours takes as one message. */
const maxBatchBytes = 64 * 1024 * 1024;

/** A sequencer sent something that does not belong into the stream. Another sequencer may do better. */
export class InconsistentStream extends Error {
  override readonly name = "InconsistentStream";
}

/** Where a member is in its stream. */
export class StreamPosition {
  #nextCounter: bigint;
  #lastTimestamp: bigint | undefined;
  readonly #domainId: string;
  readonly #verifyEvent: EventVerifier | undefined;

  constructor(domainId: string, fromCounter: bigint, verifyEvent: EventVerifier | undefined) {
    this.#domainId = domainId;
    this.#nextCounter = fromCounter;
    this.#verifyEvent = verifyEvent;
  }

  /** The counter of the event that is expected next. */
  get nextCounter(): bigint {
    return this.#nextCounter;
  }

  /** Decodes and checks the next event; the position stays until `delivered`. @throws InconsistentStream */
  async check(response: VersionedSubscriptionResponse): Promise<ReceivedEvent> {
    let event: ReceivedEvent;
    try {
      const signed = decodeSignedContent(response.signedSequencedEvent);
      const decoded = decodeSequencedEvent(signed.content, maxBatchBytes);
      const { counter, timestamp, domainId, messageId } = decoded;
      event = {
        counter,
        timestamp,
        domainId,
        messageId,
        envelopes: decoded.kind === "deliver" ? decoded.envelopes : [],
        deliverError: decoded.kind === "deliver-error" ? decoded.reason.text : undefined,
        traceparent: response.traceContext?.traceparent,
        signed,
      };
      this.#checkPlace(event);
      await this.#verifyEvent?.(event, signed.content);
    } catch (error) {
      if (error instanceof InconsistentStream) throw error;
      throw new InconsistentStream(error instanceof Error ? error.message : String(error), { cause: error });
    }
    return event;
  }

  /** The event was handled: the next one is expected. */
  delivered(event: ReceivedEvent): void {
    this.#nextCounter = event.counter + 1n;
    this.#lastTimestamp = event.timestamp;
  }

  #checkPlace(event: ReceivedEvent): void {
    if (event.domainId !== this.#domainId) {
      throw new InconsistentStream(`an event of the domain ${event.domainId} came in a stream of ${this.#domainId}`);
    }
    if (event.counter !== this.#nextCounter) {
      throw new InconsistentStream(`event ${this.#nextCounter} was expected and event ${event.counter} came`);
    }
    if (this.#lastTimestamp !== undefined && event.timestamp <= this.#lastTimestamp) {
      throw new InconsistentStream(
        `event ${event.counter} is of ${formatMicros(event.timestamp)}, not after the one before it (${formatMicros(this.#lastTimestamp)})`,
      );
    }
  }
}
