import type { StaticDomainParameters } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v1/sequencing.ts";
import type { ServiceAgreementVersion } from "@pulumi-canton/protocol/service-agreement.ts";
import { abortableSleep, backoffDelays } from "@pulumi-canton/runtime/backoff.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import { describeError, isCantonError } from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type { SequencerEndpoint } from "@pulumi-canton/sequencer-client/sequencer-endpoint.ts";
import type { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import type { TopologyManager } from "@pulumi-canton/topology/topology-manager.ts";
import type { TopologyStores } from "@pulumi-canton/topology/topology-stores.ts";
import type { RecordStep } from "@pulumi-canton/topology/transaction-steps.ts";
import { authorizedLog } from "./authorized-log.ts";
import type { ConnectionStore, RegisteredDomain } from "./connection-store.ts";
import type { DomainProbe } from "./domain-probe.ts";
import type { DomainAttempt, DomainSession } from "./domain-session.ts";
import type { Effect, Event } from "./onboarding.ts";
import { OnboardingTimeout, requestOnboarding } from "./onboarding-request.ts";
import { memberSigner, onboardingTransactions, type ParticipantMember } from "./participant-member.ts";
import { SequencedSession } from "./sequenced-session.ts";
import type { DispatchOutcome } from "./topology-dispatcher.ts";

/** What attempts work with: the same for all of a node's. */
export interface AttemptContext {
  readonly member: ParticipantMember;
  readonly database: Database;
  readonly keys: KeyStore;
  readonly manager: TopologyManager;
  readonly stores: TopologyStores;
  readonly connections: ConnectionStore;
  readonly probe: DomainProbe;
  readonly onboardingTimeoutMs: number;
  readonly activationTimeoutMs: number;
  readonly resendAfterMs: number;
  readonly logger: Logger;
  readonly record: RecordStep;
  readonly countDispatched?: (domainId: string, outcome: DispatchOutcome, transactions: number) => void;
}

/** Does the effects of one attempt to get onto a domain. */
export class OnboardingAttempt implements DomainAttempt {
  readonly #context: AttemptContext;
  readonly #registered: RegisteredDomain;
  readonly #endpoints: readonly SequencerEndpoint[];
  #parameters: StaticDomainParameters | undefined;
  /** The terms of service of the domain; past the first step they are accepted. */
  #agreement: ServiceAgreementVersion | undefined;
  #session: SequencedSession | undefined;

  constructor(context: AttemptContext, registered: RegisteredDomain) {
    this.#context = context;
    this.#registered = registered;
    this.#endpoints = registered.connection.endpoints.map(({ url, trustCertificates }) =>
      trustCertificates === undefined ? { url } : { url, tls: { ca: trustCertificates } },
    );
  }

  readonly perform = async (effect: Effect, signal: AbortSignal): Promise<Event> => {
    const { connection } = this.#registered;
    switch (effect.do) {
      case "remember": {
        if (this.#parameters === undefined) throw new Error("parameters are remembered before they were read");
        await this.#context.connections.remember(connection.alias, effect.domainId, this.#parameters);
        return { event: "remembered" };
      }
      case "request-onboarding":
        return this.#requestOnboarding(effect.domainId, signal);
      case "await-activation":
        return this.#awaitActivation(effect.domainId, signal);
      case "subscribe":
        return this.#subscribe(effect.domainId);
      case "await-own-state": {
        const refusal = await this.#opened().untilActive(this.#context.activationTimeoutMs, signal);
        if (refusal !== undefined) return { event: "failed", refusal };
        this.#opened().start();
        return { event: "own-state-seen" };
      }
      default: {
        const event = await this.#context.probe.perform(connection, effect, signal, (parameters) => {
          this.#parameters = parameters;
        });
        if (event.event === "agreement-read") this.#agreement = event.agreement;
        return event;
      }
    }
  };

  session(): DomainSession {
    return this.#opened();
  }

  async abandon(): Promise<void> {
    await this.#session?.close();
  }

  async #requestOnboarding(domainId: string, signal: AbortSignal): Promise<Event> {
    const { member, manager, onboardingTimeoutMs, logger, record } = this.#context;
    const transactions = await onboardingTransactions(manager, member, domainId);
    try {
      const answer = await requestOnboarding({
        connections: this.#endpoints,
        domainId,
        participant: member.id(),
        transactions,
        timeoutMs: onboardingTimeoutMs,
        signal,
        logger,
        record,
      });
      return { event: "onboarding-answered", accepted: answer.accepted, reason: answer.accepted ? "" : answer.reason };
    } catch (error) {
      signal.throwIfAborted();
      if (!isCantonError(error) && !(error instanceof OnboardingTimeout)) throw error;
      return { event: "failed", refusal: { kind: "unreachable", reason: describeError(error) } };
    }
  }

  /** Asks the sequencers, with growing pauses, until one has the participant active. */
  async #awaitActivation(domainId: string, signal: AbortSignal): Promise<Event> {
    const { activationTimeoutMs, probe } = this.#context;
    const late = AbortSignal.timeout(activationTimeoutMs);
    for (const delayMs of backoffDelays({ initialDelayMs: 20, maxDelayMs: 1_000 })) {
      const event = await probe.perform(
        this.#registered.connection,
        { do: "verify-active", domainId },
        signal,
        () => undefined,
      );
      if (event.event === "activity-verified" && event.active) break;
      if (late.aborted) {
        const reason = `no sequencer of ${domainId} had the participant active after ${activationTimeoutMs / 1000} s`;
        return { event: "failed", refusal: { kind: "activation-timeout", reason } };
      }
      await abortableSleep(delayMs, signal);
    }
    return { event: "activated" };
  }

  async #subscribe(domainId: string): Promise<Event> {
    const { member, database, keys, manager, stores, logger, record, resendAfterMs, countDispatched } = this.#context;
    const { connection } = this.#registered;
    const store = await stores.open(domainId);
    this.#session = await SequencedSession.open({
      domainId,
      member: member.id(),
      connections: this.#endpoints,
      acceptedAgreement: this.#agreement,
      signer: memberSigner({ member, keys, manager, domainState: () => store.state }),
      database,
      store,
      log: authorizedLog(manager.store),
      maxBackoffMs: Math.min(connection.maxRetryDelayMs, 5_000),
      resendAfterMs,
      logger: logger.child({ domain: connection.alias }),
      record,
      ...(countDispatched === undefined
        ? {}
        : { countDispatched: (outcome, transactions) => countDispatched(domainId, outcome, transactions) }),
    });
    return { event: "subscribed" };
  }

  #opened(): SequencedSession {
    if (this.#session === undefined) throw new Error("there is no session yet");
    return this.#session;
  }
}
