import { randomUUID } from "node:crypto";
import type {
  RegisterTopologyRequest,
  RegisterTopologyResponse,
  RegisterTopologyState,
} from "@pulumi-canton/protocol/envelope/register-topology.ts";
import { untilAborted } from "@pulumi-canton/runtime/abort.ts";
import { abortableSleep, backoffDelays } from "@pulumi-canton/runtime/backoff.ts";
import { describeError } from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { inTraceOf, type RecordStep, secondsSince, stepRecorder } from "@pulumi-canton/topology/transaction-steps.ts";
import type { AuthorizedEntry, AuthorizedLog } from "./authorized-log.ts";
import { concernsDomain } from "./authorized-log.ts";
import type { DispatchStore, Rejection, RequestInFlight } from "./dispatch-store.ts";

/** Most transactions in one request. */
const BATCH_SIZE = 100;

/** What is counted about dispatching. */
export type DispatchOutcome = "accepted" | "duplicate" | "obsolete" | "rejected" | "failed";

const outcomes: Record<RegisterTopologyState, DispatchOutcome> = {
  ACCEPTED: "accepted",
  DUPLICATE: "duplicate",
  OBSOLETE: "obsolete",
  REJECTED: "rejected",
  FAILED: "failed",
};

export interface TopologyDispatcherOptions {
  readonly domainId: string;
  /** This participant as a member, `PAR::…`. */
  readonly member: string;
  readonly log: AuthorizedLog;
  readonly store: DispatchStore;
  /** Whether a transaction has taken effect on the domain, as far as this participant has read its topology. */
  readonly isKnownToDomain: (entry: AuthorizedEntry) => boolean;
  /** Sends a request to the domain manager; resolves once it is sequenced. */
  readonly send: (
    request: RegisterTopologyRequest,
    traceparents: readonly string[],
    signal: AbortSignal,
  ) => Promise<void>;
  /** A request that is not answered is sent again after this time, in milliseconds. */
  readonly resendAfterMs: number;
  readonly logger: Logger;
  /** Default: to the log alone. */
  readonly record?: RecordStep | undefined;
  readonly count?: (outcome: DispatchOutcome, transactions: number) => void;
}

/** Told of a transaction that the domain did not take, and why. */
export type RejectionListener = (entry: AuthorizedEntry, reason: string) => void;

/** How many own transactions are on their way to a domain. */
export interface DispatchQueues {
  /** Not yet answered by the domain manager. */
  readonly dispatcher: number;
  /** Accepted by the domain manager and not yet read back from the domain. */
  readonly clients: number;
}

/**
 * Pushes the participant's own topology transactions to one domain, in order.
 *
 * One request is in flight at a time. It is stored before it is sent and sent again, with the same id, until it is
 * answered; the domain manager recognises what it has. What the domain rejects is remembered with its reason and does
 * not hold up the rest; it is offered once more whenever the participant connects, or when asked to, as the reason may have
 * gone.
 */
export class TopologyDispatcher {
  readonly #options: TopologyDispatcherOptions;
  readonly #record: RecordStep;
  /** Accepted by the domain manager, but not yet read back from the domain: by position. */
  readonly #unseen = new Map<bigint, AuthorizedEntry>();
  /** Wakes the loop: something was authorised, or a request was answered. */
  #wakeup = Promise.withResolvers<void>();
  /** The request in flight came back with an answer that is none. */
  #failed = false;
  /** What was rejected is to be offered again: at first what is left from earlier. */
  #again = true;
  readonly #onRejected = new Set<RejectionListener>();

  constructor(options: TopologyDispatcherOptions) {
    this.#options = options;
    this.#record = options.record ?? stepRecorder(options.logger);
  }

  /** Dispatches until the signal aborts; then resolves. Throws only when the database or the log fails. */
  async run(signal: AbortSignal): Promise<void> {
    const unsubscribe = this.#options.log.onAppend(() => this.#wake());
    try {
      const offerAgain: bigint[] = [];
      while (!signal.aborted) {
        const woken = this.#wakeup.promise;
        if (this.#again) {
          this.#again = false;
          const rejected = (await this.#options.store.rejections()).map(({ position }) => position);
          offerAgain.splice(0, offerAgain.length, ...rejected);
        }
        const request = (await this.#options.store.state()).inFlight ?? (await this.#next(offerAgain));
        if (request === undefined) await untilAborted(woken, signal);
        else await this.#deliver(request, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      unsubscribe();
    }
  }

  /** The domain manager's answer, from the subscription. Done before the position of the event is stored. */
  async answered(response: RegisterTopologyResponse): Promise<void> {
    const { store, log, logger, domainId, isKnownToDomain, count } = this.#options;
    const { inFlight } = await store.state();
    if (inFlight === undefined || inFlight.requestId !== response.requestId) {
      logger.debug({ requestId: response.requestId }, "An answer that nobody waits for: repeated, or to an onboarding");
      return;
    }
    const entries = await log.at(inFlight.positions);
    if (response.results.length !== entries.length) {
      logger.error({ requestId: response.requestId, domainId }, "The domain manager's answer does not fit the request");
      count?.("failed", entries.length);
      this.#failed = true;
      return this.#wake();
    }
    const rejections: (Rejection & { readonly entry: AuthorizedEntry })[] = [];
    for (const [index, entry] of entries.entries()) {
      const { state = "FAILED", errorMessage = "" } = response.results[index] ?? {};
      count?.(outcomes[state], 1);
      if (state === "REJECTED" || state === "FAILED") {
        rejections.push({ position: entry.position, reason: errorMessage, entry });
        this.#record("answered", entry, { domainId, state, reason: errorMessage });
        continue;
      }
      this.#record("answered", entry, { domainId, state });
      if (state === "ACCEPTED" && !isKnownToDomain(entry)) this.#unseen.set(entry.position, entry);
    }
    await store.complete(inFlight.requestId, rejections);
    for (const { entry, reason } of rejections) for (const listener of this.#onRejected) listener(entry, reason);
    this.#wake();
  }

  /** Offers what the domain has rejected once more. */
  offerAgain(): void {
    this.#again = true;
    this.#wake();
  }

  /** Calls back whenever the domain has rejected a transaction; gives back the function that ends this. */
  onRejected(listener: RejectionListener): () => void {
    this.#onRejected.add(listener);
    return () => void this.#onRejected.delete(listener);
  }

  /** The topology of the domain, as this participant has read it, has changed; from the subscription. */
  domainChanged(): void {
    for (const [position, entry] of this.#unseen) {
      if (this.#options.isKnownToDomain(entry)) this.#unseen.delete(position);
    }
  }

  /** What is still on its way; all zero when the domain has everything. */
  async queues(): Promise<DispatchQueues> {
    const { store, log, domainId } = this.#options;
    const { position, inFlight } = await store.state();
    const waiting = new Set((inFlight?.positions ?? []).map(String));
    let after = position;
    for (;;) {
      const entries = await log.after(after, 1000);
      const last = entries.at(-1);
      if (last === undefined) break;
      for (const entry of entries) if (concernsDomain(entry, domainId)) waiting.add(String(entry.position));
      after = last.position;
    }
    return { dispatcher: waiting.size, clients: this.#unseen.size };
  }

  /** What the domain did not take, with its reasons. */
  rejections(): Promise<Rejection[]> {
    return this.#options.store.rejections();
  }

  /** Chooses and stores the next request: rejected transactions first, then what was authorised since. */
  async #next(offerAgain: bigint[]): Promise<RequestInFlight | undefined> {
    const { store, log, domainId } = this.#options;
    while (offerAgain.length > 0) {
      const positions = offerAgain.splice(0, BATCH_SIZE);
      const again = this.#worthSending(await log.at(positions));
      // What has found its way into the domain since is rejected no more.
      await store.forgetRejections(positions.filter((position) => again.every((entry) => entry.position !== position)));
      if (again.length > 0) return this.#begin(again);
    }
    for (;;) {
      const { position } = await store.state();
      const entries = await log.after(position, BATCH_SIZE);
      const last = entries.at(-1);
      if (last === undefined) return undefined;
      const worth = this.#worthSending(entries.filter((entry) => concernsDomain(entry, domainId)));
      if (worth.length > 0) return this.#begin(worth);
      await store.skip(last.position);
    }
  }

  /** Those that the domain does not have already, as far as this participant has read its topology. */
  #worthSending(entries: readonly AuthorizedEntry[]): AuthorizedEntry[] {
    return entries.filter((entry) => !this.#options.isKnownToDomain(entry));
  }

  async #begin(entries: readonly AuthorizedEntry[]): Promise<RequestInFlight> {
    const request = { requestId: randomUUID(), positions: entries.map(({ position }) => position) };
    await this.#options.store.begin(request);
    return request;
  }

  /** Sends a request until it is answered or the signal aborts. */
  async #deliver(request: RequestInFlight, signal: AbortSignal): Promise<void> {
    const { store, log, send, member, domainId, resendAfterMs, logger } = this.#options;
    const entries = await log.at(request.positions);
    const message: RegisterTopologyRequest = {
      requestedBy: member,
      participant: member,
      requestId: request.requestId,
      transactions: entries.map(({ signed }) => signed),
      domainId,
    };
    const delays = backoffDelays({ initialDelayMs: 200, maxDelayMs: resendAfterMs });
    const isAnswered = async () => (await store.state()).inFlight?.requestId !== request.requestId;
    while (!(await isAnswered())) {
      signal.throwIfAborted();
      this.#failed = false;
      const { requestId } = request;
      for (const entry of entries) {
        this.#record("dispatched", entry, { domainId, requestId, seconds: secondsSince(entry.sequenced) });
      }
      try {
        const traceparents = entries.map(({ traceparent = "" }) => traceparent);
        await inTraceOf(entries[0] ?? {}, () => send(message, traceparents, signal));
      } catch (error) {
        signal.throwIfAborted();
        logger.warn({ domainId, error: describeError(error) }, "Topology transactions could not be sent yet");
        await abortableSleep(delays.next().value, signal);
        continue;
      }
      if (await this.#answeredWithin(resendAfterMs, isAnswered, signal)) return;
      // Something else was answered, or nothing at all: the same again, after a while.
      if (this.#failed) await abortableSleep(delays.next().value, signal);
    }
  }

  async #answeredWithin(ms: number, isAnswered: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    const late = AbortSignal.timeout(ms);
    const over = AbortSignal.any([signal, late]);
    for (;;) {
      const woken = this.#wakeup.promise;
      if (await isAnswered()) return true;
      if (this.#failed || late.aborted) return false;
      await untilAborted(woken, over).catch((error: unknown) => {
        if (signal.aborted) throw error;
      });
    }
  }

  #wake(): void {
    const woken = this.#wakeup;
    this.#wakeup = Promise.withResolvers<void>();
    woken.resolve();
  }
}
