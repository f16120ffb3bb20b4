import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "./durations.ts";

test("reads each unit", () => {
  expect(parseDuration("500ms")).toBe(500);
  expect(parseDuration("30s")).toBe(30_000);
  expect(parseDuration("5m")).toBe(300_000);
  expect(parseDuration("1h")).toBe(3_600_000);
  expect(parseDuration("2d")).toBe(172_800_000);
  expect(parseDuration("1.5s")).toBe(1_500);
});

test.each(["", "5", "s", "-5s", "5 parsecs", "1e3s", "0x10s", "5s5s", "Infinitys", "999999999999d"])(
  "refuses %j",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test("what is written is read back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 11 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
});
