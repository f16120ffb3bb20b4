import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import type { ReceivedEvent } from "./received-event.ts";

/**
 * What a member knows of the signing keys of its domain's sequencers (`SEQ::<domain>`).
 *
 * It learns them from the stream that they sign: a new member knows nothing but the domain id, and one that was away may
 * be served by a sequencer that it has not heard of. So events by an unknown key are held back and read ahead: when they
 * themselves tell of the key, authorised by the owner of the domain's namespace, they all count; else none of them does.
 */
export interface SequencerTrust {
  /** The keys as of the events that were handled. */
  keys(): readonly SigningPublicKey[];
  /** Starts to read ahead of what was handled: every call takes the next event and gives the keys after it. */
  readAhead(): (event: ReceivedEvent) => readonly SigningPublicKey[];
}

/** Trusts these keys and no others. */
export function trustOnly(keys: readonly SigningPublicKey[]): SequencerTrust {
  return { keys: () => keys, readAhead: () => () => keys };
}
