import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { verify } from "@pulumi-canton/protocol/crypto/signature.ts";
import { type CryptoConfig, checkConfig, cryptoSchema } from "@pulumi-canton/runtime/config.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import pino from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { KeyStore } from "../key-store.ts";
import { quiet, startTestNode, type TestNode } from "../testing/test-node.ts";
import { startVault, vaultFaults, vaultToken } from "./testing/vault-stand-in.ts";

const folder = mkdtempSync(join(tmpdir(), "key-encryption-"));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), `${text}\n`, { mode: 0o600 });
  return join(folder, name);
};

const passphrase = (name: string, text: string) => ({
  type: "passphrase",
  passphraseFile: write(name, text),
  scryptCost: 14,
});

let node: TestNode;
beforeEach(async () => {
  node = await startTestNode("keys");
});
afterEach(() => node[Symbol.asyncDispose]());

const open = (crypto: object, logger: Logger = quiet): Promise<KeyStore> =>
  KeyStore.open({ database: node.database, crypto: checkConfig(cryptoSchema, crypto) as CryptoConfig, logger });

/** Makes sure that a store signs with a key. */
async function signs(store: KeyStore, fingerprint: string): Promise<void> {
  const { publicKey } = (await store.find(fingerprint)) ?? {};
  if (publicKey?.purpose !== "signing") throw new Error("no signing key");
  const content = Buffer.from("content");
  const signature = await store.sign(fingerprint, "acknowledgement", content);
  expect(verify(publicKey.key, "acknowledgement", content, signature)).toBe(true);
}

/** The bytes of all rows, as somebody has them who can read the database. */
async function storedBytes(): Promise<Buffer> {
  const { rows } = await node.database.query<{ key_pair: Buffer | null; public_key: Buffer }>(
    "SELECT key_pair FROM topology_keys",
  );
  const { rows: dataKeys } = await node.database.query("SELECT * FROM topology_data_key");
  return Buffer.concat([...rows.map((row) => row.key_pair ?? Buffer.alloc(0)), Buffer.from(JSON.stringify(dataKeys))]);
}

/** The private half of an exported pair. */
async function privateBytes(store: KeyStore, fingerprint: string): Promise<Buffer> {
  const pair = await store.exportKeyPair(fingerprint);
  if (pair === undefined) throw new Error("not held");
  return pair.subarray(-40, -6);
}

describe("under a passphrase", () => {
  it("keys survive a restart, and no private byte is in the database", async () => {
    const crypto = { keyEncryption: passphrase("a", "correct horse") };
    const store = await open(crypto);
    const key = await store.generateSigningKey({ name: "signs" });
    const again = await open(crypto);
    await signs(again, key.id);
    expect((await storedBytes()).includes(await privateBytes(again, key.id))).toBe(false);
    await expect(again.encryption.requireWrapperKeyId()).resolves.toMatch(/^passphrase-/);
  });

  it("keys that were stored as they are are encrypted when it is switched on, and not before", async () => {
    const plain = await open({});
    const key = await plain.generateSigningKey();
    const encryption = await plain.generateEncryptionKey();
    const exported = await plain.exportKeyPair(encryption.id);
    expect((await storedBytes()).includes(await privateBytes(plain, key.id))).toBe(true);
    expect(await plain.encryption.wrapperKeyId()).toBeUndefined();
    const store = await open({ keyEncryption: passphrase("b", "p") });
    await signs(store, key.id);
    expect(await store.exportKeyPair(encryption.id)).toEqual(exported);
    expect((await storedBytes()).includes(await privateBytes(store, key.id))).toBe(false);
    // A process of before that still runs stores nothing in the clear any more.
    await expect(plain.generateSigningKey()).rejects.toThrow(/restart the node with crypto.keyEncryption/);
  });

  it("a wrong passphrase, a missing section and an unknown wrapper are told with the key of the configuration", async () => {
    const store = await open({ keyEncryption: passphrase("c", "right") });
    await store.generateSigningKey();
    await expect(open({ keyEncryption: passphrase("d", "wrong") })).rejects.toMatchObject({
      name: "ConfigError",
      problems: [expect.stringMatching(/^crypto\.keyEncryption\.passphraseFile: the passphrase is not/)],
    });
    await expect(open({})).rejects.toMatchObject({
      name: "ConfigError",
      problems: [expect.stringMatching(/^crypto\.keyEncryption is required/)],
    });
    const vault = { type: "vault", address: "http://127.0.0.1:1", keyId: "k", tokenFile: write("t", "t") };
    await expect(open({ keyEncryption: vault })).rejects.toMatchObject({
      name: "ConfigError",
      problems: [expect.stringMatching(/^crypto\.previousKeyEncryption is required/)],
    });
  });

  it("another passphrase is taken over when the one before is named, and then alone", async () => {
    const store = await open({ keyEncryption: passphrase("e", "old") });
    const key = await store.generateSigningKey();
    const keyEncryption = passphrase("f", "new");
    const both = await open({ keyEncryption, previousKeyEncryption: passphrase("e", "old") });
    await signs(both, key.id);
    await signs(await open({ keyEncryption }), key.id);
    await expect(open({ keyEncryption: passphrase("e", "old") })).rejects.toThrow(/is not the one/);
  });

  it("is changed while the node works: the new one in the file, then a rotation without an id", async () => {
    const store = await open({ keyEncryption: passphrase("g", "old") });
    const replica = await open({ keyEncryption: passphrase("g", "old") });
    const key = await store.generateSigningKey();
    const before = await store.encryption.requireWrapperKeyId();
    await expect(store.encryption.rotateWrapperKey("x")).rejects.toThrow(/leave new_wrapper_key_id empty/);
    write("g", "new");
    expect(await store.encryption.rotateWrapperKey("")).toBe(1);
    expect(await store.encryption.requireWrapperKeyId()).not.toBe(before);
    const later = await store.generateSigningKey();
    // Another process of the node goes on as well, with keys of before and after.
    await signs(replica, key.id);
    await signs(replica, later.id);
    await signs(store, (await replica.generateSigningKey()).id);
    await signs(await open({ keyEncryption: passphrase("g", "new") }), later.id);
    await expect(open({ keyEncryption: passphrase("h", "old") })).rejects.toThrow(/is not the one/);
  });

  it("two that start at once, over keys stored as they are, agree", async () => {
    const key = await (await open({})).generateSigningKey();
    const crypto = { keyEncryption: passphrase("i", "p") };
    const [one, two] = await Promise.all([open(crypto), open(crypto)]);
    await signs(one, key.id);
    await signs(two, key.id);
    await signs(two, (await one.generateSigningKey()).id);
  });

  it("a stored pair that takes another's place is refused", async () => {
    const crypto = { keyEncryption: passphrase("j", "p") };
    const store = await open(crypto);
    const [one, two] = [await store.generateSigningKey(), await store.generateSigningKey()];
    await node.database.query(
      "UPDATE topology_keys SET key_pair = (SELECT key_pair FROM topology_keys WHERE fingerprint = $1) WHERE fingerprint = $2",
      [one.id, two.id],
    );
    await expect((await open(crypto)).sign(two.id, "acknowledgement", Buffer.of(1))).rejects.toThrow(
      /cannot be decrypted/,
    );
  });

  it("a migration that fails changes nothing", async () => {
    const plain = await open({});
    const key = await plain.generateSigningKey();
    await node.database.query(
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'crash'; END $$",
    );
    await node.database.query("CREATE TRIGGER t BEFORE INSERT ON topology_data_key EXECUTE FUNCTION refuse()");
    await expect(open({ keyEncryption: passphrase("k", "p") })).rejects.toThrow("crash");
    await signs(await open({}), key.id);
  });

  it("is told when it is missing; neither passphrase nor keys are in logs", async () => {
    let log = "";
    const stream = new Writable({ write: (chunk, _, done) => done(void (log += String(chunk))) });
    const logger = pino({ level: "trace" }, stream) as unknown as Logger;
    const plain = await open({}, logger);
    expect(log).toContain("set crypto.keyEncryption");
    const key = await plain.generateSigningKey();
    const secret = await privateBytes(plain, key.id);
    const store = await open({ keyEncryption: passphrase("l", "very secret words") }, logger);
    await store.encryption.rotateWrapperKey("");
    await open({ keyEncryption: passphrase("m", "very wrong words") }, logger).catch((error: unknown) =>
      logger.error({ error }),
    );
    expect(log).not.toMatch(/very (secret|wrong) words/);
    for (const encoding of ["hex", "base64", "base64url"] as const)
      expect(log).not.toContain(secret.toString(encoding));
  });
});

describe("under a key management service", () => {
  let server: Awaited<ReturnType<typeof startVault>>;
  beforeAll(async () => {
    server = await startVault(undefined, "one", "two");
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const vault = (keyId: string) => ({
    type: "vault",
    address: server.url,
    keyId,
    tokenFile: write("vault-token", vaultToken),
  });

  it("a start waits for a service that is throttled or broken, and gives up at its deadline", async () => {
    const crypto = { keyEncryption: vault("one") };
    const key = await (await open(crypto)).generateSigningKey();
    server.next.push(vaultFaults.throttled, vaultFaults.internal, vaultFaults.throttled);
    const before = server.requests.length;
    await signs(await open(crypto), key.id);
    expect(server.requests.length - before).toBe(4);
    server.next.push(...Array.from({ length: 100 }, () => vaultFaults.internal));
    await expect(open({ ...crypto, keyEncryptionTimeout: "300ms" })).rejects.toMatchObject({ kind: "unavailable" });
    server.next.length = 0;
  });

  it("a denial ends the start at once, with the key of the configuration", async () => {
    const crypto = { keyEncryption: vault("one") };
    await (await open(crypto)).generateSigningKey();
    server.next.push(vaultFaults.denied);
    await expect(open(crypto)).rejects.toMatchObject({
      name: "ConfigError",
      problems: [expect.stringMatching(/^crypto\.keyEncryption\.keyId: Vault .* answers 403/)],
    });
  });

  it("rotates to another key, which holds after a restart with the configuration as it was", async () => {
    const crypto = { keyEncryption: vault("one") };
    const store = await open(crypto);
    const key = await store.generateSigningKey();
    await store.encryption.rotateWrapperKey("two");
    expect(await store.encryption.requireWrapperKeyId()).toBe("two");
    const again = await open(crypto);
    expect(await again.encryption.requireWrapperKeyId()).toBe("two");
    await signs(again, key.id);
    // The configuration follows later.
    const followed = await open({ keyEncryption: vault("two") });
    await signs(followed, key.id);
    expect(await followed.encryption.requireWrapperKeyId()).toBe("two");
    await signs(await open({ keyEncryption: vault("one") }), key.id);
  });

  it("a rotation that the service refuses, or that it could not undo, leaves all as it was", async () => {
    const store = await open({ keyEncryption: vault("one") });
    const key = await store.generateSigningKey();
    await expect(store.encryption.rotateWrapperKey("none")).rejects.toThrow(/not changed: .*encryption key not found/);
    // May encrypt with the new key, but not decrypt.
    server.next.push({ status: 200, body: { data: { ciphertext: "vault:v1:AQ==" } } }, vaultFaults.denied);
    await expect(store.encryption.rotateWrapperKey("two")).rejects.toThrow(/permission denied/);
    server.next.push(vaultFaults.internal);
    await expect(store.encryption.rotateWrapperKey("two")).rejects.toThrow(/sealed/);
    expect(await store.encryption.requireWrapperKeyId()).toBe("one");
    await signs(await open({ keyEncryption: vault("one") }), key.id);
  });

  it("takes over from a passphrase", async () => {
    const old = passphrase("n", "p");
    const key = await (await open({ keyEncryption: old })).generateSigningKey();
    await signs(await open({ keyEncryption: vault("one"), previousKeyEncryption: old }), key.id);
    await signs(await open({ keyEncryption: vault("one") }), key.id);
  });

  it("only one of two rotations at once happens twice over: each is whole", async () => {
    const crypto = { keyEncryption: vault("one") };
    const [one, two] = [await open(crypto), await open(crypto)];
    const key = await one.generateSigningKey();
    const outcomes = await Promise.allSettled([
      one.encryption.rotateWrapperKey("two"),
      two.encryption.rotateWrapperKey("one"),
    ]);
    expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
    await signs(await open(crypto), key.id);
    await signs(two, (await one.generateSigningKey()).id);
  });
});
