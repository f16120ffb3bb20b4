/** Checking what a member wants sequenced, and sequencing it. */
import { verifyWithAny } from "@pulumi-canton/protocol/crypto/signature.ts";
import { compressBatch } from "@pulumi-canton/protocol/envelope/batch.ts";
import type { SignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";
import type { SubmissionRequest } from "@pulumi-canton/protocol/envelope/submission-request.ts";
import { domainManagerMember, type MemberId, memberCode } from "@pulumi-canton/protocol/identity/member.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { describeError, isCantonError } from "@pulumi-canton/runtime/errors.ts";
import type { SendOutcome } from "@pulumi-canton/sequencer-client/sequencer-api.ts";
import type { ServingSequencer } from "../serving-sequencer.ts";

/** The published reasons for not sequencing a message. */
export type SendRefusalReason =
  | "requestInvalid"
  | "requestRefused"
  | "overloaded"
  | "senderUnknown"
  | "shuttingDown"
  | "unavailable";

/** The message is not sequenced, and nobody hears of it but the caller. */
export class SendRefusal extends Error {
  readonly reason: SendRefusalReason;

  constructor(reason: SendRefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Longest list of unknown recipients that is told, in members. */
const maxToldRecipients = 10;

/** Runs what reads a request: what it does not accept becomes a refusal. */
export function readingSubmission<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) throw new SendRefusal("requestInvalid", error.message);
    throw error;
  }
}

/** Checks that a submission is signed by its sender. @throws SendRefusal */
export async function checkSubmissionSignature(
  { topology, backend }: ServingSequencer,
  member: MemberId,
  { content, signature }: SignedContent,
): Promise<void> {
  const verifies = () => verifyWithAny(topology.signingKeys(member), "submission-request", content, signature);
  if (verifies()) return;
  if (topology.signingKeys(member).every(({ id }) => id !== signature.signedBy)) {
    // The key may be so new that the member has heard of it from another sequencer first.
    await backend.reader.caughtUp();
    if (verifies()) return;
  }
  throw new SendRefusal(
    "requestInvalid",
    `the submission request is not signed with a key of ${member} (signed by ${signature.signedBy || "nobody"})`,
  );
}

/** Who may write to whom. @throws SendRefusal */
function checkRecipients(domainId: string, sender: MemberId, recipients: readonly MemberId[]): void {
  const manager = domainManagerMember(domainId);
  if (sender === manager) return;
  const stranger = memberCode(sender) === "UNM";
  for (const recipient of recipients) {
    if (stranger && recipient !== manager) {
      throw new SendRefusal(
        "requestRefused",
        `${sender} has not joined the domain and may write to ${manager} only, not to ${recipient}`,
      );
    }
    if (memberCode(recipient) === "UNM") {
      throw new SendRefusal(
        "requestRefused",
        `only ${manager} may write to ${recipient}, which has not joined the domain`,
      );
    }
  }
}

/**
 * Sequences a checked submission. Resolves when that is durable.
 *
 * @param member who calls: has to be the sender
 * @throws SendRefusal
 */
export async function submit(
  sequencer: ServingSequencer,
  member: MemberId,
  request: SubmissionRequest,
  traceparent: string | undefined,
): Promise<SendOutcome> {
  const { backend, domainId } = sequencer;
  if (request.sender !== member) {
    throw new SendRefusal("requestRefused", `sender: ${request.sender} is not ${member}, who sends it`);
  }
  // PostgreSQL has no text with NUL.
  if (request.messageId.includes("\0")) throw new SendRefusal("requestInvalid", "message_id: contains NUL");
  const recipients = [...new Set(request.envelopes.flatMap((envelope) => envelope.recipients))];
  checkRecipients(domainId, member, recipients);
  try {
    const numbers = await findMembers(sequencer, member, recipients);
    const unknown = recipients.filter((recipient) => !numbers.has(recipient));
    const { timestamp, error } = await backend.writer.write({
      sender: numbers.get(member) as number,
      messageId: request.messageId,
      maxSequencingTime: request.maxSequencingTime,
      recipients: unknown.length > 0 ? [] : recipients.map((recipient) => numbers.get(recipient) as number),
      payload: compressBatch(request.envelopes).compressedBatch,
      error: unknown.length > 0 ? unknownRecipients(unknown) : undefined,
      traceparent,
    });
    return { sequencedAt: timestamp, deliverError: error };
  } catch (error) {
    if (!isCantonError(error)) throw error;
    throw new SendRefusal(refusalReasons[error.reason] ?? "unavailable", describeError(error));
  }
}

const refusalReasons: Readonly<Record<string, SendRefusalReason>> = {
  SEQUENCER_OVERLOADED: "overloaded",
  SEQUENCER_SHUTTING_DOWN: "shuttingDown",
};

/** The numbers of the sender and of those recipients that are known. */
async function findMembers(
  sequencer: ServingSequencer,
  sender: MemberId,
  recipients: readonly MemberId[],
): Promise<Map<MemberId, number>> {
  const { members } = sequencer.backend;
  const all = [...new Set([sender, ...recipients])];
  // The domain manager decides who is a member: whom it names gets a mailbox.
  if (sender === domainManagerMember(sequencer.domainId)) return await members.register(all);
  const known = await members.find(all);
  if (known.has(sender)) return known;
  if (memberCode(sender) === "UNM" && !sequencer.mayOnboard()) {
    throw new SendRefusal("overloaded", "too many newcomers at the moment; try again in a minute");
  }
  const registered = await members.register([sender]);
  return new Map([...known, ...registered]);
}

function unknownRecipients(unknown: readonly MemberId[]): string {
  const more = unknown.length > maxToldRecipients ? ` and ${unknown.length - maxToldRecipients} more` : "";
  return `UNKNOWN_RECIPIENTS: the message was delivered to nobody because the domain does not know ${unknown.slice(0, maxToldRecipients).join(", ")}${more}`;
}
