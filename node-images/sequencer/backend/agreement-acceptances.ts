/** Who has accepted the domain's terms of service. */
import { Signature } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import type { MemberId } from "@pulumi-canton/protocol/identity/member.ts";
import type { ServiceAgreementVersion } from "@pulumi-canton/protocol/service-agreement.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";

/** An acceptance with its evidence. */
export interface AgreementAcceptance {
  readonly agreement: ServiceAgreementVersion;
  readonly participant: MemberId;
  /** With the signature over `authenticationContent(nonce, domain, agreement)`: the evidence. */
  readonly nonce: Buffer;
  readonly signature: Signature;
}

/** The acceptances in the backend, which all sequencers of the domain share. */
export class AgreementAcceptances {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Records an acceptance durably; the first one of a version counts. */
  async record({ agreement, participant, nonce, signature }: AgreementAcceptance): Promise<void> {
    await this.#database.query(
      `INSERT INTO sequencer_agreement_acceptances (agreement_id, text_hash, participant, nonce, signature)
       VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
      [agreement.id, agreement.textHash, participant, nonce, Buffer.from(Signature.encode(signature).finish())],
    );
  }

  /** All acceptances, of earlier versions too, in the order in which they came. Times are microseconds since the epoch. */
  async list(): Promise<(AgreementAcceptance & { readonly acceptedAt: bigint })[]> {
    const { rows } = await this.#database.read<{
      agreement_id: string;
      text_hash: string;
      participant: string;
      nonce: Buffer;
      signature: Buffer;
      accepted_at: bigint;
    }>("SELECT * FROM sequencer_agreement_acceptances ORDER BY accepted_at, participant");
    return rows.map((row) => ({
      agreement: { id: row.agreement_id, textHash: row.text_hash },
      participant: row.participant,
      nonce: row.nonce,
      signature: Signature.decode(row.signature),
      acceptedAt: row.accepted_at,
    }));
  }
}
