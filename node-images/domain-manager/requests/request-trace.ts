/** Which trace each transaction of a registration request belongs to, and the lines about what became of it. */
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { formatMicros, type Micros } from "@pulumi-canton/protocol/timestamp.ts";
import {
  decodeSignedTransaction,
  type SignedTopologyTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import {
  checkedTraceparent,
  type RecordStep,
  secondsSince,
  type TracedTransaction,
} from "@pulumi-canton/topology/transaction-steps.ts";
import type { RequestDecision } from "./decide-request.ts";
import type { AnswerableRequest } from "./read-request.ts";

/** What a request brings into the domain, each transaction with the trace that its sender gave it. */
export function tracedAdditions(
  request: AnswerableRequest,
  append: readonly SignedTopologyTransaction[],
): TracedTransaction[] {
  const asked = new Map(readable(request).map(({ signed, traceparent }) => [signed.uniquePath, traceparent]));
  return append.map((signed) => ({ signed, traceparent: asked.get(signed.uniquePath) }));
}

/** Writes down what was decided of every transaction of a request that can be read. */
export function recordDecision(
  record: RecordStep,
  request: AnswerableRequest,
  { results, decided }: Pick<RequestDecision, "results"> & { readonly decided: Date },
  requestSequenced: Micros,
): void {
  const { requestedBy, participant, requestId, domainId } = request;
  for (const { signed, traceparent, place } of readable(request)) {
    const { state, errorMessage = "" } = results[place] ?? {};
    record(
      "decided",
      { signed, traceparent },
      {
        domainId,
        requestedBy,
        participant,
        requestId,
        received: formatMicros(requestSequenced),
        decided,
        state,
        ...(errorMessage === "" ? {} : { reason: errorMessage }),
        seconds: secondsSince(requestSequenced),
      },
    );
  }
}

function readable({ transactions, traceparents = [] }: AnswerableRequest): (TracedTransaction & { place: number })[] {
  return transactions.flatMap((bytes, place) => {
    try {
      const traceparent = checkedTraceparent(traceparents[place]);
      return [{ signed: decodeSignedTransaction(bytes), traceparent, place }];
    } catch (error) {
      // The answer says what is wrong with it.
      if (error instanceof ProtocolError) return [];
      throw error;
    }
  });
}
