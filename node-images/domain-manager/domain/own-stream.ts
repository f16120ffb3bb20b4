/** The domain manager's own subscription: its view of the domain as DOM::, and the requests that are sent to it. */
import { decodeEnvelopeContent, encodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import type { SignedTopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import type { Health } from "@pulumi-canton/runtime/health.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { childSpan, newTrace, parseTraceparent, withTrace } from "@pulumi-canton/runtime/trace.ts";
import { keepAcknowledging, keepSubscribed } from "@pulumi-canton/sequencer-client/keep-following.ts";
import type { ReceivedEvent } from "@pulumi-canton/sequencer-client/received-event.ts";
import type { SequencerClient } from "@pulumi-canton/sequencer-client/sequencer-client.ts";
import { applyTopologyMessage } from "@pulumi-canton/topology/topology-message.ts";
import type { TopologyProcessor } from "@pulumi-canton/topology/topology-processor.ts";
import type { TopologyStore } from "@pulumi-canton/topology/topology-store.ts";
import type { RecordStep } from "@pulumi-canton/topology/transaction-steps.ts";
import { missingFrom } from "../dispatch/adopt.ts";
import type { DispatchStore } from "../dispatch/dispatch-store.ts";
import { Wakeup } from "../dispatch/wakeup.ts";
import { type DomainRules, decideRequest } from "../requests/decide-request.ts";
import { type AnswerableRequest, readRegistrationRequest } from "../requests/read-request.ts";
import type { RequestStore, WaitingResponse } from "../requests/request-store.ts";
import { recordDecision, tracedAdditions } from "../requests/request-trace.ts";

/** How long the manager waits between acknowledgements, in milliseconds. */
const acknowledgeEveryMs = 5_000;

/** What the subscription works with. */
export interface OwnStreamOptions {
  readonly client: SequencerClient;
  readonly processor: TopologyProcessor;
  readonly authorized: TopologyStore;
  readonly dispatch: DispatchStore;
  readonly requests: RequestStore;
  readonly rules: DomainRules;
  /** Rung when answers wait to be sent. */
  readonly responses: Wakeup;
  readonly health: Health;
  readonly logger: Logger;
  readonly record: RecordStep;
}

/** Follows the stream of DOM::. */
export class OwnStream {
  readonly #options: OwnStreamOptions;
  /** Rung after every event. */
  readonly processed = new Wakeup();

  constructor(options: OwnStreamOptions) {
    this.#options = options;
  }

  /** Runs until the signal aborts; what interrupts it is repeated with backoff. @throws the signal's reason */
  run(signal: AbortSignal): Promise<never> {
    const { client, processor, health, logger } = this.#options;
    return keepSubscribed(
      {
        client,
        nextCounter: () => processor.nextCounter,
        handle: (event) => {
          const trace = parseTraceparent(event.traceparent);
          return withTrace(trace === undefined ? newTrace() : childSpan(trace), () => this.#process(event));
        },
        onState: (problem) => health.set("sequencer", problem === undefined ? "ok" : { degraded: problem }),
        logger,
      },
      signal,
    );
  }

  /** Acknowledges what was processed, until the signal aborts. @throws the signal's reason */
  acknowledge(signal: AbortSignal): Promise<never> {
    const { client, processor, logger } = this.#options;
    const processed = () => processor.position?.timestamp;
    return keepAcknowledging({ client, processed, everyMs: acknowledgeEveryMs, logger }, signal);
  }

  /** Resolves when everything that was sequenced for this member before the call is processed. */
  async isCurrent(signal: AbortSignal): Promise<void> {
    const { client, processor } = this.#options;
    const sequenced = await client.send({ envelopes: [] }, { signal });
    while (true) {
      const rung = this.processed.arm();
      if ((processor.position?.timestamp ?? 0n) >= sequenced) return;
      await rung(signal);
    }
  }

  async #process(event: ReceivedEvent): Promise<void> {
    const { processor, dispatch } = this.#options;
    await this.#adopt(event);
    // Own transactions of the request service, told from those it has decided already by the event's counter.
    await this.#decideRequests(event);
    await processor.process(event, async (client) => {
      if (event.messageId !== undefined && event.deliverError === undefined) {
        await dispatch.cameBack(client, event.messageId, event.timestamp);
      }
    });
    this.processed.ring();
  }

  /**
   * After the database was put back to an older copy: takes what was distributed since into the store `Authorized`, so
   * that the manager goes on from what its members have. Committed before the event, and found done when it is repeated.
   */
  async #adopt({ messageId, timestamp, envelopes, deliverError, counter }: ReceivedEvent): Promise<void> {
    const { authorized, dispatch, processor, rules, logger } = this.#options;
    const { domainId } = rules;
    if (messageId === undefined || !(await dispatch.isForgotten(messageId))) return;
    let state = processor.state;
    const accepted: SignedTopologyTransaction[] = [];
    for (const { content } of deliverError === undefined ? envelopes : []) {
      const decoded = decodeEnvelopeContent(content);
      if (decoded.kind !== "domain-topology-message") continue;
      const applied = applyTopologyMessage(state, decoded.message, { domainId, sequencedAt: timestamp });
      if (!applied.accepted) continue;
      state = applied.state;
      accepted.push(...applied.append.flatMap(({ signed, rejection }) => (rejection === undefined ? [signed] : [])));
    }
    const { stored } = await authorized.update(async (before, client) => {
      await dispatch.remember(client, messageId);
      const missing = missingFrom(before, accepted);
      return { append: missing.append.map((signed) => ({ signed })), state: missing.state, result: undefined };
    });
    logger.warn(
      { counter, messageId, transactions: stored.length },
      "The database is older than what this domain manager has sent: took over what it had distributed",
    );
  }

  async #decideRequests(event: ReceivedEvent): Promise<void> {
    const { authorized, requests, rules, responses, logger, record } = this.#options;
    const asked: AnswerableRequest[] = [];
    for (const { content } of event.envelopes) {
      try {
        const request = readRegistrationRequest(content);
        if (request !== undefined) asked.push(request);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        logger.warn({ counter: event.counter, error: error.message }, "An envelope cannot be read");
      }
    }
    if (asked.length === 0) return;
    const { result } = await authorized.update(async (before, client) => {
      if ((await requests.decided(client)) >= event.counter) return { append: [], state: before, result: [] };
      let state = before;
      const decided = [];
      for (const request of asked) {
        const decision = await decideRequest(request, state, rules);
        state = decision.state;
        decided.push({ request, ...decision, decided: new Date() });
      }
      const waiting = decided.map(({ request, results }, place): WaitingResponse => {
        const { requestedBy, participant, requestId } = request;
        const response = { requestedBy, participant, requestId, domainId: rules.domainId, results: [...results] };
        const content = encodeEnvelopeContent({ kind: "register-topology-response", response });
        return { counter: event.counter, place, recipient: requestedBy, content, attempt: 0 };
      });
      await requests.decide(client, event.counter, waiting);
      const append = decided.flatMap(({ request, append }) => tracedAdditions(request, append));
      return { append, state, result: decided };
    });
    if (result.length > 0) responses.ring();
    for (const { request, results, decided } of result) {
      const { requestedBy, participant, requestId } = request;
      recordDecision(record, request, { results, decided }, event.timestamp);
      const states = results.map((each) => each.state);
      const refused = results.find((each) => each.state === "REJECTED" || each.state === "FAILED");
      const why = refused === undefined ? {} : { rule: refused.rule, reason: refused.errorMessage };
      logger.info(
        { requestedBy, participant, requestId, states, ...why },
        refused === undefined ? "Topology transactions were registered" : "Topology transactions were refused",
      );
    }
  }
}
