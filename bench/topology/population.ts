/** A domain's worth of participants and parties, as topology transactions that their owners signed. */
import {
  generateEncryptionKeyPair,
  generateSigningKeyPair,
  publicKeyOf,
} from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { type MemberId, participantMember } from "@pulumi-canton/protocol/identity/member.ts";
import { type UniqueIdentifier, uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import {
  addition,
  type SignedTopologyTransaction,
  signTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";

/** What a domain is populated with. */
export interface Population {
  readonly participants: readonly MemberId[];
  readonly parties: readonly UniqueIdentifier[];
  /** What participants sign: root, keys, their side of the domain, their parties. The domain's side is not among it. */
  readonly transactions: readonly SignedTopologyTransaction[];
  /** A party more, on the first participant. */
  readonly newParty: (n: number) => SignedTopologyTransaction;
}

/** Parties, spread evenly over participants each of which owns its namespace. */
export function population(
  domain: UniqueIdentifier,
  size: { readonly participants: number; readonly parties: number },
): Population {
  const participants: MemberId[] = [];
  const parties: UniqueIdentifier[] = [];
  const transactions: SignedTopologyTransaction[] = [];
  let newParty: Population["newParty"] | undefined;
  for (let p = 0; p < size.participants; p += 1) {
    const namespaceKey = generateSigningKeyPair();
    const namespace = namespaceKey.publicKey.id;
    const participant = participantMember(uniqueIdentifier(`participant${p}`, namespace));
    const sign = (mapping: TopologyMapping) => transactions.push(signTransaction(addition(mapping), namespaceKey));
    sign({ kind: "NamespaceDelegation", namespace, targetKey: namespaceKey.publicKey, isRootDelegation: true });
    for (const pair of [generateSigningKeyPair(), generateEncryptionKeyPair()]) {
      sign({ kind: "OwnerToKeyMapping", owner: participant, key: publicKeyOf(pair) });
    }
    const state = { kind: "ParticipantState", domain, participant } as const;
    sign({ ...state, side: "To", permission: "Submission", trustLevel: "Ordinary" });
    const hosting = (name: string) =>
      ({
        kind: "PartyToParticipant",
        side: "Both",
        party: uniqueIdentifier(name, namespace),
        participant,
        permission: "Submission",
      }) as const;
    newParty ??= (n) => signTransaction(addition(hosting(`new${n}`)), namespaceKey);
    const own = Math.floor(((p + 1) * size.parties) / size.participants) - parties.length;
    for (let n = 0; n < own; n += 1) {
      // No name is the beginning of another: filters of names ask for beginnings.
      const mapping = hosting(`party${String(parties.length).padStart(7, "0")}`);
      sign(mapping);
      parties.push(mapping.party);
    }
    participants.push(participant);
  }
  if (newParty === undefined) throw new RangeError("a population has at least one participant");
  return { participants, parties, transactions, newParty };
}
