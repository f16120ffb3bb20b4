import type { ServiceAgreementVersion } from "@pulumi-canton/protocol/service-agreement.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { callWithFailover } from "./failover.ts";
import type { MemberSigner } from "./member-signer.ts";
import type { SendOptions } from "./send.ts";
import { AuthenticatedAccess } from "./sequencer-access.ts";
import { type ConnectionOptions, SequencerCalls } from "./sequencer-calls.ts";
import type { SequencerTrust } from "./sequencer-trust.ts";

export type { SequencerConnectionState } from "./connection-set.ts";
export type { SendOptions, Submission } from "./send.ts";

/** How a member reaches the sequencers of one domain. */
export interface SequencerClientOptions extends ConnectionOptions {
  /** This member, for example `PAR::alice::1220…`. */
  member: string;
  signer: MemberSigner;
  /** The domain's terms of service that this member has accepted, when the domain has any. */
  acceptedAgreement?: ServiceAgreementVersion | undefined;
  /** Whose signatures on events count. Default: not checked; the connection's TLS is then all there is. */
  trust?: SequencerTrust;
  /** For how long is tried on when every sequencer refuses the member: they may not know yet that it has joined. Milliseconds, default 5000. */
  refusalGraceMs?: number;
}

/** Client of a domain's sequencers for one authenticated member. */
export class SequencerClient extends SequencerCalls<AuthenticatedAccess> {
  /** @throws CantonError or ConfigError when a URL or TLS file cannot be used. Nothing is sent yet. */
  constructor(options: SequencerClientOptions) {
    const { member, domainId, signer, acceptedAgreement, trust, refusalGraceMs = 5_000 } = options;
    super(options, new AuthenticatedAccess(member, domainId, signer, acceptedAgreement), { trust, refusalGraceMs });
  }

  /** Tells the domain that this member has durably processed all events up to `timestamp` (microseconds). Retries until the deadline, default 30 s. */
  async acknowledge(timestamp: bigint, options: SendOptions = {}): Promise<void> {
    const { member, refusalGraceMs } = this;
    const deadlineMs = options.deadlineMs ?? 30_000;
    await callWithFailover(
      this.connectionSet,
      this.access,
      { signal: this.untilClosed(options.signal), deadlineMs, refusalGraceMs },
      async (connection, attempt) => {
        const metadata = await this.access.metadata(connection, attempt.signal);
        const request = { member, timestamp: timestampToProto(timestamp) };
        await call(connection.sequencer, "acknowledge", request, { metadata, ...attempt });
      },
    );
  }
}
