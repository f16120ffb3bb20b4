/** How far a member has come in its sequenced stream: kept in the transaction that applied the events. */
import type { MemberId } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { Micros } from "@pulumi-canton/protocol/timestamp.ts";
import type { Queryable } from "./topology-store.ts";

/** The last event that was applied. */
export interface SubscriptionPosition {
  /** Its place in the member's stream, from 0. */
  readonly counter: bigint;
  /** When it was sequenced. */
  readonly timestamp: Micros;
}

/** The position of a member on a domain; undefined before its first event. */
export async function readPosition(
  database: Queryable,
  domainId: UniqueIdentifier,
  member: MemberId,
): Promise<SubscriptionPosition | undefined> {
  const { rows } = await database.query<{ counter: bigint; timestamp: bigint }>(
    "SELECT counter, timestamp FROM topology_subscription_positions WHERE domain_id = $1 AND member = $2",
    [domainId, member],
  );
  return rows[0];
}

/** Writes the position, over an earlier one. `client` runs the transaction that applied the event. */
export async function writePosition(
  client: Queryable,
  domainId: UniqueIdentifier,
  member: MemberId,
  position: SubscriptionPosition,
): Promise<void> {
  await client.query(
    `INSERT INTO topology_subscription_positions (domain_id, member, counter, timestamp) VALUES ($1, $2, $3, $4)
     ON CONFLICT (domain_id, member) DO UPDATE SET counter = excluded.counter, timestamp = excluded.timestamp`,
    [domainId, member, position.counter, position.timestamp],
  );
}
