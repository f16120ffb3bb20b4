/** What members sent and received while processes were killed, and what must be true of it. Pure. */

/** One event as a member received it. */
export interface Delivery {
  readonly counter: bigint;
  /** Sequencing time, microseconds. */
  readonly timestamp: bigint;
  /** Digest of the event's content: the same from every sequencer. */
  readonly digest: string;
  /** Ids of the test's own messages in it. */
  readonly messages: readonly string[];
}

/** One subscription of a member, from its first event on. */
export interface Stream {
  readonly member: string;
  /** Where it was read, for messages. */
  readonly from: string;
  readonly deliveries: readonly Delivery[];
}

/** One message of the test's own. */
export interface Sent {
  readonly id: string;
  readonly recipients: readonly string[];
  /** Sequencing time that the sequencer acknowledged, or undefined where it gave no answer or refused. */
  readonly acknowledged: bigint | undefined;
}

/**
 * What is wrong with a history; nothing, if all is well. Every stream must have been read beyond the last message.
 *
 * - A stream has no gap, no repeat, and its time only grows.
 * - All streams of a member say the same, wherever they were read.
 * - A message that was acknowledged is there exactly once, for each recipient and at the time acknowledged; one that was
 *   not is there once at most, and then for all recipients and at one time; and nobody else has it.
 */
export function problemsIn(streams: readonly Stream[], sent: readonly Sent[]): string[] {
  return [...streams.flatMap(problemsInStream), ...disagreements(streams), ...problemsInMessages(streams, sent)];
}

function problemsInStream({ member, from, deliveries }: Stream): string[] {
  return deliveries.flatMap(({ counter, timestamp }, index) => {
    const before = deliveries[index - 1];
    const expected = before === undefined ? 0n : before.counter + 1n;
    const where = `${member} from ${from}:`;
    if (counter !== expected) return [`${where} event ${counter} came where ${expected} was due`];
    if (before !== undefined && timestamp <= before.timestamp) return [`${where} event ${counter} goes back in time`];
    return [];
  });
}

function disagreements(streams: readonly Stream[]): string[] {
  return [...byMember(streams)].flatMap(([member, own]) => {
    const first = new Map<bigint, Delivery>();
    const problems: string[] = [];
    for (const { from, deliveries } of own) {
      for (const delivery of deliveries) {
        const known = first.get(delivery.counter) ?? delivery;
        first.set(delivery.counter, known);
        if (known.digest !== delivery.digest || known.timestamp !== delivery.timestamp) {
          problems.push(`${member}: event ${delivery.counter} from ${from} is not what it is elsewhere`);
        }
      }
    }
    return problems;
  });
}

function problemsInMessages(streams: readonly Stream[], sent: readonly Sent[]): string[] {
  const problems: string[] = [];
  const known = new Set(sent.map(({ id }) => id));
  for (const { member, from, deliveries } of streams) {
    const times = new Map<string, bigint[]>();
    for (const { messages, timestamp } of deliveries) {
      for (const id of messages) times.set(id, [...(times.get(id) ?? []), timestamp]);
    }
    for (const id of times.keys()) if (!known.has(id)) problems.push(`${member} received ${id}, which nobody sent`);
    for (const { id, recipients, acknowledged } of sent) {
      const at = times.get(id) ?? [];
      const where = `${id} at ${member} from ${from}`;
      if (!recipients.includes(member)) {
        if (at.length > 0) problems.push(`${where}: it was for others`);
      } else if (at.length > 1) problems.push(`${where}: ${at.length} times`);
      else if (acknowledged !== undefined && at.length === 0) problems.push(`${where}: acknowledged and lost`);
      else if (acknowledged !== undefined && at[0] !== acknowledged) {
        problems.push(`${where}: sequenced at ${at[0]}, acknowledged for ${acknowledged}`);
      }
    }
  }
  return [...problems, ...sent.flatMap((message) => partlyDelivered(streams, message))];
}

/** A message is seen by all its recipients or none, and by all at the same time. */
function partlyDelivered(streams: readonly Stream[], { id, recipients }: Sent): string[] {
  const times = streams
    .filter(({ member }) => recipients.includes(member))
    .map(({ deliveries }) => deliveries.find(({ messages }) => messages.includes(id))?.timestamp);
  return new Set(times).size > 1 ? [`${id}: not the same for all its recipients (${times.join(", ")})`] : [];
}

function byMember(streams: readonly Stream[]): Map<string, Stream[]> {
  const found = new Map<string, Stream[]>();
  for (const stream of streams) found.set(stream.member, [...(found.get(stream.member) ?? []), stream]);
  return found;
}
