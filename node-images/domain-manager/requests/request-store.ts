/** Decided requests, and the answers that are still to be sent. */
import type { Database } from "@pulumi-canton/runtime/database.ts";
import type pg from "pg";

/** An answer that waits to be sequenced. */
export interface WaitingResponse {
  /** Counter of the event with the request, in the stream of DOM::. */
  readonly counter: bigint;
  /** Which of the requests of that event. */
  readonly place: number;
  readonly recipient: string;
  readonly content: Buffer;
  /** Rises when an attempt failed for good. */
  readonly attempt: number;
}

/** The id under which the sequencer knows an answer: the same for every repetition of one attempt. */
export function responseMessageId({ counter, place, attempt }: WaitingResponse): string {
  return `registration-${counter}-${place}-${attempt}`;
}

/** The tables of the request service. */
export class RequestStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Counter of the last event whose requests were decided; -1 before the first. Locks it when asked in a transaction. */
  async decided(client: pg.PoolClient): Promise<bigint> {
    const { rows } = await client.query<{ requests_decided: bigint }>(
      "SELECT requests_decided FROM domain_manager_domain FOR UPDATE",
    );
    return rows[0]?.requests_decided ?? -1n;
  }

  /** The requests of an event are decided: part of the transaction that adds what they bring. */
  async decide(client: pg.PoolClient, counter: bigint, responses: readonly WaitingResponse[]): Promise<void> {
    await client.query("UPDATE domain_manager_domain SET requests_decided = $1", [counter]);
    for (const { place, recipient, content } of responses) {
      await client.query(
        "INSERT INTO domain_manager_responses (counter, place, recipient, content) VALUES ($1, $2, $3, $4)",
        [counter, place, recipient, content],
      );
    }
  }

  /** The oldest answers that wait. */
  async waiting(limit = 100): Promise<WaitingResponse[]> {
    const { rows } = await this.#database.read<WaitingResponse>(
      "SELECT counter, place, recipient, content, attempt FROM domain_manager_responses ORDER BY counter, place LIMIT $1",
      [limit],
    );
    return rows;
  }

  /** An answer is sequenced, or can never be delivered. */
  async done({ counter, place }: WaitingResponse): Promise<void> {
    await this.#database.query("DELETE FROM domain_manager_responses WHERE counter = $1 AND place = $2", [
      counter,
      place,
    ]);
  }

  /** The attempt is known never to be sequenced. */
  async nextAttempt({ counter, place, attempt }: WaitingResponse): Promise<void> {
    await this.#database.query("UPDATE domain_manager_responses SET attempt = $3 WHERE counter = $1 AND place = $2", [
      counter,
      place,
      attempt + 1,
    ]);
  }
}
