import type { SigningPublicKey } from "../crypto/public-key.ts";
import { type Signature, verifyWithAny } from "../crypto/signature.ts";
import { DomainTopologyTransactionMessage as MessageProto } from "../gen/com/digitalasset/canton/protocol/v1/topology.ts";
import { checkUniqueIdentifier, type UniqueIdentifier } from "../identity/unique-identifier.ts";
import { encodeMessage, fieldNotSet, invalidValue } from "../protocol-error.ts";
import { type Micros, timestampFromProto, timestampToProto } from "../timestamp.ts";
import {
  decodeSignedTransaction,
  encodeSignedTransaction,
  type SignedTopologyTransaction,
} from "../topology/transaction.ts";

/** Topology transactions on their way from the domain manager to the members; they take effect at the sequencing time. */
export interface DomainTopologyMessage {
  /** The domain manager's, over all the rest. */
  signature: Signature;
  domainId: UniqueIdentifier;
  /** Sequenced later than this, the message is void: the manager may have sent its content again by then. */
  notSequencedAfter: Micros;
  /** In the order in which they are to be applied. */
  transactions: SignedTopologyTransaction[];
}

/** Signs 'domain-topology-message' content: over a key pair at hand, or over a key store. */
export type DomainTopologyMessageSigner = (content: Buffer) => Signature | Promise<Signature>;

/** Builds and signs a message. */
export async function signDomainTopologyMessage(
  message: Omit<DomainTopologyMessage, "signature">,
  signer: DomainTopologyMessageSigner,
): Promise<DomainTopologyMessage> {
  return { ...message, signature: await signer(signedBytes(message)) };
}

/** What may be wrong with a message as such; rules of docs/topology-state-machine.md. */
export const MESSAGE_PROBLEMS = ["wrong-domain", "too-late", "invalid-signature"] as const;

/** What is wrong with a message as such; its transactions are decided one by one. */
export interface DomainTopologyMessageProblem {
  readonly kind: (typeof MESSAGE_PROBLEMS)[number];
  /** For people. */
  readonly message: string;
}

/**
 * Verifies a message: that it is for this domain, that it was sequenced in time, and that the domain manager signed it.
 *
 * @param managerKeys the signing keys of the domain's `DOM::` member in the state at the sequencing time.
 * @returns what is wrong, or undefined when nothing is.
 */
export function verifyDomainTopologyMessage(
  message: DomainTopologyMessage,
  context: { domainId: UniqueIdentifier; sequencedAt: Micros; managerKeys: Iterable<SigningPublicKey> },
): DomainTopologyMessageProblem | undefined {
  const { domainId, notSequencedAfter, signature } = message;
  if (domainId !== context.domainId) {
    return { kind: "wrong-domain", message: `the message is for the domain ${domainId}, this is ${context.domainId}` };
  }
  if (context.sequencedAt > notSequencedAfter) {
    return { kind: "too-late", message: `sequenced at ${context.sequencedAt}, valid until ${notSequencedAfter}` };
  }
  if (!verifyWithAny(context.managerKeys, "domain-topology-message", signedBytes(message), signature)) {
    return {
      kind: "invalid-signature",
      message: `the signature by ${signature.signedBy} is not a valid one of the domain manager`,
    };
  }
  return undefined;
}

/** A message as the published one. */
export function domainTopologyMessageToProto(message: DomainTopologyMessage): MessageProto {
  return { ...unsignedProto(message), signature: message.signature };
}

/** A checked message from the published one. Does not verify signatures. @throws ProtocolError */
export function domainTopologyMessageFromProto(message: MessageProto): DomainTopologyMessage {
  const { signature, domainId, notSequencedAfter, transactions } = message;
  if (signature === undefined) throw fieldNotSet("signature");
  if (transactions.length === 0) throw invalidValue("transactions", "there are none", "at least one transaction");
  return {
    signature,
    domainId: checkUniqueIdentifier(domainId, "domain_id"),
    notSequencedAfter: timestampFromProto(notSequencedAfter, "not_sequenced_after"),
    transactions: transactions.map(decodeSignedTransaction),
  };
}

function unsignedProto(message: Omit<DomainTopologyMessage, "signature">): MessageProto {
  return {
    signature: undefined,
    domainId: message.domainId,
    notSequencedAfter: timestampToProto(message.notSequencedAfter, "not_sequenced_after"),
    transactions: message.transactions.map(encodeSignedTransaction),
  };
}

/** What the domain manager signs: the published message without its signature. */
function signedBytes(message: Omit<DomainTopologyMessage, "signature">): Buffer {
  return encodeMessage(MessageProto, unsignedProto(message));
}
