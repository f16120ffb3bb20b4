import fc from "fast-check";
import { expect, test } from "vitest";
import {
  childSpan,
  currentTrace,
  ensureTrace,
  formatTraceparent,
  newTrace,
  parseTraceparent,
  withTrace,
} from "./trace.ts";

const hex = (length: number) =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: length, maxLength: length })
    .map((digits) => digits.map((digit) => digit.toString(16)).join(""))
    .filter((text) => !/^0+$/.test(text));

test("a context survives the header", () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
      const trace = { traceId, spanId, sampled };
      expect(parseTraceparent(formatTraceparent(trace))).toEqual(trace);
    }),
  );
});

test("any text is either a context or none, never an exception", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(parseTraceparent(text)).toBeUndefined();
    }),
  );
});

test.each([
  undefined,
  "",
  "00-00000000000000000000000000000000-b7ad6b7169203331-01",
  "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
  "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
  "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
])("refuses %s", (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});

test("a later version with more fields is read", () => {
  expect(parseTraceparent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more")).toMatchObject({
    sampled: true,
  });
});

test("the context follows the work across awaits, and two pieces of work do not mix", async () => {
  const work = async (trace = newTrace()) =>
    await withTrace(trace, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return currentTrace()?.traceId === trace.traceId;
    });
  expect(await Promise.all([work(), work(), work()])).toEqual([true, true, true]);
  expect(currentTrace()).toBeUndefined();
});

test("ensureTrace keeps a context and makes one where there is none", () => {
  const outer = newTrace();
  expect(withTrace(outer, () => ensureTrace(currentTrace))).toBe(outer);
  expect(ensureTrace(currentTrace)?.traceId).toMatch(/^[0-9a-f]{32}$/);
});

test("a child keeps the trace and has a span of its own", () => {
  const parent = newTrace();
  const child = childSpan(parent);
  expect(child.traceId).toBe(parent.traceId);
  expect(child.spanId).not.toBe(parent.spanId);
});
