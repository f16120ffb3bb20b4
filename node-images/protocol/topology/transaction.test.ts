import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sign } from "../crypto/signature.ts";
import { SignedTopologyTransaction as SignedProto } from "../gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { TopologyTransaction as TransactionProto } from "../gen/com/digitalasset/canton/protocol/v1/topology.ts";
import { UntypedVersionedMessage } from "../gen/com/digitalasset/canton/version/untyped_versioned_message.ts";
import { encodeMessage, ProtocolError } from "../protocol-error.ts";
import { bytes, signingKey, signingKeys, topologyMapping } from "../testing/arbitrary.ts";
import { wrapVersioned } from "../versioned-message.ts";
import { describeMapping, mappingFromProto, mappingKey, mappingSlot, mappingToProto } from "./mapping.ts";
import {
  addition,
  decodeSignedTransaction,
  decodeTransaction,
  describeTransaction,
  encodeSignedTransaction,
  encodeTransaction,
  hasValidSignature,
  newElementId,
  removal,
  signTransaction,
  signTransactionWith,
  type TopologyTransaction,
} from "./transaction.ts";

/** Property tests take seconds on a busy machine. */
const propertyTimeout = { timeout: 120_000 };

const [key] = signingKeys as [(typeof signingKeys)[0]];
const namespace = key.publicKey.id;

const transaction: fc.Arbitrary<TopologyTransaction> = fc
  .tuple(topologyMapping, fc.boolean())
  .map(([mapping, removed]) => {
    const added = addition(mapping);
    return removed && mapping.kind !== "DomainParametersChange" ? removal(added) : added;
  });

describe("topology transactions", propertyTimeout, () => {
  it("survive being written and read", () => {
    fc.assert(
      fc.property(transaction, (tx) => {
        expect(decodeTransaction(encodeTransaction(tx))).toEqual(tx);
      }),
      { numRuns: 300 },
    );
  });

  it("survive being written and read with their signature", () => {
    fc.assert(
      fc.property(transaction, signingKey, (tx, pair) => {
        const signed = signTransaction(tx, pair);
        const read = decodeSignedTransaction(encodeSignedTransaction(signed));
        expect(read).toEqual(signed);
        expect(hasValidSignature(read)).toBe(true);
      }),
    );
  });

  it("with one bit turned over anywhere are never both readable and validly signed as something else", () => {
    fc.assert(
      fc.property(transaction, signingKey, fc.nat(), (tx, pair, position) => {
        const original = encodeSignedTransaction(signTransaction(tx, pair));
        const changed = Buffer.from(original);
        const at = Math.floor(position / 8) % changed.length;
        changed[at] = (changed[at] as number) ^ (1 << (position % 8));
        try {
          const read = decodeSignedTransaction(changed);
          // A bit of the envelope that carries no meaning may be read over, but then what is read is the original.
          if (hasValidSignature(read)) expect(encodeSignedTransaction(read)).toEqual(original);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("are refused as arbitrary bytes with nothing but the package's error", () => {
    fc.assert(
      fc.property(bytes(), fc.integer({ min: 0, max: 2 }), (garbage, depth) => {
        const input = depth === 0 ? garbage : wrapVersioned(depth - 1, garbage);
        for (const read of [decodeTransaction, decodeSignedTransaction]) {
          expect(() => read(input)).toThrow(ProtocolError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("have the versions of protocol version 5", () => {
    const signed = signTransaction(addition(rootCertificate), key);
    expect(UntypedVersionedMessage.decode(signed.transactionBytes).version).toBe(1);
    expect(UntypedVersionedMessage.decode(encodeSignedTransaction(signed)).version).toBe(0);
    const { wrapper } = UntypedVersionedMessage.decode(signed.transactionBytes);
    expect(() => decodeTransaction(wrapVersioned(2, wrapper?.value ?? Buffer.of()))).toThrow(
      "transaction: version 2 is unknown. Accepted: version 1",
    );
  });

  it("are refused with a field that is not known: it could change the meaning", () => {
    const { wrapper } = UntypedVersionedMessage.decode(encodeTransaction(addition(rootCertificate)));
    const withMore = Buffer.concat([wrapper?.value ?? Buffer.of(), Buffer.of(0xf8, 0x01, 0x01)]);
    expect(TransactionProto.decode(withMore).transaction).toBeDefined();
    expect(() => decodeTransaction(wrapVersioned(1, withMore))).toThrow(/more than is known/);
  });

  it("are refused when a part is missing", () => {
    const {
      transactionBytes: transaction,
      key: publicKey,
      signature,
    } = signTransaction(addition(rootCertificate), key);
    const write = (message: SignedProto) => wrapVersioned(0, encodeMessage(SignedProto, message));
    expect(() => decodeSignedTransaction(write({ transaction, key: undefined, signature }))).toThrow("key is not set");
    expect(() => decodeSignedTransaction(write({ transaction, key: publicKey, signature: undefined }))).toThrow(
      "signature is not set",
    );
  });

  it("are refused with an operation that does not go with the mapping", () => {
    const tx = addition(rootCertificate);
    expect(() => encodeTransaction({ ...tx, operation: "Replace" })).toThrow(
      /Replace of NamespaceDelegation is not accepted. Accepted: Add, Remove/,
    );
    expect(() => encodeTransaction({ ...tx, elementId: "short" })).toThrow(/32 letters and digits/);
  });

  it("can be signed with a signer", async () => {
    const signed = await signTransactionWith(addition(rootCertificate), {
      publicKey: key.publicKey,
      sign: (content) => Promise.resolve(sign(key, "topology-transaction", content)),
    });
    expect(hasValidSignature(signed)).toBe(true);
  });

  it("have element ids of 32 letters and digits, new every time", () => {
    const ids = Array.from({ length: 100 }, newElementId);
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[a-zA-Z0-9]{32}$/);
  });
});

const rootCertificate = {
  kind: "NamespaceDelegation" as const,
  namespace,
  targetKey: key.publicKey,
  isRootDelegation: true,
};

describe("mappings", propertyTimeout, () => {
  it("have equal keys exactly when they are equal, and keys that begin with their slot", () => {
    const text = (value: unknown) => JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}n` : v));
    fc.assert(
      fc.property(topologyMapping, topologyMapping, (a, b) => {
        expect(mappingKey(a) === mappingKey(b)).toBe(text(a) === text(b));
        expect(mappingKey(a).startsWith(`${mappingSlot(a)}\n\n`)).toBe(true);
      }),
    );
  });

  it("lack the three letter code on the wire where Canton's do", () => {
    const domain = `mydomain::${namespace}`;
    const participant = `PAR::participant1::${namespace}`;
    const permission = "Submission" as const;
    const state = mappingToProto({
      kind: "ParticipantState",
      side: "From",
      domain,
      participant,
      permission,
      trustLevel: "Vip",
    });
    expect(state.value).toEqual({
      side: 2,
      domain,
      participant: `participant1::${namespace}`,
      permission: 1,
      trustLevel: 2,
    });
    const party = mappingToProto({ kind: "PartyToParticipant", side: "Both", party: domain, participant, permission });
    expect(party.value).toMatchObject({ participant });
    const mediator = mappingToProto({ kind: "MediatorDomainState", side: "Both", domain, mediator: `MED::${domain}` });
    expect(mediator.value).toMatchObject({ mediator: domain });
  });

  it("are refused with the errors that Canton gives", () => {
    const domain = `mydomain::${namespace}`;
    const value = { side: 2, domain, participant: domain, permission: 1, trustLevel: 1 } as const;
    const reason = (change: object) => {
      try {
        mappingFromProto({ $case: "participantState", value: { ...value, ...change } });
      } catch (error) {
        return (error as ProtocolError).reason;
      }
    };
    expect(reason({})).toBeUndefined();
    expect(reason({ side: 0 })).toBe("FieldNotSet(MissingRequestSide)");
    expect(reason({ permission: 0 })).toBe("FieldNotSet(MissingParticipantPermission)");
    expect(reason({ trustLevel: 0 })).toBe("FieldNotSet(trustLevel)");
    expect(reason({ trustLevel: 7 })).toBe("UnrecognizedEnum(trust_level,7 is unknown)");
    expect(reason({ domain: "" })).toBe("ValueConversionError(domain,Empty string is not a valid unique identifier.)");
  });

  it("are described as Canton describes them", () => {
    const mapping = {
      kind: "ParticipantState" as const,
      side: "From" as const,
      domain: "mydomain::122068a1bb34646835dc9664d7cf581dbec24de9cca87960283707641e7433241c41",
      participant: "PAR::participant1::122050f5924a5e6620316d0620189f098c2783a01a948018b9d371a3149beb3fc6ec",
      permission: "Submission" as const,
      trustLevel: "Ordinary" as const,
    };
    expect(describeMapping(mapping)).toBe(
      "ParticipantState(From, mydomain::122068a1bb34..., PAR::participant1::122050f5924a..., Submission, Ordinary)",
    );
    expect(describeTransaction({ operation: "Add", elementId: "7nrAONs91Qt96PNW1Zs0GqCL5kv1aLpd", mapping })).toBe(
      `TopologyStateUpdateElement(id = 7nrAONs91Qt96PNW1Zs0GqCL5kv1aLpd, mapping = ${describeMapping(mapping)})`,
    );
  });
});
