/** The streams that are open, so that they can be ended, and so that the status can tell who is connected. */
import type { MemberId } from "@pulumi-canton/protocol/identity/member.ts";
import { type Session, tokenExpired } from "./authenticator.ts";

interface Subscription {
  readonly member: MemberId;
  readonly session: Session | undefined;
  readonly end: AbortController;
}

/** setTimeout counts in 32 bits. */
const longestTimerMs = 2 ** 31 - 1;

/** The open streams of one sequencer. */
export class Subscriptions {
  readonly #open = new Set<Subscription>();

  /**
   * Registers a stream.
   *
   * @param session undefined for members that have not joined
   * @returns a signal that aborts, with the reason, when the stream has to end; `close` when it has ended
   */
  open(member: MemberId, session: Session | undefined): { signal: AbortSignal; close: () => void } {
    const end = new AbortController();
    const subscription: Subscription = { member, session, end };
    this.#open.add(subscription);
    const timer =
      session === undefined
        ? undefined
        : setTimeout(() => end.abort(tokenExpired(member)), Math.min(session.expiresAt - Date.now(), longestTimerMs));
    return {
      signal: end.signal,
      close: () => {
        clearTimeout(timer);
        this.#open.delete(subscription);
      },
    };
  }

  /** Ends the streams whose session does not pass the check: with what it throws. */
  recheck(check: (session: Session) => void): void {
    for (const { session, end } of this.#open) {
      if (session === undefined) continue;
      try {
        check(session);
      } catch (error) {
        end.abort(error);
      }
    }
  }

  /** Members with an open stream, each once, sorted. */
  connected(): MemberId[] {
    return [...new Set([...this.#open].map(({ member }) => member))].sort();
  }
}
