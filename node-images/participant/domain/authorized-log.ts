import type { Micros } from "@pulumi-canton/protocol/timestamp.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import type { SignedTopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import type { TopologyStore } from "@pulumi-canton/topology/topology-store.ts";

/** One of the participant's own topology transactions. */
export interface AuthorizedEntry {
  /** Rises with every transaction; not necessarily by one. */
  readonly position: bigint;
  /** As it goes over the wire. */
  readonly serialized: Buffer;
  readonly signed: SignedTopologyTransaction;
  /** When it was authorised. */
  readonly sequenced: Micros;
  /** The trace in which it was authorised. */
  readonly traceparent?: string | undefined;
}

/** The participant's own topology transactions (the store "Authorized"), in the order in which they were authorised. */
export interface AuthorizedLog {
  /** The entries behind a position, in order, at most `limit`. */
  after(position: bigint, limit: number): Promise<readonly AuthorizedEntry[]>;
  /** The entries at these positions, in order of position. */
  at(positions: readonly bigint[]): Promise<readonly AuthorizedEntry[]>;
  /** Calls back after every new entry; gives back the function that ends this. */
  onAppend(listener: () => void): () => void;
}

/** Whether a transaction is of any use to a domain: what is said about another domain is not. */
export function concernsDomain({ signed }: AuthorizedEntry, domainId: string): boolean {
  const { mapping } = signed.transaction;
  switch (mapping.kind) {
    case "ParticipantState":
    case "MediatorDomainState":
    case "DomainParametersChange":
      return mapping.domain === domainId;
    default:
      return true;
  }
}

/** The log in the topology store "Authorized" of this participant. */
export function authorizedLog(store: TopologyStore): AuthorizedLog {
  return {
    after: (position, limit) => store.log(position, { limit }),
    at: async (positions) => {
      const wanted = new Set(positions);
      const found: AuthorizedEntry[] = [];
      // Positions of one request lie close together: reading the stretch between them costs little.
      let after = minimum(positions) - 1n;
      const last = maximum(positions);
      while (positions.length > 0 && after < last) {
        const stretch = await store.log(after, { upTo: last });
        found.push(...stretch.filter(({ position }) => wanted.has(position)));
        after = stretch.at(-1)?.position ?? last;
      }
      return found;
    },
    onAppend: (listener) => store.onCommitted(listener),
  };
}

/** Whether a transaction has taken effect in a state: what it adds was added, were it gone again; what it removes is gone. */
export function hasTakenEffect(state: TopologyState, { signed }: AuthorizedEntry): boolean {
  const { uniquePath, transaction } = signed;
  switch (transaction.operation) {
    case "Add":
      return state.get(uniquePath) !== undefined || state.getRemoval(uniquePath) !== undefined;
    case "Remove":
      return state.getRemoval(uniquePath) !== undefined;
    case "Replace":
      return state.get(uniquePath)?.transactionBytes.equals(signed.transactionBytes) ?? false;
  }
}

function minimum(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (a < b ? a : b), values[0] ?? 0n);
}

function maximum(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (a > b ? a : b), values[0] ?? 0n);
}
