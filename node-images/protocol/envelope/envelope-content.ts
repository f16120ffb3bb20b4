import { EnvelopeContent as EnvelopeContentProto } from "../gen/pulumicanton/protocol/v1/envelope.ts";
import { decodeMessage, encodeMessage, fieldNotSet } from "../protocol-error.ts";
import { unwrapVersioned, wrapVersioned } from "../versioned-message.ts";
import {
  type DomainTopologyMessage,
  domainTopologyMessageFromProto,
  domainTopologyMessageToProto,
} from "./domain-topology-message.ts";
import {
  type RegisterTopologyRequest,
  type RegisterTopologyResponse,
  registerTopologyRequestFromProto,
  registerTopologyRequestToProto,
  registerTopologyResponseFromProto,
  registerTopologyResponseToProto,
} from "./register-topology.ts";

/** What one of our nodes says to another inside of an envelope. */
export type EnvelopeContent = (
  | { kind: "register-topology-request"; request: RegisterTopologyRequest }
  | { kind: "register-topology-response"; response: RegisterTopologyResponse }
  | { kind: "domain-topology-message"; message: DomainTopologyMessage }
) & {
  /** W3C trace contexts of the transactions in it, in the same order, for logs; empty where it is not known. Not signed. */
  traceparents?: readonly string[];
};

/** Version of `pulumicanton.protocol.v1.EnvelopeContent`. */
export const ENVELOPE_CONTENT_VERSION = 1;

/** Serializes the content of an envelope. */
export function encodeEnvelopeContent(content: EnvelopeContent): Buffer {
  const message: EnvelopeContentProto = {
    content: toProto(content),
    traceparents: [...(content.traceparents ?? [])],
  };
  return wrapVersioned(ENVELOPE_CONTENT_VERSION, encodeMessage(EnvelopeContentProto, message));
}

/** Reads the content of an envelope. Does not verify signatures. @throws ProtocolError */
export function decodeEnvelopeContent(bytes: Uint8Array): EnvelopeContent {
  const data = unwrapVersioned(bytes, ENVELOPE_CONTENT_VERSION, "envelope_content");
  const { content, traceparents } = decodeMessage(EnvelopeContentProto, data, "envelope_content");
  return { ...fromProto(content), ...(traceparents.length === 0 ? {} : { traceparents }) };
}

function fromProto(content: EnvelopeContentProto["content"]): EnvelopeContent {
  switch (content?.$case) {
    case "registerTopologyTransactionRequest":
      return { kind: "register-topology-request", request: registerTopologyRequestFromProto(content.value) };
    case "registerTopologyTransactionResponse":
      return { kind: "register-topology-response", response: registerTopologyResponseFromProto(content.value) };
    case "domainTopologyTransactionMessage":
      return { kind: "domain-topology-message", message: domainTopologyMessageFromProto(content.value) };
    case undefined:
      throw fieldNotSet("envelope_content.content");
  }
}

function toProto(content: EnvelopeContent): EnvelopeContentProto["content"] {
  switch (content.kind) {
    case "register-topology-request":
      return { $case: "registerTopologyTransactionRequest", value: registerTopologyRequestToProto(content.request) };
    case "register-topology-response":
      return { $case: "registerTopologyTransactionResponse", value: registerTopologyResponseToProto(content.response) };
    case "domain-topology-message":
      return { $case: "domainTopologyTransactionMessage", value: domainTopologyMessageToProto(content.message) };
  }
}
