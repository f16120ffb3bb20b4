import { randomInt } from "node:crypto";
import type { SigningKeyPair } from "../crypto/key-pair.ts";
import { loadSigningPublicKey, type SigningPublicKey } from "../crypto/public-key.ts";
import { type Signature, sign, verify } from "../crypto/signature.ts";
import { SignedTopologyTransaction as SignedProto } from "../gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { TopologyTransaction as TransactionProto } from "../gen/com/digitalasset/canton/protocol/v1/topology.ts";
import { decodeMessage, encodeMessage, fieldNotSet, invalidValue } from "../protocol-error.ts";
import { unwrapVersioned, wrapVersioned } from "../versioned-message.ts";
import { changeOpFromProto, changeOpToProto, type TopologyChangeOp } from "./change.ts";
import {
  checkMapping,
  describeMapping,
  domainParametersChangeFromProto,
  domainParametersChangeToProto,
  mappingFromProto,
  mappingSlot,
  mappingToProto,
  type TopologyMapping,
} from "./mapping.ts";

/** Version of the serialized `TopologyTransaction` at protocol version 5. */
const TRANSACTION_VERSION = 1;
/** Version of the serialized `SignedTopologyTransaction` at protocol version 5. */
const SIGNED_VERSION = 0;

/** Length of element ids, in characters. */
const ELEMENT_ID_LENGTH = 32;
const ELEMENT_ID_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** A statement about the topology, not yet signed. */
export interface TopologyTransaction {
  /** `Add` or `Remove`; for `DomainParametersChange` always `Replace`. */
  operation: TopologyChangeOp;
  /**
   * Tells this statement from others with the same mapping: 32 random characters chosen by who adds it; its removal names
   * the same id. Empty for `DomainParametersChange`, of which a domain has only one.
   */
  elementId: string;
  mapping: TopologyMapping;
}

/** A topology transaction with the signature that authorises it. Immutable. */
export interface SignedTopologyTransaction {
  readonly transaction: TopologyTransaction;
  /** The serialized transaction: what is signed. */
  readonly transactionBytes: Buffer;
  /** The key that signed. */
  readonly key: SigningPublicKey;
  readonly signature: Signature;
  /** Names the element of the topology state that the transaction adds, removes or replaces. */
  readonly uniquePath: string;
}

/** Signs 'topology-transaction' content: over a key pair at hand, or over a key store. */
export interface TopologySigner {
  readonly publicKey: SigningPublicKey;
  sign(content: Buffer): Signature | Promise<Signature>;
}

/** A new element id: 32 random letters and digits. */
export function newElementId(): string {
  let id = "";
  while (id.length < ELEMENT_ID_LENGTH) id += ELEMENT_ID_CHARACTERS[randomInt(ELEMENT_ID_CHARACTERS.length)];
  return id;
}

/** A transaction that adds a mapping under a new element id (or, for domain parameters, replaces them). @throws ProtocolError */
export function addition(mapping: TopologyMapping): TopologyTransaction {
  checkMapping(mapping);
  return mapping.kind === "DomainParametersChange"
    ? { operation: "Replace", elementId: "", mapping }
    : { operation: "Add", elementId: newElementId(), mapping };
}

/** The transaction that removes what `added` added. @throws ProtocolError for domain parameters, which are only replaced. */
export function removal(added: TopologyTransaction): TopologyTransaction {
  if (added.mapping.kind === "DomainParametersChange") {
    throw invalidValue("operation", "domain parameters cannot be removed", "Replace");
  }
  return { operation: "Remove", elementId: added.elementId, mapping: added.mapping };
}

/** The path of the element of the topology state that a transaction is about. */
export function uniquePathOf(transaction: TopologyTransaction): string {
  const { mapping, elementId } = transaction;
  return mapping.kind === "DomainParametersChange" ? mappingSlot(mapping) : `${mapping.kind}\n${elementId}`;
}

/** Serializes a transaction: these bytes are signed. @throws ProtocolError when a field is not accepted. */
export function encodeTransaction(transaction: TopologyTransaction): Buffer {
  checkTransaction(transaction);
  return serialize(transaction);
}

/**
 * Reads a serialized transaction.
 *
 * Bytes are accepted only if this software would have written the very same ones: a field that it does not know could
 * change the meaning of what was signed.
 *
 * @throws ProtocolError
 */
export function decodeTransaction(bytes: Uint8Array): TopologyTransaction {
  const data = unwrapVersioned(bytes, TRANSACTION_VERSION, "transaction");
  const message = decodeMessage(TransactionProto, data, "transaction").transaction;
  if (message === undefined) throw fieldNotSet("transaction");
  let transaction: TopologyTransaction;
  if (message.$case === "stateUpdate") {
    const { operation, id, mapping } = message.value;
    transaction = { operation: changeOpFromProto(operation), elementId: id, mapping: mappingFromProto(mapping) };
  } else {
    const change = message.value.mapping;
    if (change === undefined) throw fieldNotSet("mapping");
    transaction = { operation: "Replace", elementId: "", mapping: domainParametersChangeFromProto(change.value) };
  }
  checkTransaction(transaction);
  if (!serialize(transaction).equals(bytes)) {
    throw invalidValue(
      "transaction",
      "the bytes hold more than is known of a topology transaction, or hold it in an unusual order",
    );
  }
  return transaction;
}

/** Signs a transaction with a key pair at hand. @throws ProtocolError when a field is not accepted. */
export function signTransaction(transaction: TopologyTransaction, pair: SigningKeyPair): SignedTopologyTransaction {
  const transactionBytes = encodeTransaction(transaction);
  return signed(transaction, transactionBytes, pair.publicKey, sign(pair, "topology-transaction", transactionBytes));
}

/** Signs a transaction with a signer, e.g. a key store's. @throws ProtocolError when a field is not accepted. */
export async function signTransactionWith(
  transaction: TopologyTransaction,
  signer: TopologySigner,
): Promise<SignedTopologyTransaction> {
  const transactionBytes = encodeTransaction(transaction);
  return signed(transaction, transactionBytes, signer.publicKey, await signer.sign(transactionBytes));
}

/** Serializes a signed transaction, in the one encoding that it has. */
export function encodeSignedTransaction(tx: SignedTopologyTransaction): Buffer {
  const { transactionBytes: transaction, key, signature } = tx;
  return wrapVersioned(SIGNED_VERSION, encodeMessage(SignedProto, { transaction, key, signature }));
}

/** Reads a serialized signed transaction. Does not verify the signature (`hasValidSignature`, `decide`). @throws ProtocolError */
export function decodeSignedTransaction(bytes: Uint8Array): SignedTopologyTransaction {
  const data = unwrapVersioned(bytes, SIGNED_VERSION, "signed_topology_transaction");
  const message = decodeMessage(SignedProto, data, "signed_topology_transaction");
  if (message.key === undefined) throw fieldNotSet("key");
  if (message.signature === undefined) throw fieldNotSet("signature");
  loadSigningPublicKey(message.key, "key");
  return signed(decodeTransaction(message.transaction), message.transaction, message.key, message.signature);
}

/** Whether the signature of a signed transaction is one of its key over its bytes. */
export function hasValidSignature(tx: SignedTopologyTransaction): boolean {
  return verify(tx.key, "topology-transaction", tx.transactionBytes, tx.signature);
}

/** A transaction for messages to people, as Canton prints it. */
export function describeTransaction(transaction: TopologyTransaction): string {
  const { elementId, mapping } = transaction;
  const name = mapping.kind === "DomainParametersChange" ? "DomainGovernanceElement" : "TopologyStateUpdateElement";
  return elementId === ""
    ? `${name}(mapping = ${describeMapping(mapping)})`
    : `${name}(id = ${elementId}, mapping = ${describeMapping(mapping)})`;
}

function signed(
  transaction: TopologyTransaction,
  transactionBytes: Buffer,
  key: SigningPublicKey,
  signature: Signature,
): SignedTopologyTransaction {
  return Object.freeze({ transaction, transactionBytes, key, signature, uniquePath: uniquePathOf(transaction) });
}

function checkTransaction({ operation, elementId, mapping }: TopologyTransaction): void {
  checkMapping(mapping);
  if (mapping.kind === "DomainParametersChange") {
    if (operation !== "Replace")
      throw invalidValue("operation", `${operation} of domain parameters is not accepted`, "Replace");
    if (elementId !== "") throw invalidValue("id", "domain parameters have no element id", "an empty id");
    return;
  }
  if (operation === "Replace")
    throw invalidValue("operation", `Replace of ${mapping.kind} is not accepted`, "Add, Remove");
  if (!/^[a-zA-Z0-9]{32}$/.test(elementId)) {
    throw invalidValue("id", `\`${elementId}\` is no element id`, `${ELEMENT_ID_LENGTH} letters and digits`);
  }
}

function serialize({ operation, elementId, mapping }: TopologyTransaction): Buffer {
  const message: TransactionProto =
    mapping.kind === "DomainParametersChange"
      ? {
          transaction: {
            $case: "domainGovernance",
            value: { mapping: { $case: "domainParametersChange", value: domainParametersChangeToProto(mapping) } },
          },
        }
      : {
          transaction: {
            $case: "stateUpdate",
            value: { operation: changeOpToProto(operation), id: elementId, mapping: mappingToProto(mapping) },
          },
        };
  return wrapVersioned(TRANSACTION_VERSION, encodeMessage(TransactionProto, message));
}
