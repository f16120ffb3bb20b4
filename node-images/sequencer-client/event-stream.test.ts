import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import { encodeSequencedEvent } from "@pulumi-canton/protocol/envelope/sequenced-event.ts";
import { encodeSignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";
import { expect, test } from "vitest";
import { InconsistentStream, StreamPosition } from "./event-stream.ts";
import { verifyWithKeys } from "./verify-event.ts";

const pair = generateSigningKeyPair();
const domainId = "da::1220aa";

function response(counter: bigint, timestamp: bigint, over: { domainId?: string; purpose?: "acknowledgement" } = {}) {
  const content = encodeSequencedEvent({
    kind: "deliver",
    counter,
    timestamp,
    domainId: over.domainId ?? domainId,
    envelopes: [{ content: Buffer.from("hello"), recipients: ["PAR::bob::1220bb"] }],
  });
  const signature = sign(pair, over.purpose ?? "sequenced-event", content);
  const signedSequencedEvent = encodeSignedContent({ content, signature });
  return { signedSequencedEvent, traceContext: undefined, trafficState: undefined };
}

const position = () =>
  new StreamPosition(
    domainId,
    5n,
    verifyWithKeys(() => [pair.publicKey]),
  );

test("events are taken one after the other", async () => {
  const stream = position();
  const event = await stream.check(response(5n, 100n));
  expect(event).toMatchObject({ counter: 5n, timestamp: 100n, messageId: undefined, deliverError: undefined });
  expect(event.envelopes.map(({ content }) => content.toString())).toEqual(["hello"]);
  // Not before it was handled.
  expect(stream.nextCounter).toBe(5n);
  stream.delivered(event);
  expect(stream.nextCounter).toBe(6n);
  stream.delivered(await stream.check(response(6n, 101n)));
});

test.each([
  ["a gap", response(6n, 100n), "event 5 was expected and event 6 came"],
  ["a repetition", response(4n, 100n), "event 5 was expected and event 4 came"],
  ["another domain", response(5n, 100n, { domainId: "other::1220aa" }), "other::1220aa"],
  ["a signature for something else", response(5n, 100n, { purpose: "acknowledgement" }), "not signed with a key"],
  ["garbage", { ...response(5n, 100n), signedSequencedEvent: Buffer.from("garbage") }, "signed_content"],
])("%s is refused", async (_, given, message) => {
  const checking = position().check(given);
  await expect(checking).rejects.toBeInstanceOf(InconsistentStream);
  await expect(checking).rejects.toThrow(message);
});

test("time never stands still", async () => {
  const stream = position();
  stream.delivered(await stream.check(response(5n, 100n)));
  await expect(stream.check(response(6n, 100n))).rejects.toThrow("not after the one before it");
});

test("before any key is known, events are taken as they come", async () => {
  const stream = new StreamPosition(
    domainId,
    5n,
    verifyWithKeys(() => undefined),
  );
  expect((await stream.check(response(5n, 100n))).counter).toBe(5n);
});
