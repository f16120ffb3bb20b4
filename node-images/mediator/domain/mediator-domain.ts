/** The domain that a mediator belongs to, kept in its database. */
import type { Database } from "@pulumi-canton/runtime/database.ts";

/** What a mediator was told of its domain. */
export interface MediatorDomain {
  readonly domainId: string;
  /** Fingerprint of the signing key that was told to the domain. */
  readonly signingKey: string;
  /** A serialized SequencerConnection. */
  readonly connection: Buffer;
  /** What the members of the domain start from: a serialized TopologyTransactions. */
  readonly snapshot: Buffer;
}

interface Row {
  domain_id: string;
  signing_key: string;
  connection: Buffer;
  snapshot: Buffer;
}

/** Reads and sets the domain. */
export class MediatorDomainStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Undefined before the mediator is initialised. */
  async get(): Promise<MediatorDomain | undefined> {
    const { rows } = await this.#database.read<Row>("SELECT * FROM mediator_domain");
    const row = rows[0];
    if (row === undefined) return undefined;
    const { domain_id: domainId, signing_key: signingKey, connection, snapshot } = row;
    return { domainId, signingKey, connection, snapshot };
  }

  /**
   * Sets the domain, once; for the same domain a later call only changes where the sequencers are.
   *
   * @returns the domain as it is now: another one than given when that was set before
   */
  async set({ domainId, signingKey, connection, snapshot }: MediatorDomain): Promise<MediatorDomain> {
    await this.#database.query(
      `INSERT INTO mediator_domain AS known (domain_id, signing_key, connection, snapshot) VALUES ($1, $2, $3, $4)
       ON CONFLICT (only_row) DO UPDATE SET connection = excluded.connection WHERE known.domain_id = excluded.domain_id`,
      [domainId, signingKey, connection, snapshot],
    );
    const known = await this.get();
    if (known === undefined) throw new Error("the domain of the mediator was not stored");
    return known;
  }
}
