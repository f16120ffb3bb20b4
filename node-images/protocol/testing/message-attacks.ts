import { generateSigningKeyPair, type SigningKeyPair } from "../crypto/key-pair.ts";
import { sign } from "../crypto/signature.ts";
import {
  type DomainTopologyMessage,
  type DomainTopologyMessageProblem,
  signDomainTopologyMessage,
} from "../envelope/domain-topology-message.ts";
import type { Micros } from "../timestamp.ts";
import { addition, newElementId, type SignedTopologyTransaction, signTransaction } from "../topology/transaction.ts";
import type { AttackedDomain, AttackKind } from "./attacks.ts";

/** A message that must be void as a whole, although its transactions are all in order. */
export interface MessageAttack {
  readonly kind: AttackKind;
  readonly what: string;
  readonly message: DomainTopologyMessage;
}

/** Every problem that a message may have, with messages that have it: one that is added without does not compile. */
export type MessageAttacks = Readonly<
  Record<DomainTopologyMessageProblem["kind"], readonly [MessageAttack, ...MessageAttack[]]>
>;

/**
 * Makes messages that every member has to refuse.
 *
 * @param managerKey the present signing key of the domain manager
 * @param sequencedAt the time at which the messages will be sequenced, or an earlier one
 */
export async function messageAttacks(
  { participant, participantKey, formerManagerKey, stranger }: AttackedDomain,
  { domainId, managerKey, sequencedAt }: { domainId: string; managerKey: SigningKeyPair; sequencedAt: Micros },
): Promise<MessageAttacks> {
  /** A transaction that would be accepted, were it not for the message around it. */
  const party = (): SignedTopologyTransaction => {
    const name = `${newElementId()}::${participantKey.publicKey.id}`;
    const mapping = {
      kind: "PartyToParticipant",
      side: "Both",
      party: name,
      participant,
      permission: "Submission",
    } as const;
    return signTransaction(addition(mapping), participantKey);
  };
  const message = (pair: SigningKeyPair, over: Partial<DomainTopologyMessage> = {}) =>
    signDomainTopologyMessage(
      { domainId, notSequencedAfter: sequencedAt + 3_600_000_000n, transactions: [party()], ...over },
      (content) => sign(pair, "domain-topology-message", content),
    );
  /** A key that the message itself claims for the domain manager, without the authority to say so. */
  const claimed = (signer: SigningKeyPair, key: SigningKeyPair) =>
    signTransaction(
      addition({
        kind: "OwnerToKeyMapping",
        owner: `DOM::${domainId}`,
        key: { purpose: "signing", key: key.publicKey },
      }),
      signer,
    );
  const own = generateSigningKeyPair();
  const good = await message(managerKey, { transactions: [party(), party()] });
  const bySubmission = { domainId, notSequencedAfter: good.notSequencedAfter, transactions: [party()] };
  return {
    "wrong-domain": [
      {
        kind: "other domain",
        what: "for another domain of the same owner",
        message: await message(managerKey, { domainId: `x::${managerKey.publicKey.id}` }),
      },
    ],
    "too-late": [
      {
        kind: "stale",
        what: "sequenced after its time",
        message: await message(managerKey, { notSequencedAfter: sequencedAt - 1n }),
      },
    ],
    "invalid-signature": [
      { kind: "forged", what: "signed by a participant", message: await message(participantKey) },
      {
        kind: "forged",
        what: "signed with a key that it brings itself, claimed by a stranger",
        message: await message(own, { transactions: [claimed(stranger, own), party()] }),
      },
      {
        kind: "forged",
        what: "signed with a key that it brings itself, claimed by a participant",
        message: await message(own, { transactions: [claimed(participantKey, own), party()] }),
      },
      {
        kind: "revoked key",
        what: "signed with a former key of the manager",
        message: await message(formerManagerKey),
      },
      {
        kind: "tampered",
        what: "with a transaction less than was signed",
        message: { ...good, transactions: good.transactions.slice(1) },
      },
      {
        kind: "tampered",
        what: "with its transactions in another order",
        message: { ...good, transactions: good.transactions.toReversed() },
      },
      {
        kind: "tampered",
        what: "with its time extended",
        message: { ...good, notSequencedAfter: good.notSequencedAfter + 1n },
      },
      {
        kind: "wrongly signed",
        what: "signed for another purpose",
        message: await signDomainTopologyMessage(bySubmission, (content) =>
          sign(managerKey, "submission-request", content),
        ),
      },
    ],
  };
}
