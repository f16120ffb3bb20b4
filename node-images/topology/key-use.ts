/** What a private key of a node is still needed for. Pure. */
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";

/**
 * Why a key that a node holds may not be deleted there, for people; undefined when nothing needs it.
 *
 * A key that a member works with is needed until its mapping is revoked, everywhere that the node knows of. A key that may
 * sign for a namespace or an identifier is needed unless the node holds another one that may: so a root key can leave the
 * node once a delegated key is there.
 *
 * @param others the other signing keys that the node holds
 * @param stores the topology in force by the id of the store
 */
export function keyUse(
  fingerprint: Fingerprint,
  others: readonly Fingerprint[],
  stores: ReadonlyMap<string, TopologyState>,
): string | undefined {
  for (const [store, state] of stores) {
    for (const mapping of mappings(state, "OwnerToKeyMapping")) {
      if (mapping.key.key.id !== fingerprint) continue;
      return `${mapping.owner} works with it (OwnerToKeyMapping in ${store}); revoke that mapping first, once another key of ${mapping.owner} is in force`;
    }
    for (const { namespace, targetKey } of mappings(state, "NamespaceDelegation")) {
      if (targetKey.id !== fingerprint || !state.mayActForNamespace(fingerprint, namespace, false)) continue;
      if (others.some((other) => state.mayActForNamespace(other, namespace, false))) continue;
      return `it is the only key here that may sign for the namespace ${namespace} (NamespaceDelegation in ${store}); delegate the namespace to another key of this node first`;
    }
    for (const { uid, targetKey } of mappings(state, "IdentifierDelegation")) {
      if (targetKey.id !== fingerprint || !state.mayActForUid(fingerprint, uid)) continue;
      if (others.some((other) => state.mayActForUid(other, uid))) continue;
      return `it is the only key here that may sign for ${uid} (IdentifierDelegation in ${store}); revoke that delegation, or delegate to another key of this node first`;
    }
  }
  return undefined;
}

function* mappings<K extends TopologyMapping["kind"]>(
  state: TopologyState,
  kind: K,
): Iterable<Extract<TopologyMapping, { kind: K }>> {
  for (const { transaction } of state.transactionsOfKind(kind)) {
    yield transaction.mapping as Extract<TopologyMapping, { kind: K }>;
  }
}
