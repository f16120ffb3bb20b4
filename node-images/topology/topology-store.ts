/**
 * One topology store of a node: every transaction it has seen in the database, and the state they add up to in memory.
 *
 * All changes go through {@link TopologyStore.update}: one at a time, decided on the present state, written in one
 * database transaction, visible in memory only once that transaction is committed. A process that dies anywhere, and a
 * commit whose outcome is not known, leave the database right and the memory to be loaded again.
 */

import { memberUid } from "@pulumi-canton/protocol/identity/member.ts";
import type { Micros } from "@pulumi-canton/protocol/timestamp.ts";
import { namespacesOf, type TopologyMapping, uidsOf } from "@pulumi-canton/protocol/topology/mapping.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import {
  decodeSignedTransaction,
  encodeSignedTransaction,
  type SignedTopologyTransaction,
  type TopologyTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { CommitOutcomeUnknownError, type Database } from "@pulumi-canton/runtime/database.ts";
import type pg from "pg";
import type { StoredTransaction, TransactionQuery, TransactionToAppend } from "./stored-transaction.ts";
import { currentTraceparent } from "./transaction-steps.ts";

/** What an update decided. */
export interface StoreChange<T> {
  /** The transactions to append, in order. */
  readonly append: readonly TransactionToAppend[];
  /** The state that the store is in when they are appended. */
  readonly state: TopologyState;
  /** For whoever asked for the update. */
  readonly result: T;
}

/** What came of an update. */
export interface StoreUpdated<T> {
  readonly stored: readonly StoredTransaction[];
  readonly result: T;
}

/** Hears of transactions once they are committed, in order. Must not throw. */
export type StoreListener = (stored: readonly StoredTransaction[]) => void;

interface TransactionRow {
  store: string;
  position: bigint;
  sequenced: bigint;
  valid_from: bigint;
  valid_until: bigint | null;
  serialized: Buffer;
  rejection: string | null;
  traceparent: string | null;
}

const columns = "store, position, sequenced, valid_from, valid_until, serialized, rejection, traceparent";

function toStored(row: TransactionRow): StoredTransaction {
  return {
    store: row.store,
    position: row.position,
    sequenced: row.sequenced,
    validFrom: row.valid_from,
    validUntil: row.valid_until ?? undefined,
    signed: decodeSignedTransaction(row.serialized),
    serialized: row.serialized,
    rejection: row.rejection ?? undefined,
    traceparent: row.traceparent ?? undefined,
  };
}

/** Sorts, byte by byte, behind every character that a name may have. */
const afterEverything = "\u{10ffff}";

/** Microseconds since 1970, now. */
function now(): Micros {
  return BigInt(Date.now()) * 1000n;
}

/** One topology store. */
export class TopologyStore {
  /** `Authorized`, or the id of a domain. */
  readonly id: string;
  readonly #database: Database;
  readonly #listeners = new Set<StoreListener>();
  #state: TopologyState;
  /** Position up to which the state in memory goes. */
  #position: bigint;
  /** The update that runs; the next one waits for it. */
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(id: string, database: Database, loaded: { state: TopologyState; position: bigint }) {
    this.id = id;
    this.#database = database;
    this.#state = loaded.state;
    this.#position = loaded.position;
  }

  /**
   * Opens a store and loads its state; one that does not exist yet is created, empty.
   *
   * @param id `Authorized`, or the id of a domain
   */
  static async open(database: Database, id: string): Promise<TopologyStore> {
    await database.query("INSERT INTO topology_stores (store) VALUES ($1) ON CONFLICT DO NOTHING", [id]);
    await fillIn(database, id);
    return new TopologyStore(id, database, await load(database, id));
  }

  /** The state that all committed transactions add up to. */
  get state(): TopologyState {
    return this.#state;
  }

  /** Position of the last committed transaction that {@link state} takes in; 0 when there is none. */
  get position(): bigint {
    return this.#position;
  }

  /**
   * Changes the store. Updates of one store run one after the other, in this process and among all that share the database.
   *
   * @param decide gets the present state and the running database transaction, in which it may do more (whatever it writes
   *   is committed with the appended transactions or not at all). When it throws, nothing is changed.
   */
  async update<T>(
    decide: (state: TopologyState, client: pg.PoolClient) => StoreChange<T> | Promise<StoreChange<T>>,
  ): Promise<StoreUpdated<T>> {
    const run = this.#tail.then(() => this.#update(decide));
    this.#tail = run.catch(() => undefined);
    return run;
  }

  async #update<T>(
    decide: (state: TopologyState, client: pg.PoolClient) => StoreChange<T> | Promise<StoreChange<T>>,
  ): Promise<StoreUpdated<T>> {
    const transaction = this.#database.transaction(async (client) => {
      const head = await lock(client, this.id);
      // Another process wrote (a node that took over), or the outcome of our last commit never reached us.
      if (head.position !== this.#position) this.#adopt(await load(client, this.id));
      const change = await decide(this.#state, client);
      const appended = await append(client, this.id, head, change.append);
      const position = head.position + BigInt(appended.length);
      return { stored: appended, result: change.result, state: change.state, position };
    });
    const { stored, result, ...loaded } = await transaction.catch(async (error: unknown) => {
      // Readers should not have to wait for the next update to see what may have been committed after all.
      if (error instanceof CommitOutcomeUnknownError) {
        const loaded = await load(this.#database, this.id).catch(() => undefined);
        if (loaded !== undefined) this.#adopt(loaded);
      }
      throw error;
    });
    this.#adopt(loaded);
    if (stored.length > 0) for (const listener of this.#listeners) listener(stored);
    return { stored, result };
  }

  #adopt(loaded: { state: TopologyState; position: bigint }): void {
    this.#state = loaded.state;
    this.#position = loaded.position;
  }

  /** Takes in what another process wrote, or what this one committed without learning of it. */
  async refresh(): Promise<void> {
    await this.update((state) => ({ append: [], state, result: undefined }));
  }

  /**
   * Tells a listener of every transaction that this process commits, accepted or rejected.
   *
   * @returns ends that
   */
  onCommitted(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The transactions that fit, in the order of the store. */
  async query(query: TransactionQuery): Promise<StoredTransaction[]> {
    const { time } = query;
    const { rows } = await this.#database.read<TransactionRow>(
      `SELECT ${columns} FROM topology_transactions
       WHERE store = $1
         AND CASE $2
           WHEN 'head' THEN valid_until IS NULL
           WHEN 'snapshot' THEN valid_from <= $3 AND (valid_until IS NULL OR valid_until > $3)
           ELSE ($3::bigint IS NULL OR valid_from >= $3) AND ($4::bigint IS NULL OR valid_from <= $4)
         END
         AND ($5::text[] IS NULL OR mapping_type = ANY ($5))
         AND ($6::text IS NULL OR operation = $6)
         AND starts_with(signed_by, $7)
         AND ($10::text IS NULL OR (subject ~>=~ $10 AND subject ~<~ ($10 || $12)))
         AND ($11::text IS NULL OR (counterpart ~>=~ $11 AND counterpart ~<~ ($11 || $12)))
         AND (operation <> 'Remove' OR NOT $8)
         AND (rejection IS NULL OR $9)
       ORDER BY position`,
      [
        this.id,
        time.kind,
        time.kind === "snapshot" ? time.at : time.kind === "range" ? (time.from ?? null) : null,
        time.kind === "range" ? (time.until ?? null) : null,
        query.kinds === undefined ? null : [...query.kinds],
        query.operation ?? null,
        query.signedBy ?? "",
        query.stateOnly ?? false,
        query.includeRejected ?? false,
        query.subject || null,
        query.counterpart || null,
        afterEverything,
      ],
    );
    return rows.map(toStored);
  }

  /**
   * Accepted transactions behind a position, in order: what a dispatcher has to pass on.
   *
   * @param after exclusive; 0 for the beginning
   * @param options.upTo inclusive; default: the end
   * @param options.limit default: 1000
   */
  async log(after: bigint, options: { upTo?: bigint | undefined; limit?: number } = {}): Promise<StoredTransaction[]> {
    const { rows } = await this.#database.read<TransactionRow>(
      `SELECT ${columns} FROM topology_transactions
       WHERE store = $1 AND position > $2 AND ($3::bigint IS NULL OR position <= $3) AND rejection IS NULL
       ORDER BY position LIMIT $4`,
      [this.id, after, options.upTo ?? null, options.limit ?? 1000],
    );
    return rows.map(toStored);
  }

  /** How many accepted transactions lie behind a position. */
  async countAfter(position: bigint): Promise<number> {
    const { rows } = await this.#database.read<{ count: bigint }>(
      "SELECT count(*) AS count FROM topology_transactions WHERE store = $1 AND position > $2 AND rejection IS NULL",
      [this.id, position],
    );
    return Number(rows[0]?.count ?? 0);
  }

  /** Which of these additions come behind a position, or not at all. */
  async addedBehind(
    position: bigint,
    additions: readonly SignedTopologyTransaction[],
  ): Promise<SignedTopologyTransaction[]> {
    const { rows } = await this.#database.read<{ element_id: string }>(
      `SELECT element_id FROM topology_transactions
       WHERE store = $1 AND element_id = ANY ($2) AND operation = 'Add' AND rejection IS NULL AND position <= $3`,
      [this.id, additions.map(({ transaction }) => transaction.elementId), position],
    );
    const before = new Set(rows.map((row) => row.element_id));
    return additions.filter(({ transaction }) => !before.has(transaction.elementId));
  }

  /** The state as it was at a moment: everything in force then. */
  async stateAt(at: Micros): Promise<TopologyState> {
    const inForce = await this.query({ time: { kind: "snapshot", at } });
    return TopologyState.replay(inForce.map(({ signed }) => signed));
  }

  /**
   * How far a reader of {@link log} has come; 0 when it never said.
   *
   * @param reader any name, for example the id of the domain that the reader passes transactions on to
   */
  async watermark(reader: string): Promise<bigint> {
    const { rows } = await this.#database.read<{ position: bigint }>(
      "SELECT position FROM topology_watermarks WHERE store = $1 AND reader = $2",
      [this.id, reader],
    );
    return rows[0]?.position ?? 0n;
  }

  /**
   * Remembers how far a reader has come. Never goes back.
   *
   * @param client a running transaction, when this has to be committed with something else
   */
  async advanceWatermark(reader: string, position: bigint, client: Queryable = this.#database): Promise<void> {
    await client.query(
      `INSERT INTO topology_watermarks AS known (store, reader, position) VALUES ($1, $2, $3)
       ON CONFLICT (store, reader) DO UPDATE SET position = greatest(known.position, excluded.position)`,
      [this.id, reader, position],
    );
  }
}

/** What runs a query: the database, or a transaction on it. */
export interface Queryable {
  query<R extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<pg.QueryResult<R>>;
}

interface StoreHead {
  position: bigint;
  timestamp: Micros;
}

/** The state that the committed transactions of a store add up to. */
async function load(database: Queryable, store: string): Promise<{ state: TopologyState; position: bigint }> {
  // One statement, so that the rows and the position are of one moment. Additions that were removed since, or replaced,
  // are left out; their removals are not, as the state has to know which element ids are used up.
  const { rows } = await database.query<{ last_position: bigint; serialized: Buffer | null }>(
    `SELECT s.last_position, t.serialized
     FROM topology_stores s
     LEFT JOIN topology_transactions t
       ON t.store = s.store AND t.rejection IS NULL AND (t.valid_until IS NULL OR t.operation = 'Remove')
     WHERE s.store = $1 ORDER BY t.position`,
    [store],
  );
  if (rows[0] === undefined) throw new Error(`the topology store ${store} is gone from the database`);
  const accepted = rows.flatMap(({ serialized }) => (serialized === null ? [] : [decodeSignedTransaction(serialized)]));
  return { state: TopologyState.replay(accepted), position: rows[0].last_position };
}

/** Ends the validity of what a removal or a replacement takes out of force. */
async function endValidity(client: pg.PoolClient, store: string, transaction: TopologyTransaction, at: Micros) {
  const { operation, elementId, mapping } = transaction;
  const condition = operation === "Remove" ? "element_id = $4" : "identifier = $4";
  const about = operation === "Remove" ? elementId : identifierOf(mapping);
  await client.query(
    `UPDATE topology_transactions SET valid_until = $3
     WHERE store = $1 AND mapping_type = $2 AND ${condition} AND valid_until IS NULL AND rejection IS NULL`,
    [store, mapping.kind, at, about],
  );
}

/** The unique identifier that a mapping is indexed under; a namespace delegation has none. */
function identifierOf(mapping: TopologyMapping): string | null {
  return mapping.kind === "NamespaceDelegation" ? null : (uidsOf(mapping)[0] ?? null);
}

/** What a mapping is about, and whom that has to do with: what lists are filtered by. */
function partiesTo(mapping: TopologyMapping): [subject: string, counterpart?: string] {
  switch (mapping.kind) {
    case "NamespaceDelegation":
      return [mapping.namespace];
    case "IdentifierDelegation":
      return [mapping.uid];
    case "OwnerToKeyMapping":
      return [memberUid(mapping.owner)];
    case "VettedPackages":
      return [memberUid(mapping.participant)];
    case "DomainParametersChange":
      return [mapping.domain];
    case "PartyToParticipant":
      return [mapping.party, memberUid(mapping.participant)];
    case "ParticipantState":
      return [mapping.domain, memberUid(mapping.participant)];
    case "MediatorDomainState":
      return [mapping.domain, memberUid(mapping.mediator)];
  }
}

/** Fills in what rows of before these columns lack. */
async function fillIn(database: Queryable, store: string): Promise<void> {
  const { rows } = await database.query<{ position: bigint; serialized: Buffer }>(
    "SELECT position, serialized FROM topology_transactions WHERE store = $1 AND subject IS NULL",
    [store],
  );
  if (rows.length === 0) return;
  const known = rows.map(({ serialized }) => partiesTo(decodeSignedTransaction(serialized).transaction.mapping));
  await database.query(
    `UPDATE topology_transactions AS t SET subject = f.subject, counterpart = f.counterpart
     FROM unnest($2::bigint[], $3::text[], $4::text[]) AS f (position, subject, counterpart)
     WHERE t.store = $1 AND t.position = f.position`,
    [
      store,
      rows.map(({ position }) => position),
      known.map(([subject]) => subject),
      known.map(([, counterpart]) => counterpart ?? null),
    ],
  );
}

async function lock(client: pg.PoolClient, store: string): Promise<StoreHead> {
  const { rows } = await client.query<{ last_position: bigint; last_timestamp: bigint }>(
    "SELECT last_position, last_timestamp FROM topology_stores WHERE store = $1 FOR UPDATE",
    [store],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`the topology store ${store} is gone from the database`);
  return { position: row.last_position, timestamp: row.last_timestamp };
}

/** Inserts transactions in one statement, so that many cost little more than one. */
async function insert(client: pg.PoolClient, transactions: readonly StoredTransaction[]): Promise<void> {
  if (transactions.length === 0) return;
  const column = (value: (transaction: StoredTransaction) => unknown) => transactions.map(value);
  await client.query(
    `INSERT INTO topology_transactions (${columns}, operation, mapping_type, element_id, namespace, identifier, signed_by,
       subject, counterpart)
     SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::text[],
       $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
       $16::text[])`,
    [
      column(({ store }) => store),
      column(({ position }) => position),
      column(({ sequenced }) => sequenced),
      column(({ validFrom }) => validFrom),
      column(({ validUntil }) => validUntil ?? null),
      column(({ serialized }) => serialized),
      column(({ rejection }) => rejection ?? null),
      column(({ traceparent }) => traceparent ?? null),
      column(({ signed }) => signed.transaction.operation),
      column(({ signed }) => signed.transaction.mapping.kind),
      column(({ signed }) => signed.transaction.elementId),
      column(({ signed }) => namespacesOf(signed.transaction.mapping)[0]),
      column(({ signed }) => identifierOf(signed.transaction.mapping)),
      column(({ signed }) => signed.key.id),
      column(({ signed }) => partiesTo(signed.transaction.mapping)[0]),
      column(({ signed }) => partiesTo(signed.transaction.mapping)[1] ?? null),
    ],
  );
}

async function append(
  client: pg.PoolClient,
  store: string,
  head: StoreHead,
  transactions: readonly TransactionToAppend[],
): Promise<StoredTransaction[]> {
  if (transactions.length === 0) return [];
  let { position, timestamp } = head;
  const stored: StoredTransaction[] = [];
  let written = 0;
  const write = async () => {
    await insert(client, stored.slice(written));
    written = stored.length;
  };
  for (const { signed, serialized, sequenced, rejection, traceparent } of transactions) {
    position += 1n;
    const earliest = timestamp + 1n;
    const at = sequenced ?? (earliest > now() ? earliest : now());
    if (at > timestamp) timestamp = at;
    const { operation } = signed.transaction;
    const accepted = rejection === undefined;
    if (accepted && operation !== "Add") {
      // What it ends may be among those that come before it here.
      await write();
      await endValidity(client, store, signed.transaction, at);
    }
    stored.push({
      store,
      position,
      sequenced: at,
      validFrom: at,
      validUntil: accepted && operation !== "Remove" ? undefined : at,
      signed,
      serialized: serialized ?? encodeSignedTransaction(signed),
      rejection,
      traceparent: traceparent ?? currentTraceparent(),
    });
  }
  await write();
  await client.query("UPDATE topology_stores SET last_position = $2, last_timestamp = $3 WHERE store = $1", [
    store,
    position,
    timestamp,
  ]);
  return stored;
}
