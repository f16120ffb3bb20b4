/** The connections to a domain's sequencers: which one to use next, and when to try a broken one again. */
import { SequencerAuthenticationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_authentication_service.ts";
import type { SequencerServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_service.ts";
import { abortableSleep, backoffDelays } from "@pulumi-canton/runtime/backoff.ts";
import { describeError, invalidArgument } from "@pulumi-canton/runtime/errors.ts";
import { connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { SequencerApiClient } from "./sequencer-api.ts";
import type { SequencerEndpoint } from "./sequencer-endpoint.ts";

/** State of the connection to one sequencer, for status pages and metrics. */
export interface SequencerConnectionState {
  url: string;
  /** `idle`: not needed so far. */
  state: "connected" | "failed" | "idle";
  /** Why it failed last; undefined when it works. */
  lastError: string | undefined;
}

/** One sequencer and how it did lately. */
export class SequencerConnection {
  readonly url: string;
  readonly priority: number;
  readonly sequencer: SequencerServiceClient;
  readonly authentication: SequencerAuthenticationServiceClient;
  readonly #maxDelayMs: number;
  #delays: Generator<number, never>;
  #state: SequencerConnectionState["state"] = "idle";
  #lastError: string | undefined;
  /** Not before this time, on the clock of `performance.now()`. */
  #retryAt = 0;

  constructor({ url, tls, priority }: SequencerEndpoint, maxDelayMs: number) {
    this.url = url;
    this.priority = priority ?? 0;
    this.#maxDelayMs = maxDelayMs;
    this.#delays = this.#newDelays();
    const target = tls === undefined ? { url } : { url, tls };
    this.sequencer = connect(SequencerApiClient, target);
    this.authentication = connect(SequencerAuthenticationServiceClient, target);
  }

  get state(): SequencerConnectionState {
    return { url: this.url, state: this.#state, lastError: this.#lastError };
  }

  /** Milliseconds until it should be tried again; 0 when it may be used now. */
  get waitMs(): number {
    return Math.max(0, this.#retryAt - performance.now());
  }

  /** It answered. */
  succeeded(): void {
    this.#state = "connected";
    this.#lastError = undefined;
    this.#retryAt = 0;
    this.#delays = this.#newDelays();
  }

  /** It did not answer, or wrongly: others are preferred for a while, longer each time. */
  failed(error: unknown): void {
    this.#state = "failed";
    this.#lastError = describeError(error);
    this.#retryAt = performance.now() + this.#delays.next().value;
  }

  close(): void {
    this.sequencer.close();
    this.authentication.close();
  }

  #newDelays(): Generator<number, never> {
    return backoffDelays({ initialDelayMs: 50, maxDelayMs: this.#maxDelayMs });
  }
}

/** All connections of a client. */
export class ConnectionSet {
  readonly #connections: SequencerConnection[];

  /** @param maxDelayMs longest pause before a broken connection is tried again */
  constructor(endpoints: readonly SequencerEndpoint[], maxDelayMs: number) {
    if (endpoints.length === 0) {
      throw invalidArgument("SEQUENCER_CONNECTIONS_MISSING", "connections: at least one sequencer is needed");
    }
    this.#connections = endpoints.map((endpoint) => new SequencerConnection(endpoint, maxDelayMs));
  }

  get size(): number {
    return this.#connections.length;
  }

  /** In the order of preference: those that may be used now, by priority and then as given; after them those that wait, the shortest wait first. */
  preferred(): SequencerConnection[] {
    const waits = new Map(this.#connections.map((connection) => [connection, connection.waitMs]));
    const waitOf = (connection: SequencerConnection) => waits.get(connection) ?? 0;
    return [...this.#connections].sort((a, b) => waitOf(a) - waitOf(b) || a.priority - b.priority);
  }

  /** The connection to use next; waits when all of them failed a moment ago. */
  async next(signal: AbortSignal): Promise<SequencerConnection> {
    signal.throwIfAborted();
    const [best] = this.preferred();
    const wait = best?.waitMs ?? 0;
    if (wait > 0) await abortableSleep(wait, signal);
    return best as SequencerConnection;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}
