import type { Database } from "@pulumi-canton/runtime/database.ts";

/** A request to the domain that has not been answered yet. */
export interface RequestInFlight {
  /** Stays the same however often the request is sent. */
  readonly requestId: string;
  /** Positions of its transactions in the store "Authorized", in order; never empty. */
  readonly positions: readonly bigint[];
}

/** How far the own topology transactions have got towards one domain. */
export interface DispatchState {
  /** Everything up to this position of "Authorized" has been answered. */
  readonly position: bigint;
  readonly inFlight: RequestInFlight | undefined;
}

/** A transaction that the domain did not take. */
export interface Rejection {
  readonly position: bigint;
  readonly reason: string;
}

interface Row {
  position: bigint;
  request_id: string | null;
  request_positions: string[];
}

/** The dispatcher's memory of one domain, in the participant's own database. */
export class DispatchStore {
  readonly #database: Database;
  readonly #domainId: string;

  constructor(database: Database, domainId: string) {
    this.#database = database;
    this.#domainId = domainId;
  }

  async state(): Promise<DispatchState> {
    const { rows } = await this.#database.read<Row>(
      "SELECT position, request_id, request_positions FROM participant_topology_dispatch WHERE domain_id = $1",
      [this.#domainId],
    );
    const row = rows[0];
    if (row === undefined) return { position: 0n, inFlight: undefined };
    return {
      position: BigInt(row.position),
      inFlight:
        row.request_id === null
          ? undefined
          : { requestId: row.request_id, positions: row.request_positions.map(BigInt) },
    };
  }

  /** Written before a request is sent for the first time, so that after a crash the same one is sent again. */
  async begin(request: RequestInFlight): Promise<void> {
    await this.#database.query(
      `INSERT INTO participant_topology_dispatch (domain_id, request_id, request_positions) VALUES ($1, $2, $3)
       ON CONFLICT (domain_id) DO UPDATE SET request_id = EXCLUDED.request_id, request_positions = EXCLUDED.request_positions`,
      [this.#domainId, request.requestId, [...request.positions]],
    );
  }

  /** Passes over transactions that do not concern the domain. */
  async skip(upTo: bigint): Promise<void> {
    await this.#database.query(
      `INSERT INTO participant_topology_dispatch (domain_id, position) VALUES ($1, $2)
       ON CONFLICT (domain_id) DO UPDATE SET position = GREATEST(participant_topology_dispatch.position, EXCLUDED.position)`,
      [this.#domainId, upTo],
    );
  }

  /**
   * Records the answer to the request in flight: its transactions are done, and those in `rejections` are remembered as
   * rejected. Answers false, and changes nothing, when another request, or none, is in flight: a repeated answer.
   */
  async complete(requestId: string, rejections: readonly Rejection[]): Promise<boolean> {
    return this.#database.transaction(async (client) => {
      const { rows } = await client.query<Row>(
        `SELECT position, request_id, request_positions FROM participant_topology_dispatch
         WHERE domain_id = $1 AND request_id = $2 FOR UPDATE`,
        [this.#domainId, requestId],
      );
      const row = rows[0];
      if (row === undefined) return false;
      await client.query(
        "DELETE FROM participant_topology_rejections WHERE domain_id = $1 AND position = ANY($2::bigint[])",
        [this.#domainId, row.request_positions],
      );
      for (const { position, reason } of rejections) {
        await client.query(
          "INSERT INTO participant_topology_rejections (domain_id, position, reason) VALUES ($1, $2, $3)",
          [this.#domainId, position, reason],
        );
      }
      await client.query(
        `UPDATE participant_topology_dispatch SET request_id = NULL, request_positions = '{}',
           position = GREATEST(position, (SELECT max(p) FROM unnest($2::bigint[]) p))
         WHERE domain_id = $1`,
        [this.#domainId, row.request_positions],
      );
      return true;
    });
  }

  /** Forgets that these were rejected. */
  async forgetRejections(positions: readonly bigint[]): Promise<void> {
    await this.#database.query(
      "DELETE FROM participant_topology_rejections WHERE domain_id = $1 AND position = ANY($2::bigint[])",
      [this.#domainId, [...positions]],
    );
  }

  /** What the domain did not take, in order of position. */
  async rejections(): Promise<Rejection[]> {
    const { rows } = await this.#database.read<{ position: bigint; reason: string }>(
      "SELECT position, reason FROM participant_topology_rejections WHERE domain_id = $1 ORDER BY position",
      [this.#domainId],
    );
    return rows.map((row) => ({ position: BigInt(row.position), reason: row.reason }));
  }
}
