import type { Signature } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";

/** What a member signs towards a sequencer; each is a separate signing purpose, so that one signature can never stand in for another. */
export type MemberSigningPurpose = "sequencer-authentication" | "submission-request" | "acknowledgement";

/**
 * Signs with the signing keys of one member. A node implements it over its key store.
 *
 * It is asked for a signature on every authentication and every send, so it looks the current key up each time: a rotated key is used from the next call on.
 */
export interface MemberSigner {
  /**
   * @param purpose what the signature is for.
   * @param content the bytes to sign.
   * @param fingerprints when given, the fingerprints of the keys that the verifier knows of this member: the signature must be made by one of them. Left out: the member's current signing key.
   * @throws when no private key for any of the fingerprints is held.
   */
  sign(purpose: MemberSigningPurpose, content: Buffer, fingerprints?: readonly string[]): Promise<Signature>;
}
