/** The "Authorized" store of the domain manager as the log that the dispatcher reads. */
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { domainOf } from "@pulumi-canton/protocol/topology/mapping.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import type { StoredTransaction } from "@pulumi-canton/topology/stored-transaction.ts";
import type { TopologyStore } from "@pulumi-canton/topology/topology-store.ts";
import type { DispatchLog } from "./dispatcher.ts";
import type { LogEntry, Sized } from "./plan.ts";

/** Who is active at a point of the log, and the state that this follows from. */
interface Point {
  readonly position: bigint;
  readonly state: TopologyState;
  readonly active: ReadonlySet<string>;
}

const beginning: Point = { position: 0n, state: TopologyState.empty, active: new Set() };
const pageSize = 1_000;

/** Reads the log and works out who is active at each of its entries. For one reader that moves forward. */
export class AuthorizedLog implements DispatchLog {
  readonly #store: TopologyStore;
  readonly #domainId: UniqueIdentifier;
  /** Points from the oldest that is still asked for; the first is where the reader is. */
  #points: Point[] = [beginning];

  constructor(store: TopologyStore, domainId: UniqueIdentifier) {
    this.#store = store;
    this.#domainId = domainId;
  }

  async activeAt(position: bigint): Promise<ReadonlySet<string>> {
    if ((this.#points[0]?.position ?? 0n) > position) this.#points = [beginning];
    let last = this.#points.at(-1) ?? beginning;
    while (last.position < position) {
      const page = await this.#store.log(last.position, { upTo: position, limit: pageSize });
      if (page.length === 0) break;
      for (const stored of page) last = this.#after(last, stored);
      this.#points = [last];
    }
    const at = this.#points.findLastIndex((point) => point.position <= position);
    this.#points = this.#points.slice(Math.max(0, at));
    return this.#points[0]?.active ?? beginning.active;
  }

  async waiting(after: bigint, limit: number): Promise<readonly LogEntry[]> {
    await this.activeAt(after);
    let last = this.#points[0] ?? beginning;
    const points = [last];
    const entries = await this.#store.log(after, { limit });
    const waiting = entries.map((stored) => {
      last = this.#after(last, stored);
      points.push(last);
      return { position: stored.position, size: stored.serialized.length, activeAfter: last.active };
    });
    this.#points = points;
    return waiting;
  }

  async missed(after: bigint, upTo: bigint, limit: number): Promise<readonly Sized[]> {
    const entries = await this.#store.log(after, { upTo, limit });
    return entries.map(({ position, serialized }) => ({ position, size: serialized.length }));
  }

  async transactions(after: bigint, upTo: bigint): Promise<readonly StoredTransaction[]> {
    return this.#store.log(after, { upTo, limit: Number.MAX_SAFE_INTEGER });
  }

  #after(before: Point, { position, signed }: StoredTransaction): Point {
    const state = before.state.apply(signed);
    return { position, state, active: this.#activeAfter(before.active, state, signed) };
  }

  /** The active participants after a transaction: the very same set unless it changed, so that comparing costs nothing. */
  #activeAfter(before: ReadonlySet<string>, state: TopologyState, { transaction }: StoredTransaction["signed"]) {
    const { mapping } = transaction;
    // Only this kind of mapping changes who is active, and only for the participant that it names.
    if (mapping.kind !== "ParticipantState" || mapping.domain !== this.#domainId) return before;
    const active = state.isActiveMember(this.#domainId, mapping.participant);
    if (active === before.has(mapping.participant)) return before;
    const after = new Set(before);
    if (active) after.add(mapping.participant);
    else after.delete(mapping.participant);
    return after;
  }
}

/**
 * How much of the log the members may start from: up to the first entry with which a participant is active. Participants
 * receive all of the log through the sequencer, in order, so none may be active from the start.
 */
export async function snapshotOf(
  store: TopologyStore,
  domainId: UniqueIdentifier,
): Promise<readonly StoredTransaction[]> {
  const log = await store.log(0n, { limit: Number.MAX_SAFE_INTEGER });
  // Before the node knew its own domain it may have taken in what is about another: nobody would accept that.
  const entries = log.filter(({ signed }) => (domainOf(signed.transaction.mapping) ?? domainId) === domainId);
  let state = TopologyState.empty;
  const end = entries.findIndex(({ signed }) => {
    state = state.apply(signed);
    return state.activeParticipants(domainId).size > 0;
  });
  return end < 0 ? entries : entries.slice(0, end);
}
