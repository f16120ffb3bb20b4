import fc from "fast-check";
import { expect, test } from "vitest";
import { packBatch, unpackMessage } from "./packed-batch.ts";

test("every message that was packed can be cut out again", () => {
  const text = fc.string({ unit: "binary" });
  const message = fc.record({
    sender: fc.nat(),
    messageId: text,
    error: fc.option(text),
    traceparent: fc.option(text),
    payload: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(fc.array(message), (messages) => {
      const { content, ends } = packBatch(messages);
      const cut = ends.map((end, index) => unpackMessage(content.subarray(ends[index - 1] ?? 0, end)));
      expect(cut).toEqual(messages);
      expect(content.length).toBe(ends.at(-1) ?? 0);
    }),
  );
});
