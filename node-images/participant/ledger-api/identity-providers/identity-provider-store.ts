import { type Database, violatedConstraint } from "@pulumi-canton/runtime/database.ts";
import type { IdentityProvider } from "./identity-provider.ts";

interface Row {
  identity_provider_id: string;
  is_deactivated: boolean;
  issuer: string;
  jwks_url: string;
  audience: string;
}

const COLUMNS = "identity_provider_id, is_deactivated, issuer, jwks_url, audience";
const ISSUER_CONSTRAINT = "ledger_identity_providers_issuer_key";

/** Why a provider cannot be stored. */
export type IdentityProviderClash = "exists" | "issuerExists" | "tooMany";

/** The identity providers of a participant besides the default one. */
export class IdentityProviderStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(id: string): Promise<IdentityProvider | undefined> {
    const { rows } = await this.#database.read<Row>(
      `SELECT ${COLUMNS} FROM ledger_identity_providers WHERE identity_provider_id = $1`,
      [id],
    );
    return rows[0] && toProvider(rows[0]);
  }

  async findByIssuer(issuer: string): Promise<IdentityProvider | undefined> {
    const { rows } = await this.#database.read<Row>(
      `SELECT ${COLUMNS} FROM ledger_identity_providers WHERE issuer = $1`,
      [issuer],
    );
    return rows[0] && toProvider(rows[0]);
  }

  /** All of them, in the order of their ids. */
  async list(): Promise<IdentityProvider[]> {
    const { rows } = await this.#database.read<Row>(
      `SELECT ${COLUMNS} FROM ledger_identity_providers ORDER BY identity_provider_id`,
    );
    return rows.map(toProvider);
  }

  /** Stores a new provider; undefined when that is done. */
  async create(provider: IdentityProvider, limit: number): Promise<IdentityProviderClash | undefined> {
    return issuerClash(() =>
      this.#database.transaction(async (client) => {
        // One at a time, so that the limit holds.
        await client.query("LOCK TABLE ledger_identity_providers IN SHARE ROW EXCLUSIVE MODE");
        const { rows } = await client.query<{ known: boolean; count: number }>(
          `SELECT COALESCE(bool_or(identity_provider_id = $1), false) AS known, count(*)::int AS count
           FROM ledger_identity_providers`,
          [provider.id],
        );
        if (rows[0]?.known) return "exists";
        await client.query(`INSERT INTO ledger_identity_providers (${COLUMNS}) VALUES ($1, $2, $3, $4, $5)`, [
          ...columnsOf(provider),
        ]);
        // After the insert: of two reasons the caller hears of its own mistake first.
        if ((rows[0]?.count ?? 0) < limit) return undefined;
        throw new TooMany();
      }),
    );
  }

  /** Replaces a provider by what `decide` makes of it; it refuses by throwing. */
  async update(
    id: string,
    decide: (present: IdentityProvider | undefined) => IdentityProvider,
  ): Promise<IdentityProvider | IdentityProviderClash> {
    return issuerClash(() =>
      this.#database.transaction(async (client) => {
        const { rows } = await client.query<Row>(
          `SELECT ${COLUMNS} FROM ledger_identity_providers WHERE identity_provider_id = $1 FOR UPDATE`,
          [id],
        );
        const provider = decide(rows[0] && toProvider(rows[0]));
        await client.query(
          `UPDATE ledger_identity_providers SET is_deactivated = $2, issuer = $3, jwks_url = $4, audience = $5
           WHERE identity_provider_id = $1`,
          [...columnsOf(provider)],
        );
        return provider;
      }),
    );
  }

  /** Deletes a provider that has no users and no parties. */
  async delete(id: string): Promise<"deleted" | "unknown" | "inUse"> {
    try {
      const { rowCount } = await this.#database.query(
        "DELETE FROM ledger_identity_providers WHERE identity_provider_id = $1",
        [id],
      );
      return rowCount === 0 ? "unknown" : "deleted";
    } catch (error) {
      if (violatedConstraint(error) !== undefined) return "inUse";
      throw error;
    }
  }
}

class TooMany extends Error {}

async function issuerClash<T>(run: () => Promise<T>): Promise<T | "issuerExists" | "tooMany"> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof TooMany) return "tooMany";
    if (violatedConstraint(error) === ISSUER_CONSTRAINT) return "issuerExists";
    throw error;
  }
}

function toProvider(row: Row): IdentityProvider {
  return {
    id: row.identity_provider_id,
    isDeactivated: row.is_deactivated,
    issuer: row.issuer,
    jwksUrl: row.jwks_url,
    audience: row.audience,
  };
}

function columnsOf({ id, isDeactivated, issuer, jwksUrl, audience }: IdentityProvider) {
  return [id, isDeactivated, issuer, jwksUrl, audience];
}
