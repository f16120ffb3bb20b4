import type { Envelope } from "@pulumi-canton/protocol/envelope/batch.ts";
import type { SignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";

/** An event of a member's sequenced stream, decoded and verified. */
export interface ReceivedEvent {
  /** Position in the stream of this member: 0, 1, 2, … without gaps. */
  counter: bigint;
  /** Sequencing time in microseconds since the epoch; strictly increasing along the stream, unique in the domain. */
  timestamp: bigint;
  domainId: string;
  /** The message id, present only for the member that sent the message. */
  messageId: string | undefined;
  /** The envelopes addressed to this member: empty for a receipt (the sender is not a recipient) and for an error. */
  envelopes: Envelope[];
  /** Why the message of this member was not delivered to anybody; only the sender sees such an event. */
  deliverError: string | undefined;
  /** W3C `traceparent` of the submission, where the sequencer passes one on. */
  traceparent: string | undefined;
  /** The event as received: `content` is a versioned `SequencedEvent`, signed by the sequencer that delivered it. */
  signed: SignedContent;
}
