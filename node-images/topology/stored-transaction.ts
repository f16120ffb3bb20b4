/** Topology transactions as a topology store has them, and how to ask for them. */
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import type { Micros } from "@pulumi-canton/protocol/timestamp.ts";
import type { TopologyChangeOp } from "@pulumi-canton/protocol/topology/change.ts";
import type { MappingKind } from "@pulumi-canton/protocol/topology/mapping.ts";
import type { SignedTopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";

/** The id of the store in which a topology manager keeps what it has authorised or taken in. */
export const authorizedStoreId = "Authorized";

/** A topology transaction with its place in a store. */
export interface StoredTransaction {
  /** `Authorized`, or the id of a domain. */
  readonly store: string;
  /** Place in the order of the store: 1, 2, 3, … */
  readonly position: bigint;
  /** When it was sequenced, or, in the store of a manager, when it was authorised. Microseconds. */
  readonly sequenced: Micros;
  /** From when it is in force. */
  readonly validFrom: Micros;
  /** Until when (exclusive); undefined while it is. A removal and a rejected transaction are in force at no time. */
  readonly validUntil: Micros | undefined;
  readonly signed: SignedTopologyTransaction;
  /** The signed transaction as bytes, the very ones that came in. */
  readonly serialized: Buffer;
  /** Why it was rejected; undefined when it was accepted. */
  readonly rejection: string | undefined;
  /** W3C trace context in which it came about, for logs; undefined where it is not known. */
  readonly traceparent: string | undefined;
}

/** Which moment of a store: now, a moment, or what came into force between two moments (each inclusive, each optional). */
export type TimeQuery =
  | { readonly kind: "head" }
  | { readonly kind: "snapshot"; readonly at: Micros }
  | { readonly kind: "range"; readonly from?: Micros | undefined; readonly until?: Micros | undefined };

/** Which transactions of a store; every part given must fit. */
export interface TransactionQuery {
  readonly time: TimeQuery;
  /** Any of these; left out: all. */
  readonly kinds?: readonly MappingKind[];
  readonly operation?: TopologyChangeOp | undefined;
  /**
   * Start of what the mapping is about: a party, a domain, the identifier behind an owner of keys or a participant, or a
   * namespace.
   */
  readonly subject?: string | undefined;
  /** Start of the participant or mediator that a party or a domain has to do with. */
  readonly counterpart?: string | undefined;
  /** Start of the fingerprint of the key that signed. */
  readonly signedBy?: string | undefined;
  /** True: only what makes up a state, so no removals. Default: false. */
  readonly stateOnly?: boolean;
  /** True: rejected transactions too. Default: false. */
  readonly includeRejected?: boolean;
}

/** A transaction to append to a store. */
export interface TransactionToAppend {
  readonly signed: SignedTopologyTransaction;
  /** The bytes that came in; default: the encoding of `signed`. */
  readonly serialized?: Buffer | undefined;
  /** When it was sequenced; default: now, unique in the store. */
  readonly sequenced?: Micros | undefined;
  /** Why it was rejected; left out: accepted. */
  readonly rejection?: string | undefined;
  /** W3C trace context in which it came about; default: the running one. */
  readonly traceparent?: string | undefined;
}

/** The key that signed a stored transaction. */
export function signedBy(stored: StoredTransaction): Fingerprint {
  return stored.signed.key.id;
}
