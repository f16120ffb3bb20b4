import { shortenFingerprint } from "../identity/fingerprint.ts";
import { shortenUniqueIdentifier, type UniqueIdentifier } from "../identity/unique-identifier.ts";
import { describeMapping, domainOf } from "./mapping.ts";
import type { TopologyState } from "./topology-state.ts";
import { describeTransaction, hasValidSignature, type SignedTopologyTransaction } from "./transaction.ts";

/**
 * Why a topology transaction is refused, in the order in which it is asked. The names are those of Canton's errors where
 * Canton has one; the gRPC status that belongs to each is the business of the services. Each is a numbered rule of
 * docs/topology-state-machine.md, and has attacks that every receiver has to refuse (`testing/attacks.ts`).
 */
export const REJECTION_REASONS = [
  /** The signature is not one of the key over the transaction. */
  "INVALID_TOPOLOGY_TX_SIGNATURE_ERROR",
  /** The mapping speaks of another domain than the store's. */
  "WRONG_DOMAIN",
  /** The very same transaction is in force already, or the very same removal was done already: nothing is left to do. */
  "DUPLICATE_TRANSACTION",
  /** There is nothing in force that the removal could remove. */
  "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE",
  /** The element id is in use for another transaction. */
  "ELEMENT_ID_IN_USE",
  /** The element id was used for something that was removed: the transaction is an old one. */
  "OBSOLETE_TRANSACTION",
  /** The same mapping, authorised with the same key, is in force already under another element id. */
  "TOPOLOGY_MAPPING_ALREADY_EXISTS",
  /** The key that signed has no authority over what the mapping is about. */
  "UNAUTHORIZED_TOPOLOGY_TRANSACTION",
  /** Not forced: the member would be left without a key for this purpose. */
  "REMOVING_LAST_KEY_MUST_BE_FORCED",
  /** Not forced: a namespace would lose its root certificate, or transactions in force their authorised signer. */
  "REMOVING_KEY_DANGLING_TRANSACTIONS_MUST_BE_FORCED",
] as const;

/** Why a topology transaction is refused. */
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** A refusal. */
export interface Rejection {
  accepted: false;
  reason: RejectionReason;
  /** For people: what is wrong; Canton's own text where Canton has one. */
  message: string;
  /** What Canton puts into the error's metadata (without node and category), e.g. `mapping`, `existing`, `key`. */
  metadata: Record<string, string>;
}

/** What becomes of a transaction. */
export type Decision = { accepted: true; state: TopologyState } | Rejection;

/** How to decide. */
export interface DecideOptions {
  /**
   * Accept removals that leave a member without a key, or transactions without an authorised signer. Default: false, as for
   * an operator's order. Receivers of sequenced transactions and the domain manager pass true: the owner has decided, and
   * all have to come to the same result.
   */
  force?: boolean;
  /** The domain whose store it is: mappings of other domains are refused. Default: any domain, as in an "Authorized" store. */
  domainId?: UniqueIdentifier;
}

/**
 * Decides whether a transaction becomes part of a topology state: the one rule for managers that add their own
 * transactions and for everyone who receives them. Pure: the same state, transaction and options always give the same.
 */
export function decide(state: TopologyState, tx: SignedTopologyTransaction, options: DecideOptions = {}): Decision {
  if (!hasValidSignature(tx)) {
    return refuse(
      "INVALID_TOPOLOGY_TX_SIGNATURE_ERROR",
      `The signature of the topology transaction is not a valid one of the key ${tx.key.id}`,
      { fingerprint: tx.key.id },
    );
  }
  return (
    wrongDomain(tx, options) ??
    unfit(state, tx) ??
    unauthorized(state, tx) ??
    unforced(state, tx, options) ?? {
      accepted: true,
      state: state.apply(tx),
    }
  );
}

function wrongDomain({ transaction }: SignedTopologyTransaction, { domainId }: DecideOptions): Rejection | undefined {
  const domain = domainOf(transaction.mapping);
  if (domainId === undefined || domain === undefined || domain === domainId) return undefined;
  return refuse("WRONG_DOMAIN", `The transaction is for the domain ${domain}, this is ${domainId}`, {
    mapping: describeMapping(transaction.mapping),
    wrong: shortenUniqueIdentifier(domain),
  });
}

/** Whether it does not fit what is in force, whoever signed it. */
function unfit(state: TopologyState, tx: SignedTopologyTransaction): Rejection | undefined {
  const { operation, mapping } = tx.transaction;
  const current = state.get(tx.uniquePath);
  const removal = state.getRemoval(tx.uniquePath);
  const same = (operation === "Remove" ? removal : current)?.transactionBytes.equals(tx.transactionBytes);
  if (same) {
    return refuse("DUPLICATE_TRANSACTION", "The given topology transaction already exists.", {
      transaction: describeTransaction(tx.transaction),
    });
  }
  if (operation === "Replace") return undefined;
  if (operation === "Remove") {
    if (current && state.withMapping(mapping).includes(current)) return undefined;
    return refuse(
      "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE",
      "There is no active topology transaction matching the mapping of the revocation request",
      { mapping: describeMapping(mapping) },
    );
  }
  const metadata = { transaction: describeTransaction(tx.transaction) };
  if (current) return refuse("ELEMENT_ID_IN_USE", "Another topology transaction has the same element id.", metadata);
  if (removal) return refuse("OBSOLETE_TRANSACTION", "The given topology transaction was removed before.", metadata);
  const existing = state.withMapping(mapping).find(({ key }) => key.id === tx.key.id);
  if (!existing) return undefined;
  return refuse(
    "TOPOLOGY_MAPPING_ALREADY_EXISTS",
    "A matching topology mapping authorized with the same key already exists in this state",
    { existing: describeTransaction(existing.transaction), authKey: shortenFingerprint(tx.key.id) },
  );
}

function unauthorized(state: TopologyState, tx: SignedTopologyTransaction): Rejection | undefined {
  const { mapping } = tx.transaction;
  if (state.mayAuthorize(tx.key.id, mapping)) return undefined;
  return refuse(
    "UNAUTHORIZED_TOPOLOGY_TRANSACTION",
    `The key ${tx.key.id} has no authority, direct or delegated, over ${describeMapping(mapping)}`,
    { mapping: describeMapping(mapping), key: shortenFingerprint(tx.key.id) },
  );
}

/** Whether it would do harm that has to be asked for. */
function unforced(
  state: TopologyState,
  tx: SignedTopologyTransaction,
  { force }: DecideOptions,
): Rejection | undefined {
  const { operation, mapping } = tx.transaction;
  if (force || operation !== "Remove") return undefined;
  const current = state.get(tx.uniquePath);
  if (!current) return undefined;
  if (mapping.kind === "OwnerToKeyMapping") {
    const others = state.inSlotOf(mapping).length > 1 || state.countKeys(mapping.owner, mapping.key.purpose) > 1;
    if (others) return undefined;
    return refuse(
      "REMOVING_LAST_KEY_MUST_BE_FORCED",
      "Topology transaction would remove the last key of the given entity",
      { key: shortenFingerprint(mapping.key.key.id), purpose: mapping.key.purpose },
    );
  }
  // Without its root certificate a namespace has no authority at all, even if nothing hangs on it yet.
  const dangling = isLastRootCertificate(state, current) ? current : state.firstDangling(current);
  if (!dangling) return undefined;
  return refuse(
    "REMOVING_KEY_DANGLING_TRANSACTIONS_MUST_BE_FORCED",
    "Topology transaction would remove a key that creates conflicts and dangling transactions",
    { key: shortenFingerprint(dangling.key.id), dangling: describeTransaction(dangling.transaction) },
  );
}

function isLastRootCertificate(state: TopologyState, { transaction: { mapping } }: SignedTopologyTransaction): boolean {
  if (mapping.kind !== "NamespaceDelegation" || mapping.targetKey.id !== mapping.namespace) return false;
  return state.inSlotOf(mapping).length === 1;
}

function refuse(reason: RejectionReason, message: string, metadata: Record<string, string>): Rejection {
  return { accepted: false, reason, message, metadata };
}
