/** What topology transactions say, in words: read by whoever is about to sign them. Nothing is shortened. */

import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import type { TopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { visibleText } from "@pulumi-canton/runtime/visible-text.ts";

/**
 * A sentence for a mapping, in one line: names that others chose cannot write over it, or add another one.
 *
 * @param nameOf what a key is called, by its fingerprint
 */
export function mappingInWords(mapping: TopologyMapping, nameOf: (fingerprint: string) => string | undefined): string {
  return visibleText(sentenceOf(mapping, nameOf));
}

function sentenceOf(mapping: TopologyMapping, nameOf: (fingerprint: string) => string | undefined): string {
  const key = (id: string) => (nameOf(id) === undefined ? `the key ${id}` : `the key ${nameOf(id)} (${id})`);
  switch (mapping.kind) {
    case "NamespaceDelegation": {
      const { namespace, targetKey, isRootDelegation } = mapping;
      if (targetKey.id === namespace) return `the namespace ${namespace} begins: its own key may sign for all of it`;
      const further = isRootDelegation ? ", AND MAY LET OTHER KEYS DO SO" : ", but may not let other keys do so";
      return `${key(targetKey.id)} may sign for everything in the namespace ${namespace}${further}`;
    }
    case "IdentifierDelegation":
      return `${key(mapping.targetKey.id)} may sign for ${mapping.uid}, and for nothing else`;
    case "OwnerToKeyMapping": {
      const { owner, key: used } = mapping;
      return `${owner} ${used.purpose === "signing" ? "signs with" : "has messages encrypted for"} ${key(used.key.id)}`;
    }
    case "PartyToParticipant": {
      const { party, participant, permission, side } = mapping;
      const agrees = { From: " (the party's side)", To: " (the participant's side)", Both: "" }[side];
      return `the party ${party} is hosted by ${participant} with permission ${permission}${agrees}`;
    }
    case "ParticipantState": {
      const { participant, domain, permission, trustLevel, side } = mapping;
      const agrees = { From: "the domain's side", To: "the participant's side", Both: "both sides" }[side];
      return `${participant} is on the domain ${domain} with permission ${permission}, trust level ${trustLevel} (${agrees})`;
    }
    case "MediatorDomainState":
      return `${mapping.mediator} is a mediator of the domain ${mapping.domain}`;
    case "VettedPackages":
      return `${mapping.participant} has vetted ${mapping.packageIds.length} packages: ${mapping.packageIds.join(", ")}`;
    case "DomainParametersChange":
      return `the domain ${mapping.domain} has these parameters: ${parametersInWords(mapping.parameters)}`;
  }
}

/** A sentence for a transaction. */
export function transactionInWords(
  { operation, mapping }: TopologyTransaction,
  nameOf: (fingerprint: string) => string | undefined = () => undefined,
): string {
  const words = mappingInWords(mapping, nameOf);
  return operation === "Remove" ? `NO LONGER: ${words}` : words;
}

function parametersInWords(parameters: object): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${typeof value === "bigint" ? `${Number(value) / 1e6}s` : value}`)
    .join(", ");
}
