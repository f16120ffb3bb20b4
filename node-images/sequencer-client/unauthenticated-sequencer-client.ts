import { newUnauthenticatedMember } from "@pulumi-canton/protocol/identity/member.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { ConnectionSet, type SequencerConnectionState } from "./connection-set.ts";
import { ReachedTime } from "./reached-time.ts";
import type { ReceivedEvent } from "./received-event.ts";
import { type SendOptions, type Submission, sendUntilSequenced } from "./send.ts";
import { UnauthenticatedAccess } from "./sequencer-access.ts";
import type { SequencerEndpoint } from "./sequencer-endpoint.ts";
import { subscribeWithFailover } from "./subscribe.ts";

/** How somebody who is no member of a domain yet reaches its sequencers. */
export interface UnauthenticatedSequencerClientOptions {
  connections: readonly SequencerEndpoint[];
  domainId: string;
  logger: Logger;
  /** `UNM::…`; default: a new one. Keep it to read the answer to a request after a restart. */
  member?: string;
  /** As in `SequencerClientOptions`. */
  sendTimeoutMs?: number;
  /** As in `SequencerClientOptions`. */
  maxBackoffMs?: number;
}

/** Client for onboarding: what it sends may go only to the domain manager, and only the domain manager can send to it. */
export class UnauthenticatedSequencerClient {
  readonly #options: UnauthenticatedSequencerClientOptions;
  readonly #connections: ConnectionSet;
  readonly #access: UnauthenticatedAccess;
  readonly #closing = new AbortController();

  /** @throws CantonError or ConfigError when a URL or TLS file cannot be used. Nothing is sent yet. */
  constructor(options: UnauthenticatedSequencerClientOptions) {
    this.#options = options;
    this.#connections = new ConnectionSet(options.connections, options.maxBackoffMs ?? 5_000);
    this.#access = new UnauthenticatedAccess(options.member ?? newUnauthenticatedMember(), options.domainId);
  }

  /** `UNM::…`, under which requests are sent and answers come. */
  get member(): string {
    return this.#access.member;
  }

  /** As `SequencerClient.send`; the only recipient accepted is the domain manager. */
  send(submission: Submission, options: SendOptions = {}): Promise<bigint> {
    const timeoutMs = this.#options.sendTimeoutMs ?? 60_000;
    return sendUntilSequenced(this.#connections, this.#access, submission, timeoutMs, {
      ...options,
      refusalGraceMs: 0,
      signal: this.#signal(options.signal),
    });
  }

  /** As `SequencerClient.subscribe`. */
  subscribe(
    options: { fromCounter: bigint; signal?: AbortSignal },
    handler: (event: ReceivedEvent, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { domainId, logger } = this.#options;
    return subscribeWithFailover(this.#connections, this.#access, handler, {
      domainId,
      // A newcomer knows no key yet. What it is told decides nothing by itself: it is active when the topology says so.
      trust: undefined,
      reached: new ReachedTime(),
      logger,
      refusalGraceMs: 0,
      fromCounter: options.fromCounter,
      signal: this.#signal(options.signal),
    });
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
