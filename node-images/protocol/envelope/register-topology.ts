import type { RegisterTopologyTransactionRequest as RequestProto } from "../gen/com/digitalasset/canton/protocol/v0/topology.ts";
import {
  type RegisterTopologyTransactionResponse as ResponseProto,
  RegisterTopologyTransactionResponse_Result_State as State,
} from "../gen/com/digitalasset/canton/protocol/v1/topology.ts";
import { checkMember, type MemberId, memberUid } from "../identity/member.ts";
import { checkUniqueIdentifier, type UniqueIdentifier } from "../identity/unique-identifier.ts";
import { fieldNotSet, invalidValue, ProtocolError } from "../protocol-error.ts";
import {
  decodeSignedTransaction,
  encodeSignedTransaction,
  type SignedTopologyTransaction,
} from "../topology/transaction.ts";

/** A member asks the domain manager to take topology transactions into the domain. */
export interface RegisterTopologyRequest {
  /** Who asks and gets the answer: the participant itself, or the `UNM::` member of an onboarding. */
  requestedBy: MemberId;
  /** The participant (`PAR::…`) whose transactions they are. */
  participant: MemberId;
  /** Chosen by who asks; the answer has the same. */
  requestId: string;
  transactions: SignedTopologyTransaction[];
  domainId: UniqueIdentifier;
}

/** What became of one transaction. `DUPLICATE` and `OBSOLETE` mean that nothing is left to do. */
export type RegisterTopologyState = "FAILED" | "REJECTED" | "ACCEPTED" | "DUPLICATE" | "OBSOLETE";

/** The answer to a request: one result for each transaction, in the same order. */
export interface RegisterTopologyResponse {
  requestedBy: MemberId;
  participant: MemberId;
  requestId: string;
  domainId: UniqueIdentifier;
  results: { state: RegisterTopologyState /** Why, for people; empty when accepted. */; errorMessage: string }[];
}

const REQUESTERS = ["PAR", "DOM", "UNM"] as const;
const MAX_REQUEST_ID_LENGTH = 255;

/** A request as the published message. */
export function registerTopologyRequestToProto(request: RegisterTopologyRequest): RequestProto {
  return {
    requestedBy: request.requestedBy,
    participant: memberUid(request.participant),
    requestId: request.requestId,
    signedTopologyTransactions: request.transactions.map(encodeSignedTransaction),
    domainId: request.domainId,
  };
}

/** A checked request from the published message. Does not verify signatures. @throws ProtocolError */
export function registerTopologyRequestFromProto(message: RequestProto): RegisterTopologyRequest {
  return { ...header(message), transactions: message.signedTopologyTransactions.map(decodeSignedTransaction) };
}

/** An answer as the published message. */
export function registerTopologyResponseToProto(response: RegisterTopologyResponse): ResponseProto {
  return {
    requestedBy: response.requestedBy,
    participant: memberUid(response.participant),
    requestId: response.requestId,
    domainId: response.domainId,
    results: response.results.map(({ state, errorMessage }) => ({ state: State[state], errorMessage })),
  };
}

/** A checked answer from the published message. @throws ProtocolError */
export function registerTopologyResponseFromProto(message: ResponseProto): RegisterTopologyResponse {
  const results = message.results.map(({ state, errorMessage }) => {
    if (state === State.MISSING_STATE) throw fieldNotSet("state");
    const name = Object.entries(State).find(([, number]) => number === state)?.[0];
    if (name === undefined) throw new ProtocolError("UnrecognizedEnum", "state", `${state} is unknown`);
    return { state: name as RegisterTopologyState, errorMessage };
  });
  return { ...header(message), results };
}

function header(message: { requestedBy: string; participant: string; requestId: string; domainId: string }) {
  const { requestId } = message;
  if (requestId === "" || requestId.length > MAX_REQUEST_ID_LENGTH) {
    throw invalidValue(
      "request_id",
      `it has ${requestId.length} characters`,
      `1 to ${MAX_REQUEST_ID_LENGTH} characters`,
    );
  }
  return {
    requestedBy: checkMember(message.requestedBy, "requested_by", REQUESTERS),
    participant: `PAR::${checkUniqueIdentifier(message.participant, "participant")}`,
    requestId,
    domainId: checkUniqueIdentifier(message.domainId, "domain_id"),
  };
}
