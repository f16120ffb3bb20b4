import type { Refusal } from "./onboarding.ts";
import type { Perform } from "./onboarding-run.ts";
import type { TopologyDispatcher } from "./topology-dispatcher.ts";

/** A live connection to a domain: the participant reads its events and pushes its topology. */
export interface DomainSession {
  readonly domainId: string;
  /** Whether a sequencer of the domain is connected right now. A session outlives outages of sequencers. */
  healthy(): boolean;
  /** The last sequencing time seen on the domain, in microseconds since 1970; undefined before the first event. */
  lastTimestamp(): bigint | undefined;
  /** Resolves once the domain has reached a sequencing time, asking the domain for a time proof when it is quiet. */
  awaitTime(timestamp: bigint, signal: AbortSignal): Promise<void>;
  /** Asks the domain for its time: the sequencing time of an empty message of our own. Microseconds since 1970. */
  fetchTime(signal: AbortSignal): Promise<bigint>;
  readonly dispatcher: Pick<TopologyDispatcher, "queues" | "rejections" | "offerAgain" | "onRejected">;
  /** Resolves when the session is over: undefined when it was closed from here, otherwise why. Never rejects. */
  readonly ended: Promise<Refusal | undefined>;
  /** Ends reading and pushing; resolves when nothing of it runs any more. May be called more than once. */
  close(): Promise<void>;
}

/** One attempt to get onto a domain. */
export interface DomainAttempt {
  readonly perform: Perform;
  /** The session, once the attempt is active. Throws before. */
  session(): DomainSession;
  /** Takes back what the attempt started, when it did not become active. */
  abandon(): Promise<void>;
}
