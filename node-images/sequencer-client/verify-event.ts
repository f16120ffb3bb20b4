import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { verifyWithAny } from "@pulumi-canton/protocol/crypto/signature.ts";
import { unauthenticated } from "@pulumi-canton/runtime/errors.ts";
import type { EventVerifier, ReceivedEvent } from "./received-event.ts";

/**
 * Checks that an event is signed with one of the sequencers' keys.
 *
 * @param resolve gives the signing keys of `SEQ::<domain>` as the member knows them, or undefined while it knows no topology of the domain yet: such events are accepted, and what they carry is
 *   judged by its own signatures
 */
export function verifyWithKeys(
  resolve: (
    event: ReceivedEvent,
  ) => readonly SigningPublicKey[] | undefined | Promise<readonly SigningPublicKey[] | undefined>,
): EventVerifier {
  return async (event, signedBytes) => {
    const keys = await resolve(event);
    if (keys === undefined) return;
    const signature = event.signed.signature;
    if (verifyWithAny(keys, "sequenced-event", signedBytes, signature)) return;
    throw unauthenticated(
      "SEQUENCED_EVENT_SIGNATURE_INVALID",
      `event ${event.counter} is not signed with a key of the domain's sequencers (signed by ${signature.signedBy || "nobody"}; known are ${keys.map((key) => key.id).join(", ") || "none"})`,
    );
  };
}
