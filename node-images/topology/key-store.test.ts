import { encrypt } from "@pulumi-canton/protocol/crypto/encryption.ts";
import { verify } from "@pulumi-canton/protocol/crypto/signature.ts";
import { fingerprintOfKey } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KeyStore } from "./key-store.ts";
import { startTestNode, type TestNode } from "./testing/test-node.ts";

describe("KeyStore", () => {
  let node: TestNode;
  let keys: KeyStore;
  beforeAll(async () => {
    node = await startTestNode("keys");
    keys = node.keys;
  });
  afterAll(async () => node[Symbol.asyncDispose]());

  it("signs with a key that it made, also after a restart", async () => {
    const key = await keys.generateSigningKey({ name: "signs" });
    expect(key.id).toBe(fingerprintOfKey(key.publicKey));
    const content = Buffer.from("content");
    for (const store of [keys, new KeyStore(node.database)]) {
      const signature = await store.sign(key.id, "acknowledgement", content);
      expect(verify(key, "acknowledgement", content, signature)).toBe(true);
      expect(verify(key, "submission-request", content, signature)).toBe(false);
    }
  });

  it("decrypts with a key that it made", async () => {
    const key = await keys.generateEncryptionKey({ name: "decrypts" });
    const ciphertext = encrypt(key, Buffer.from("secret"));
    expect((await keys.decrypt(key.id, ciphertext)).toString()).toBe("secret");
  });

  it("refuses to sign with a key that it does not hold, that is for encryption, or that was deleted", async () => {
    const encryption = await keys.generateEncryptionKey();
    const deleted = await keys.generateSigningKey();
    await keys.sign(deleted.id, "acknowledgement", Buffer.of(1));
    expect(await keys.deletePrivateKey(deleted.id)).toBe(true);
    expect(await keys.deletePrivateKey(deleted.id)).toBe(false);
    for (const fingerprint of [`1220${"ab".repeat(32)}`, encryption.id, deleted.id]) {
      await expect(keys.sign(fingerprint, "acknowledgement", Buffer.of(1))).rejects.toMatchObject({
        reason: "SECRET_KEY_NOT_IN_STORE",
      });
    }
    expect(await keys.find(deleted.id)).toMatchObject({ held: false });
  });

  it("lists by start of the fingerprint, part of the name, purpose, and whether it holds the private half", async () => {
    const signing = await keys.generateSigningKey({ name: "node-alpha-signing" });
    const encryption = await keys.generateEncryptionKey({ name: "node-alpha-encryption" });
    const names = async (filter: Parameters<KeyStore["list"]>[0]) => (await keys.list(filter)).map(({ name }) => name);
    expect(await names({ name: "alpha" })).toEqual(["node-alpha-signing", "node-alpha-encryption"]);
    expect(await names({ name: "alpha", purposes: ["encryption"] })).toEqual(["node-alpha-encryption"]);
    expect(await names({ fingerprint: signing.id.slice(0, 20) })).toEqual(["node-alpha-signing"]);
    await keys.deletePrivateKey(encryption.id);
    expect(await names({ name: "alpha", held: true })).toEqual(["node-alpha-signing"]);
    expect(await names({ name: "alp%a" })).toEqual([]);
  });

  it("exports to another store, which then signs as well", async () => {
    await using other = await startTestNode("other");
    const key = await keys.generateSigningKey({ name: "moves" });
    await other.keys.importPublicKey({ purpose: "signing", key }, "known");
    expect(await other.keys.find(key.id)).toMatchObject({ name: "known", held: false });
    expect(await other.keys.exportKeyPair(key.id)).toBeUndefined();
    const pair = await keys.exportKeyPair(key.id);
    expect(pair).toBeDefined();
    expect(await other.keys.importKeyPair(pair ?? Buffer.alloc(0))).toBe(key.id);
    expect(await other.keys.find(key.id)).toMatchObject({ name: "known", held: true });
    const content = Buffer.from("content");
    expect(verify(key, "acknowledgement", content, await other.keys.sign(key.id, "acknowledgement", content))).toBe(
      true,
    );
    // Learning the public key again does not take the private half away.
    await other.keys.importPublicKey({ purpose: "signing", key });
    expect(await other.keys.find(key.id)).toMatchObject({ name: "known", held: true });
  });

  it("refuses bytes that are no key pair", async () => {
    await expect(keys.importKeyPair(Buffer.from("nonsense"))).rejects.toThrow();
  });

  it("gives of a list of fingerprints those of signing keys that it holds, in their order", async () => {
    const [one, two] = [await keys.generateSigningKey(), await keys.generateSigningKey()];
    const encryption = await keys.generateEncryptionKey();
    expect(await keys.heldSigningKeys([two.id, "unknown", encryption.id, one.id])).toEqual([two.id, one.id]);
  });
});
