import { generateSigningKeyPair, type SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import { compressBatch } from "@pulumi-canton/protocol/envelope/batch.ts";
import { encodeSequencedEvent, sequencedEventToProto } from "@pulumi-canton/protocol/envelope/sequenced-event.ts";
import { encodeSignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";
import { SequencedEvent } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/sequencing.ts";
import { encodeMessage } from "@pulumi-canton/protocol/protocol-error.ts";
import { wrapVersioned } from "@pulumi-canton/protocol/versioned-message.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { InconsistentStream, StreamPosition, UntrustedSequencer } from "./event-stream.ts";
import { ReachedTime } from "./reached-time.ts";
import { type SequencerTrust, trustOnly } from "./sequencer-trust.ts";

const pair = generateSigningKeyPair();
const others = Array.from({ length: 2 }, generateSigningKeyPair);
const domainId = "da::1220aa";

function response(
  counter: bigint,
  timestamp: bigint,
  over: { domainId?: string; purpose?: "acknowledgement"; signer?: SigningKeyPair; text?: string } = {},
) {
  const content = encodeSequencedEvent({
    kind: "deliver",
    counter,
    timestamp,
    domainId: over.domainId ?? domainId,
    envelopes: [{ content: Buffer.from(over.text ?? "hello"), recipients: ["PAR::bob::1220bb"] }],
  });
  const signature = sign(over.signer ?? pair, over.purpose ?? "sequenced-event", content);
  const signedSequencedEvent = encodeSignedContent({ content, signature });
  return { signedSequencedEvent, traceContext: undefined, trafficState: undefined };
}

const position = () => new StreamPosition(domainId, 5n, trustOnly([pair.publicKey]), new ReachedTime());

test("events are taken one after the other", () => {
  const stream = position();
  const [event] = stream.admit(response(5n, 100n));
  if (event === undefined) throw new Error("held");
  expect(event).toMatchObject({ counter: 5n, timestamp: 100n, messageId: undefined, deliverError: undefined });
  expect(event.envelopes.map(({ content }) => content.toString())).toEqual(["hello"]);
  // Not before it was handled.
  expect(stream.nextCounter).toBe(5n);
  stream.handled(event);
  expect(stream.nextCounter).toBe(6n);
  expect(stream.admit(response(6n, 101n))).toHaveLength(1);
});

test.each([
  ["a gap", response(6n, 100n), "event 5 was expected and event 6 came"],
  ["a repetition", response(4n, 100n), "event 5 was expected and event 4 came"],
  ["another domain", response(5n, 100n, { domainId: "other::1220aa" }), "other::1220aa"],
  ["a signature for something else", response(5n, 100n, { purpose: "acknowledgement" }), "not signed with a key"],
  ["garbage", { ...response(5n, 100n), signedSequencedEvent: Buffer.from("garbage") }, "signed_content"],
])("%s is refused", (_, given, message) => {
  const checking = () => position().admit(given);
  expect(checking).toThrow(InconsistentStream);
  expect(checking).toThrow(message);
});

test("time never stands still", () => {
  const stream = position();
  for (const event of stream.admit(response(5n, 100n))) stream.handled(event);
  expect(() => stream.admit(response(6n, 100n))).toThrow("not after the one before it");
});

/** Keys as events tell them: the text `key N` is the news that the sequencers have the key N. */
function toldBy(handled: readonly string[]): SequencerTrust {
  const all = [pair, ...others];
  const keysIn = (texts: readonly string[]): SigningPublicKey[] =>
    all.flatMap(({ publicKey }, index) => (texts.includes(`key ${index}`) ? [publicKey] : []));
  return {
    keys: () => keysIn(handled),
    readAhead: () => {
      const texts = [...handled];
      return ({ envelopes }) => {
        texts.push(...envelopes.map(({ content }) => content.toString()));
        return keysIn(texts);
      };
    },
  };
}

test("who knows no key yet takes the events that tell of the key they are signed with, and none before", () => {
  const handled: string[] = [];
  const stream = new StreamPosition(domainId, 0n, toldBy(handled), new ReachedTime());
  expect(stream.admit(response(0n, 100n, { text: "other news" }))).toEqual([]);
  expect(stream.nextCounter).toBe(0n);
  expect(stream.admit(response(1n, 101n, { text: "key 0" })).map(({ counter }) => counter)).toEqual([0n, 1n]);
});

test("a sequencer whose key does not come is refused as soon as everything has come that could tell of it", () => {
  const reached = new ReachedTime();
  const stream = new StreamPosition(domainId, 0n, toldBy(["key 0"]), reached);
  const [stranger] = others as [SigningKeyPair];
  expect(stream.admit(response(0n, 100n, { signer: stranger }))).toEqual([]);
  reached.advance(102n);
  expect(stream.nothingToCome).toBe(false);
  expect(stream.admit(response(1n, 101n, { signer: stranger }))).toEqual([]);
  expect(() => stream.admit(response(2n, 102n, { signer: stranger }))).toThrow(UntrustedSequencer);
  // And so it is when it is known only afterwards that the domain had come so far.
  stream.restart();
  const later = new ReachedTime();
  const other = new StreamPosition(domainId, 0n, toldBy(["key 0"]), later);
  let inVain = false;
  later.onAdvance(() => {
    inVain = other.nothingToCome;
  });
  expect(other.admit(response(0n, 100n, { signer: stranger }))).toEqual([]);
  later.advance(100n);
  expect(inVain).toBe(true);
  expect(other.heldInVain()?.message).toContain(stranger.publicKey.id);
  // Another sequencer delivers the same: what the first one said is forgotten.
  stream.restart();
  expect(stream.admit(response(0n, 100n)).map(({ counter }) => counter)).toEqual([0n]);
});

test.each([
  ["large", [{ content: Buffer.alloc(8 * 1024 * 1024), recipients: ["PAR::bob::1220bb"] }]],
  ["many", Array.from({ length: 20_000 }, () => ({ content: Buffer.alloc(0), recipients: ["PAR::bob::1220bb"] }))],
])(
  "an unknown sequencer is refused when what is held of it, unpacked, is too much: envelopes that are %s",
  (_, envelopes) => {
    const stream = new StreamPosition(domainId, 0n, toldBy(["key 0"]), new ReachedTime());
    const [signer] = others as [SigningKeyPair];
    let received = 0;
    const flood = () => {
      for (let counter = 0n; counter < 20n; counter++) {
        const event = sequencedEventToProto({
          kind: "deliver",
          counter,
          timestamp: 100n + counter,
          domainId,
          envelopes: [],
        });
        const packed = { ...event, batch: compressBatch(envelopes, "gzip") };
        const content = wrapVersioned(0, encodeMessage(SequencedEvent, packed));
        const signature = sign(signer, "sequenced-event", content);
        const signedSequencedEvent = encodeSignedContent({ content, signature });
        received += signedSequencedEvent.length;
        stream.admit({ signedSequencedEvent, traceContext: undefined, trafficState: undefined });
      }
    };
    expect(flood).toThrow(UntrustedSequencer);
    expect(received).toBeLessThan(1024 * 1024);
  },
);

test("who comes back after the sequencers' keys were replaced reads on until the new one is told", () => {
  const reached = new ReachedTime();
  const stream = new StreamPosition(domainId, 0n, toldBy(["key 0"]), reached);
  const [next] = others as [SigningKeyPair];
  for (const event of stream.admit(response(0n, 100n))) stream.handled(event);
  reached.advance(101n);
  stream.restart();
  // Sequenced after what the member knows to be reached, and delivered when the old key was gone.
  expect(stream.admit(response(1n, 102n, { signer: next }))).toEqual([]);
  const told = stream.admit(response(2n, 103n, { signer: next, text: "key 1" }));
  expect(told.map(({ counter }) => counter)).toEqual([1n, 2n]);
});

test("whatever is told when and by whom: every event is handled once, in order, and only by a key that was told by then", () => {
  const [first, second] = others as [SigningKeyPair, SigningKeyPair];
  const signers = [pair, first, second];
  const event = fc.record({
    signer: fc.integer({ min: 0, max: 2 }),
    tells: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
    cut: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), (events) => {
      const handled: string[] = [];
      const taken: bigint[] = [];
      const stream = new StreamPosition(domainId, 0n, toldBy(handled), new ReachedTime());
      for (let at = 0; at < events.length; at++) {
        const { signer = 0, tells, cut = false } = events[at] ?? {};
        if (cut) {
          stream.restart();
          // What the former sequencer had delivered and was not handled comes again.
          for (let again = Number(stream.nextCounter); again < at; again++) {
            admit(again, signer, events[again]?.tells);
          }
        }
        admit(at, signer, tells);
      }
      function admit(at: number, signer: number, tells: number | undefined): void {
        const text = tells === undefined ? "" : `key ${tells}`;
        const given = response(BigInt(at), 100n + BigInt(at), { signer: signers[signer] as SigningKeyPair, text });
        const admitted = stream.admit(given);
        for (const each of admitted) {
          handled.push(...each.envelopes.map(({ content }) => content.toString()));
          taken.push(each.counter);
          stream.handled(each);
        }
        for (const each of admitted) {
          const key = signers.findIndex(({ publicKey }) => publicKey.id === each.signed.signature.signedBy);
          expect(handled).toContain(`key ${key}`);
        }
      }
      expect(taken).toEqual(taken.map((_, index) => BigInt(index)));
    }),
  );
});
