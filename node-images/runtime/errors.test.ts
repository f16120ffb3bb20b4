import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { Status } from "@pulumi-canton/protocol/gen/google/rpc/status.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  CantonError,
  describeError,
  fromServiceError,
  internal,
  invalidArgument,
  notFound,
  plainError,
  securityAlert,
  toWireError,
  unavailable,
  type WireError,
} from "./errors.ts";

const traceId = "54c585c3617be35d8d4f7905f42ec6a9";

/** What a client sees of a status: grpc-js percent-encodes the text into a header, and reads it back. */
function overTheWire(wire: WireError): ServiceError {
  const details = decodeURI(encodeURI(wire.details));
  const name = status[wire.code];
  return Object.assign(new Error(`${wire.code} ${name}: ${details}`), {
    code: wire.code,
    details,
    metadata: wire.metadata,
  });
}

const roundTrip = (error: unknown) => fromServiceError(overTheWire(toWireError(error, traceId)));

test("the text and the details are those that Canton sends", () => {
  const wire = toWireError(
    notFound("PARTY_NOT_FOUND", "Party: 'ghost' was not found", {
      metadata: { participant: "'participant1'" },
      resources: [{ type: "PARTY", name: "ghost" }],
    }),
    traceId,
  );
  expect(wire.code).toBe(5);
  expect(wire.details).toBe("PARTY_NOT_FOUND(11,54c585c3): Party: 'ghost' was not found");
  const proto = Status.decode(wire.metadata.get("grpc-status-details-bin")[0] as Buffer);
  expect(proto.code).toBe(5);
  expect(proto.message).toBe(wire.details);
  expect(proto.details.map(({ typeUrl }) => typeUrl)).toEqual([
    "type.googleapis.com/google.rpc.ErrorInfo",
    "type.googleapis.com/google.rpc.RequestInfo",
    "type.googleapis.com/google.rpc.ResourceInfo",
  ]);
  // The bytes of a RequestInfo with request_id = 1, as any other implementation writes them.
  expect(proto.details[1]?.value).toEqual(Buffer.concat([Buffer.from([0x0a, 32]), Buffer.from(traceId)]));
});

test("an error survives the wire", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 40 });
  fc.assert(
    fc.property(
      fc.constantFrom(status.INVALID_ARGUMENT, status.NOT_FOUND, status.ABORTED, status.UNAVAILABLE),
      fc.stringMatching(/^[A-Z][A-Z_]{2,30}$/),
      fc.constantFrom(1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 14),
      text,
      fc.dictionary(
        text.filter((key) => key !== "category" && key !== "tid"),
        text,
        { maxKeys: 4 },
      ),
      fc.option(fc.integer({ min: 0, max: 10 ** 8 }), { nil: undefined }),
      (code, reason, category, message, metadata, retryDelayMs) => {
        const error = new CantonError({
          code,
          reason,
          category,
          message,
          metadata,
          resources: [{ type: "PARTY", name: message }],
          ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
        });
        const back = roundTrip(error);
        expect(back).toMatchObject({ code, reason, category, message, traceId });
        expect({ ...back.metadata }).toEqual({ ...metadata });
        expect(back.retryDelayMs).toBe(retryDelayMs);
        expect(back.resources).toEqual([{ type: "PARTY", name: message }]);
      },
    ),
  );
});

test("whatever the texts, a status can be sent and is small enough for a header block", () => {
  // Any sequence of UTF-16 units, also those that are no Unicode text.
  const units = (maxLength: number) => fc.uint16Array({ maxLength }).map((codes) => String.fromCharCode(...codes));
  const anything = fc.oneof(units(20), units(5_000), fc.string({ unit: "grapheme", maxLength: 3_000 }));
  fc.assert(
    fc.property(anything, anything, fc.dictionary(anything, anything), (reason, message, metadata) => {
      const wire = toWireError(
        invalidArgument(reason, message, { metadata, resources: [{ type: message, name: reason }] }),
        traceId,
      );
      const encoded = encodeURI(wire.details).length;
      const trailer = (wire.metadata.get("grpc-status-details-bin")[0] as Buffer | undefined)?.length ?? 0;
      expect(encoded + Math.ceil(trailer / 3) * 4).toBeLessThan(8_000);
      overTheWire(wire);
    }),
    { numRuns: 200 },
  );
});

test("metadata that is too much is cut, and its first entries are kept", () => {
  const metadata = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key${i}`, "x".repeat(400)]));
  const back = roundTrip(invalidArgument("TOO_MUCH", "text", { metadata }));
  expect(back.metadata.key0).toBe(metadata.key0);
  expect(JSON.stringify(back.metadata).length).toBeLessThan(2_000);
  expect(back).toMatchObject({ reason: "TOO_MUCH", category: 8 });
});

test.each([
  ["a redacted error", internal("KEY_STORE_BROKEN", "password hunter2 at /secret/path")],
  ["a security alert", securityAlert("FORGED_SIGNATURE", "hunter2 was forged", { metadata: { key: "hunter2" } })],
  ["an unknown exception", new TypeError("hunter2 is not a function")],
  ["a thrown text", "hunter2"],
  ["nothing", undefined],
])("the caller learns nothing of %s but the trace id", (_, error) => {
  const wire = toWireError(error, traceId);
  const all = wire.details + (wire.metadata.get("grpc-status-details-bin")[0] as Buffer).toString("latin1");
  expect(all).not.toMatch(/hunter2|KEY_STORE|FORGED|secret/);
  expect(wire.details).toBe(
    `An error occurred. Please contact the operator and inquire about the request ${traceId} with tid ${traceId}`,
  );
  expect(fromServiceError(overTheWire(wire)).traceId).toBe(traceId);
});

test("unknown exceptions are INTERNAL, security alerts keep their code", () => {
  expect(toWireError(new Error("x"), traceId).code).toBe(status.INTERNAL);
  expect(toWireError(securityAlert("FORGED", "x"), traceId).code).toBe(status.INVALID_ARGUMENT);
});

test("a plain status has text and code only", () => {
  const wire = toWireError(plainError(status.ALREADY_EXISTS, "Node is already initialized with id [x]"), traceId);
  expect(wire.details).toBe("Node is already initialized with id [x]");
  expect(wire.metadata.getMap()).toEqual({});
});

test("a status of another server, without details, is understood", () => {
  const error = Object.assign(new Error("14 UNAVAILABLE: No connection established"), {
    code: status.UNAVAILABLE,
    details: "No connection established",
    metadata: new Metadata(),
  });
  expect(fromServiceError(error)).toMatchObject({
    reason: "",
    category: 0,
    message: "No connection established",
    retryable: true,
  });
});

test("broken details do not hide the status", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const metadata = new Metadata();
      metadata.set("grpc-status-details-bin", Buffer.from(bytes));
      const error = Object.assign(new Error("x"), { code: status.NOT_FOUND, details: "gone", metadata });
      expect(fromServiceError(error)).toMatchObject({ code: status.NOT_FOUND, message: "gone" });
    }),
  );
});

test("metadata named like a prototype's properties is only data", () => {
  const back = roundTrip(invalidArgument("X", "y", { metadata: JSON.parse('{"__proto__": "z", "constructor": "c"}') }));
  expect(Object.entries(back.metadata)).toEqual(
    expect.arrayContaining([
      ["__proto__", "z"],
      ["constructor", "c"],
    ]),
  );
  expect(({} as Record<string, unknown>).z).toBeUndefined();
});

test("which errors are worth another attempt", () => {
  expect(unavailable("A", "b").retryable).toBe(true);
  expect(invalidArgument("A", "b").retryable).toBe(false);
  expect(plainError(status.UNAVAILABLE, "b").retryable).toBe(true);
});

test("describeError gives one line for anything", () => {
  expect(describeError(notFound("PARTY_NOT_FOUND", "no alice"))).toBe("PARTY_NOT_FOUND: no alice");
  expect(describeError(plainError(status.NOT_FOUND, "no alice"))).toBe("NOT_FOUND: no alice");
  expect(describeError(new AggregateError([new Error("a"), new Error("b")]))).toBe("a; b");
  expect(describeError("text")).toBe("text");
});
