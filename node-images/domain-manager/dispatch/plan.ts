/**
 * What the dispatcher sends next: pure, so that every interleaving and every crash can be tested.
 *
 * The domain manager's "Authorized" store is a log of transactions with increasing positions. Every entry has to reach
 * every active member exactly once and in the order of the log. A participant that becomes active first receives,
 * alone, all that it missed (the catch-up), and only then is the entry that activates it broadcast.
 */

/** One authorised transaction, as far as its place in a message matters. */
export interface Sized {
  /** Position in the log; positions increase but need not be consecutive. */
  readonly position: bigint;
  /** Size of the serialized transaction in bytes. */
  readonly size: number;
}

/** One authorised transaction that waits to be dispatched. */
export interface LogEntry extends Sized {
  /** Participants (`PAR::…`) that are active once this entry is applied. */
  readonly activeAfter: ReadonlySet<string>;
}

/** How far the dispatcher is: what has to survive a crash, besides the pending send. */
export interface DispatchState {
  /** Every entry up to this position has been broadcast (or was part of the bootstrap snapshot). */
  readonly dispatched: bigint;
  /** Participants that are active after the entry at `dispatched`. They have received everything up to there. */
  readonly active: ReadonlySet<string>;
  /** For participants that are not active: the last position each has received. Absent: nothing. */
  readonly watermarks: ReadonlyMap<string, bigint>;
}

/** One message to send. */
export interface PlannedSend {
  /** Set for a catch-up: the participant that is about to become active and receives this alone. */
  readonly catchUp?: string;
  /** Participants that receive it; the domain's own members receive every broadcast besides. */
  readonly participants: readonly string[];
  /** Position before the first entry of the message (exclusive). */
  readonly after: bigint;
  /** Position of the last entry of the message (inclusive). */
  readonly upTo: bigint;
}

/** How much one message may hold. A single larger entry still travels, alone. */
export interface BatchLimits {
  readonly transactions: number;
  readonly bytes: number;
}

/** Limits that keep a message well below the smallest max_request_size that a domain may sensibly set. */
export const defaultBatchLimits: BatchLimits = { transactions: 500, bytes: 1024 * 1024 };

/** Transactions of the log behind `after` and up to `upTo` (inclusive), in order, the first `limit` of them. */
export type ReadMissed = (after: bigint, upTo: bigint, limit: number) => Promise<readonly Sized[]>;

/**
 * The next message to send, or undefined when every entry has been dispatched.
 *
 * @param state how far the dispatcher is
 * @param waiting the entries behind `state.dispatched`, in order; at least the first, when there is one
 * @param readMissed reads what a participant missed
 * @param limits how much one message may hold
 */
export async function nextSend(
  state: DispatchState,
  waiting: readonly LogEntry[],
  readMissed: ReadMissed,
  limits: BatchLimits = defaultBatchLimits,
): Promise<PlannedSend | undefined> {
  const first = waiting[0];
  if (first === undefined) return undefined;

  const joiningNow = [...first.activeAfter].filter((participant) => !state.active.has(participant)).sort();
  for (const joining of joiningNow) {
    const received = state.watermarks.get(joining) ?? 0n;
    const missed = within(await readMissed(received, state.dispatched, limits.transactions), limits);
    const last = missed.at(-1);
    if (last !== undefined) {
      return { catchUp: joining, participants: [joining], after: received, upTo: last.position };
    }
  }

  const recipients = union(state.active, first.activeAfter);
  let before: ReadonlySet<string> = state.active;
  let last = first;
  for (const entry of within(waiting, limits)) {
    if (!sameMembers(union(before, entry.activeAfter), recipients)) break;
    before = entry.activeAfter;
    last = entry;
  }
  return { participants: [...recipients].sort(), after: state.dispatched, upTo: last.position };
}

/**
 * The state once a planned message is known to be sequenced.
 *
 * @param activeAfter the participants that are active after the last entry of the message
 */
export function afterSend(state: DispatchState, send: PlannedSend, activeAfter: ReadonlySet<string>): DispatchState {
  const watermarks = new Map(state.watermarks);
  if (send.catchUp !== undefined) {
    watermarks.set(send.catchUp, send.upTo);
    return { ...state, watermarks };
  }
  for (const member of send.participants) {
    if (activeAfter.has(member)) watermarks.delete(member);
    else watermarks.set(member, send.upTo);
  }
  return { dispatched: send.upTo, active: activeAfter, watermarks };
}

/** Leading entries that fit into one message: at least one, however large it is. */
function within<T extends Sized>(entries: readonly T[], limits: BatchLimits): T[] {
  const fitting: T[] = [];
  let bytes = 0;
  for (const entry of entries) {
    bytes += entry.size;
    if (fitting.length > 0 && (bytes > limits.bytes || fitting.length >= limits.transactions)) break;
    fitting.push(entry);
  }
  return fitting;
}

function union(left: ReadonlySet<string>, right: ReadonlySet<string>): ReadonlySet<string> {
  return left === right ? left : new Set([...left, ...right]);
}

function sameMembers(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  return left === right || (left.size === right.size && [...left].every((member) => right.has(member)));
}
