import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CryptoKeyFormat,
  EncryptionKeyScheme,
  SigningKeyScheme,
} from "../gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { fingerprintOfKey } from "../identity/fingerprint.ts";
import { ProtocolError } from "../protocol-error.ts";
import { bytes, encryptionKeys, signingKey, signingKeys } from "../testing/arbitrary.ts";
import { decrypt, encrypt } from "./encryption.ts";
import {
  decodeKeyPair,
  encodeKeyPair,
  generateEncryptionKeyPair,
  generateSigningKeyPair,
  type KeyPair,
  publicKeyOf,
} from "./key-pair.ts";
import { checkPublicKey, decodePublicKey, encodePublicKey } from "./public-key.ts";
import { sign, verify, verifyWithAny } from "./signature.ts";
import { SIGNING_PURPOSES } from "./signing-purpose.ts";

/** Property tests take seconds on a busy machine. */
const propertyTimeout = { timeout: 120_000 };

const [ed25519, otherEd25519] = signingKeys as [(typeof signingKeys)[0], (typeof signingKeys)[0]];
const p256 = generateSigningKeyPair(SigningKeyScheme.EcDsaP256);
const purpose = fc.constantFrom(...SIGNING_PURPOSES);

/** The bytes with one bit turned over. */
function flipped(input: Buffer, position: number): Buffer {
  const copy = Buffer.from(input);
  const at = position % copy.length;
  copy[at] = (copy[at] as number) ^ (1 << (position % 8));
  return copy;
}

describe("key pairs", propertyTimeout, () => {
  it("have ids that are the fingerprints of their public keys", () => {
    for (const pair of [...signingKeys, ...encryptionKeys]) {
      expect(pair.publicKey.id).toBe(fingerprintOfKey(pair.publicKey.publicKey));
      expect(pair.privateKey.id).toBe(pair.publicKey.id);
      expect(checkPublicKey(publicKeyOf(pair))).toEqual(publicKeyOf(pair));
    }
  });

  it("are Ed25519 in raw bytes unless asked otherwise", () => {
    for (const scheme of [undefined, SigningKeyScheme.MissingSigningKeyScheme]) {
      const { publicKey } = generateSigningKeyPair(scheme);
      expect(publicKey).toMatchObject({ scheme: SigningKeyScheme.Ed25519, format: CryptoKeyFormat.Raw });
      expect(publicKey.publicKey).toHaveLength(32);
    }
    expect(generateEncryptionKeyPair(0).publicKey.format).toBe(CryptoKeyFormat.Der);
  });

  it("are not made for schemes that are not supported", () => {
    expect(() => generateSigningKeyPair(SigningKeyScheme.Sm2)).toThrow(
      "UnsupportedKeyScheme(scheme = SM2). Accepted: Ed25519, ECDSA-P256",
    );
    expect(() => generateEncryptionKeyPair(EncryptionKeyScheme.Rsa2048OaepSha256)).toThrow(
      "UnsupportedKeyScheme(scheme = RSA2048-OAEP-SHA256). Accepted: ECIES-P256_HMAC256_AES128-GCM",
    );
  });

  it("survive being written and read", () => {
    for (const pair of [...signingKeys, ...encryptionKeys]) {
      const read = decodeKeyPair(encodeKeyPair(pair));
      expect(read).toEqual(pair);
      const publicKey = publicKeyOf(pair);
      expect(decodePublicKey(encodePublicKey(publicKey))).toEqual(publicKey);
    }
  });

  it("are refused when the halves do not belong together", () => {
    const { privateKey } = otherEd25519;
    const mixed: KeyPair[] = [
      { ...ed25519, privateKey },
      { ...ed25519, privateKey: { ...privateKey, id: ed25519.publicKey.id } },
      { ...p256, privateKey: { ...generateSigningKeyPair(2).privateKey, id: p256.publicKey.id } },
      {
        ...ed25519,
        publicKey: { ...ed25519.publicKey, id: otherEd25519.publicKey.id },
        privateKey: { ...ed25519.privateKey, id: privateKey.id },
      },
    ];
    for (const pair of mixed) expect(() => decodeKeyPair(encodeKeyPair(pair))).toThrow(ProtocolError);
  });

  it("are refused as malformed bytes with nothing but the package's error", () => {
    const good = [...signingKeys, ...encryptionKeys].map((pair) => encodeKeyPair(pair));
    fc.assert(
      fc.property(
        fc.oneof(
          bytes(),
          fc.tuple(fc.constantFrom(...good), fc.nat()).map(([b, at]) => flipped(b, at)),
        ),
        (input) => {
          for (const read of [decodeKeyPair, decodePublicKey]) {
            try {
              read(input);
            } catch (error) {
              expect(error).toBeInstanceOf(ProtocolError);
            }
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("are refused with a format or curve that does not go with the scheme", () => {
    const key = ed25519.publicKey;
    const cases = [
      [{ ...key, format: CryptoKeyFormat.Tink }, /key format Tink is not supported for this scheme. Accepted: Raw/],
      [{ ...key, scheme: SigningKeyScheme.EcDsaP256 }, /Accepted: Der/],
      [{ ...p256.publicKey, scheme: SigningKeyScheme.EcDsaP384 }, /curve prime256v1, its scheme says secp384r1/],
      [{ ...key, publicKey: key.publicKey.subarray(1) }, /32 bytes, not 31/],
      [{ ...key, scheme: SigningKeyScheme.Sm2 }, /SM2 is not supported/],
    ] as const;
    for (const [bad, message] of cases) expect(() => checkPublicKey({ purpose: "signing", key: bad })).toThrow(message);
  });
});

describe("signatures", propertyTimeout, () => {
  it("verify with their key, purpose and content, and with nothing else", () => {
    fc.assert(
      fc.property(signingKey, purpose, purpose, bytes(), fc.nat(), (pair, made, other, content, at) => {
        const signature = sign(pair, made, content);
        expect(verify(pair.publicKey, made, content, signature)).toBe(true);
        expect(verify(pair.publicKey, other, content, signature)).toBe(made === other);
        expect(verify(pair.publicKey, made, Buffer.concat([content, Buffer.of(0)]), signature)).toBe(false);
        if (content.length > 0) expect(verify(pair.publicKey, made, flipped(content, at), signature)).toBe(false);
        const forged = { ...signature, signature: flipped(signature.signature, at) };
        expect(verify(pair.publicKey, made, content, forged)).toBe(false);
        for (const { publicKey } of signingKeys) {
          if (publicKey.id === pair.publicKey.id) continue;
          expect(verify(publicKey, made, content, signature)).toBe(false);
          expect(verify(publicKey, made, content, { ...signature, signedBy: publicKey.id })).toBe(false);
        }
      }),
    );
  });

  it("that are garbage verify nothing, and throw nothing", () => {
    fc.assert(
      fc.property(signingKey, bytes(), bytes(), (pair, content, signature) => {
        const garbage = { format: 1 as const, signature, signedBy: pair.publicKey.id };
        expect(verify(pair.publicKey, "sequenced-event", content, garbage)).toBe(false);
      }),
    );
  });

  it("under keys that cannot be read verify nothing", () => {
    const content = Buffer.from("x");
    const signature = sign(ed25519, "sequenced-event", content);
    const broken = { ...ed25519.publicKey, publicKey: Buffer.alloc(3) };
    expect(verify(broken, "sequenced-event", content, signature)).toBe(false);
    expect(verify(ed25519.publicKey, "sequenced-event", content, undefined)).toBe(false);
  });

  it("are found among several keys", () => {
    const content = Buffer.from("x");
    const signature = sign(ed25519, "sequenced-event", content);
    expect(verifyWithAny([p256.publicKey, ed25519.publicKey], "sequenced-event", content, signature)).toBe(true);
    expect(verifyWithAny([p256.publicKey], "sequenced-event", content, signature)).toBe(false);
    expect(verifyWithAny([], "sequenced-event", content, signature)).toBe(false);
  });
});

describe("encryption", propertyTimeout, () => {
  const [mine, other] = encryptionKeys as [(typeof encryptionKeys)[0], (typeof encryptionKeys)[0]];

  it("is undone by the private key with the same context, and by nothing else", () => {
    fc.assert(
      fc.property(bytes(), bytes(20), fc.nat(), (plaintext, context, at) => {
        const encrypted = encrypt(mine.publicKey, plaintext, context);
        expect(decrypt(mine, encrypted, context)).toEqual(plaintext);
        expect(() => decrypt(other, encrypted, context)).toThrow(ProtocolError);
        expect(() => decrypt(mine, encrypted, Buffer.concat([context, Buffer.of(1)]))).toThrow(ProtocolError);
        expect(() => decrypt(mine, flipped(encrypted, at), context)).toThrow(ProtocolError);
        expect(() => decrypt(mine, encrypted.subarray(1), context)).toThrow(ProtocolError);
      }),
    );
  });

  it("refuses garbage with nothing but the package's error", () => {
    fc.assert(
      fc.property(bytes(300), (garbage) => {
        expect(() => decrypt(mine, garbage)).toThrow(ProtocolError);
      }),
    );
  });

  it("never gives the same bytes twice", () => {
    expect(encrypt(mine.publicKey, Buffer.from("x"))).not.toEqual(encrypt(mine.publicKey, Buffer.from("x")));
  });
});
