/** Wraps data keys under a passphrase: scrypt makes a key of it, AES-256-GCM wraps. */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import type { KeyEncryptionConfig } from "@pulumi-canton/runtime/config.ts";
import { readPasswordFile } from "@pulumi-canton/runtime/database.ts";
import { type KeyWrapper, KeyWrapperError, textOf, type WrappedKey } from "./key-wrapper.ts";

const blockSize = 8;
const ivLength = 12;
const tagLength = 16;
const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** @param configKey of the section, for messages */
export function passphraseWrapper(
  config: Extract<KeyEncryptionConfig, { type: "passphrase" }>,
  configKey: string,
): KeyWrapper {
  // One and the same passphrase may be typed in several forms of Unicode.
  const passphrase = async () =>
    (await readPasswordFile(`${configKey}.passphraseFile`, config.passphraseFile)).normalize("NFKC");
  const keyOf = async (salt: Buffer, cost: number) => {
    const N = 2 ** cost;
    return derive(await passphrase(), salt, 32, { N, r: blockSize, p: 1, maxmem: 129 * N * blockSize });
  };
  return {
    type: "passphrase",
    wrap: async (dataKey) => {
      const salt = randomBytes(32);
      const iv = randomBytes(ivLength);
      const cipher = createCipheriv("aes-256-gcm", await keyOf(salt, config.scryptCost), iv, {
        authTagLength: tagLength,
      });
      const ciphertext = Buffer.concat([iv, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]);
      const wrapped: WrappedKey = {
        kdf: "scrypt",
        cost: config.scryptCost,
        salt: salt.toString("base64"),
        ciphertext: ciphertext.toString("base64"),
      };
      return { wrapped, keyId: `passphrase-${salt.toString("hex", 0, 8)}` };
    },
    unwrap: async (wrapped) => {
      const { kdf, cost } = wrapped;
      if (kdf !== "scrypt" || typeof cost !== "number" || !Number.isInteger(cost) || cost < 14 || cost > 20) {
        throw new KeyWrapperError(
          "refused",
          `the stored data key was made with ${kdf} of cost ${cost}, which is not known`,
        );
      }
      const bytes = Buffer.from(textOf(wrapped, "ciphertext"), "base64");
      const key = await keyOf(Buffer.from(textOf(wrapped, "salt"), "base64"), cost);
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, ivLength), { authTagLength: tagLength });
      try {
        decipher.setAuthTag(bytes.subarray(-tagLength));
        return Buffer.concat([decipher.update(bytes.subarray(ivLength, -tagLength)), decipher.final()]);
      } catch {
        throw new KeyWrapperError("refused", "the passphrase is not the one under which the private keys were stored");
      }
    },
  };
}
