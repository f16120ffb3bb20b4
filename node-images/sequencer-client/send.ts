/** Sending a message so that it is sequenced once or not at all. */
import { randomUUID } from "node:crypto";
import type { Envelope } from "@pulumi-canton/protocol/envelope/batch.ts";
import { encodeSubmissionRequest, MAX_MESSAGE_ID_LENGTH } from "@pulumi-canton/protocol/envelope/submission-request.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { failedPrecondition, invalidArgument, unavailable } from "@pulumi-canton/runtime/errors.ts";
import type { ConnectionSet } from "./connection-set.ts";
import { callWithFailover } from "./failover.ts";
import type { SequencerAccess } from "./sequencer-access.ts";

/** A message to be sequenced. */
export interface Submission {
  /** Each envelope goes to all of its recipients; when any recipient is unknown, the whole message goes to nobody. May be empty: then only the sender gets a receipt. */
  envelopes: readonly { content: Buffer; recipients: readonly string[] }[];
  /** 1 to 73 characters; the same id is never sequenced twice for a member. Default: a new one. */
  messageId?: string;
  /** Microseconds since the epoch; after it the message is not delivered. Default: `sendTimeoutMs` from now. */
  maxSequencingTime?: bigint;
}

/** How long to try. */
export interface SendOptions {
  signal?: AbortSignal;
  /** Gives up after this many milliseconds even if the outcome is not known. Default: one minute after the maximum sequencing time, when every answer is final. */
  deadlineMs?: number;
}

/** A message id that nobody else makes. Ids grow with time, so that the sequencers' index of them grows at its end. */
export function newMessageId(): string {
  // The 96 bits of a UUID that are all random: unlike other random bytes, UUIDs are made in advance, many at a time.
  const uuid = randomUUID();
  const random = `${uuid.slice(0, 8)}${uuid.slice(9, 13)}${uuid.slice(24)}`;
  return `${Date.now().toString(16).padStart(12, "0")}-${random}`;
}

/** How long after the maximum sequencing time a sequencer is still asked what became of the message, in milliseconds. */
const outcomeGraceMs = 60_000;

/** Sends until a sequencer says what became of the message. See `SequencerClient.send`. */
export async function sendUntilSequenced(
  connections: ConnectionSet,
  access: SequencerAccess,
  submission: Submission,
  timeoutMs: number,
  options: SendOptions & { signal: AbortSignal; refusalGraceMs: number },
): Promise<bigint> {
  const now = BigInt(Date.now()) * 1000n;
  const maxSequencingTime = submission.maxSequencingTime ?? now + BigInt(Math.round(timeoutMs)) * 1000n;
  const messageId = submission.messageId ?? newMessageId();
  // Encoded once: every attempt is the same request.
  const request = encode(access.member, messageId, maxSequencingTime, submission);
  const untilMaxMs = Math.max(0, Number((maxSequencingTime - now) / 1000n));
  const deadlineMs = options.deadlineMs ?? untilMaxMs + outcomeGraceMs;
  const outcome = await callWithFailover(
    connections,
    access,
    { signal: options.signal, deadlineMs, refusalGraceMs: options.refusalGraceMs },
    async (connection, attempt) => {
      const answer = await access.send(connection, request, attempt);
      if ("outcome" in answer) return answer.outcome;
      const { reason, text } = answer.refusal;
      switch (reason) {
        case "overloaded":
        case "shuttingDown":
        case "unavailable":
        case "internal":
          throw unavailable("SEQUENCER_UNAVAILABLE", `${connection.url}: ${text}`, { metadata: { reason } });
        default:
          throw invalidArgument("SEQUENCER_SEND_REFUSED", `${connection.url} refused message ${messageId}: ${text}`, {
            metadata: { reason, messageId },
          });
      }
    },
  );
  if (outcome.deliverError === undefined) return outcome.sequencedAt;
  throw failedPrecondition("SEQUENCER_DELIVER_ERROR", outcome.deliverError, {
    metadata: { messageId, sequencedAt: outcome.sequencedAt.toString() },
  });
}

function encode(sender: string, messageId: string, maxSequencingTime: bigint, submission: Submission): Buffer {
  const refuse = (message: string, cause?: unknown) => invalidArgument("SEQUENCER_SEND_REFUSED", message, { cause });
  if (messageId === "" || messageId.length > MAX_MESSAGE_ID_LENGTH) {
    throw refuse(`messageId has ${messageId.length} characters; expected 1 to ${MAX_MESSAGE_ID_LENGTH}`);
  }
  const envelopes = submission.envelopes.map(({ content, recipients }, index): Envelope => {
    if (recipients.length === 0) throw refuse(`envelopes[${index}].recipients: at least one member is needed`);
    return { content, recipients: [...recipients] };
  });
  try {
    return encodeSubmissionRequest({ sender, messageId, isRequest: false, envelopes, maxSequencingTime });
  } catch (error) {
    if (error instanceof ProtocolError) throw refuse(error.message, error);
    throw error;
  }
}
