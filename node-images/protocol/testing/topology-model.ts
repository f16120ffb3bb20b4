import { namespaceOf } from "../identity/unique-identifier.ts";
import type { RejectionReason } from "../topology/decide.ts";
import { mappingKey, type NamespaceDelegation, type TopologyMapping, uidsOf } from "../topology/mapping.ts";
import type { SignedTopologyTransaction } from "../topology/transaction.ts";

/**
 * The rules of `decide` once more, written for plainness and without any index: a list that is searched from end to end.
 * Property tests hold the real thing against it. Signatures are taken to be valid.
 */
export class TopologyModel {
  active: SignedTopologyTransaction[] = [];
  removed: SignedTopologyTransaction[] = [];

  /** What becomes of a transaction: refused for a reason, or accepted and taken in. */
  submit(tx: SignedTopologyTransaction, force: boolean): RejectionReason | "accepted" {
    const { operation, mapping } = tx.transaction;
    const current = this.active.find(({ uniquePath }) => uniquePath === tx.uniquePath);
    const gone = this.removed.find(({ uniquePath }) => uniquePath === tx.uniquePath);
    const isSame = (other?: SignedTopologyTransaction) => other?.transactionBytes.equals(tx.transactionBytes) === true;

    if (operation === "Remove" ? isSame(gone) : isSame(current)) return "DUPLICATE_TRANSACTION";
    if (operation === "Remove") {
      if (!current || mappingKey(current.transaction.mapping) !== mappingKey(mapping)) {
        return "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE";
      }
    }
    if (operation === "Add") {
      if (current) return "ELEMENT_ID_IN_USE";
      if (gone) return "OBSOLETE_TRANSACTION";
      const said = this.active.some(
        (other) => mappingKey(other.transaction.mapping) === mappingKey(mapping) && other.key.id === tx.key.id,
      );
      if (said) return "TOPOLOGY_MAPPING_ALREADY_EXISTS";
    }
    if (!authorized(this.active, tx.key.id, mapping)) return "UNAUTHORIZED_TOPOLOGY_TRANSACTION";
    const rest = this.active.filter((other) => other !== current);
    if (operation === "Remove" && !force) {
      if (mapping.kind === "OwnerToKeyMapping") {
        const another = rest.some(({ transaction: { mapping: other } }) => {
          if (other.kind !== "OwnerToKeyMapping") return false;
          return other.owner === mapping.owner && other.key.purpose === mapping.key.purpose;
        });
        if (!another) return "REMOVING_LAST_KEY_MUST_BE_FORCED";
      } else {
        const dangles = rest.some(
          ({ key, transaction }) =>
            authorized(this.active, key.id, transaction.mapping) && !authorized(rest, key.id, transaction.mapping),
        );
        if (dangles) return "REMOVING_KEY_DANGLING_TRANSACTIONS_MUST_BE_FORCED";
      }
    }
    this.active = operation === "Remove" ? rest : [...rest, tx];
    if (operation === "Remove") this.removed.push(tx);
    return "accepted";
  }
}

/** All keys that may act for a namespace, and whether they may delegate it: grown until nothing more is found. */
function authorities(active: SignedTopologyTransaction[], namespace: string): Map<string, boolean> {
  const found = new Map<string, boolean>();
  const delegations = active.filter(
    ({ transaction: { mapping } }) => mapping.kind === "NamespaceDelegation" && mapping.namespace === namespace,
  );
  for (let grew = true; grew; ) {
    grew = false;
    for (const tx of delegations) {
      const { targetKey, isRootDelegation } = tx.transaction.mapping as NamespaceDelegation;
      const isRootCertificate = targetKey.id === namespace && tx.key.id === namespace;
      if (!isRootCertificate && found.get(tx.key.id) !== true) continue;
      const mayDelegate = found.get(targetKey.id) === true || isRootDelegation;
      if (found.get(targetKey.id) === mayDelegate) continue;
      found.set(targetKey.id, mayDelegate);
      grew = true;
    }
  }
  return found;
}

/** Whether a key may authorise a mapping. */
export function authorized(active: SignedTopologyTransaction[], key: string, mapping: TopologyMapping): boolean {
  if (mapping.kind === "NamespaceDelegation") {
    if (mapping.targetKey.id === mapping.namespace) return key === mapping.namespace;
    return authorities(active, mapping.namespace).get(key) === true;
  }
  return uidsOf(mapping).every((uid) => {
    const keys = authorities(active, namespaceOf(uid));
    if (keys.has(key)) return true;
    if (mapping.kind === "IdentifierDelegation") return false;
    return active.some(({ key: signer, transaction: { mapping: other } }) => {
      if (other.kind !== "IdentifierDelegation" || other.uid !== uid || other.targetKey.id !== key) return false;
      return keys.has(signer.id);
    });
  });
}
