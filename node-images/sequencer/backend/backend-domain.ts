/** Which domain a backend belongs to. */
import { StaticDomainParameters } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v1/sequencing.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";

/** The domain of a backend. */
export interface BackendDomain {
  domainId: string;
  staticParameters: StaticDomainParameters;
}

/** The domain this backend belongs to; undefined while no sequencer was initialised. */
export async function readBackendDomain(database: Database): Promise<BackendDomain | undefined> {
  const { rows } = await database.query<{ domain_id: string; static_parameters: Buffer }>(
    "SELECT domain_id, static_parameters FROM sequencer_domain",
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return { domainId: row.domain_id, staticParameters: StaticDomainParameters.decode(row.static_parameters) };
}

/** Claims the backend for a domain unless it has one, and answers the domain that it has: the caller compares. */
export async function claimBackend(database: Database, domain: BackendDomain): Promise<BackendDomain> {
  await database.query(
    "INSERT INTO sequencer_domain (domain_id, static_parameters) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    [domain.domainId, Buffer.from(StaticDomainParameters.encode(domain.staticParameters).finish())],
  );
  return (await readBackendDomain(database)) as BackendDomain;
}

/** The first and the last time in the log, in microseconds since the epoch; `earliest` is undefined for an empty log. */
export async function logBounds(database: Database): Promise<{ earliest: bigint | undefined; last: bigint }> {
  const { rows } = await database.query<{ earliest: bigint | null; last: bigint }>(
    "SELECT (SELECT min(base_timestamp) FROM sequencer_batches) AS earliest, last_timestamp AS last FROM sequencer_clock",
  );
  const row = rows[0] as { earliest: bigint | null; last: bigint };
  return { earliest: row.earliest ?? undefined, last: row.last };
}
