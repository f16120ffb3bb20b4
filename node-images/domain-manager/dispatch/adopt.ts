/** What a domain manager whose database was put back to an older copy takes over from its own stream: pure. */
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import type { SignedTopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";

/**
 * What of the transactions that the domain has accepted is missing in the store `Authorized` of its manager.
 *
 * They are not decided again: every member has them in force, so the manager has to know them, whatever it made of the same
 * requests in the meantime.
 *
 * @param authorized the state of the store
 * @param accepted what every member accepted, in order
 */
export function missingFrom(
  authorized: TopologyState,
  accepted: readonly SignedTopologyTransaction[],
): { append: SignedTopologyTransaction[]; state: TopologyState } {
  let state = authorized;
  const append = accepted.filter((tx) => {
    if (isKnown(state, tx)) return false;
    state = state.apply(tx);
    return true;
  });
  return { append, state };
}

function isKnown(
  state: TopologyState,
  { uniquePath, transaction, transactionBytes }: SignedTopologyTransaction,
): boolean {
  switch (transaction.operation) {
    case "Add":
      return state.get(uniquePath) !== undefined || state.getRemoval(uniquePath) !== undefined;
    case "Remove":
      return state.getRemoval(uniquePath) !== undefined;
    case "Replace":
      return state.get(uniquePath)?.transactionBytes.equals(transactionBytes) ?? false;
  }
}
