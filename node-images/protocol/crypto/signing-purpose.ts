import { createHash } from "node:crypto";

/** What a signature is for. A signature made for one purpose is worthless for every other one. */
export type SigningPurpose =
  /** Authorises a topology transaction. */
  | "topology-transaction"
  /** The domain manager vouches for the order and the choice of the topology transactions it distributes. */
  | "domain-topology-message"
  /** A sequencer vouches for an event of a member's stream. */
  | "sequenced-event"
  /** A member vouches for what it sends. */
  | "submission-request"
  /** A member proves to a sequencer who it is: the content is that of `authenticationContent`. */
  | "sequencer-authentication"
  /** A member acknowledges its stream up to a timestamp. */
  | "acknowledgement"
  /** A domain's manager vouches for an invitation to its domain. */
  | "invitation";

/**
 * The number of each purpose, which is hashed in front of the content. They start above the numbers that Canton uses for
 * hashes of its own, so that nothing signed here can be taken for something of Canton's. Numbers are never used again.
 */
const PURPOSE_NUMBERS: Record<SigningPurpose, number> = {
  "topology-transaction": 1001,
  "domain-topology-message": 1002,
  "sequenced-event": 1003,
  "submission-request": 1004,
  "sequencer-authentication": 1005,
  acknowledgement: 1006,
  invitation: 1007,
};

/** All purposes. */
export const SIGNING_PURPOSES = Object.keys(PURPOSE_NUMBERS) as SigningPurpose[];

/** What is signed for a content: SHA-256 over the purpose (32 bits, big endian) and the content. */
export function signingDigest(purpose: SigningPurpose, content: Uint8Array): Buffer {
  const number = Buffer.alloc(4);
  number.writeInt32BE(PURPOSE_NUMBERS[purpose]);
  return createHash("sha256").update(number).update(content).digest();
}
