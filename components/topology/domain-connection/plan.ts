import { isDeepStrictEqual } from "node:util";

/** A sequencer as a participant is told of it. */
export interface SequencerAddress {
  /** Name of the connection, unique among those of the domain. */
  readonly alias: string;
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** PEM certificates to trust for `https`; the machine's own when absent. */
  readonly trust?: string;
}

/** How a participant is registered with a domain. */
export interface Registration {
  readonly sequencers: readonly SequencerAddress[];
  /** The domain's id that is insisted on; empty when any is accepted. */
  readonly domainId: string;
  /** Whether it connects by itself when the node starts. */
  readonly automatic: boolean;
}

/** What a participant says of one domain. */
export interface ConnectionState {
  /** Undefined: it does not know the alias. */
  readonly registration: Registration | undefined;
  readonly connected: boolean;
}

/** One call to the participant. */
export type ConnectionStep =
  | { readonly do: "register" }
  | { readonly do: "disconnect" }
  /** Changes the registration; `automatic` as in `Registration`. */
  | { readonly do: "modify"; readonly automatic: boolean }
  | { readonly do: "agree" }
  | { readonly do: "connect" };

/**
 * The steps to a live connection, in the order of Canton's own console: registered for manual connection first, and made
 * automatic only once connecting has succeeded, so that a refused participant does not knock for ever.
 */
export function planConnection(wanted: Omit<Registration, "automatic">, state: ConnectionState): ConnectionStep[] {
  const { registration, connected } = state;
  if (registration === undefined) {
    return [{ do: "register" }, { do: "agree" }, { do: "connect" }, { do: "modify", automatic: true }];
  }
  const { automatic, ...rest } = registration;
  const agrees = isDeepStrictEqual(normal(rest), normal(wanted));
  // A changed registration takes effect with the next connection.
  const renew: ConnectionStep[] = agrees
    ? []
    : [...(connected ? [{ do: "disconnect" } as const] : []), { do: "modify", automatic: false }];
  const dial: ConnectionStep[] = connected && agrees ? [] : [{ do: "agree" }, { do: "connect" }];
  const settle: ConnectionStep[] = automatic && agrees ? [] : [{ do: "modify", automatic: true }];
  return [...renew, ...dial, ...settle];
}

/** The steps that end a connection for good. The registration stays known to the participant, for manual use. */
export function planDisconnection(state: ConnectionState): ConnectionStep[] {
  return [
    ...(state.connected ? [{ do: "disconnect" } as const] : []),
    ...(state.registration?.automatic ? [{ do: "modify", automatic: false } as const] : []),
  ];
}

/** The order of the sequencers does not matter. */
function normal(registration: Omit<Registration, "automatic">): unknown {
  const byAlias = [...registration.sequencers].sort((a, b) => (a.alias < b.alias ? -1 : 1));
  return {
    domainId: registration.domainId,
    sequencers: byAlias.map(({ alias, url, trust }) => ({ alias, url, trust })),
  };
}
