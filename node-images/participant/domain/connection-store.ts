import { StaticDomainParameters } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v1/sequencing.ts";
import type { ServiceAgreementVersion } from "@pulumi-canton/protocol/service-agreement.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import type { DomainConnection } from "./connection-config.ts";
import { decodeConnection, encodeConnection } from "./connection-config.ts";

/** A registered domain: the operator's word and what the domain said of itself. */
export interface RegisteredDomain {
  readonly connection: DomainConnection;
  /** Known from the first handshake on; never changes. */
  readonly domainId: string | undefined;
  /** Known from the first handshake on. */
  readonly parameters: StaticDomainParameters | undefined;
  /** The versions of the domain's terms of service that the operator accepted. */
  readonly acceptedAgreements: readonly ServiceAgreementVersion[];
}

interface Row {
  connection: Buffer;
  domain_id: string | null;
  parameters: Buffer | null;
  agreements: ServiceAgreementVersion[];
}

const SELECT = `
  SELECT connection, domain_id, parameters,
    (SELECT coalesce(json_agg(json_build_object('id', agreement_id, 'textHash', text_hash)), '[]')
     FROM participant_accepted_agreements a WHERE a.alias = d.alias) AS agreements
  FROM participant_domains d`;

/** The domains this participant was told about, in its own database. */
export class ConnectionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All of them, in the order of their registration. */
  async list(): Promise<RegisteredDomain[]> {
    const { rows } = await this.#database.read<Row>(`${SELECT} ORDER BY ordinal`);
    return rows.map(registered);
  }

  async find(alias: string): Promise<RegisteredDomain | undefined> {
    const { rows } = await this.#database.read<Row>(`${SELECT} WHERE alias = $1`, [alias]);
    return rows[0] === undefined ? undefined : registered(rows[0]);
  }

  /** The alias under which a domain id is known, if any. */
  async aliasOf(domainId: string): Promise<string | undefined> {
    const { rows } = await this.#database.read<{ alias: string }>(
      "SELECT alias FROM participant_domains WHERE domain_id = $1",
      [domainId],
    );
    return rows[0]?.alias;
  }

  /** Stores a new registration; answers false, and changes nothing, when the alias is taken. */
  async add(connection: DomainConnection): Promise<boolean> {
    const { rowCount } = await this.#database.query(
      "INSERT INTO participant_domains (alias, connection) VALUES ($1, $2) ON CONFLICT (alias) DO NOTHING",
      [connection.alias, encodeConnection(connection)],
    );
    return rowCount === 1;
  }

  /** Replaces the operator's word about an alias; answers false when there is no such alias. */
  async modify(connection: DomainConnection): Promise<boolean> {
    const { rowCount } = await this.#database.query("UPDATE participant_domains SET connection = $2 WHERE alias = $1", [
      connection.alias,
      encodeConnection(connection),
    ]);
    return rowCount === 1;
  }

  /**
   * Stores what the domain said of itself. The id is written once: a later, different one is refused by the state
   * machine before it comes here, and here again.
   */
  async remember(alias: string, domainId: string, parameters: StaticDomainParameters): Promise<void> {
    const { rowCount } = await this.#database.query(
      `UPDATE participant_domains SET domain_id = $2, parameters = $3
       WHERE alias = $1 AND (domain_id IS NULL OR domain_id = $2)`,
      [alias, domainId, Buffer.from(StaticDomainParameters.encode(parameters).finish())],
    );
    if (rowCount !== 1) throw new Error(`alias ${alias} is not registered, or with another domain id than ${domainId}`);
  }

  /** Records that the operator accepted terms of the domain; accepting them twice changes nothing. */
  async acceptAgreement(alias: string, { id, textHash }: ServiceAgreementVersion): Promise<void> {
    await this.#database.query(
      `INSERT INTO participant_accepted_agreements (alias, agreement_id, text_hash) VALUES ($1, $2, $3)
       ON CONFLICT DO NOTHING`,
      [alias, id, textHash],
    );
  }
}

function registered(row: Row): RegisteredDomain {
  return {
    connection: decodeConnection(row.connection),
    domainId: row.domain_id ?? undefined,
    parameters: row.parameters === null ? undefined : StaticDomainParameters.decode(row.parameters),
    acceptedAgreements: row.agreements,
  };
}
