import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "./protocol-error.ts";
import { micros } from "./testing/arbitrary.ts";
import {
  durationFromProto,
  durationToProto,
  formatMicros,
  MAX_MICROS,
  MIN_MICROS,
  timestampFromProto,
  timestampToProto,
} from "./timestamp.ts";

describe("timestamps", () => {
  it("survive being written and read", () => {
    fc.assert(
      fc.property(micros, (time) => {
        const { seconds, nanos } = timestampToProto(time);
        expect(nanos).toBeGreaterThanOrEqual(0);
        expect(nanos).toBeLessThan(1_000_000_000);
        expect(timestampFromProto({ seconds, nanos })).toBe(time);
      }),
    );
  });

  it("are refused outside of their range", () => {
    expect(() => timestampToProto(MAX_MICROS + 1n)).toThrow(ProtocolError);
    expect(() => timestampToProto(MIN_MICROS - 1n)).toThrow(ProtocolError);
    for (const bad of [
      { seconds: 2n ** 62n, nanos: 0 },
      { seconds: 0n, nanos: -1 },
      { seconds: 0n, nanos: 1_000_000_000 },
    ]) {
      expect(() => timestampFromProto(bad, "max_sequencing_time")).toThrow(/^max_sequencing_time: /);
    }
    expect(() => timestampFromProto(undefined, "max_sequencing_time")).toThrow("max_sequencing_time is not set");
  });

  it("are cut off to microseconds", () => {
    expect(timestampFromProto({ seconds: -1n, nanos: 999_999_999 })).toBe(-1n);
    expect(timestampFromProto({ seconds: 1n, nanos: 1_999 })).toBe(1_000_001n);
  });

  it("are printed with microseconds", () => {
    expect(formatMicros(1_795_238_383_693_525n)).toBe("2026-11-21T05:19:43.693525Z");
    expect(formatMicros(-1n)).toBe("1969-12-31T23:59:59.999999Z");
  });
});

describe("durations", () => {
  it("survive being written and read", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), (span) => {
        expect(durationFromProto(durationToProto(span), "d")).toBe(span);
      }),
    );
  });

  it("are refused when negative or finer than a microsecond", () => {
    for (const bad of [
      { seconds: -1n, nanos: 0 },
      { seconds: 0n, nanos: 1 },
      { seconds: 0n, nanos: -1000 },
    ]) {
      expect(() => durationFromProto(bad, "topology_change_delay")).toThrow(/^topology_change_delay: .*Accepted/);
    }
  });
});
