/**
 * Private keys at rest: each is encrypted under a random data key of the node, which is stored wrapped by the configured
 * {@link KeyWrapper}. Wherever the wrapper key changes, the data key does too: whoever learns the old one can open old
 * backups, but nothing that is stored later.
 */
import { status } from "@grpc/grpc-js";
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { retry } from "@pulumi-canton/runtime/backoff.ts";
import { ConfigError, type CryptoConfig, type KeyEncryptionConfig } from "@pulumi-canton/runtime/config.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import { plainError } from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type pg from "pg";
import { type KeyWrapper, KeyWrapperError, type WrappedKey } from "./key-wrapper.ts";
import { openKeyWrapper } from "./open-key-wrapper.ts";
import { type DataKey, newDataKey, openKeyPair, sealKeyPair } from "./sealed-key-pair.ts";
import { configuredKeyId, type Opener, type StoredEncryption, startPlan } from "./start-plan.ts";

/** Longest time of one call to a wrapper, in milliseconds. */
const callTimeoutMs = 10_000;

interface StoredDataKey extends StoredEncryption {
  readonly dataKeyId: string;
  readonly wrapped: WrappedKey;
}

/** A key pair as its row has it. */
export interface StoredKeyPair {
  readonly bytes: Buffer;
  /** The data key that it is encrypted under; null when it is stored as it is. */
  readonly dataKeyId: string | null;
}

/** Somebody else changed the data key in the meantime. */
class DataKeyChangedError extends Error {
  override readonly name = "DataKeyChangedError";

  constructor() {
    super("the key under which private keys are encrypted was changed by another process");
  }
}

/** How one node's private keys are encrypted; or that they are not. */
export class KeyEncryption {
  readonly #database: Database;
  readonly #logger: Logger | undefined;
  /** Undefined: private keys are stored as they are. */
  #open: { wrapper: KeyWrapper; dataKey: DataKey; stored: StoredDataKey } | undefined;

  /** Private keys that are stored as they are; see {@link openKeyEncryption} for others. */
  constructor(database: Database, logger?: Logger) {
    this.#database = database;
    this.#logger = logger;
  }

  /**
   * Opens what is configured: encrypts what is stored as it is, or encrypts anew, where the configuration asks for it.
   *
   * @throws ConfigError when the configuration does not open what is stored
   * @throws KeyWrapperError when the wrapper did not answer in time
   */
  static async open({ database, crypto, logger, signal }: KeyEncryptionOptions): Promise<KeyEncryption> {
    const wrappers = new Map<Opener, KeyWrapper>();
    for (const opener of ["keyEncryption", "previousKeyEncryption"] as const) {
      const config = crypto[opener];
      if (config !== undefined) wrappers.set(opener, await openKeyWrapper(config, `crypto.${opener}`));
    }
    const call = <T>(opener: Opener, run: (wrapper: KeyWrapper, signal: AbortSignal) => Promise<T>): Promise<T> =>
      retry(({ signal: until }) => run(wrappers.get(opener) as KeyWrapper, within(until)), {
        deadlineMs: crypto.keyEncryptionTimeout,
        retryIf: (error) => error instanceof KeyWrapperError && error.kind === "unavailable",
        onRetry: ({ error, attempt, delayMs }) =>
          logger.warn({ reason: (error as Error).message, attempt, delayMs }, "The wrapper key cannot be used yet"),
        ...(signal === undefined ? {} : { signal }),
      }).catch((error: unknown) => {
        if (!(error instanceof KeyWrapperError) || error.kind !== "refused") throw error;
        throw new ConfigError([`${keyOfSection(opener, crypto[opener])}: ${error.message}`]);
      });
    const encryption = new KeyEncryption(database, logger);
    for (;;) {
      try {
        await encryption.#start(crypto, wrappers, call);
        return encryption;
      } catch (error) {
        // A replica of this node that starts at the same time was first.
        if (!(error instanceof DataKeyChangedError)) throw error;
      }
    }
  }

  async #start(
    crypto: CryptoConfig,
    wrappers: ReadonlyMap<Opener, KeyWrapper>,
    call: <T>(opener: Opener, run: (wrapper: KeyWrapper, signal: AbortSignal) => Promise<T>) => Promise<T>,
  ): Promise<void> {
    const stored = await this.#read();
    const plan = startPlan(stored, crypto);
    if (plan.kind === "refuse") throw new ConfigError([plan.problem]);
    const { keyEncryption: wanted } = crypto;
    const wrapper = wrappers.get("keyEncryption");
    if (plan.kind === "plain" || wanted === undefined || wrapper === undefined) {
      this.#logger?.warn("Private keys are stored without encryption: set crypto.keyEncryption to have them encrypted");
      return;
    }
    let renew = true;
    if (plan.kind === "open" && stored !== undefined) {
      const opened = await firstOf(plan.openers, (opener) =>
        call(opener, (each, until) => each.unwrap(stored.wrapped, stored.wrapperKeyId, until)),
      );
      // Also when a replica of an older configuration still stored one as it is.
      renew = plan.renew || opened.opener !== "keyEncryption" || (await this.#anyPlain());
      // Until it is renewed it is opened with what opened it.
      this.#open = { wrapper, dataKey: { id: stored.dataKeyId, key: opened.value }, stored };
    }
    if (renew) {
      const keyId = configuredKeyId(wanted);
      const change = await call("keyEncryption", (each, until) => wrapNew(each, keyId, keyId, until));
      await this.#replace(stored?.dataKeyId, change, wrapper);
    }
  }

  async #anyPlain(): Promise<boolean> {
    const sql = "SELECT 1 FROM topology_keys WHERE key_pair IS NOT NULL AND data_key_id IS NULL LIMIT 1";
    return (await this.#database.read(sql)).rows.length > 0;
  }

  /** The wrapper key in use, or undefined when private keys are stored as they are. */
  async wrapperKeyId(): Promise<string | undefined> {
    return (await this.#read())?.wrapperKeyId;
  }

  /** The wrapper key in use. @throws CantonError FAILED_PRECONDITION when private keys are stored as they are */
  async requireWrapperKeyId(): Promise<string> {
    const id = await this.wrapperKeyId();
    if (id === undefined) throw notEncrypted();
    return id;
  }

  /**
   * Encrypts a key pair for its row.
   *
   * @param client of the transaction that writes the row
   */
  async seal(client: pg.PoolClient, fingerprint: Fingerprint, pair: Buffer): Promise<StoredKeyPair> {
    // Held until the row is written: the data key cannot change in between.
    await client.query("LOCK TABLE topology_data_key IN SHARE MODE");
    const stored = await this.#read(client);
    const open = await this.#current(stored);
    if (open === undefined) return { bytes: pair, dataKeyId: null };
    return { bytes: sealKeyPair(open.dataKey, fingerprint, pair), dataKeyId: open.dataKey.id };
  }

  /**
   * Decrypts the key pair of a row.
   *
   * @returns undefined when its data key is gone: the row was encrypted anew after it was read
   */
  async openPair(fingerprint: Fingerprint, { bytes, dataKeyId }: StoredKeyPair): Promise<Buffer | undefined> {
    if (dataKeyId === null) return bytes;
    if (this.#open?.dataKey.id !== dataKeyId) await this.#current(await this.#read());
    if (this.#open?.dataKey.id !== dataKeyId) return undefined;
    return openKeyPair(this.#open.dataKey, fingerprint, bytes);
  }

  /**
   * Changes the wrapper key, and with it the data key, while the node works. A crash leaves the old or the new.
   *
   * @param keyId the new wrapper key; empty: the same in its newest version, or the passphrase that its file has now
   * @returns how many private keys were encrypted anew
   * @throws CantonError FAILED_PRECONDITION, UNAVAILABLE, ABORTED
   */
  async rotateWrapperKey(keyId: string): Promise<number> {
    const open = this.#open;
    if (open === undefined) throw notEncrypted();
    const { wrapper, stored } = open;
    if (wrapper.type === "passphrase" && keyId !== "") {
      const message = "a passphrase has no id: write the new one to the file, and leave new_wrapper_key_id empty";
      throw plainError(status.INVALID_ARGUMENT, message);
    }
    try {
      const change = await wrapNew(wrapper, keyId || stored.wrapperKeyId, stored.configuredKeyId, within());
      // What cannot be unwrapped must not be relied upon: the policy may allow only the one.
      const check = await wrapper.unwrap(change.stored.wrapped, change.stored.wrapperKeyId, within());
      if (!check.equals(change.dataKey.key))
        throw new KeyWrapperError("refused", "it does not give back what it wrapped");
      return await this.#replace(open.dataKey.id, change, wrapper);
    } catch (error) {
      if (error instanceof DataKeyChangedError) throw plainError(status.ABORTED, error.message);
      if (error instanceof ConfigError) throw plainError(status.FAILED_PRECONDITION, error.message);
      if (!(error instanceof KeyWrapperError)) throw error;
      const code = error.kind === "refused" ? status.FAILED_PRECONDITION : status.UNAVAILABLE;
      throw plainError(code, `the wrapper key is not changed: ${error.message}`);
    }
  }

  /** What is open, after another process may have changed the data key. */
  async #current(stored: StoredDataKey | undefined) {
    if (stored?.dataKeyId === this.#open?.dataKey.id) return this.#open;
    if (stored === undefined || this.#open === undefined) {
      throw new Error(
        "another process switched the encryption of private keys on: restart the node with crypto.keyEncryption",
      );
    }
    const { wrapper } = this.#open;
    if (stored.wrapperType !== wrapper.type) {
      throw new Error(
        `another process encrypted the private keys with ${stored.wrapperType}: restart the node with that`,
      );
    }
    const key = await wrapper.unwrap(stored.wrapped, stored.wrapperKeyId, within());
    this.#open = { wrapper, dataKey: { id: stored.dataKeyId, key }, stored };
    return this.#open;
  }

  async #read(client?: pg.PoolClient): Promise<StoredDataKey | undefined> {
    const sql = `SELECT data_key_id AS "dataKeyId", wrapper_type AS "wrapperType", wrapper_key_id AS "wrapperKeyId",
                        configured_key_id AS "configuredKeyId", wrapped FROM topology_data_key`;
    const { rows } = await (client === undefined
      ? this.#database.read<StoredDataKey>(sql)
      : client.query<StoredDataKey>(sql));
    return rows[0];
  }

  /** Encrypts all private keys under a new data key, in one transaction. @throws DataKeyChangedError */
  async #replace(expected: string | undefined, change: NewDataKey, wrapper: KeyWrapper): Promise<number> {
    const { dataKey, stored } = change;
    const old = this.#open?.dataKey;
    const count = await this.#database.transaction(async (client) => {
      await client.query("LOCK TABLE topology_data_key, topology_keys IN ACCESS EXCLUSIVE MODE");
      if ((await this.#read(client))?.dataKeyId !== expected) throw new DataKeyChangedError();
      const { rows } = await client.query<{ fingerprint: string; key_pair: Buffer; data_key_id: string | null }>(
        "SELECT fingerprint, key_pair, data_key_id FROM topology_keys WHERE key_pair IS NOT NULL",
      );
      for (const { fingerprint, key_pair: bytes, data_key_id: id } of rows) {
        if (id !== null && id !== old?.id) throw new Error(`${fingerprint} is encrypted under a data key that is gone`);
        const pair = id === null || old === undefined ? bytes : openKeyPair(old, fingerprint, bytes);
        await client.query("UPDATE topology_keys SET key_pair = $2, data_key_id = $3 WHERE fingerprint = $1", [
          fingerprint,
          sealKeyPair(dataKey, fingerprint, pair),
          dataKey.id,
        ]);
      }
      await client.query("DELETE FROM topology_data_key");
      await client.query(
        `INSERT INTO topology_data_key (data_key_id, wrapper_type, wrapper_key_id, configured_key_id, wrapped)
         VALUES ($1, $2, $3, $4, $5)`,
        [stored.dataKeyId, stored.wrapperType, stored.wrapperKeyId, stored.configuredKeyId, stored.wrapped],
      );
      return rows.length;
    });
    this.#open = { wrapper, dataKey, stored };
    const { wrapperType, wrapperKeyId } = stored;
    this.#logger?.info({ wrapperType, wrapperKeyId, privateKeys: count }, "Private keys were encrypted anew");
    // Rows that were replaced stay in the tables' files until those are written anew.
    for (const table of ["topology_keys", "topology_data_key"]) {
      await this.#database.query(`VACUUM FULL ${table}`).catch((error: Error) => {
        this.#logger?.warn({ table, reason: error.message }, "The table's files still hold what was replaced in them");
      });
    }
    return count;
  }
}

/** What {@link KeyEncryption.open} needs. */
export interface KeyEncryptionOptions {
  /** The node's database, with the migrations of this package applied. */
  database: Database;
  crypto: CryptoConfig;
  logger: Logger;
  /** Ends the waiting for a wrapper that does not answer. */
  signal?: AbortSignal | undefined;
}

interface NewDataKey {
  dataKey: DataKey;
  stored: StoredDataKey;
}

async function wrapNew(
  wrapper: KeyWrapper,
  keyId: string,
  configuredKeyId: string,
  signal: AbortSignal,
): Promise<NewDataKey> {
  const dataKey = newDataKey();
  const { wrapped, keyId: wrapperKeyId } = await wrapper.wrap(dataKey.key, keyId, signal);
  return {
    dataKey,
    stored: { dataKeyId: dataKey.id, wrapperType: wrapper.type, wrapperKeyId, configuredKeyId, wrapped },
  };
}

/** The first that is not refused; otherwise the first refusal. */
async function firstOf<T>(openers: readonly Opener[], run: (opener: Opener) => Promise<T>) {
  let refusal: unknown;
  for (const opener of openers) {
    try {
      return { opener, value: await run(opener) };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

function keyOfSection(opener: Opener, config: KeyEncryptionConfig | undefined): string {
  return `crypto.${opener}.${config?.type === "passphrase" ? "passphraseFile" : "keyId"}`;
}

function within(signal?: AbortSignal): AbortSignal {
  const timeout = AbortSignal.timeout(callTimeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}

function notEncrypted() {
  const message =
    "the private keys of this node are stored without encryption, so there is no wrapper key: set crypto.keyEncryption in its configuration";
  return plainError(status.FAILED_PRECONDITION, message);
}
