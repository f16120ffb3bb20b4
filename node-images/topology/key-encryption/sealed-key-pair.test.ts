import fc from "fast-check";
import { expect, test } from "vitest";
import { newDataKey, openKeyPair, sealKeyPair } from "./sealed-key-pair.ts";

const bytes = fc.uint8Array({ maxLength: 300 });

test("a sealed pair opens with its data key for its fingerprint, and shows nothing of the pair", () => {
  fc.assert(
    fc.property(bytes, fc.string(), (pair, fingerprint) => {
      const dataKey = newDataKey();
      const sealed = sealKeyPair(dataKey, fingerprint, pair);
      expect(openKeyPair(dataKey, fingerprint, sealed)).toEqual(Buffer.from(pair));
      if (pair.length > 8) expect(sealed.includes(Buffer.from(pair))).toBe(false);
    }),
  );
});

test("with any bit changed, for another fingerprint, under another key or id, it does not open", () => {
  fc.assert(
    fc.property(bytes, fc.nat(), fc.nat(7), (pair, at, bit) => {
      const dataKey = newDataKey();
      const sealed = sealKeyPair(dataKey, "1220aa", pair);
      const changed = Buffer.from(sealed);
      const index = at % sealed.length;
      changed[index] = (changed[index] as number) ^ (1 << bit);
      const { key } = newDataKey();
      for (const attempt of [
        () => openKeyPair(dataKey, "1220aa", changed),
        () => openKeyPair(dataKey, "1220aa", sealed.subarray(0, index)),
        () => openKeyPair(dataKey, "1220ab", sealed),
        () => openKeyPair({ id: dataKey.id, key }, "1220aa", sealed),
        () => openKeyPair({ id: "other", key: dataKey.key }, "1220aa", sealed),
      ]) {
        expect(attempt).toThrow(/cannot be decrypted/);
      }
    }),
  );
});
