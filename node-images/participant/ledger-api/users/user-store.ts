import type { Database } from "@pulumi-canton/runtime/database.ts";
import type pg from "pg";
import { compareRights, DEFAULT_IDENTITY_PROVIDER, type RightKind, type User, type UserRight } from "./user.ts";

interface UserRow {
  user_id: string;
  primary_party: string;
  is_deactivated: boolean;
  resource_version: bigint;
  annotations: Record<string, string>;
  identity_provider_id: string | null;
}

interface RightRow {
  kind: RightKind;
  party: string;
}

/** Which rights a user gets and loses. */
export interface RightsChange {
  readonly granted: readonly UserRight[];
  readonly revoked: readonly UserRight[];
}

const COLUMNS = "user_id, primary_party, is_deactivated, resource_version, annotations, identity_provider_id";
const INSERT_RIGHTS = `INSERT INTO ledger_user_rights (user_id, kind, party) SELECT $1, * FROM unnest($2::text[], $3::text[])`;

/**
 * The users of the Ledger API and their rights. Every change is one transaction in which the user's row is locked: a
 * function that decides gets what is stored, and refuses by throwing.
 */
export class UserStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The user; undefined when there is none of that id. */
  async find(id: string): Promise<User | undefined> {
    const { rows } = await this.#database.read<UserRow>(`SELECT ${COLUMNS} FROM ledger_users WHERE user_id = $1`, [id]);
    return rows[0] && toUser(rows[0]);
  }

  /** The user and its rights at one moment, in the order in which they are listed; undefined when there is none of that id. */
  async findWithRights(id: string): Promise<{ user: User; rights: UserRight[] } | undefined> {
    const { rows } = await this.#database.read<UserRow & { rights: UserRight[] }>(
      `SELECT ${COLUMNS}, (
         SELECT COALESCE(json_agg(json_build_object('kind', kind, 'party', party)), '[]')
         FROM ledger_user_rights WHERE user_id = $1
       ) AS rights
       FROM ledger_users WHERE user_id = $1`,
      [id],
    );
    return rows[0] && { user: toUser(rows[0]), rights: rows[0].rights.sort(compareRights) };
  }

  /**
   * Users of one identity provider in the order of their ids.
   *
   * @param after the id before the first; empty for the first page
   */
  async list(after: string, limit: number, identityProviderId: string): Promise<User[]> {
    const { rows } = await this.#database.read<UserRow>(
      `SELECT ${COLUMNS} FROM ledger_users
       WHERE user_id > $1 AND identity_provider_id IS NOT DISTINCT FROM $2 ORDER BY user_id LIMIT $3`,
      [after, toColumn(identityProviderId), limit],
    );
    return rows.map(toUser);
  }

  /** Stores a new user with its rights. False when there is one of that id already. */
  async create(user: User, rights: readonly UserRight[]): Promise<boolean> {
    return this.#database.transaction(async (client) => {
      const { rowCount } = await client.query(
        `INSERT INTO ledger_users (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
        [
          user.id,
          user.primaryParty,
          user.isDeactivated,
          user.resourceVersion,
          JSON.stringify(user.annotations),
          toColumn(user.identityProviderId),
        ],
      );
      if (rowCount === 0) return false;
      await client.query(INSERT_RIGHTS, [user.id, ...columnsOf(rights)]);
      return true;
    });
  }

  /** Replaces a user by what `decide` makes of it. */
  async update(id: string, decide: (present: User | undefined) => User): Promise<User> {
    return this.#database.transaction(async (client) => {
      const user = decide(await locked(client, id));
      await client.query(
        `UPDATE ledger_users SET primary_party = $2, is_deactivated = $3, resource_version = $4, annotations = $5,
           identity_provider_id = $6 WHERE user_id = $1`,
        [
          id,
          user.primaryParty,
          user.isDeactivated,
          user.resourceVersion,
          JSON.stringify(user.annotations),
          toColumn(user.identityProviderId),
        ],
      );
      return user;
    });
  }

  /** Changes a user's rights as `decide` says: what it grants must not be there, what it revokes must. */
  async changeRights(
    id: string,
    decide: (present: User | undefined, rights: readonly UserRight[]) => RightsChange,
  ): Promise<RightsChange> {
    return this.#database.transaction(async (client) => {
      const user = await locked(client, id);
      const rights = await client.query<RightRow>("SELECT kind, party FROM ledger_user_rights WHERE user_id = $1", [
        id,
      ]);
      const change = decide(user, rights.rows);
      await client.query(INSERT_RIGHTS, [id, ...columnsOf(change.granted)]);
      await client.query(
        `DELETE FROM ledger_user_rights WHERE user_id = $1
           AND (kind, party) IN (SELECT * FROM unnest($2::text[], $3::text[]))`,
        [id, ...columnsOf(change.revoked)],
      );
      return change;
    });
  }

  /** Deletes a user with its rights, unless `decide` refuses. */
  async delete(id: string, decide: (present: User | undefined) => void): Promise<void> {
    await this.#database.transaction(async (client) => {
      decide(await locked(client, id));
      await client.query("DELETE FROM ledger_users WHERE user_id = $1", [id]);
    });
  }
}

/** The user, whom nobody else changes until the transaction ends. */
async function locked(client: pg.PoolClient, id: string): Promise<User | undefined> {
  const { rows } = await client.query<UserRow>(`SELECT ${COLUMNS} FROM ledger_users WHERE user_id = $1 FOR UPDATE`, [
    id,
  ]);
  return rows[0] && toUser(rows[0]);
}

function toUser(row: UserRow): User {
  return {
    id: row.user_id,
    primaryParty: row.primary_party,
    isDeactivated: row.is_deactivated,
    annotations: row.annotations,
    resourceVersion: BigInt(row.resource_version),
    identityProviderId: row.identity_provider_id ?? DEFAULT_IDENTITY_PROVIDER,
  };
}

function toColumn(identityProviderId: string): string | null {
  return identityProviderId === DEFAULT_IDENTITY_PROVIDER ? null : identityProviderId;
}

function columnsOf(rights: readonly UserRight[]): [kinds: string[], parties: string[]] {
  return [rights.map(({ kind }) => kind), rights.map(({ party }) => party)];
}
