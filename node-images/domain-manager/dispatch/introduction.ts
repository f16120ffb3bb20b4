/** What a participant has to know before it can verify anything that the domain sends it: pure. */
import { domainManagerMember, sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import type { SignedTopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";

/** The transactions in force that give the domain manager and the sequencers their signing keys. */
export function keyTransactions(published: TopologyState, domainId: UniqueIdentifier): SignedTopologyTransaction[] {
  return [domainManagerMember(domainId), sequencerMember(domainId)].flatMap((member) =>
    published.signingKeyTransactions(member),
  );
}

/**
 * Transactions that give the domain's own members their keys, behind the delegations that authorise them, the root
 * certificate first.
 *
 * A participant that catches up reads the past, in which they may have had other keys; but what it reads is signed with
 * those of today. What it will come to know only later is said first in each message, therefore; when it comes in its
 * order, it is a duplicate.
 *
 * @param keys those of {@link keyTransactions} that it has not received with the message yet
 * @param published the domain's topology as all members have it
 */
export function introductionOf(
  keys: readonly SignedTopologyTransaction[],
  published: TopologyState,
  domainId: UniqueIdentifier,
): SignedTopologyTransaction[] {
  const introduction = new Set<SignedTopologyTransaction>();
  for (const tx of keys) {
    // One whose signer has no authority any more cannot be shown to be right without all that was said since.
    const proof = published.proofOfAuthority(tx.key.id, domainId);
    for (const each of proof === undefined ? [] : [...proof, tx]) introduction.add(each);
  }
  return [...introduction];
}
