/** Files of signed topology transactions: what is carried between topology managers. */
import { SignedTopologyTransactions } from "@pulumi-canton/protocol/gen/pulumicanton/topology/v1/signed_topology_transactions.ts";
import { checkMember, type MemberId } from "@pulumi-canton/protocol/identity/member.ts";
import { decodeMessage, encodeMessage, ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import {
  decodeSignedTransaction,
  encodeSignedTransaction,
  hasValidSignature,
  type SignedTopologyTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { unwrapVersioned, wrapVersioned } from "@pulumi-canton/protocol/versioned-message.ts";

const VERSION = 1;

/** What a file holds. */
export interface SignedTransactionsFile {
  /** In an order in which they can be added. */
  readonly transactions: readonly SignedTopologyTransaction[];
  /** `PAR::…` or `DOM::…`: the node that they give an identity to; undefined when they are for any node. */
  readonly member?: MemberId | undefined;
}

/** The bytes of a file. */
export function encodeSignedTransactionsFile({ transactions, member }: SignedTransactionsFile): Buffer {
  const message = { transactions: transactions.map(encodeSignedTransaction), member: member ?? "" };
  return wrapVersioned(VERSION, encodeMessage(SignedTopologyTransactions, message));
}

/**
 * Reads a file and verifies every signature in it. Whether a signer has authority is up to the node that takes it in.
 *
 * @throws ProtocolError naming the transaction (from 1) and what is wrong with it
 */
export function decodeSignedTransactionsFile(bytes: Uint8Array): SignedTransactionsFile {
  const what = "file of signed topology transactions";
  const message = decodeMessage(SignedTopologyTransactions, unwrapVersioned(bytes, VERSION, what), what);
  const transactions = message.transactions.map((serialized, index) => {
    const field = `transaction ${index + 1} of ${message.transactions.length}`;
    const signed = naming(field, () => decodeSignedTransaction(serialized));
    if (hasValidSignature(signed)) return signed;
    throw new ProtocolError("ValueConversionError", field, `the signature is not one of the key ${signed.key.id}`);
  });
  if (message.member === "") return { transactions };
  const member = checkMember(message.member, "member", ["PAR", "DOM"]);
  // It is not signed; that somebody signed its key is.
  const owns = ({ transaction: { mapping } }: SignedTopologyTransaction) =>
    mapping.kind === "OwnerToKeyMapping" && mapping.owner === member;
  if (transactions.some(owns)) return { transactions, member };
  throw new ProtocolError("ValueConversionError", "member", `no transaction of the file gives ${member} a key`);
}

function naming<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ProtocolError(error.kind, field, error.message);
  }
}
