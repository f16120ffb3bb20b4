/** What the dispatcher remembers across restarts: how far it is, and the message that is on its way. */
import type { Database } from "@pulumi-canton/runtime/database.ts";
import type pg from "pg";
import type { DispatchState, PlannedSend } from "./plan.ts";

/** A planned message whose content and recipients are fixed, until it is known to be sequenced. */
export interface PendingSend extends PlannedSend {
  /** Rises with every planned message: part of its id, so that an id never stands for two messages. */
  readonly number: bigint;
  /** Rises when an attempt is known to have failed for good, so that the next one is a new message to the sequencer. */
  readonly attempt: number;
  /** Sequencing time (microseconds since 1970), once it came back through the own subscription. */
  readonly sequenced?: bigint;
}

/** Where the dispatcher is. */
export interface StoredDispatch {
  readonly dispatched: bigint;
  readonly watermarks: ReadonlyMap<string, bigint>;
  readonly pending: PendingSend | undefined;
  /** Sequencing time (microseconds since 1970) of the last message; 0 before the first. */
  readonly lastSent: bigint;
}

/** The id under which the sequencer knows a message: the same for every repetition of one attempt. */
export function messageIdOf(pending: Pick<PendingSend, "number" | "attempt">): string {
  return `topology-${pending.number}-${pending.attempt}`;
}

/** The number in the id of a message of the dispatcher; undefined for other messages. */
function numberIn(messageId: string): bigint | undefined {
  const number = /^topology-(\d{1,18})-\d+$/.exec(messageId)?.[1];
  return number === undefined ? undefined : BigInt(number);
}

interface Row {
  dispatched: bigint;
  last_sent: bigint;
  message_number: bigint;
  pending_after: bigint | null;
  pending_up_to: bigint | null;
  pending_catch_up: string | null;
  pending_participants: string[] | null;
  pending_attempt: number | null;
  pending_sequenced: bigint | null;
}

/** The dispatcher's tables. Every method is one transaction, or part of the caller's. */
export class DispatchStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Undefined as long as the members have no common start. */
  async load(): Promise<StoredDispatch | undefined> {
    const { rows } = await this.#database.read<Row & { participants: string[]; positions: string[] }>(
      `SELECT domain.*, ARRAY(SELECT participant FROM domain_manager_watermarks ORDER BY participant) AS participants,
         ARRAY(SELECT position::text FROM domain_manager_watermarks ORDER BY participant) AS positions
       FROM domain_manager_domain AS domain`,
    );
    const row = rows[0];
    if (row === undefined) return undefined;
    return {
      dispatched: row.dispatched,
      lastSent: row.last_sent,
      watermarks: new Map(row.participants.map((participant, i) => [participant, BigInt(row.positions[i] ?? 0)])),
      pending: pendingOf(row),
    };
  }

  /** Fixes what is sent next. @throws Error when something is pending already */
  async plan(send: PlannedSend): Promise<PendingSend> {
    const { rows } = await this.#database.query<Row>(
      `UPDATE domain_manager_domain SET message_number = message_number + 1, pending_after = $1, pending_up_to = $2,
         pending_catch_up = $3, pending_participants = $4, pending_attempt = 0, pending_sequenced = NULL
       WHERE pending_after IS NULL RETURNING *`,
      [send.after, send.upTo, send.catchUp ?? null, send.participants],
    );
    const pending = rows[0] === undefined ? undefined : pendingOf(rows[0]);
    if (pending === undefined) throw new Error("a message is already on its way");
    return pending;
  }

  /** The attempt is known never to be sequenced: the next one goes out under another id. */
  async nextAttempt(pending: PendingSend): Promise<void> {
    await this.#database.query(
      "UPDATE domain_manager_domain SET pending_attempt = $2 WHERE message_number = $1 AND pending_after IS NOT NULL",
      [pending.number, pending.attempt + 1],
    );
  }

  /**
   * An own message came back through the own subscription: part of the transaction that stores the subscription's
   * position, so that the outcome of a send is known even if its answer was lost.
   */
  async cameBack(client: pg.PoolClient, messageId: string, sequenced: bigint): Promise<void> {
    await client.query(
      `UPDATE domain_manager_domain SET pending_sequenced = $2
       WHERE pending_after IS NOT NULL AND 'topology-' || message_number || '-' || pending_attempt = $1`,
      [messageId, sequenced],
    );
  }

  /**
   * Whether a message that came back is one that this database knows nothing of: it was put back to an older copy since the
   * message was planned.
   */
  async isForgotten(messageId: string): Promise<boolean> {
    const number = numberIn(messageId);
    if (number === undefined) return false;
    const { rows } = await this.#database.read<{ message_number: bigint }>(
      "SELECT message_number FROM domain_manager_domain",
    );
    return number > (rows[0]?.message_number ?? number);
  }

  /** A forgotten message is known again: its id, and those before it, are not used for another one. */
  async remember(client: pg.PoolClient, messageId: string): Promise<void> {
    await client.query("UPDATE domain_manager_domain SET message_number = greatest(message_number, $1)", [
      numberIn(messageId),
    ]);
  }

  /**
   * The pending message is sequenced: nothing is pending any more and the state moves on.
   *
   * @param next the state after the message
   * @param sequenced its sequencing time, microseconds since 1970
   */
  async sent(pending: PendingSend, next: DispatchState, sequenced: bigint): Promise<void> {
    await this.#database.transaction(async (client) => {
      await client.query(
        `UPDATE domain_manager_domain SET dispatched = $2, last_sent = greatest(last_sent, $3), pending_after = NULL,
           pending_up_to = NULL, pending_catch_up = NULL, pending_participants = NULL, pending_attempt = NULL,
           pending_sequenced = NULL
         WHERE message_number = $1 AND pending_after IS NOT NULL`,
        [pending.number, next.dispatched, sequenced],
      );
      for (const participant of pending.participants) {
        const position = next.watermarks.get(participant);
        if (position === undefined) {
          await client.query("DELETE FROM domain_manager_watermarks WHERE participant = $1", [participant]);
        } else {
          await client.query(
            `INSERT INTO domain_manager_watermarks (participant, position) VALUES ($1, $2)
             ON CONFLICT (participant) DO UPDATE SET position = excluded.position`,
            [participant, position],
          );
        }
      }
    });
  }
}

function pendingOf(row: Row): PendingSend | undefined {
  if (row.pending_after === null || row.pending_up_to === null) return undefined;
  return {
    number: row.message_number,
    attempt: row.pending_attempt ?? 0,
    after: row.pending_after,
    upTo: row.pending_up_to,
    participants: row.pending_participants ?? [],
    ...(row.pending_catch_up === null ? {} : { catchUp: row.pending_catch_up }),
    ...(row.pending_sequenced === null ? {} : { sequenced: row.pending_sequenced }),
  };
}
