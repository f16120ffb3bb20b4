import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sign } from "../crypto/signature.ts";
import { ProtocolError } from "../protocol-error.ts";
import { bytes, micros, signingKeys, stateUpdateMapping, uid } from "../testing/arbitrary.ts";
import { addition, signTransaction } from "../topology/transaction.ts";
import { wrapVersioned } from "../versioned-message.ts";
import { compressBatch, decompressBatch, type Envelope } from "./batch.ts";
import {
  type DomainTopologyMessage,
  signDomainTopologyMessage,
  verifyDomainTopologyMessage,
} from "./domain-topology-message.ts";
import { decodeEnvelopeContent, type EnvelopeContent, encodeEnvelopeContent } from "./envelope-content.ts";
import type { RegisterTopologyState } from "./register-topology.ts";
import { decodeSequencedEvent, encodeSequencedEvent, type SequencedEvent } from "./sequenced-event.ts";
import { decodeSignedContent, encodeSignedContent, signContent, verifySignedContent } from "./signed-content.ts";
import { decodeSubmissionRequest, encodeSubmissionRequest, type SubmissionRequest } from "./submission-request.ts";

/** Property tests take seconds on a busy machine. */
const propertyTimeout = { timeout: 120_000 };

const [managerKey, otherKey] = signingKeys as [(typeof signingKeys)[0], (typeof signingKeys)[0]];
const domainId = `mydomain::${managerKey.publicKey.id}`;

const member = fc.tuple(fc.constantFrom("PAR", "SEQ", "MED", "DOM", "UNM"), uid).map(([code, id]) => `${code}::${id}`);
const envelopes: fc.Arbitrary<Envelope[]> = fc.array(
  fc.record({ content: bytes(), recipients: fc.uniqueArray(member, { minLength: 1, maxLength: 4 }) }),
  { maxLength: 4 },
);
const messageId = fc.string({ minLength: 1, maxLength: 73 }).filter((text) => text.length <= 73);
const counter = fc.bigInt({ min: 0n, max: 2n ** 62n });

const submissionRequest: fc.Arbitrary<SubmissionRequest> = fc
  .record({
    sender: member,
    messageId,
    isRequest: fc.boolean(),
    envelopes,
    maxSequencingTime: micros,
    timestampOfSigningKey: fc.option(micros, { nil: undefined }),
  })
  .map(({ timestampOfSigningKey, ...rest }) => ({
    ...rest,
    ...(timestampOfSigningKey !== undefined && { timestampOfSigningKey }),
  }));

const sequencedEvent: fc.Arbitrary<SequencedEvent> = fc.oneof(
  fc
    .record({
      kind: fc.constant("deliver" as const),
      counter,
      timestamp: micros,
      domainId: uid,
      messageId: fc.option(messageId, { nil: undefined }),
      envelopes,
    })
    .map(({ messageId, ...rest }) => ({ ...rest, ...(messageId !== undefined && { messageId }) })),
  fc.record({
    kind: fc.constant("deliver-error" as const),
    counter,
    timestamp: micros,
    domainId: uid,
    messageId,
    reason: fc.record({
      kind: fc.constantFrom("batch_invalid" as const, "batch_refused" as const),
      text: fc.string(),
    }),
  }),
);

const transactions = fc
  .array(stateUpdateMapping, { minLength: 1, maxLength: 3 })
  .map((mappings) => mappings.map((mapping) => signTransaction(addition(mapping), otherKey)));

const requestHeader = {
  requestedBy: fc.tuple(fc.constantFrom("PAR", "DOM", "UNM"), uid).map(([code, id]) => `${code}::${id}`),
  participant: uid.map((id) => `PAR::${id}`),
  requestId: fc.string({ minLength: 1, maxLength: 20 }),
  domainId: uid,
};
const state = fc.constantFrom<RegisterTopologyState>("FAILED", "REJECTED", "ACCEPTED", "DUPLICATE", "OBSOLETE");

const envelopeContent: fc.Arbitrary<EnvelopeContent> = fc.oneof(
  fc
    .record({ ...requestHeader, transactions })
    .map((request) => ({ kind: "register-topology-request" as const, request })),
  fc
    .record({ ...requestHeader, results: fc.array(fc.record({ state, errorMessage: fc.string() }), { maxLength: 3 }) })
    .map((response) => ({ kind: "register-topology-response" as const, response })),
  fc.record({ domainId: uid, notSequencedAfter: micros, transactions }).map((message) => ({
    kind: "domain-topology-message" as const,
    message: { ...message, signature: sign(managerKey, "domain-topology-message", Buffer.of()) },
  })),
);

/** A property: whatever is written is read again as it was, and with a bit turned over nothing but a ProtocolError comes. */
function survives<T>(
  values: fc.Arbitrary<T>,
  write: (value: T) => Buffer,
  read: (bytes: Buffer) => T,
  runs = 200,
): void {
  fc.assert(
    fc.property(values, fc.nat(), (value, position) => {
      const written = write(value);
      expect(read(written)).toEqual(value);
      const at = Math.floor(position / 8) % written.length;
      written[at] = (written[at] as number) ^ (1 << (position % 8));
      onlyProtocolErrors(() => read(written));
    }),
    { numRuns: runs },
  );
  fc.assert(
    fc.property(bytes(), fc.integer({ min: 0, max: 2 }), (garbage, depth) => {
      onlyProtocolErrors(() => read(depth === 0 ? garbage : wrapVersioned(depth - 1, garbage)));
    }),
    { numRuns: runs },
  );
}

function onlyProtocolErrors(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
  }
}

describe("serialized messages", propertyTimeout, () => {
  it("survive: submission requests, plain and packed", () => {
    survives(submissionRequest, (request) => encodeSubmissionRequest(request), decodeSubmissionRequest);
    survives(submissionRequest, (request) => encodeSubmissionRequest(request, "gzip"), decodeSubmissionRequest);
  });

  it("survive: sequenced events", () => {
    survives(sequencedEvent, encodeSequencedEvent, decodeSequencedEvent);
  });

  it("survive: signed content", () => {
    const content = fc.tuple(bytes(), fc.option(micros, { nil: undefined })).map(([content, at]) => ({
      ...signContent(managerKey, "sequenced-event", content),
      ...(at !== undefined && { timestampOfSigningKey: at }),
    }));
    survives(content, encodeSignedContent, decodeSignedContent);
  });

  it("survive: the content of envelopes", () => {
    survives(envelopeContent, encodeEnvelopeContent, decodeEnvelopeContent);
  });
});

describe("batches", () => {
  const recipients = [`DOM::${domainId}`];

  it("that grow beyond the bound when unpacked are refused without being unpacked", () => {
    const bomb = compressBatch([{ content: Buffer.alloc(50_000_000), recipients }], "gzip");
    expect(bomb.compressedBatch.length).toBeLessThan(100_000);
    expect(() => decompressBatch(bomb)).toThrow("batch: the batch has more than 10485760 bytes");
    expect(() => decompressBatch(bomb, 1000)).toThrow("at most 1000 bytes unpacked");
  });

  it("that are not packed are bounded too", () => {
    const batch = compressBatch([{ content: Buffer.alloc(2000), recipients }]);
    expect(() => decompressBatch(batch, 1000)).toThrow(/more than 1000 bytes/);
    expect(decompressBatch(batch, 10_000)).toHaveLength(1);
  });

  it("are refused with no recipients, or with recipients that are no members", () => {
    expect(() => decompressBatch(compressBatch([{ content: Buffer.of(1), recipients: [] }]))).toThrow(
      "recipients is not set",
    );
    expect(() => decompressBatch(compressBatch([{ content: Buffer.of(1), recipients: ["Bob"] }]))).toThrow(
      /^recipients: Invalid keyOwner `Bob`/,
    );
  });

  it("are refused when packed in an unknown or broken way", () => {
    expect(() => decompressBatch({ algorithm: 7 as 0, compressedBatch: Buffer.of() })).toThrow(/Accepted: None_, Gzip/);
    expect(() => decompressBatch({ algorithm: 1, compressedBatch: Buffer.of(1, 2, 3) })).toThrow(ProtocolError);
    const short = gzipSync(Buffer.alloc(100)).subarray(0, 20);
    expect(() => decompressBatch({ algorithm: 1, compressedBatch: short })).toThrow(ProtocolError);
    expect(() => decompressBatch(undefined)).toThrow("batch is not set");
  });
});

describe("sequenced events", () => {
  it("that are equal have equal bytes", () => {
    fc.assert(
      fc.property(sequencedEvent, (event) => {
        expect(encodeSequencedEvent(decodeSequencedEvent(encodeSequencedEvent(event)))).toEqual(
          encodeSequencedEvent(event),
        );
      }),
    );
  });
});

describe("signed content", () => {
  it("verifies for its purpose with one of the keys", () => {
    const signed = signContent(managerKey, "sequenced-event", Buffer.from("x"));
    expect(verifySignedContent(signed, "sequenced-event", [otherKey.publicKey, managerKey.publicKey])).toBe(true);
    expect(verifySignedContent(signed, "submission-request", [managerKey.publicKey])).toBe(false);
    expect(verifySignedContent(signed, "sequenced-event", [otherKey.publicKey])).toBe(false);
  });
});

describe("domain topology messages", () => {
  const transaction = (name: string) =>
    signTransaction(
      addition({
        kind: "PartyToParticipant",
        side: "Both",
        party: `${name}::${otherKey.publicKey.id}`,
        participant: `PAR::p::${otherKey.publicKey.id}`,
        permission: "Submission",
      }),
      otherKey,
    );
  const build = (): Promise<DomainTopologyMessage> =>
    signDomainTopologyMessage(
      { domainId, notSequencedAfter: 1000n, transactions: [transaction("a"), transaction("b")] },
      (content) => sign(managerKey, "domain-topology-message", content),
    );
  const context = { domainId, sequencedAt: 1000n, managerKeys: [managerKey.publicKey] };

  it("verify with the manager's key, in time, on their domain, also after the journey", async () => {
    const message = await build();
    expect(verifyDomainTopologyMessage(message, context)).toBeUndefined();
    const arrived = decodeEnvelopeContent(encodeEnvelopeContent({ kind: "domain-topology-message", message }));
    if (arrived.kind !== "domain-topology-message") throw new Error(arrived.kind);
    expect(verifyDomainTopologyMessage(arrived.message, context)).toBeUndefined();
  });

  it("are void too late, on another domain, by another key, or changed", async () => {
    const message = await build();
    expect(verifyDomainTopologyMessage(message, { ...context, sequencedAt: 1001n })?.kind).toBe("too-late");
    expect(verifyDomainTopologyMessage(message, { ...context, domainId: `x::${managerKey.publicKey.id}` })?.kind).toBe(
      "wrong-domain",
    );
    expect(verifyDomainTopologyMessage(message, { ...context, managerKeys: [otherKey.publicKey] })?.kind).toBe(
      "invalid-signature",
    );
    const changes: Partial<DomainTopologyMessage>[] = [
      { transactions: message.transactions.slice(1) },
      { transactions: message.transactions.toReversed() },
      { transactions: [...message.transactions, transaction("c")] },
      { notSequencedAfter: 2000n },
    ];
    for (const change of changes) {
      expect(verifyDomainTopologyMessage({ ...message, ...change }, context)?.kind).toBe("invalid-signature");
    }
  });
});
