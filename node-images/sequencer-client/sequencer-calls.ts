import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { ConnectionSet, type SequencerConnectionState } from "./connection-set.ts";
import { ReachedTime } from "./reached-time.ts";
import type { ReceivedEvent } from "./received-event.ts";
import { type SendOptions, type Submission, sendUntilSequenced } from "./send.ts";
import type { SequencerAccess } from "./sequencer-access.ts";
import type { SequencerEndpoint } from "./sequencer-endpoint.ts";
import type { SequencerTrust } from "./sequencer-trust.ts";
import { subscribeWithFailover } from "./subscribe.ts";

/** Where the sequencers of one domain are, and for how long to try. */
export interface ConnectionOptions {
  /** At least one; they are tried by priority, then in the order given, those that work first. */
  connections: readonly SequencerEndpoint[];
  /** `identifier::fingerprint` of the domain; a sequencer of another domain is refused. */
  domainId: string;
  logger: Logger;
  /** For how long a message may be sequenced when it names no maximum sequencing time. Milliseconds, default 60000. */
  sendTimeoutMs?: number;
  /** Longest pause between attempts at one sequencer. Milliseconds, default 5000. */
  maxBackoffMs?: number;
}

/** What every client of a domain's sequencers does, whoever calls. Safe for concurrent use. */
export abstract class SequencerCalls<Access extends SequencerAccess> {
  protected readonly connectionSet: ConnectionSet;
  protected readonly access: Access;
  protected readonly refusalGraceMs: number;
  readonly #options: ConnectionOptions;
  readonly #trust: SequencerTrust | undefined;
  readonly #closing = new AbortController();
  readonly #reached = new ReachedTime();

  /** @throws CantonError or ConfigError when a URL or TLS file cannot be used. Nothing is sent yet. */
  protected constructor(
    options: ConnectionOptions,
    access: Access,
    { trust, refusalGraceMs }: { trust: SequencerTrust | undefined; refusalGraceMs: number },
  ) {
    this.#options = options;
    this.#trust = trust;
    this.connectionSet = new ConnectionSet(options.connections, options.maxBackoffMs ?? 5_000);
    this.access = access;
    this.refusalGraceMs = refusalGraceMs;
  }

  /** The member that this client is. */
  get member(): string {
    return this.access.member;
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
    const sequencedAt = await sendUntilSequenced(this.connectionSet, this.access, submission, timeoutMs, {
      ...options,
      refusalGraceMs: this.refusalGraceMs,
      signal: this.untilClosed(options.signal),
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
    const { domainId, logger } = this.#options;
    return subscribeWithFailover(this.connectionSet, this.access, handler, {
      domainId,
      trust: this.#trust,
      reached: this.#reached,
      logger,
      refusalGraceMs: this.refusalGraceMs,
      fromCounter: options.fromCounter,
      signal: this.untilClosed(options.signal),
    });
  }

  /** The connections in their present order of preference. */
  connections(): SequencerConnectionState[] {
    return this.connectionSet.preferred().map(({ state }) => state);
  }

  /** Ends subscriptions and sends in flight and closes the connections. */
  close(): void {
    this.#closing.abort(new Error("the sequencer client is closed"));
    this.connectionSet.close();
  }

  protected untilClosed(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }
}
