import { decodeEnvelopeContent, encodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import { domainManagerMember, sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import type { ServiceAgreementVersion } from "@pulumi-canton/protocol/service-agreement.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { untilAborted } from "@pulumi-canton/runtime/abort.ts";
import { abortableSleep } from "@pulumi-canton/runtime/backoff.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import { describeError, isCantonError } from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { keepAcknowledging } from "@pulumi-canton/sequencer-client/keep-following.ts";
import type { MemberSigner } from "@pulumi-canton/sequencer-client/member-signer.ts";
import type { ReceivedEvent } from "@pulumi-canton/sequencer-client/received-event.ts";
import { SequencerClient } from "@pulumi-canton/sequencer-client/sequencer-client.ts";
import type { SequencerEndpoint } from "@pulumi-canton/sequencer-client/sequencer-endpoint.ts";
import { untrustedSequencer } from "@pulumi-canton/sequencer-client/subscribe.ts";
import { TopologyProcessor } from "@pulumi-canton/topology/topology-processor.ts";
import type { TopologyStore } from "@pulumi-canton/topology/topology-store.ts";
import { topologyTrust } from "@pulumi-canton/topology/topology-trust.ts";
import type { RecordStep } from "@pulumi-canton/topology/transaction-steps.ts";
import type { AuthorizedLog } from "./authorized-log.ts";
import { hasTakenEffect } from "./authorized-log.ts";
import { DispatchStore } from "./dispatch-store.ts";
import type { DomainSession } from "./domain-session.ts";
import type { Refusal } from "./onboarding.ts";
import { type DispatchOutcome, TopologyDispatcher } from "./topology-dispatcher.ts";

/** How often the sequencer is told what has been processed, in milliseconds. */
const ACKNOWLEDGE_EVERY_MS = 60_000;

/** How often the connection is looked at, in milliseconds. */
const WATCH_EVERY_MS = 1_000;
/** How long one look may take, in milliseconds. */
const PROBE_DEADLINE_MS = 10_000;

export interface SequencedSessionOptions {
  readonly domainId: string;
  /** `PAR::…` */
  readonly member: string;
  readonly connections: readonly SequencerEndpoint[];
  readonly signer: MemberSigner;
  /** The domain's terms of service, which the operator has accepted; undefined when the domain has none. */
  readonly acceptedAgreement: ServiceAgreementVersion | undefined;
  readonly database: Database;
  /** The topology of the domain, as far as it has been read. */
  readonly store: TopologyStore;
  /** The participant's own topology transactions. */
  readonly log: AuthorizedLog;
  /** Longest pause between attempts at one sequencer, in milliseconds. */
  readonly maxBackoffMs: number;
  readonly resendAfterMs: number;
  readonly logger: Logger;
  readonly record: RecordStep;
  readonly countDispatched?: (outcome: DispatchOutcome, transactions: number) => void;
}

/**
 * The participant on one domain: reads its stream of sequenced events into the domain's topology store and, once it is
 * active, pushes its own topology transactions.
 */
export class SequencedSession implements DomainSession {
  readonly domainId: string;
  readonly dispatcher: TopologyDispatcher;
  readonly ended: Promise<Refusal | undefined>;
  readonly #options: SequencedSessionOptions;
  readonly #client: SequencerClient;
  readonly #processor: TopologyProcessor;
  readonly #closing = new AbortController();
  readonly #end = Promise.withResolvers<Refusal | undefined>();
  readonly #running: Promise<unknown>[] = [];
  /** Resolved, and replaced, whenever an event was processed. */
  #progress = Promise.withResolvers<void>();
  #wasActive = false;
  #lastTimestamp: bigint | undefined;

  private constructor(options: SequencedSessionOptions, processor: TopologyProcessor) {
    const { domainId, member, connections, signer, acceptedAgreement, store, log, logger, maxBackoffMs } = options;
    this.domainId = domainId;
    this.#options = options;
    this.#processor = processor;
    this.#lastTimestamp = processor.position?.timestamp;
    this.ended = this.#end.promise;
    this.#client = new SequencerClient({
      connections,
      domainId,
      member,
      signer,
      acceptedAgreement,
      logger,
      maxBackoffMs,
      trust: topologyTrust(domainId, () => store.state),
    });
    this.dispatcher = new TopologyDispatcher({
      domainId,
      member,
      log,
      store: new DispatchStore(options.database, domainId),
      isKnownToDomain: (entry) => hasTakenEffect(store.state, entry),
      resendAfterMs: options.resendAfterMs,
      logger,
      record: options.record,
      ...(options.countDispatched === undefined ? {} : { count: options.countDispatched }),
      send: async (request, traceparents, signal) => {
        const content = encodeEnvelopeContent({ kind: "register-topology-request", request, traceparents });
        await this.#client.send({ envelopes: [{ content, recipients: [domainManagerMember(domainId)] }] }, { signal });
      },
    });
  }

  /** Starts reading where the database says that this participant has come. */
  static async open(options: SequencedSessionOptions): Promise<SequencedSession> {
    const { database, store, domainId, member, logger, record } = options;
    const processor = await TopologyProcessor.open({ database, store, domainId, member, logger, record });
    const session = new SequencedSession(options, processor);
    session.#subscribe();
    return session;
  }

  /**
   * Resolves once everything that was sequenced so far has been read, and the domain's topology has the participant active;
   * with the refusal when that cannot be. A message of our own shows both: that the domain takes what we send, and, when it
   * comes back, how far the reading has come.
   */
  async untilActive(timeoutMs: number, signal: AbortSignal): Promise<Refusal | undefined> {
    const late = AbortSignal.timeout(timeoutMs);
    const over = AbortSignal.any([signal, late, this.#closing.signal]);
    try {
      const now = await this.fetchTime(over);
      while ((this.#lastTimestamp ?? 0n) < now || !this.#active()) {
        await untilAborted(this.#progress.promise, over);
      }
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (this.#closing.signal.aborted) {
        return (await this.ended) ?? { kind: "internal", reason: "the connection was closed" };
      }
      if (!late.aborted) return refusalOf(error, "Sending to the domain");
      const what = `the participant was not active in the topology of ${this.domainId} after ${timeoutMs / 1000} s`;
      return { kind: "activation-timeout", reason: what };
    }
  }

  /** Starts pushing the participant's own topology, and watching that it stays active. Once. */
  start(): void {
    this.#wasActive = true;
    this.#run("Dispatching topology transactions", () => this.dispatcher.run(this.#closing.signal));
    const processed = () => this.#processor.position?.timestamp;
    this.#run("Acknowledging", () =>
      keepAcknowledging(
        { client: this.#client, processed, everyMs: ACKNOWLEDGE_EVERY_MS, logger: this.#options.logger },
        this.#closing.signal,
      ),
    );
    this.#run("Watching the connection", () => this.#watchConnection());
    // Between being seen as active and now it may have been disabled again.
    this.#watch(this.#processor.state);
  }

  healthy(): boolean {
    return this.#client.connections().some(({ state }) => state === "connected");
  }

  lastTimestamp(): bigint | undefined {
    return this.#lastTimestamp;
  }

  async fetchTime(signal: AbortSignal): Promise<bigint> {
    return this.#client.send({ envelopes: [] }, { signal });
  }

  async awaitTime(timestamp: bigint, signal: AbortSignal): Promise<void> {
    const over = AbortSignal.any([signal, this.#closing.signal]);
    while ((this.#lastTimestamp ?? 0n) < timestamp) {
      const remainingMs = Number(timestamp / 1000n) - Date.now();
      const progress = this.#progress.promise;
      if (remainingMs > 0) {
        await untilAborted(
          Promise.race([progress, abortableSleep(Math.min(remainingMs + 1, 2 ** 31 - 1), over)]),
          over,
        );
      } else {
        // The domain may be quiet: a message of our own makes it tell the time.
        if ((await this.fetchTime(over)) >= timestamp) return;
        await untilAborted(progress, over);
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("the connection to the domain was closed"));
    this.#client.close();
    this.#end.resolve(undefined);
    await Promise.allSettled(this.#running);
  }

  #subscribe(): void {
    this.#run("Reading the domain's events", () =>
      this.#client.subscribe({ fromCounter: this.#processor.nextCounter, signal: this.#closing.signal }, (event) =>
        this.#process(event),
      ),
    );
  }

  async #process(event: ReceivedEvent): Promise<void> {
    for (const { content } of event.envelopes) {
      const response = this.#answerIn(content);
      // Answers are recorded before the position: an answer that is read twice finds itself recorded.
      if (response !== undefined) await this.dispatcher.answered(response);
    }
    const { stored } = await this.#processor.process(event);
    this.#lastTimestamp = event.timestamp;
    if (stored.length > 0) this.dispatcher.domainChanged();
    const progress = this.#progress;
    this.#progress = Promise.withResolvers<void>();
    progress.resolve();
    this.#watch(this.#processor.state);
  }

  #answerIn(content: Buffer) {
    try {
      const decoded = decodeEnvelopeContent(content);
      return decoded.kind === "register-topology-response" ? decoded.response : undefined;
    } catch (error) {
      // The processor, which reads the same envelope, reports it.
      if (error instanceof ProtocolError) return undefined;
      throw error;
    }
  }

  /** Ends the session when the participant, once active, is active no more. */
  #watch(state: TopologyState): void {
    if (!this.#wasActive || state.isActiveMember(this.domainId, this.#options.member)) return;
    this.#lose({
      kind: "not-active",
      reason: `participant ${this.#options.member} is disabled on the domain ${this.domainId}`,
    });
  }

  #active(): boolean {
    return this.#processor.state.isActiveMember(this.domainId, this.#options.member);
  }

  /**
   * On a quiet domain nothing shows that a connection that broke is back: a message of our own does.
   */
  async #watchConnection(): Promise<void> {
    const { signal } = this.#closing;
    for (;;) {
      await abortableSleep(WATCH_EVERY_MS, signal);
      if (this.healthy()) continue;
      await this.#client.send({ envelopes: [] }, { signal, deadlineMs: PROBE_DEADLINE_MS }).catch((error: unknown) => {
        signal.throwIfAborted();
        this.#options.logger.debug({ domainId: this.domainId, error: describeError(error) }, "No sequencer answers");
      });
    }
  }

  /** Runs something that lasts as long as the session; its failure ends the session. */
  #run(what: string, work: () => Promise<unknown>): void {
    const running = work().then(
      () => undefined,
      (error: unknown) => {
        if (this.#closing.signal.aborted) return;
        this.#options.logger.warn({ domainId: this.domainId, error }, `${what} ended`);
        this.#lose(refusalOf(error, what));
      },
    );
    this.#running.push(running);
  }

  #lose(refusal: Refusal): void {
    this.#end.resolve(refusal);
    this.#closing.abort(new Error(`the connection to the domain was lost: ${refusal.kind}`));
    this.#client.close();
  }
}

/** What an error that ended a session means for it. */
function refusalOf(error: unknown, what: string): Refusal {
  if (isCantonError(error) && error.reason === "SEQUENCER_AUTHENTICATION_REFUSED") {
    return { kind: "not-active", reason: error.message };
  }
  if (isCantonError(error) && error.reason === untrustedSequencer) {
    return { kind: "untrusted-sequencer", reason: error.message };
  }
  const reason = `${what}: ${describeError(error)}`;
  return isCantonError(error) && error.retryable ? { kind: "unreachable", reason } : { kind: "internal", reason };
}
