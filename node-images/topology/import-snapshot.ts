/** Taking over the topology that all members of a domain start from. */
import type { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import { timestampFromProto } from "@pulumi-canton/protocol/timestamp.ts";
import { decide } from "@pulumi-canton/protocol/topology/decide.ts";
import { decodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { failedPrecondition, invalidArgument } from "@pulumi-canton/runtime/errors.ts";
import type { TransactionToAppend } from "./stored-transaction.ts";
import type { TopologyStore } from "./topology-store.ts";

/**
 * Writes a snapshot into the store of its domain: all of it or nothing. A store that began with the very same one is left
 * as it is, so this may be repeated after a crash anywhere, and at every start.
 *
 * Every transaction is decided as a sequenced one would be, on the state after those before it: nothing is trusted but the
 * domain id, not even the domain manager, which hands the snapshot out.
 *
 * @param store of the domain: its id is the domain's
 * @throws ProtocolError when a transaction cannot be read
 * @throws CantonError INVALID_TOPOLOGY_SNAPSHOT when one would not have been accepted; TOPOLOGY_SNAPSHOT_DIFFERS when the
 *   store began with another snapshot
 */
export async function importSnapshot(store: TopologyStore, snapshot: TopologyTransactions): Promise<void> {
  const entries = snapshot.items.map(({ transaction, sequenced }, index): TransactionToAppend => {
    return {
      signed: decodeSignedTransaction(transaction),
      serialized: transaction,
      sequenced: timestampFromProto(sequenced, `items[${index}].sequenced`),
    };
  });
  await store.update(async (before) => {
    if (store.position > 0n) {
      await checkSameStart(store, entries);
      return { append: [], state: before, result: undefined };
    }
    let state = before;
    for (const { signed } of entries) {
      const decision = decide(state, signed, { force: true, domainId: store.id });
      if (!decision.accepted) {
        throw invalidArgument(
          "INVALID_TOPOLOGY_SNAPSHOT",
          `${signed.uniquePath.replaceAll("\n", "/")}: ${decision.reason}: ${decision.message}`,
        );
      }
      state = decision.state;
    }
    return { append: entries, state, result: undefined };
  });
}

async function checkSameStart(store: TopologyStore, entries: readonly TransactionToAppend[]): Promise<void> {
  if (entries.length === 0) return;
  const stored = await store.log(0n, { limit: entries.length });
  const same =
    stored.length === entries.length &&
    entries.every(({ serialized }, index) => serialized !== undefined && stored[index]?.serialized.equals(serialized));
  if (same) return;
  throw failedPrecondition(
    "TOPOLOGY_SNAPSHOT_DIFFERS",
    `the topology of ${store.id} is known here already, and it began with another snapshot`,
  );
}
