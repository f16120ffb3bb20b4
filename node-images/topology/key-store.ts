/**
 * The keys a node knows, in its database: public keys of anybody, and the pairs of its own.
 *
 * Private keys are stored as the versioned `CryptoKeyPair` message, encrypted where that is configured. Nothing in this file
 * logs or returns one, except {@link KeyStore.exportKeyPair}, which exists to do so.
 */
import { decrypt } from "@pulumi-canton/protocol/crypto/encryption.ts";
import {
  decodeKeyPair,
  encodeKeyPair,
  generateEncryptionKeyPair,
  generateSigningKeyPair,
  type KeyPair,
  publicKeyOf,
} from "@pulumi-canton/protocol/crypto/key-pair.ts";
import {
  checkPublicKey,
  decodePublicKey,
  type EncryptionPublicKey,
  encodePublicKey,
  type KeyPurposeName,
  type PublicKey,
  type SigningPublicKey,
} from "@pulumi-canton/protocol/crypto/public-key.ts";
import { type Signature, sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import type { SigningPurpose } from "@pulumi-canton/protocol/crypto/signing-purpose.ts";
import type {
  EncryptionKeyScheme,
  SigningKeyScheme,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import { KeyEncryption, type KeyEncryptionOptions } from "./key-encryption/key-encryption.ts";
import { publicKeyNotInStore, secretKeyNotInStore } from "./topology-errors.ts";

/** A key that the node knows. */
export interface StoredKey {
  fingerprint: Fingerprint;
  publicKey: PublicKey;
  /** What people call it; empty when nobody named it. Names need not be unique. */
  name: string;
  /** Whether the node holds the private half. */
  held: boolean;
}

/** Which keys to list; every part given must fit. */
export interface KeyFilter {
  /** Start of the fingerprint. */
  fingerprint?: string;
  /** Part of the name. */
  name?: string;
  /** Any of these purposes; empty or left out: all. */
  purposes?: readonly KeyPurposeName[];
  /** True: only keys whose private half the node holds. */
  held?: boolean;
}

interface KeyRow {
  fingerprint: string;
  name: string;
  public_key: Buffer;
  held: boolean;
}

const columns = "fingerprint, name, public_key, key_pair IS NOT NULL AS held";

function toStoredKey(row: KeyRow): StoredKey {
  return {
    fingerprint: row.fingerprint,
    publicKey: decodePublicKey(row.public_key),
    name: row.name,
    held: row.held,
  };
}

/** The keys of one node. */
export class KeyStore {
  readonly #database: Database;
  /** How private keys are stored. */
  readonly encryption: KeyEncryption;
  /** Pairs that were used, so that a signature costs no query. A key never changes, it can only be deleted. */
  readonly #pairs = new Map<Fingerprint, KeyPair>();

  /**
   * @param database the node's database, with the migrations of this package applied
   * @param encryption default: private keys are stored as they are
   */
  constructor(database: Database, encryption = new KeyEncryption(database)) {
    this.#database = database;
    this.encryption = encryption;
  }

  /**
   * Opens the keys of a node as its configuration has it.
   *
   * @throws ConfigError when the configuration does not open what is stored
   * @throws KeyWrapperError when what wraps the keys did not answer in time
   */
  static async open(options: KeyEncryptionOptions): Promise<KeyStore> {
    return new KeyStore(options.database, await KeyEncryption.open(options));
  }

  /**
   * Makes and stores a signing key.
   *
   * @param options.name default: none
   * @param options.scheme default: Ed25519
   * @throws ProtocolError when the scheme is not supported
   */
  async generateSigningKey(options: { name?: string; scheme?: SigningKeyScheme } = {}): Promise<SigningPublicKey> {
    const pair = generateSigningKeyPair(options.scheme);
    await this.#insert(pair, options.name ?? "");
    return pair.publicKey;
  }

  /**
   * Makes and stores an encryption key.
   *
   * @param options.name default: none
   * @param options.scheme default: ECIES on P-256
   * @throws ProtocolError when the scheme is not supported
   */
  async generateEncryptionKey(
    options: { name?: string; scheme?: EncryptionKeyScheme } = {},
  ): Promise<EncryptionPublicKey> {
    const pair = generateEncryptionKeyPair(options.scheme);
    await this.#insert(pair, options.name ?? "");
    return pair.publicKey;
  }

  /** The keys that fit the filter, oldest first. */
  async list(filter: KeyFilter = {}): Promise<StoredKey[]> {
    const { rows } = await this.#database.query<KeyRow>(
      `SELECT ${columns} FROM topology_keys
       WHERE starts_with(fingerprint, $1) AND strpos(name, $2) > 0 AND (cardinality($3::text[]) = 0 OR purpose = ANY ($3))
         AND (key_pair IS NOT NULL OR NOT $4)
       ORDER BY ordinal`,
      [filter.fingerprint ?? "", filter.name ?? "", [...(filter.purposes ?? [])], filter.held ?? false],
    );
    return rows.map(toStoredKey);
  }

  /** The key with this fingerprint, or undefined. */
  async find(fingerprint: Fingerprint): Promise<StoredKey | undefined> {
    const { rows } = await this.#database.query<KeyRow>(`SELECT ${columns} FROM topology_keys WHERE fingerprint = $1`, [
      fingerprint,
    ]);
    return rows[0] === undefined ? undefined : toStoredKey(rows[0]);
  }

  /** The public key with this fingerprint. @throws CantonError PUBLIC_KEY_NOT_IN_STORE */
  async publicKey(fingerprint: Fingerprint): Promise<PublicKey> {
    const key = await this.find(fingerprint);
    if (key === undefined) throw publicKeyNotInStore(fingerprint, {});
    return key.publicKey;
  }

  /** Of these fingerprints, those of signing keys that the node holds, in the order given. */
  async heldSigningKeys(fingerprints: readonly Fingerprint[]): Promise<Fingerprint[]> {
    const { rows } = await this.#database.query<{ fingerprint: string }>(
      "SELECT fingerprint FROM topology_keys WHERE fingerprint = ANY ($1) AND purpose = 'signing' AND key_pair IS NOT NULL",
      [[...fingerprints]],
    );
    const held = new Set(rows.map((row) => row.fingerprint));
    return fingerprints.filter((fingerprint) => held.has(fingerprint));
  }

  /**
   * Of these keys the signing keys that the node holds, the one that it came by last first: where several are in force, an
   * older one may be on its way out.
   */
  async newestSigningKeys(fingerprints: readonly Fingerprint[]): Promise<Fingerprint[]> {
    const { rows } = await this.#database.read<{ fingerprint: string }>(
      `SELECT fingerprint FROM topology_keys WHERE fingerprint = ANY ($1) AND purpose = 'signing' AND key_pair IS NOT NULL
       ORDER BY ordinal DESC`,
      [[...fingerprints]],
    );
    return rows.map((row) => row.fingerprint);
  }

  /**
   * Signs with a key that the node holds.
   *
   * @param purpose what the signature is for; it is worthless for any other
   * @throws CantonError SECRET_KEY_NOT_IN_STORE when the node holds no such signing key
   */
  async sign(fingerprint: Fingerprint, purpose: SigningPurpose, content: Uint8Array): Promise<Signature> {
    const pair = await this.#pair(fingerprint);
    if (pair?.purpose !== "signing") throw secretKeyNotInStore(fingerprint, {});
    return sign(pair, purpose, content);
  }

  /**
   * Decrypts with a key that the node holds.
   *
   * @param context what was authenticated with the message when it was encrypted; default: nothing
   * @throws CantonError SECRET_KEY_NOT_IN_STORE when the node holds no such encryption key
   * @throws ProtocolError when the message was not encrypted for this key
   */
  async decrypt(fingerprint: Fingerprint, ciphertext: Uint8Array, context?: Uint8Array): Promise<Buffer> {
    const pair = await this.#pair(fingerprint);
    if (pair?.purpose !== "encryption") throw secretKeyNotInStore(fingerprint, {});
    return decrypt(pair, ciphertext, context);
  }

  /** The key pair as bytes, the private half in the clear, or undefined when the node does not hold it. */
  async exportKeyPair(fingerprint: Fingerprint): Promise<Buffer | undefined> {
    const pair = await this.#pair(fingerprint);
    return pair === undefined ? undefined : encodeKeyPair(pair);
  }

  /**
   * Stores a key pair that was exported elsewhere; one that is known already only takes on the name, if one is given.
   *
   * @throws ProtocolError when the bytes are no key pair
   */
  async importKeyPair(bytes: Uint8Array, name = ""): Promise<Fingerprint> {
    const pair = decodeKeyPair(bytes);
    await this.#insert(pair, name);
    return pair.publicKey.id;
  }

  /**
   * Stores a public key; one that is known already only takes on the name, if one is given.
   *
   * @throws ProtocolError when the key is not a usable one
   */
  async importPublicKey(key: PublicKey, name = ""): Promise<Fingerprint> {
    checkPublicKey(key);
    await this.#store(key, undefined, name);
    return key.key.id;
  }

  /**
   * Deletes the private half of a key for good. The public key stays known.
   *
   * @returns whether the node held it
   */
  async deletePrivateKey(fingerprint: Fingerprint): Promise<boolean> {
    const { rowCount } = await this.#database.query(
      "UPDATE topology_keys SET key_pair = NULL WHERE fingerprint = $1 AND key_pair IS NOT NULL",
      [fingerprint],
    );
    this.#pairs.delete(fingerprint);
    return (rowCount ?? 0) > 0;
  }

  async #insert(pair: KeyPair, name: string): Promise<void> {
    await this.#store(publicKeyOf(pair), encodeKeyPair(pair), name);
  }

  async #store(key: PublicKey, pair: Buffer | undefined, name: string): Promise<void> {
    await this.#database.transaction(async (client) => {
      const stored = pair === undefined ? undefined : await this.encryption.seal(client, key.key.id, pair);
      await client.query(
        `INSERT INTO topology_keys AS known (fingerprint, purpose, name, public_key, key_pair, data_key_id)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (fingerprint) DO UPDATE SET
           name = CASE WHEN excluded.name = '' THEN known.name ELSE excluded.name END,
           key_pair = coalesce(excluded.key_pair, known.key_pair),
           data_key_id = CASE WHEN excluded.key_pair IS NULL THEN known.data_key_id ELSE excluded.data_key_id END`,
        [key.key.id, key.purpose, name, encodePublicKey(key), stored?.bytes ?? null, stored?.dataKeyId ?? null],
      );
    });
  }

  async #pair(fingerprint: Fingerprint): Promise<KeyPair | undefined> {
    const known = this.#pairs.get(fingerprint);
    if (known !== undefined) return known;
    for (;;) {
      const { rows } = await this.#database.read<{ key_pair: Buffer; data_key_id: string | null }>(
        "SELECT key_pair, data_key_id FROM topology_keys WHERE fingerprint = $1 AND key_pair IS NOT NULL",
        [fingerprint],
      );
      if (rows[0] === undefined) return undefined;
      const { key_pair: bytes, data_key_id: dataKeyId } = rows[0];
      const opened = await this.encryption.openPair(fingerprint, { bytes, dataKeyId });
      // Encrypted anew in between.
      if (opened === undefined) continue;
      const pair = decodeKeyPair(opened);
      this.#pairs.set(fingerprint, pair);
      return pair;
    }
  }
}
