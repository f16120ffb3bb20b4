/** Taking over the topology that all members of a domain start from. */
import type { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { timestampFromProto } from "@pulumi-canton/protocol/timestamp.ts";
import { decide } from "@pulumi-canton/protocol/topology/decide.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { decodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { failedPrecondition, invalidArgument } from "@pulumi-canton/runtime/errors.ts";
import type { TransactionToAppend } from "./stored-transaction.ts";
import type { TopologyStore } from "./topology-store.ts";

/** A snapshot that was verified. */
export interface VerifiedSnapshot {
  readonly entries: readonly TransactionToAppend[];
  /** What they add up to. */
  readonly state: TopologyState;
}

/**
 * Verifies a snapshot: every transaction is decided as a sequenced one would be, on the state after those before it. Nothing
 * is trusted but the domain id, not even the domain manager, which hands the snapshot out.
 *
 * @throws ProtocolError when a transaction cannot be read
 * @throws CantonError INVALID_TOPOLOGY_SNAPSHOT when one would not have been accepted
 */
export function verifySnapshot(domainId: UniqueIdentifier, { items }: TopologyTransactions): VerifiedSnapshot {
  let state = TopologyState.empty;
  const entries = items.map(({ transaction, sequenced }, index): TransactionToAppend => {
    const signed = decodeSignedTransaction(transaction);
    const decision = decide(state, signed, { force: true, domainId });
    if (!decision.accepted) {
      throw invalidArgument(
        "INVALID_TOPOLOGY_SNAPSHOT",
        `items[${index}] (${signed.uniquePath.replaceAll("\n", "/")}): ${decision.reason}: ${decision.message}`,
      );
    }
    state = decision.state;
    return { signed, serialized: transaction, sequenced: timestampFromProto(sequenced, `items[${index}].sequenced`) };
  });
  return { entries, state };
}

/**
 * Verifies a snapshot and writes it into the store of its domain: all of it or nothing. A store that began with the very
 * same one is left as it is, so this may be repeated after a crash anywhere, and at every start.
 *
 * @param store of the domain: its id is the domain's
 * @throws ProtocolError, CantonError as {@link verifySnapshot}; TOPOLOGY_SNAPSHOT_DIFFERS when the store began with another
 */
export async function importSnapshot(store: TopologyStore, snapshot: TopologyTransactions): Promise<void> {
  const { entries, state } = verifySnapshot(store.id, snapshot);
  await store.update(async (present) => {
    if (store.position === 0n) return { append: entries, state, result: undefined };
    await checkSameStart(store, entries);
    return { append: [], state: present, result: undefined };
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
