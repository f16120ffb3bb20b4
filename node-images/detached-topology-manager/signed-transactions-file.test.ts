import { generateSigningKeyPair, publicKeyOf } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { addition, signTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeSignedTransactionsFile, encodeSignedTransactionsFile } from "./signed-transactions-file.ts";

const root = generateSigningKeyPair();
const namespace = root.publicKey.id;
const member = `PAR::alice::${namespace}`;
const transactions = [
  { kind: "NamespaceDelegation", namespace, targetKey: root.publicKey, isRootDelegation: true } as const,
  { kind: "OwnerToKeyMapping", owner: member, key: publicKeyOf(generateSigningKeyPair()) } as const,
].map((mapping) => signTransaction(addition(mapping), root));

test("a file is read as it was written", () => {
  for (const file of [{ transactions, member }, { transactions }, { transactions: [] }]) {
    expect(decodeSignedTransactionsFile(encodeSignedTransactionsFile(file))).toEqual(file);
  }
});

test("a file with anything changed says the same, or is refused", () => {
  const bytes = encodeSignedTransactionsFile({ transactions, member });
  const flip = fc.record({ at: fc.nat({ max: bytes.length - 1 }), bit: fc.nat({ max: 7 }) });
  fc.assert(
    fc.property(fc.array(flip, { minLength: 1, maxLength: 3 }), (flips) => {
      const changed = Buffer.from(bytes);
      for (const { at, bit } of flips) changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      try {
        const file = decodeSignedTransactionsFile(changed);
        for (const { transactionBytes } of file.transactions) {
          expect(transactions.some((signed) => signed.transactionBytes.equals(transactionBytes))).toBe(true);
        }
        expect([member, undefined]).toContain(file.member);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
  );
});
