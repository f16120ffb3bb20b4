import { createHash } from "node:crypto";
import { TopologyManagerReadServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { shortenFingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { describeMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { decodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import type { AdminApi } from "../admin-api.ts";
import { headState } from "../head-state.ts";

/** One statement that holds in a topology store. */
export interface TopologyView {
  /** Sequencing time in a domain's store, ISO 8601; the time of signing in a node's own. */
  validFrom: string;
  kind: string;
  /** The statement in words. */
  statement: string;
  elementId: string;
  signedBy: string;
}

/** The state of a topology store and a digest of it: two nodes with the same digest agree on every statement. */
export interface TopologyStateView {
  store: string;
  /** SHA-256 over the sorted signed transactions that hold, hexadecimal. */
  digest: string;
  transactions: TopologyView[];
}

/**
 * Reads what holds in a topology store of a node.
 *
 * @param url admin API of the node
 * @param store `Authorized`, what the node itself has authorised, or the id of a domain
 */
export async function readTopology(api: AdminApi, url: string, store: string): Promise<TopologyStateView> {
  const { result } = await api.call(url, TopologyManagerReadServiceClient, "listAll", { baseQuery: headState(store) });
  const items = result?.items ?? [];
  const digest = createHash("sha256");
  for (const bytes of items.map(({ transaction }) => transaction.toString("hex")).sort()) digest.update(`${bytes}\n`);
  const transactions = items.map((item): TopologyView => {
    const { transaction, key } = decodeSignedTransaction(item.transaction);
    return {
      validFrom: item.validFrom === undefined ? "" : isoTime(item.validFrom),
      kind: transaction.mapping.kind,
      statement: describeMapping(transaction.mapping),
      elementId: transaction.elementId,
      signedBy: shortenFingerprint(key.id),
    };
  });
  return { store, digest: digest.digest("hex"), transactions };
}

function isoTime({ seconds, nanos }: { seconds: bigint; nanos: number }): string {
  return new Date(Number(seconds) * 1000 + nanos / 1e6).toISOString();
}
