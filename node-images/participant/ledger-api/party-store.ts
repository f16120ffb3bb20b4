import type { Database } from "@pulumi-canton/runtime/database.ts";
import type pg from "pg";

/** What only this participant knows about a party. */
export interface PartyRecord {
  readonly party: string;
  readonly displayName: string;
  /** Rises by one with every change of the annotations; undefined when they were never written. */
  readonly resourceVersion: bigint | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  /** The identity provider that the party belongs to; empty for the default one. */
  readonly identityProviderId: string;
}

interface Row {
  party: string;
  display_name: string | null;
  resource_version: bigint | null;
  annotations: Record<string, string>;
  identity_provider_id: string | null;
}

const COLUMNS = "party, display_name, resource_version, annotations, identity_provider_id";

/**
 * Display names, annotations and identity providers of parties, in the participant's own database; they are not shared
 * with the domain.
 */
export class PartyStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The records of those parties that have one, by party. */
  async find(parties: readonly string[]): Promise<Map<string, PartyRecord>> {
    const { rows } = await this.#database.read<Row>(
      `SELECT ${COLUMNS} FROM participant_parties WHERE party = ANY($1)`,
      [[...parties]],
    );
    return new Map(rows.map((row) => [row.party, toRecord(row)]));
  }

  /** Sets the name that people see; an empty name removes it. */
  async setDisplayName(party: string, displayName: string): Promise<void> {
    await this.#database.query(
      `INSERT INTO participant_parties (party, display_name) VALUES ($1, $2)
       ON CONFLICT (party) DO UPDATE SET display_name = EXCLUDED.display_name`,
      [party, displayName === "" ? null : displayName],
    );
  }

  /**
   * Stores the record of a newly allocated party, at resource version 0; a display name is only replaced by another.
   *
   * @param actingUser the user that may act as the party from now on, when there is one
   * @returns `ofOtherProvider`, and nothing is stored: a party that one identity provider has, another cannot take over, also
   *   when it is hosted no longer, or both allocate it at once. `userUnknown`: the record is stored, but there is no such user
   */
  async allocate(
    { party, displayName, annotations, identityProviderId }: Omit<PartyRecord, "resourceVersion">,
    actingUser?: string,
  ): Promise<"allocated" | "ofOtherProvider" | "userUnknown"> {
    return this.#database.transaction(async (client) => {
      const { rowCount } = await client.query(
        `INSERT INTO participant_parties (${COLUMNS}) VALUES ($1, $2, 0, $3, $4)
         ON CONFLICT (party) DO UPDATE SET
           display_name = COALESCE(EXCLUDED.display_name, participant_parties.display_name),
           resource_version = COALESCE(participant_parties.resource_version, 0),
           annotations = EXCLUDED.annotations,
           identity_provider_id = EXCLUDED.identity_provider_id
         WHERE participant_parties.identity_provider_id IS NOT DISTINCT FROM EXCLUDED.identity_provider_id
           OR (participant_parties.identity_provider_id IS NULL AND participant_parties.resource_version IS NULL)`,
        [party, displayName === "" ? null : displayName, JSON.stringify(annotations), toColumn(identityProviderId)],
      );
      if (rowCount === 0) return "ofOtherProvider";
      if (actingUser === undefined) return "allocated";
      // Locked: somebody may delete it at this moment.
      const user = await client.query("SELECT FROM ledger_users WHERE user_id = $1 FOR KEY SHARE", [actingUser]);
      if (user.rowCount === 0) return "userUnknown";
      await client.query(
        "INSERT INTO ledger_user_rights (user_id, kind, party) VALUES ($1, 'canActAs', $2) ON CONFLICT DO NOTHING",
        [actingUser, party],
      );
      return "allocated";
    });
  }

  /** Replaces what is known of a party by what `decide` makes of it, in one transaction; it refuses by throwing. */
  async update(party: string, decide: (present: PartyRecord) => PartyRecord): Promise<PartyRecord> {
    return this.#database.transaction(async (client) => {
      const record = decide(await locked(client, party));
      await client.query(
        `UPDATE participant_parties SET annotations = $2, resource_version = $3, identity_provider_id = $4
         WHERE party = $1`,
        [party, JSON.stringify(record.annotations), record.resourceVersion, toColumn(record.identityProviderId)],
      );
      return record;
    });
  }
}

/** The record, which is made when there is none, and which nobody else changes until the transaction ends. */
async function locked(client: pg.PoolClient, party: string): Promise<PartyRecord> {
  await client.query("INSERT INTO participant_parties (party) VALUES ($1) ON CONFLICT DO NOTHING", [party]);
  const { rows } = await client.query<Row>(`SELECT ${COLUMNS} FROM participant_parties WHERE party = $1 FOR UPDATE`, [
    party,
  ]);
  if (rows[0] === undefined) throw new Error(`party ${party} vanished`);
  return toRecord(rows[0]);
}

function toColumn(identityProviderId: string): string | null {
  return identityProviderId === "" ? null : identityProviderId;
}

function toRecord(row: Row): PartyRecord {
  return {
    party: row.party,
    displayName: row.display_name ?? "",
    resourceVersion: row.resource_version === null ? undefined : BigInt(row.resource_version),
    annotations: row.annotations,
    identityProviderId: row.identity_provider_id ?? "",
  };
}
