/** Which key signs a topology transaction when nobody says. Pure. */
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { namespaceOf } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { namespacesOf, type TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";

/**
 * The keys that may authorise a mapping, the one to be preferred last, as Canton lists them: keys of an identifier, then
 * the root key of the namespace, keys that may delegate it further, and keys that may not. So everyday transactions are
 * signed with the key that has the least power, and the root key can be kept elsewhere.
 *
 * For an identifier delegation it is the other way round: what hands on authority is signed as near to the root as can be.
 */
export function signingKeyCandidates(state: TopologyState, mapping: TopologyMapping): Fingerprint[] {
  const namespaces = namespacesOf(mapping);
  const rank = (key: Fingerprint): number => {
    if (!namespaces.every((namespace) => state.mayActForNamespace(key, namespace, false))) {
      return namespaces.includes(key) ? 1 : 0;
    }
    if (namespaces.includes(key)) return 1;
    return namespaces.every((namespace) => state.mayActForNamespace(key, namespace, true)) ? 2 : 3;
  };
  const candidates = state.authorizingKeys(mapping).sort((a, b) => rank(a) - rank(b));
  if (mapping.kind !== "IdentifierDelegation") return candidates;
  const root = namespaceOf(mapping.uid);
  const delegating = candidates.filter((key) => state.mayActForNamespace(key, root, true)).reverse();
  return [...candidates.filter((key) => !delegating.includes(key)), ...delegating];
}
