/** Taking over the topology that all members of a domain start from. */
import type { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import { timestampFromProto } from "@pulumi-canton/protocol/timestamp.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { decodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import type { TransactionToAppend } from "./stored-transaction.ts";
import type { TopologyStore } from "./topology-store.ts";

/**
 * Writes a snapshot into the store of its domain, unless the store has begun already: all of it or nothing.
 *
 * The snapshot is the domain's own: made by this node, or handed to it through its admin API.
 *
 * @throws ProtocolError when a transaction cannot be read
 */
export async function importSnapshot(store: TopologyStore, snapshot: TopologyTransactions): Promise<void> {
  const append = snapshot.items.map(({ transaction, sequenced }): TransactionToAppend => {
    return {
      signed: decodeSignedTransaction(transaction),
      serialized: transaction,
      sequenced: timestampFromProto(sequenced, "sequenced"),
    };
  });
  await store.update(async (state) => {
    if (store.position > 0n) return { append: [], state, result: undefined };
    return { append, state: TopologyState.replay(append.map(({ signed }) => signed)), result: undefined };
  });
}
