import type { Duration } from "./gen/google/protobuf/duration.ts";
import type { Timestamp } from "./gen/google/protobuf/timestamp.ts";
import { fieldNotSet, invalidValue } from "./protocol-error.ts";

/** A point in time: microseconds since the epoch (UTC). The resolution of sequencing timestamps. */
export type Micros = bigint;

/** The earliest time accepted, 0001-01-01T00:00:00Z. */
export const MIN_MICROS: Micros = -62_135_596_800_000_000n;
/** The latest time accepted, 9999-12-31T23:59:59.999999Z. */
export const MAX_MICROS: Micros = 253_402_300_799_999_999n;

const MICROS_PER_SECOND = 1_000_000n;

/** Division that rounds down, so that times before the epoch keep non-negative nanoseconds. */
function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}

/** A point in time as protobuf has it. @throws ProtocolError when it lies outside of years 1 to 9999. */
export function timestampToProto(micros: Micros, field = "timestamp"): Timestamp {
  if (micros < MIN_MICROS || micros > MAX_MICROS) throw outOfRange(field, `${micros} microseconds`);
  const seconds = floorDivide(micros, MICROS_PER_SECOND);
  return { seconds, nanos: Number(micros - seconds * MICROS_PER_SECOND) * 1000 };
}

/**
 * A point in time from protobuf; what is finer than a microsecond is cut off.
 *
 * @throws ProtocolError when it is absent or out of range.
 */
export function timestampFromProto(timestamp: Timestamp | undefined, field = "timestamp"): Micros {
  if (timestamp === undefined) throw fieldNotSet(field);
  const { seconds, nanos } = timestamp;
  if (nanos < 0 || nanos > 999_999_999) throw outOfRange(field, `${nanos} nanos`);
  const micros = seconds * MICROS_PER_SECOND + BigInt(Math.floor(nanos / 1000));
  if (micros < MIN_MICROS || micros > MAX_MICROS) throw outOfRange(field, `${seconds} seconds`);
  return micros;
}

/** A span of time, in microseconds, as protobuf has it. */
export function durationToProto(micros: Micros): Duration {
  const seconds = micros / MICROS_PER_SECOND;
  return { seconds, nanos: Number(micros - seconds * MICROS_PER_SECOND) * 1000 };
}

/**
 * A span of time from protobuf, in microseconds.
 *
 * @throws ProtocolError when it is absent, negative, out of protobuf's range (10,000 years), or finer than a microsecond
 * (cutting off would change what was signed).
 */
export function durationFromProto(duration: Duration | undefined, field: string): Micros {
  if (duration === undefined) throw fieldNotSet(field);
  const { seconds, nanos } = duration;
  const accepted = "a duration of 0s or more in whole microseconds";
  if (seconds < 0n || seconds > 315_576_000_000n || nanos < 0 || nanos > 999_999_999 || nanos % 1000 !== 0) {
    throw invalidValue(field, `${seconds} seconds and ${nanos} nanos is not accepted`, accepted);
  }
  return seconds * MICROS_PER_SECOND + BigInt(nanos / 1000);
}

/** ISO 8601 with microseconds, e.g. `2026-11-21T05:19:43.693525Z`. */
export function formatMicros(micros: Micros): string {
  const { seconds, nanos } = timestampToProto(micros);
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
  return `${whole}.${String(nanos / 1000).padStart(6, "0")}Z`;
}

function outOfRange(field: string, what: string) {
  return invalidValue(
    field,
    `${what} is not accepted`,
    "a time from 0001-01-01 to 9999-12-31 with 0 to 999999999 nanos",
  );
}
