/** Reading a registration request so far that it can be answered, even if its transactions cannot be read. */
import { ENVELOPE_CONTENT_VERSION } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import { EnvelopeContent } from "@pulumi-canton/protocol/gen/pulumicanton/protocol/v1/envelope.ts";
import { checkMember } from "@pulumi-canton/protocol/identity/member.ts";
import { checkUniqueIdentifier, type UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { decodeMessage, invalidValue } from "@pulumi-canton/protocol/protocol-error.ts";
import { unwrapVersioned } from "@pulumi-canton/protocol/versioned-message.ts";
import type { RegistrationRequest } from "./judge.ts";

/** A request and what its answer has to repeat. */
export interface AnswerableRequest extends RegistrationRequest {
  readonly requestId: string;
  readonly domainId: UniqueIdentifier;
  /** W3C trace contexts of the transactions, as the sender gives them; for logs. */
  readonly traceparents?: readonly string[];
}

const maxRequestIdLength = 255;

/**
 * Reads the content of an envelope as a registration request.
 *
 * @returns undefined when it is something else
 * @throws ProtocolError when it is one that cannot even be answered: who asks, or for whom, is not known
 */
export function readRegistrationRequest(content: Buffer): AnswerableRequest | undefined {
  const data = unwrapVersioned(content, ENVELOPE_CONTENT_VERSION, "envelope_content");
  const { content: message, traceparents } = decodeMessage(EnvelopeContent, data, "envelope_content");
  if (message?.$case !== "registerTopologyTransactionRequest") return undefined;
  const { requestedBy, participant, requestId, domainId, signedTopologyTransactions } = message.value;
  if (requestId === "" || requestId.length > maxRequestIdLength) {
    const accepted = `1 to ${maxRequestIdLength} characters`;
    throw invalidValue("request_id", `it has ${requestId.length} characters`, accepted);
  }
  return {
    requestedBy: checkMember(requestedBy, "requested_by", ["PAR", "UNM"]),
    participant: `PAR::${checkUniqueIdentifier(participant, "participant")}`,
    requestId,
    domainId: checkUniqueIdentifier(domainId, "domain_id"),
    transactions: signedTopologyTransactions,
    traceparents,
  };
}
