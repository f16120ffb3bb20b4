import type { ServiceAgreementVersion } from "@pulumi-canton/protocol/service-agreement.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { ConnectionSet, type SequencerConnectionState } from "./connection-set.ts";
import { callWithFailover } from "./failover.ts";
import type { MemberSigner } from "./member-signer.ts";
import { ReachedTime } from "./reached-time.ts";
import type { ReceivedEvent } from "./received-event.ts";
import { type SendOptions, type Submission, sendUntilSequenced } from "./send.ts";
import { AuthenticatedAccess } from "./sequencer-access.ts";
import type { SequencerEndpoint } from "./sequencer-endpoint.ts";
import type { SequencerTrust } from "./sequencer-trust.ts";
import { subscribeWithFailover } from "./subscribe.ts";

export type { SequencerConnectionState } from "./connection-set.ts";
export type { SendOptions, Submission } from "./send.ts";

/** How a member reaches the sequencers of one domain. */
export interface SequencerClientOptions {
  /** At least one; they are tried by priority, then in the order given, those that work first. */
  connections: readonly SequencerEndpoint[];
  /** `identifier::fingerprint` of the domain; a sequencer of another domain is refused. */
  domainId: string;
  /** This member, for example `PAR::alice::1220…`. */
  member: string;
  signer: MemberSigner;
  /** The domain's terms of service that this member has accepted, when the domain has any. */
  acceptedAgreement?: ServiceAgreementVersion | undefined;
  logger: Logger;
  /** Whose signatures on events count. Default: not checked; the connection's TLS is then all there is. */
  trust?: SequencerTrust;
  /** For how long a message may be sequenced when it names no maximum sequencing time. Milliseconds, default 60000. */
  sendTimeoutMs?: number;
  /** For how long is tried on when every sequencer refuses the member: they may not know yet that it has joined. Milliseconds, default 5000. */
  refusalGraceMs?: number;
  /** Longest pause between attempts at one sequencer. Milliseconds, default 5000. */
  maxBackoffMs?: number;
}

/** Client of a domain's sequencers for one authenticated member. Safe for concurrent use. */
export class SequencerClient {
  readonly #options: SequencerClientOptions;
  readonly #connections: ConnectionSet;
  readonly #access: AuthenticatedAccess;
  readonly #refusalGraceMs: number;
  readonly #closing = new AbortController();
  readonly #reached = new ReachedTime();

  /** @throws CantonError or ConfigError when a URL or TLS file cannot be used. Nothing is sent yet. */
  constructor(options: SequencerClientOptions) {
    this.#options = options;
    this.#connections = new ConnectionSet(options.connections, options.maxBackoffMs ?? 5_000);
    this.#refusalGraceMs = options.refusalGraceMs ?? 5_000;
    const { member, domainId, signer, acceptedAgreement } = options;
    this.#access = new AuthenticatedAccess(member, domainId, signer, acceptedAgreement);
  }

  /** This member. */
  get member(): string {
    return this.#options.member;
  }

  /**
   * Sends a message and resolves with its sequencing time (microseconds) once it is durably sequenced. Retries over all sequencers with the same message id: it is sequenced once or not at all.
   * Needs no subscription; may be called inside a subscription handler.
   *
   * @throws CantonError SEQUENCER_DELIVER_ERROR when it was sequenced as an error (maximum sequencing time passed, unknown recipients), SEQUENCER_SEND_REFUSED when it was refused,
   *   SEQUENCER_AUTHENTICATION_REFUSED when no sequencer lets the member in, SEQUENCER_SEND_TIMEOUT when the outcome is not known at the deadline
   */
  async send(submission: Submission, options: SendOptions = {}): Promise<bigint> {
    const timeoutMs = this.#options.sendTimeoutMs ?? 60_000;
    const sequencedAt = await sendUntilSequenced(this.#connections, this.#access, submission, timeoutMs, {
      ...options,
      refusalGraceMs: this.#refusalGraceMs,
      signal: this.#signal(options.signal),
    });
    this.#reached.advance(sequencedAt);
    return sequencedAt;
  }

  /**
   * Delivers the events of this member from `fromCounter` on, one at a time and in order; the next is delivered when the handler's promise resolved, and the sequencer is held back meanwhile.
   * Survives the death of sequencers: resumes at the next counter at another one. Resolves when the signal aborts or the client is closed.
   *
   * @param handler also told by its second argument when to stop
   * @throws what the handler threw; CantonError SEQUENCER_AUTHENTICATION_REFUSED when all sequencers refuse the member, SEQUENCER_STREAM_INCONSISTENT when all deliver what does not fit, SEQUENCER_NOT_TRUSTED when they sign with keys that are not the domain's
   */
  subscribe(
    options: { fromCounter: bigint; signal?: AbortSignal },
    handler: (event: ReceivedEvent, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { domainId, trust, logger } = this.#options;
    return subscribeWithFailover(this.#connections, this.#access, handler, {
      domainId,
      trust,
      reached: this.#reached,
      logger,
      refusalGraceMs: this.#refusalGraceMs,
      fromCounter: options.fromCounter,
      signal: this.#signal(options.signal),
    });
  }

  /** Tells the domain that this member has durably processed all events up to `timestamp` (microseconds). Retries until the deadline, default 30 s. */
  async acknowledge(timestamp: bigint, options: SendOptions = {}): Promise<void> {
    const { member } = this.#options;
    await callWithFailover(
      this.#connections,
      this.#access,
      {
        signal: this.#signal(options.signal),
        deadlineMs: options.deadlineMs ?? 30_000,
        refusalGraceMs: this.#refusalGraceMs,
      },
      async (connection, { signal, deadlineMs }) => {
        const metadata = await this.#access.metadata(connection, signal);
        const request = { member, timestamp: timestampToProto(timestamp) };
        await call(connection.sequencer, "acknowledge", request, { metadata, signal, deadlineMs });
      },
    );
  }

  /** The connections in their present order of preference. */
  connections(): SequencerConnectionState[] {
    return this.#connections.preferred().map(({ state }) => state);
  }

  /** Ends subscriptions and sends in flight and closes the connections. */
  close(): void {
    this.#closing.abort(new Error("the sequencer client is closed"));
    this.#connections.close();
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }
}
