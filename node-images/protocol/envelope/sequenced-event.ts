import {
  type DeliverErrorReason as DeliverErrorReasonProto,
  SequencedEvent as SequencedEventProto,
} from "../gen/com/digitalasset/canton/protocol/v0/sequencing.ts";
import { checkUniqueIdentifier, type UniqueIdentifier } from "../identity/unique-identifier.ts";
import { decodeMessage, encodeMessage, fieldNotSet, invalidValue } from "../protocol-error.ts";
import { type Micros, timestampFromProto, timestampToProto } from "../timestamp.ts";
import { unwrapVersioned, wrapVersioned } from "../versioned-message.ts";
import { compressBatch, decompressBatch, type Envelope } from "./batch.ts";

/** Why a message was sequenced but delivered to nobody. */
export interface DeliverErrorReason {
  /** `batch_invalid`: the request as such is at fault; `batch_refused`: the request was fine but came too late, or similar. */
  kind: "batch_invalid" | "batch_refused";
  text: string;
}

interface EventHeader {
  /** Position in the stream of the member that gets the event: 0, 1, 2, … without gaps. */
  counter: bigint;
  /** Sequencing time: strictly increasing along the stream, unique in the domain. */
  timestamp: Micros;
  domainId: UniqueIdentifier;
}

/** Messages for the member; or, without envelopes, the receipt for a message of its own. */
export interface DeliverEvent extends EventHeader {
  kind: "deliver";
  /** Set only for the member that sent the message. */
  messageId?: string | undefined;
  /** The envelopes that are addressed to the member. */
  envelopes: Envelope[];
}

/** A message of the member was delivered to nobody. */
export interface DeliverErrorEvent extends EventHeader {
  kind: "deliver-error";
  messageId: string;
  reason: DeliverErrorReason;
}

/** An event of a member's stream. */
export type SequencedEvent = DeliverEvent | DeliverErrorEvent;

/** Version of the serialized `SequencedEvent`. */
const SEQUENCED_EVENT_VERSION = 0;

/** An event as the published message. @throws ProtocolError */
export function sequencedEventToProto(event: SequencedEvent): SequencedEventProto {
  return {
    counter: event.counter,
    timestamp: timestampToProto(event.timestamp),
    domainId: event.domainId,
    messageId: event.messageId,
    batch: event.kind === "deliver" ? compressBatch(event.envelopes) : undefined,
    deliverErrorReason: event.kind === "deliver-error" ? reasonToProto(event.reason) : undefined,
  };
}

/**
 * A checked event from the published message.
 *
 * @param maxBatchSize the most bytes that its batch may have once unpacked.
 * @throws ProtocolError
 */
export function sequencedEventFromProto(message: SequencedEventProto, maxBatchSize?: number): SequencedEvent {
  const { counter, messageId, batch, deliverErrorReason } = message;
  if (counter < 0n) throw invalidValue("counter", `${counter} is not accepted`, "0 or more");
  const header = {
    counter,
    timestamp: timestampFromProto(message.timestamp),
    domainId: checkUniqueIdentifier(message.domainId, "domain_id"),
  };
  if (deliverErrorReason === undefined) {
    const envelopes = decompressBatch(batch, maxBatchSize);
    return { kind: "deliver", ...header, ...(messageId !== undefined && { messageId }), envelopes };
  }
  if (batch !== undefined) throw invalidValue("batch", "an error has no batch", "either batch or deliver_error_reason");
  if (messageId === undefined) throw fieldNotSet("message_id");
  return { kind: "deliver-error", ...header, messageId, reason: reasonFromProto(deliverErrorReason) };
}

/** Serializes an event with its version: what a sequencer signs and stores. Equal events have equal bytes. */
export function encodeSequencedEvent(event: SequencedEvent): Buffer {
  return wrapVersioned(SEQUENCED_EVENT_VERSION, encodeMessage(SequencedEventProto, sequencedEventToProto(event)));
}

/** Reads what `encodeSequencedEvent` wrote. @throws ProtocolError */
export function decodeSequencedEvent(bytes: Uint8Array, maxBatchSize?: number): SequencedEvent {
  const data = unwrapVersioned(bytes, SEQUENCED_EVENT_VERSION, "sequenced_event");
  return sequencedEventFromProto(decodeMessage(SequencedEventProto, data, "sequenced_event"), maxBatchSize);
}

function reasonToProto({ kind, text }: DeliverErrorReason): DeliverErrorReasonProto {
  return { reason: { $case: kind === "batch_invalid" ? "batchInvalid" : "batchRefused", value: text } };
}

function reasonFromProto({ reason }: DeliverErrorReasonProto): DeliverErrorReason {
  if (reason === undefined) throw fieldNotSet("deliver_error_reason.reason");
  return { kind: reason.$case === "batchInvalid" ? "batch_invalid" : "batch_refused", text: reason.value };
}
