/** What it costs to ask and to change a topology state, in memory. */
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { decide } from "@pulumi-canton/protocol/topology/decide.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { decodeSignedTransaction, encodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { median } from "../measurement.ts";
import type { Population } from "./population.ts";

/** Costs of a state of some size. Times are medians, in microseconds. */
export interface StateCosts {
  /** Who hosts a party, with which permission. */
  readonly hostingUs: number;
  /** The keys of a participant, and whether it is active. */
  readonly memberUs: number;
  /** Deciding one transaction more, its signature included. */
  readonly decideUs: number;
  /** Heap that the state takes, the transactions included, in bytes a transaction. */
  readonly bytesEach: number;
}

const samples = 301;
/** Lookups in a sample, so that the clock does not matter. */
const repetitions = 200;

/** Measures; wants `--expose-gc`. */
export function stateCosts(
  domain: UniqueIdentifier,
  { participants, parties, transactions, newParty }: Population,
): StateCosts {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error("run with --expose-gc");
  const stored = transactions.map(encodeSignedTransaction);
  collect();
  const before = process.memoryUsage();
  // Read from bytes, as a node reads its store: what is in memory then is the state's alone.
  const state = TopologyState.replay(stored.map(decodeSignedTransaction));
  collect();
  const after = process.memoryUsage();
  const bytes = after.heapUsed + after.external - before.heapUsed - before.external;

  const additions = Array.from({ length: samples }, (_, n) => newParty(n));
  return {
    hostingUs: medianUs((n) => state.hostingParticipantsOn(domain, at(parties, n))),
    memberUs: medianUs((n) => [state.keysOf(at(participants, n)), state.isActiveMember(domain, at(participants, n))]),
    decideUs: median(
      additions.map((transaction) => {
        const begun = performance.now();
        const decision = decide(state, transaction, { domainId: domain });
        const us = (performance.now() - begun) * 1000;
        if (!decision.accepted) throw new Error(decision.message);
        return us;
      }),
    ),
    bytesEach: bytes / transactions.length,
  };
}

const at = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;

/** The median time of one call; calls go through the list in steps that visit all of it in no order of memory. */
function medianUs(look: (n: number) => unknown): number {
  let n = 0;
  return median(
    Array.from({ length: samples }, () => {
      const begun = performance.now();
      for (let i = 0; i < repetitions; i += 1) {
        n += 7_919;
        look(n);
      }
      return ((performance.now() - begun) * 1000) / repetitions;
    }),
  );
}
