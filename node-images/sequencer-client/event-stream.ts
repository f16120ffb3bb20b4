/** The checks that turn what a sequencer sends into events that a member may act on. */
import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { verifyWithAny } from "@pulumi-canton/protocol/crypto/signature.ts";
import { decodeSequencedEvent } from "@pulumi-canton/protocol/envelope/sequenced-event.ts";
import { decodeSignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";
import type { VersionedSubscriptionResponse } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_service.ts";
import { formatMicros } from "@pulumi-canton/protocol/timestamp.ts";
import type { ReachedTime } from "./reached-time.ts";
import type { ReceivedEvent } from "./received-event.ts";
import type { SequencerTrust } from "./sequencer-trust.ts";

/** The most bytes that a batch may have once it is unpacked: what a gRPC client of ours takes as one message. */
const maxBatchBytes = 64 * 1024 * 1024;

/** A sequencer sent something that does not belong into the stream. Another sequencer may do better. */
export class InconsistentStream extends Error {
  override readonly name: string = "InconsistentStream";
}

/** A sequencer signs with a key that is none of the domain's. */
export class UntrustedSequencer extends InconsistentStream {
  override readonly name = "UntrustedSequencer";
}

/** The most bytes of memory, about, that events by an unknown key take while they are held back. */
const maxHeldBytes = 128 * 1024 * 1024;
/** What an event, an envelope or a recipient takes at most beside the content. */
const overheadBytes = 256;

/** Where a member is in its stream. */
export class StreamPosition {
  readonly #domainId: string;
  readonly #trust: SequencerTrust | undefined;
  readonly #reached: ReachedTime;
  /** What it was when the subscription began. */
  #reachedBefore: bigint | undefined;
  #nextCounter: bigint;
  /** The last event that came, handled or held. */
  #last: { counter: bigint; timestamp: bigint | undefined };
  #handledAt: bigint | undefined;
  /** Events whose signer is not known yet, and what reads them ahead. */
  #held: ReceivedEvent[] = [];
  #heldBytes = 0;
  #readAhead: ReturnType<SequencerTrust["readAhead"]> | undefined;

  /**
   * @param trust whose signatures count; undefined: any
   * @param reached an event from that time on is not held, as all topology up to it has come before it
   */
  constructor(domainId: string, fromCounter: bigint, trust: SequencerTrust | undefined, reached: ReachedTime) {
    this.#domainId = domainId;
    this.#trust = trust;
    this.#reached = reached;
    this.#nextCounter = fromCounter;
    this.#last = { counter: fromCounter - 1n, timestamp: undefined };
  }

  /** The counter of the first event that was not handled yet: where to subscribe. */
  get nextCounter(): bigint {
    return this.#nextCounter;
  }

  /** A new subscription begins, at `nextCounter`: what another sequencer delivered and is held counts no more. */
  restart(): void {
    this.#release();
    // While the member was away, the keys that it knew may have been replaced and be gone: what was sequenced since is then
    // signed with a key of which it is told later still.
    this.#reachedBefore = this.#handledAt === undefined ? undefined : this.#reached.value;
    this.#last = { counter: this.#nextCounter - 1n, timestamp: this.#handledAt };
  }

  /**
   * Decodes and checks the next event.
   *
   * @returns the events to handle now, in order: none while the event is held, and with the one that tells of the signer's key all that were held
   * @throws InconsistentStream
   */
  admit(response: VersionedSubscriptionResponse): readonly ReceivedEvent[] {
    try {
      const event = decodeEvent(response);
      this.#checkPlace(event);
      this.#last = event;
      return this.#checkSigner(event);
    } catch (error) {
      if (error instanceof InconsistentStream) throw error;
      throw new InconsistentStream(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  /** Whether events are held, waiting for the key that they are signed with. */
  get holds(): boolean {
    return this.#held.length > 0;
  }

  /** Whether the stream has come as far as the domain is known to be, and what is held can expect no key any more. */
  get nothingToCome(): boolean {
    const { value } = this.#reached;
    if (!this.holds || value === undefined || value === this.#reachedBefore) return false;
    return (this.#last.timestamp ?? 0n) >= value;
  }

  /** Why what is held does not count. */
  heldInVain(): UntrustedSequencer | undefined {
    const [first] = this.#held;
    return first && notSigned(first, this.#trust?.keys() ?? []);
  }

  /** The event was handled: the next one is expected. */
  handled({ counter, timestamp }: ReceivedEvent): void {
    this.#nextCounter = counter + 1n;
    this.#handledAt = timestamp;
  }

  #checkSigner(event: ReceivedEvent): readonly ReceivedEvent[] {
    if (this.#trust === undefined) return [event];
    if (this.#held.length === 0) {
      const known = this.#trust.keys();
      if (known.some(({ id }) => id === event.signed.signature.signedBy)) {
        if (isSignedWith(known, event)) return [event];
        throw notSigned(event, known);
      }
    }
    this.#readAhead ??= this.#trust.readAhead();
    this.#held.push(event);
    this.#heldBytes += sizeOf(event);
    const keys = this.#readAhead(event);
    if (this.#held.every((each) => isSignedWith(keys, each))) return this.#release();
    if (this.nothingToCome || this.#heldBytes > maxHeldBytes) throw notSigned(event, keys);
    return [];
  }

  #release(): readonly ReceivedEvent[] {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#readAhead = undefined;
    return held;
  }

  #checkPlace({ domainId, counter, timestamp }: ReceivedEvent): void {
    const expected = this.#last.counter + 1n;
    if (domainId !== this.#domainId) {
      throw new InconsistentStream(`an event of the domain ${domainId} came in a stream of ${this.#domainId}`);
    }
    if (counter !== expected) {
      throw new InconsistentStream(`event ${expected} was expected and event ${counter} came`);
    }
    if (this.#last.timestamp !== undefined && timestamp <= this.#last.timestamp) {
      throw new InconsistentStream(
        `event ${counter} is of ${formatMicros(timestamp)}, not after the one before it (${formatMicros(this.#last.timestamp)})`,
      );
    }
  }
}

function decodeEvent(response: VersionedSubscriptionResponse): ReceivedEvent {
  const signed = decodeSignedContent(response.signedSequencedEvent);
  const decoded = decodeSequencedEvent(signed.content, maxBatchBytes);
  const { counter, timestamp, domainId, messageId } = decoded;
  return {
    counter,
    timestamp,
    domainId,
    messageId,
    envelopes: decoded.kind === "deliver" ? decoded.envelopes : [],
    deliverError: decoded.kind === "deliver-error" ? decoded.reason.text : undefined,
    traceparent: response.traceContext?.traceparent,
    signed,
  };
}

/** As received, and unpacked: a packed batch may become a thousand times as large. */
function sizeOf({ signed, envelopes }: ReceivedEvent): number {
  const sizes = envelopes.map(({ content, recipients }) => content.length + (1 + recipients.length) * overheadBytes);
  return sizes.reduce((bytes, size) => bytes + size, overheadBytes + signed.content.length);
}

function isSignedWith(keys: readonly SigningPublicKey[], { signed: { content, signature } }: ReceivedEvent): boolean {
  return verifyWithAny(keys, "sequenced-event", content, signature);
}

function notSigned({ counter, domainId, signed }: ReceivedEvent, keys: readonly SigningPublicKey[]) {
  return new UntrustedSequencer(
    `event ${counter} is not signed with a key that the owner of ${domainId} has given to its sequencers (signed by ${signed.signature.signedBy || "nobody"}; known are ${keys.map(({ id }) => id).join(", ") || "none"})`,
  );
}
