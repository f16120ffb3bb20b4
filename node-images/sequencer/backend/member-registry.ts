/** The members that have a mailbox in the backend, by name and by number. */
import type { Database } from "@pulumi-canton/runtime/database.ts";

/** What an operator sees of a member. Times are microseconds since the epoch. */
export interface MemberStatus {
  member: string;
  registeredAt: bigint;
  acknowledged: bigint | undefined;
  enabled: boolean;
}

/**
 * Knows the numbers of members. A number never changes, so what was found once is kept; who is disabled is read again by `refresh`.
 */
export class MemberRegistry {
  readonly #database: Database;
  readonly #ids = new Map<string, number>();
  #disabled = new Set<string>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The numbers of those members that are registered. */
  async find(members: readonly string[]): Promise<Map<string, number>> {
    const unknown = members.filter((member) => !this.#ids.has(member));
    if (unknown.length > 0) {
      const { rows } = await this.#database.read<{ id: number; member: string }>(
        "SELECT id, member FROM sequencer_members WHERE member = ANY($1::text[])",
        [unknown],
      );
      for (const { id, member } of rows) this.#ids.set(member, id);
    }
    const found = new Map<string, number>();
    for (const member of members) {
      const id = this.#ids.get(member);
      if (id !== undefined) found.set(member, id);
    }
    return found;
  }

  /** Gives every member a mailbox, if it has none, and answers their numbers. */
  async register(members: readonly string[]): Promise<Map<string, number>> {
    const found = await this.find(members);
    const missing = [...new Set(members.filter((member) => !found.has(member)))].sort();
    if (missing.length === 0) return found;
    await this.#database.query(
      "INSERT INTO sequencer_members (member) SELECT unnest($1::text[]) ON CONFLICT (member) DO NOTHING",
      [missing],
    );
    return await this.find(members);
  }

  /** The counter that the next event of a member will have. */
  async nextCounter(id: number): Promise<bigint> {
    const { rows } = await this.#database.read<{ next_counter: bigint }>(
      "SELECT next_counter FROM sequencer_members WHERE id = $1",
      [id],
    );
    return rows[0]?.next_counter ?? 0n;
  }

  /** True for a member that an operator disabled, as of the last `refresh`. */
  isDisabled(member: string): boolean {
    return this.#disabled.has(member);
  }

  /** Reads again who is disabled. */
  async refresh(): Promise<void> {
    const { rows } = await this.#database.read<{ member: string }>(
      "SELECT member FROM sequencer_members WHERE NOT enabled",
    );
    this.#disabled = new Set(rows.map(({ member }) => member));
  }

  /** Disables a member at every sequencer of the domain. Answers false when it is not registered. */
  async disable(member: string): Promise<boolean> {
    const { rowCount } = await this.#database.query("UPDATE sequencer_members SET enabled = false WHERE member = $1", [
      member,
    ]);
    await this.#database.query("SELECT pg_notify('canton_sequencer', 'members')");
    await this.refresh();
    return rowCount === 1;
  }

  /** Records up to which event a member has processed its stream; never goes back. */
  async acknowledge(member: string, timestamp: bigint): Promise<void> {
    await this.#database.query(
      `UPDATE sequencer_members SET acknowledged = $2
       WHERE member = $1 AND (acknowledged IS NULL OR acknowledged < $2)`,
      [member, timestamp],
    );
  }

  /** All members, in the order of their registration. */
  async list(): Promise<MemberStatus[]> {
    const { rows } = await this.#database.read<{
      member: string;
      registered_at: bigint;
      acknowledged: bigint | null;
      enabled: boolean;
    }>("SELECT member, registered_at, acknowledged, enabled FROM sequencer_members ORDER BY id");
    return rows.map((row) => ({
      member: row.member,
      registeredAt: row.registered_at,
      acknowledged: row.acknowledged ?? undefined,
      enabled: row.enabled,
    }));
  }
}
