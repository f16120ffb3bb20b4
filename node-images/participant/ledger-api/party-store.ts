import type { Database } from "@pulumi-canton/runtime/database.ts";

/** What only this participant knows about a party. */
export interface PartyRecord {
  readonly party: string;
  readonly displayName: string;
  /** Rises by one with every change of the annotations; undefined when they were never written. */
  readonly resourceVersion: bigint | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Row {
  party: string;
  display_name: string | null;
  resource_version: bigint | null;
  annotations: Record<string, string>;
}

/** Display names and annotations of parties, in the participant's own database; they are not shared with the domain. */
export class PartyStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The records of those parties that have one, by party. */
  async find(parties: readonly string[]): Promise<Map<string, PartyRecord>> {
    const { rows } = await this.#database.read<Row>(
      "SELECT party, display_name, resource_version, annotations FROM participant_parties WHERE party = ANY($1)",
      [[...parties]],
    );
    return new Map(rows.map((row) => [row.party, record(row)]));
  }

  /** Sets the name that people see; an empty name removes it. */
  async setDisplayName(party: string, displayName: string): Promise<void> {
    await this.#database.query(
      `INSERT INTO participant_parties (party, display_name) VALUES ($1, $2)
       ON CONFLICT (party) DO UPDATE SET display_name = EXCLUDED.display_name`,
      [party, displayName === "" ? null : displayName],
    );
  }

  /** Stores the record of a newly allocated party, at resource version 0; a display name is only replaced by another. */
  async allocate(party: string, displayName: string, annotations: Record<string, string>): Promise<void> {
    await this.#database.query(
      `INSERT INTO participant_parties (party, display_name, resource_version, annotations) VALUES ($1, $2, 0, $3)
       ON CONFLICT (party) DO UPDATE SET
         display_name = COALESCE(EXCLUDED.display_name, participant_parties.display_name),
         resource_version = COALESCE(participant_parties.resource_version, 0),
         annotations = EXCLUDED.annotations`,
      [party, displayName === "" ? null : displayName, JSON.stringify(annotations)],
    );
  }

  /**
   * Replaces the annotations; `change` gets the present record. With an expected version that is not the present one
   * nothing changes and "stale" comes back.
   */
  async updateAnnotations(
    party: string,
    expectedVersion: bigint | undefined,
    change: (present: Readonly<Record<string, string>>) => Record<string, string>,
  ): Promise<PartyRecord | "stale"> {
    return this.#database.transaction(async (client) => {
      await client.query("INSERT INTO participant_parties (party) VALUES ($1) ON CONFLICT DO NOTHING", [party]);
      const present = await client.query<Row>(
        "SELECT party, display_name, resource_version, annotations FROM participant_parties WHERE party = $1 FOR UPDATE",
        [party],
      );
      const row = present.rows[0];
      if (row === undefined) throw new Error(`party ${party} vanished`);
      const version = row.resource_version === null ? undefined : BigInt(row.resource_version);
      if (expectedVersion !== undefined && expectedVersion !== (version ?? 0n)) return "stale";
      const updated = await client.query<Row>(
        `UPDATE participant_parties SET annotations = $2, resource_version = $3 WHERE party = $1
         RETURNING party, display_name, resource_version, annotations`,
        [party, JSON.stringify(change(row.annotations)), version === undefined ? 0n : version + 1n],
      );
      if (updated.rows[0] === undefined) throw new Error(`party ${party} vanished`);
      return record(updated.rows[0]);
    });
  }
}

function record(row: Row): PartyRecord {
  return {
    party: row.party,
    displayName: row.display_name ?? "",
    resourceVersion: row.resource_version === null ? undefined : BigInt(row.resource_version),
    annotations: row.annotations,
  };
}
