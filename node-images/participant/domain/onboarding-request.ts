import { randomUUID } from "node:crypto";
import { decodeEnvelopeContent, encodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import type { RegisterTopologyResponse } from "@pulumi-canton/protocol/envelope/register-topology.ts";
import { domainManagerMember } from "@pulumi-canton/protocol/identity/member.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type { SequencerEndpoint } from "@pulumi-canton/sequencer-client/sequencer-endpoint.ts";
import { UnauthenticatedSequencerClient } from "@pulumi-canton/sequencer-client/unauthenticated-sequencer-client.ts";
import type { RecordStep, TracedTransaction } from "@pulumi-canton/topology/transaction-steps.ts";

/** How the domain answered: admitted, or not and why. */
export type OnboardingAnswer = { readonly accepted: true } | { readonly accepted: false; readonly reason: string };

/**
 * Asks the domain manager to admit the participant: an unauthenticated member is made up for this, sends the transactions
 * that identify the participant, waits for the answer and is gone. Asking again, after a crash for example, is fine: the
 * domain recognises what it has.
 *
 * @throws CantonError when no sequencer can be reached; the signal's reason; OnboardingTimeout
 */
export async function requestOnboarding(options: {
  readonly connections: readonly SequencerEndpoint[];
  readonly domainId: string;
  /** `PAR::…` */
  readonly participant: string;
  readonly transactions: readonly TracedTransaction[];
  /** How long to wait for the answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly record: RecordStep;
}): Promise<OnboardingAnswer> {
  const { connections, domainId, participant, transactions, timeoutMs, signal, logger, record } = options;
  const client = new UnauthenticatedSequencerClient({ connections, domainId, logger, sendTimeoutMs: timeoutMs });
  const requestId = randomUUID();
  const timeout = AbortSignal.timeout(timeoutMs);
  const over = AbortSignal.any([signal, timeout]);
  const answered = Promise.withResolvers<RegisterTopologyResponse>();
  try {
    const content = encodeEnvelopeContent({
      kind: "register-topology-request",
      request: {
        requestedBy: client.member,
        participant,
        requestId,
        transactions: transactions.map(({ signed }) => signed),
        domainId,
      },
      traceparents: transactions.map(({ traceparent = "" }) => traceparent),
    });
    for (const transaction of transactions) record("dispatched", transaction, { domainId, requestId });
    await client.send(
      { envelopes: [{ content, recipients: [domainManagerMember(domainId)] }] },
      { signal: over, deadlineMs: timeoutMs },
    );
    const subscription = client.subscribe({ fromCounter: 0n, signal: over }, async ({ envelopes }) => {
      for (const envelope of envelopes) {
        const response = readAnswer(envelope.content, logger);
        if (response?.requestId === requestId) answered.resolve(response);
      }
    });
    // The subscription resolves when it is aborted, which here can only be the end of the time or of the attempt.
    const ended = subscription.then(() => {
      signal.throwIfAborted();
      throw new OnboardingTimeout(domainId, timeoutMs);
    });
    const { results } = await Promise.race([answered.promise, ended]);
    const refused = results.find(({ state }) => state === "REJECTED" || state === "FAILED");
    return refused === undefined ? { accepted: true } : { accepted: false, reason: refused.errorMessage };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) throw new OnboardingTimeout(domainId, timeoutMs);
    throw error;
  } finally {
    client.close();
  }
}

/** The domain manager did not answer in time. */
export class OnboardingTimeout extends Error {
  constructor(domainId: string, timeoutMs: number) {
    super(`the manager of ${domainId} has not answered the onboarding request within ${timeoutMs / 1000} s`);
  }
}

function readAnswer(content: Buffer, logger: Logger): RegisterTopologyResponse | undefined {
  try {
    const decoded = decodeEnvelopeContent(content);
    return decoded.kind === "register-topology-response" ? decoded.response : undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    logger.warn({ error: error.message }, "An envelope that came as an answer to the onboarding cannot be read");
    return undefined;
  }
}
