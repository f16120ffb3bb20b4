import { expect, test } from "vitest";
import { generateSigningKeyPair } from "../crypto/key-pair.ts";
import { ProtocolError } from "../protocol-error.ts";
import { allAttacks, attackedDomain, RULES_OF_MANAGERS } from "../testing/attacks.ts";
import { decide } from "./decide.ts";
import { TopologyState } from "./topology-state.ts";
import {
  addition,
  decodeSignedTransaction,
  encodeSignedTransaction,
  type SignedTopologyTransaction,
  signTransaction,
} from "./transaction.ts";

const domainKey = generateSigningKeyPair();
const namespace = domainKey.publicKey.id;
const domainId = `mydomain::${namespace}`;
const rootOfDomain = signTransaction(
  addition({ kind: "NamespaceDelegation", namespace, targetKey: domainKey.publicKey, isRootDelegation: true }),
  domainKey,
);
const attacked = attackedDomain(domainId, domainKey);
const before = [rootOfDomain, ...attacked.history].reduce((state, tx) => {
  const decision = decide(state, tx, { force: true, domainId });
  if (!decision.accepted) throw new Error(`${decision.reason}: ${decision.message}`);
  return decision.state;
}, TopologyState.empty);

test.each(allAttacks(attacked))("$rule refuses what is $kind: $what", ({ rule, tx }) => {
  const force = !RULES_OF_MANAGERS.includes(rule);
  expect(decide(before, tx, { force, domainId })).toMatchObject({ accepted: false, reason: rule });
  // Also as it arrives: encoded and read again.
  const arrived = decodeSignedTransaction(encodeSignedTransaction(tx));
  expect(decide(before, arrived, { force, domainId })).toMatchObject({ accepted: false, reason: rule });
  if (!force) expect(decide(before, tx, { force: true, domainId })).toMatchObject({ accepted: true });
});

/** The bytes of a transaction with more behind what it says: a field that readers of the published shape would skip. */
function withUnknownField({ transactionBytes }: SignedTopologyTransaction): Buffer {
  // The wrapper is: field 1 (bytes: the message), field 2 (the version).
  const length = transactionBytes.readUInt8(1);
  const short = length < 0x80;
  const size = short ? length : (length & 0x7f) + (transactionBytes.readUInt8(2) << 7);
  const at = short ? 2 : 3;
  const field = Buffer.from([0xba, 0x3e, 0x01, 0x78]); // field 999: "x"
  const grown = size + field.length;
  return Buffer.concat([
    Buffer.from([transactionBytes.readUInt8(0), (grown & 0x7f) | 0x80, grown >> 7]),
    transactionBytes.subarray(at, at + size),
    field,
    transactionBytes.subarray(at + size),
  ]);
}

test("bytes that say more than this software understands, or say it otherwise, are not read at all", () => {
  const [tx] = attacked.history as [SignedTopologyTransaction];
  const read = (transactionBytes: Buffer) => () =>
    decodeSignedTransaction(encodeSignedTransaction({ ...tx, transactionBytes }));
  expect(read(tx.transactionBytes)).not.toThrow();
  expect(read(withUnknownField(tx))).toThrow(/more than is known/);
  for (const bytes of [
    Buffer.concat([tx.transactionBytes, Buffer.from([0xba, 0x3e, 0x01, 0x78])]),
    Buffer.concat([tx.transactionBytes, tx.transactionBytes]),
    tx.transactionBytes.subarray(1),
    Buffer.alloc(0),
  ]) {
    expect(read(bytes)).toThrow(ProtocolError);
  }
});
