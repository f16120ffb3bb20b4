import { SubmissionRequest as SubmissionRequestProto } from "../gen/com/digitalasset/canton/protocol/v0/sequencing.ts";
import { checkMember, type MemberId } from "../identity/member.ts";
import { decodeMessage, encodeMessage, invalidValue } from "../protocol-error.ts";
import { type Micros, timestampFromProto, timestampToProto } from "../timestamp.ts";
import { unwrapVersioned, wrapVersioned } from "../versioned-message.ts";
import { type BatchCompression, compressBatch, decompressBatch, type Envelope } from "./batch.ts";

/** What a member asks a sequencer to deliver. */
export interface SubmissionRequest {
  sender: MemberId;
  /** Chosen by the sender, who gets it back with the event: 1 to 73 characters. */
  messageId: string;
  /** Whether it is a confirmation request (which a domain may limit in rate). */
  isRequest: boolean;
  /** All are delivered at one sequencing time, or none. */
  envelopes: Envelope[];
  /** Not to be sequenced later than this. */
  maxSequencingTime: Micros;
  /** The topology in which signatures inside of the envelopes are to be verified, if not that of the sequencing time. */
  timestampOfSigningKey?: Micros | undefined;
}

/** Longest message id, in characters. */
export const MAX_MESSAGE_ID_LENGTH = 73;

/** Version of the serialized `SubmissionRequest`. */
const SUBMISSION_REQUEST_VERSION = 0;

/** A submission request as the published message. @throws ProtocolError */
export function submissionRequestToProto(
  request: SubmissionRequest,
  compression: BatchCompression = "none",
): SubmissionRequestProto {
  const { timestampOfSigningKey } = request;
  return {
    sender: request.sender,
    messageId: request.messageId,
    isRequest: request.isRequest,
    batch: compressBatch(request.envelopes, compression),
    maxSequencingTime: timestampToProto(request.maxSequencingTime, "max_sequencing_time"),
    timestampOfSigningKey:
      timestampOfSigningKey === undefined
        ? undefined
        : timestampToProto(timestampOfSigningKey, "timestamp_of_signing_key"),
  };
}

/**
 * A checked submission request from the published message.
 *
 * @param maxBatchSize the most bytes that its batch may have once unpacked.
 * @throws ProtocolError
 */
export function submissionRequestFromProto(message: SubmissionRequestProto, maxBatchSize?: number): SubmissionRequest {
  const { sender, messageId, isRequest, timestampOfSigningKey } = message;
  checkMember(sender, "sender");
  if (messageId === "" || messageId.length > MAX_MESSAGE_ID_LENGTH) {
    throw invalidValue(
      "message_id",
      `it has ${messageId.length} characters`,
      `1 to ${MAX_MESSAGE_ID_LENGTH} characters`,
    );
  }
  return {
    sender,
    messageId,
    isRequest,
    envelopes: decompressBatch(message.batch, maxBatchSize),
    maxSequencingTime: timestampFromProto(message.maxSequencingTime, "max_sequencing_time"),
    ...(timestampOfSigningKey && {
      timestampOfSigningKey: timestampFromProto(timestampOfSigningKey, "timestamp_of_signing_key"),
    }),
  };
}

/** Serializes a submission request with its version: what the `…Versioned` calls and `SignedContent` carry. */
export function encodeSubmissionRequest(request: SubmissionRequest, compression?: BatchCompression): Buffer {
  const message = submissionRequestToProto(request, compression);
  return wrapVersioned(SUBMISSION_REQUEST_VERSION, encodeMessage(SubmissionRequestProto, message));
}

/** Reads what `encodeSubmissionRequest` wrote. @throws ProtocolError */
export function decodeSubmissionRequest(bytes: Uint8Array, maxBatchSize?: number): SubmissionRequest {
  const data = unwrapVersioned(bytes, SUBMISSION_REQUEST_VERSION, "submission_request");
  return submissionRequestFromProto(decodeMessage(SubmissionRequestProto, data, "submission_request"), maxBatchSize);
}
