import { describe, expect, it } from "vitest";
import { decryptKeyFile, encryptKeyFile, readKeyFile, WrongPassphraseError } from "./encrypted-key-file.ts";
import { encodeKeyPair, generateEncryptionKeyPair, generateSigningKeyPair } from "./key-pair.ts";

const pair = generateSigningKeyPair();
const passphrase = "correct horse battery staple";
const text = encryptKeyFile(pair, passphrase, "root of the bank");

function changed(change: (file: any) => void): string {
  const file = JSON.parse(text);
  change(file);
  return JSON.stringify(file);
}

describe("an encrypted key file", () => {
  it("gives the pair back to whoever knows the passphrase, and tells others what it holds", () => {
    for (const each of [pair, generateEncryptionKeyPair()]) {
      const file = encryptKeyFile(each, passphrase, "a name");
      expect(encodeKeyPair(decryptKeyFile(file, passphrase))).toEqual(encodeKeyPair(each));
      expect(readKeyFile(file)).toMatchObject({ fingerprint: each.publicKey.id, name: "a name" });
    }
    expect(() => decryptKeyFile(text, "Correct horse battery staple")).toThrow(WrongPassphraseError);
  });

  it("has the private half nowhere in the clear, and is another file every time", () => {
    const secret = Buffer.from(pair.privateKey.privateKey);
    for (const form of ["base64", "hex", "latin1"] as const) expect(text).not.toContain(secret.toString(form));
    expect(encryptKeyFile(pair, passphrase, "root of the bank")).not.toBe(text);
  });

  it("does not open when anything in it was changed", () => {
    const other = generateSigningKeyPair();
    const otherFile = JSON.parse(encryptKeyFile(other, passphrase, "x"));
    const flip = (base64: string) => {
      const bytes = Buffer.from(base64, "base64");
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      return bytes.toString("base64");
    };
    const changes: ((file: any) => void)[] = [
      (file) => (file.name = "another name"),
      (file) => (file.kdf.p = 2),
      (file) => (file.kdf.salt = flip(file.kdf.salt)),
      (file) => (file.cipher.nonce = flip(file.cipher.nonce)),
      (file) => (file.encryptedKeyPair = flip(file.encryptedKeyPair)),
      (file) => Object.assign(file, { fingerprint: otherFile.fingerprint, publicKey: otherFile.publicKey }),
    ];
    for (const change of changes)
      expect(() => decryptKeyFile(changed(change), passphrase)).toThrow(WrongPassphraseError);
  });

  it.each([
    ["no JSON", "key file"],
    ["[]", "key file"],
    [changed((file) => (file.format = "pem")), "format"],
    [changed((file) => (file.version = 2)), "version"],
    [changed((file) => (file.kdf.algorithm = "md5")), "kdf.algorithm"],
    [changed((file) => (file.kdf.n = 2 ** 30)), "kdf.n"],
    [changed((file) => (file.kdf.n = 3 * 2 ** 16)), "kdf.n"],
    [changed((file) => (file.kdf.n = 2)), "kdf.n"],
    [changed((file) => (file.cipher.algorithm = "aes-128-cbc")), "cipher.algorithm"],
    [changed((file) => (file.fingerprint = `1220${"00".repeat(32)}`)), "fingerprint"],
    [changed((file) => delete file.encryptedKeyPair), "encryptedKeyPair"],
    [changed((file) => (file.kdf.salt = "?")), "kdf.salt"],
  ])("refuses what is no such file, naming the field: %#", (file, field) => {
    expect(() => readKeyFile(file)).toThrow(expect.objectContaining({ name: "ProtocolError", field }));
  });
});
