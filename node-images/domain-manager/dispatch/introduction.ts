/** What a participant has to know before it can verify anything that the domain sends it: pure. */
import { domainManagerMember, sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import type { SignedTopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";

/**
 * The present signing keys of the domain manager and the sequencers, with the delegations that authorise them, the root
 * certificate first.
 *
 * A participant that catches up reads the past, in which those may have had other keys; but what it reads is signed with
 * those of today. They come first in each message, therefore, unless the message has them anyway. When they come in their
 * order, they are duplicates.
 *
 * @param published the domain's topology as all members have it
 * @param message the transactions of the message
 */
export function introductionTo(
  message: readonly SignedTopologyTransaction[],
  published: TopologyState,
  domainId: UniqueIdentifier,
): SignedTopologyTransaction[] {
  const sent = new Set(message.map(({ uniquePath }) => uniquePath));
  const keys = [domainManagerMember(domainId), sequencerMember(domainId)].flatMap((member) =>
    published.signingKeyTransactions(member),
  );
  if (keys.every(({ uniquePath }) => sent.has(uniquePath))) return [];
  const introduction = new Set<SignedTopologyTransaction>();
  for (const tx of keys) {
    // One whose signer has no authority any more cannot be shown to be right without all that was said since.
    const proof = published.proofOfAuthority(tx.key.id, domainId);
    for (const each of proof === undefined ? [] : [...proof, tx]) introduction.add(each);
  }
  return [...introduction];
}
