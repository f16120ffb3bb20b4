/** What the domain manager remembers of its sequencers and mediators, and the start that they have in common. */
import type { Database } from "@pulumi-canton/runtime/database.ts";

/** Sequencer or mediator. */
export type PeerKind = "sequencer" | "mediator";

/** A peer that answered once. */
export interface KnownPeer {
  readonly kind: PeerKind;
  readonly name: string;
  /** Fingerprint of its signing key. */
  readonly fingerprint: string;
  /** It has the snapshot. Always false for mediators, which receive it when they are initialised. */
  readonly bootstrapped: boolean;
}

/** What every member starts from. */
export interface DomainStart {
  /** A serialized TopologyTransactions. */
  readonly snapshot: Buffer;
  /** A serialized SequencerConnection, when the sequencers were given by DomainInitializationService. */
  readonly connection: Buffer | undefined;
}

/** The tables of bootstrap. Every method is one statement. */
export class PeerStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async peers(): Promise<KnownPeer[]> {
    const { rows } = await this.#database.read<KnownPeer>(
      "SELECT kind, name, fingerprint, bootstrapped FROM domain_manager_peers ORDER BY kind, name",
    );
    return rows;
  }

  /** A peer answered with its key. With another key than before it has lost its database and starts over. */
  async answered(kind: PeerKind, name: string, fingerprint: string): Promise<void> {
    await this.#database.query(
      `INSERT INTO domain_manager_peers AS known (kind, name, fingerprint) VALUES ($1, $2, $3)
       ON CONFLICT (kind, name) DO UPDATE SET fingerprint = excluded.fingerprint,
         bootstrapped = known.bootstrapped AND known.fingerprint = excluded.fingerprint`,
      [kind, name, fingerprint],
    );
  }

  /** A sequencer has the snapshot. */
  async bootstrapped(name: string): Promise<void> {
    await this.#database.query(
      "UPDATE domain_manager_peers SET bootstrapped = true WHERE kind = 'sequencer' AND name = $1",
      [name],
    );
  }

  /** Undefined until {@link fixStart}. */
  async start(): Promise<DomainStart | undefined> {
    const { rows } = await this.#database.read<{ snapshot: Buffer; connection: Buffer | null }>(
      "SELECT snapshot, connection FROM domain_manager_domain",
    );
    const row = rows[0];
    return row === undefined ? undefined : { snapshot: row.snapshot, connection: row.connection ?? undefined };
  }

  /**
   * Fixes what every member starts from, and that the dispatcher begins behind it. The first call counts.
   *
   * @param upTo position in the Authorized store of the last transaction of the snapshot; 0 when it is empty
   */
  async fixStart(start: DomainStart, upTo: bigint): Promise<void> {
    await this.#database.query(
      `INSERT INTO domain_manager_domain (snapshot, connection, dispatched) VALUES ($1, $2, $3)
       ON CONFLICT (only_row) DO NOTHING`,
      [start.snapshot, start.connection ?? null, upTo],
    );
  }
}
