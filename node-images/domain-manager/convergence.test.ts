import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import { compressBatch } from "@pulumi-canton/protocol/envelope/batch.ts";
import { signDomainTopologyMessage } from "@pulumi-canton/protocol/envelope/domain-topology-message.ts";
import { encodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import { RULES_OF_MANAGERS } from "@pulumi-canton/protocol/testing/attacks.ts";
import { TopologyModel } from "@pulumi-canton/protocol/testing/topology-model.ts";
import {
  stepDomain as domainId,
  effectOf,
  type Submission,
  stepDomainKey,
  stepParticipants,
  submissions,
} from "@pulumi-canton/protocol/testing/topology-steps.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import {
  addition,
  type SignedTopologyTransaction,
  signTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import {
  backUp,
  clear,
  dump,
  failingAt,
  forgettingOnce,
  restore,
} from "@pulumi-canton/topology/testing/failing-database.ts";
import { eventOf } from "@pulumi-canton/topology/testing/test-domain.ts";
import { quiet, startTestNode, type TestNode } from "@pulumi-canton/topology/testing/test-node.ts";
import { type SequencedTopologyEvent, TopologyProcessor } from "@pulumi-canton/topology/topology-processor.ts";
import { TopologyStores } from "@pulumi-canton/topology/topology-stores.ts";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StoredEvent } from "../sequencer/backend/event-reader.ts";
import { DomainTopology } from "../sequencer/domain/domain-topology.ts";

// Several members, each with its own database, are given the same sequenced messages: in other batches, again and again,
// with their process dying between any two steps, their connections cut, and their database put back to an older copy. All
// of them have to end with what a plain model says, which shares no code with them.

const sequencer = `SEQ::${domainId}`;
const members = [`DOM::${domainId}`, sequencer, `MED::${domainId}`, ...stepParticipants];
const nodes = new Map<string, TestNode>();
let straight: TestNode;

beforeAll(async () => {
  straight = await startTestNode("straight");
  for (const member of members) nodes.set(member, await startTestNode(member.slice(0, 3)));
});
afterAll(async () => {
  for (const node of [straight, ...nodes.values()]) await node?.[Symbol.asyncDispose]();
});

/** What a member does with its stream. */
interface Follower {
  process(events: readonly SequencedTopologyEvent[], meanwhile?: () => Promise<void>): Promise<void>;
  readonly nextCounter: bigint;
  state(): Promise<TopologyState>;
}

/** A member's process, newly started on its database. */
async function follow(member: string, database: Database): Promise<Follower> {
  const stores = new TopologyStores(database);
  const store = await stores.open(domainId);
  if (member !== sequencer) {
    const processor = await TopologyProcessor.open({ database, store, domainId, member, logger: quiet });
    return {
      process: async (events, meanwhile) => void (await processor.process(events, meanwhile)),
      get nextCounter() {
        return processor.nextCounter;
      },
      state: async () => processor.state,
    };
  }
  const topology = await DomainTopology.open({ database, stores, domainId, logger: quiet, record: () => {} });
  return {
    process: async (events, meanwhile) => {
      await meanwhile?.();
      await topology.apply(events.map(asStored));
    },
    get nextCounter() {
      return topology.nextCounter;
    },
    state: async () => store.state,
  };
}

/** An event as the sequencer reads it from its backend. */
function asStored({ counter, timestamp, envelopes }: SequencedTopologyEvent) {
  const addressed = envelopes.map(({ content }) => ({ content, recipients: [sequencer] }));
  const payload = compressBatch(addressed).compressedBatch;
  return {
    counter,
    event: new StoredEvent(timestamp, { sender: 1, messageId: "1", error: null, traceparent: null, payload }),
  };
}

/** What happens to a process while it takes its next events. */
const fault = fc.constantFrom(
  "none",
  "none",
  "none",
  "dies",
  "dies",
  "connection cut",
  "commit not heard of",
  "restarted",
  "backed up",
  "put back",
);
const turn = fc.record({
  size: fc.integer({ min: 1, max: 4 }),
  again: fc.nat({ max: 2 }),
  fault,
  statement: fc.nat({ max: 12 }),
});

const plan = fc.record({
  submitted: submissions(30),
  /** How many transactions are in a message, and how many messages in an event. */
  cuts: fc.array(fc.record({ length: fc.integer({ min: 1, max: 6 }), joined: fc.boolean() }), { minLength: 1 }),
  turns: fc.tuple(...members.map(() => fc.array(turn, { minLength: 1, maxLength: 10 }))),
});

const start = [
  addition({
    kind: "NamespaceDelegation",
    namespace: stepDomainKey.publicKey.id,
    targetKey: stepDomainKey.publicKey,
    isRootDelegation: true,
  }),
  addition({
    kind: "OwnerToKeyMapping",
    owner: `DOM::${domainId}`,
    key: { purpose: "signing", key: stepDomainKey.publicKey },
  }),
].map((transaction) => ({ tx: signTransaction(transaction, stepDomainKey), force: true, forged: false }));

/** The stream of messages with these transactions, and envelopes that are none of them. */
async function streamOf(sent: readonly Submission[], cuts: readonly { length: number; joined: boolean }[]) {
  const events: Buffer[][] = [];
  let next = 0;
  for (let n = 0; next < sent.length; n += 1) {
    const { length: cut, joined } = cuts[n % cuts.length] as { length: number; joined: boolean };
    // The first message has to bring the key that it is signed with.
    const length = Math.max(cut, start.length - next);
    const transactions = sent.slice(next, next + length).map(({ tx }) => tx);
    next += length;
    const message = await signDomainTopologyMessage(
      { domainId, notSequencedAfter: eventOf(1_000_000).timestamp, transactions },
      (content) => sign(stepDomainKey, "domain-topology-message", content),
    );
    const content = encodeEnvelopeContent({ kind: "domain-topology-message", message });
    const last = events.at(-1);
    if (joined && last !== undefined) last.push(Buffer.from("nonsense"), content);
    else events.push([content], []);
  }
  return events.map((contents, counter) => eventOf(counter, ...contents));
}

/** Lets a member take the whole stream, whatever happens to it. */
async function live(
  member: string,
  stream: readonly SequencedTopologyEvent[],
  turns: readonly Turn[],
): Promise<Follower> {
  const { database, testDatabase } = nodes.get(member) as TestNode;
  let follower = await follow(member, database);
  await backUp(database);
  let putBack = 0;
  for (let n = 0; follower.nextCounter < stream.length; n += 1) {
    const { size, again, fault: happens, statement } = turns[n % turns.length] as Turn;
    const next = Number(follower.nextCounter);
    const events = stream.slice(Math.max(0, next - again), next + size);
    const fails = (running: Follower, meanwhile?: () => Promise<void>) =>
      running.process(events, meanwhile).catch(() => undefined);
    switch (happens) {
      case "none":
        await follower.process(events);
        break;
      case "dies":
        await fails(await follow(member, failingAt(database, statement)));
        follower = await follow(member, database);
        // So that it comes to an end if every turn is of this kind.
        await follower.process(events);
        break;
      case "connection cut": {
        let cut = false;
        await fails(follower, async () => {
          if (!cut) await testDatabase.terminateConnections();
          cut = true;
        });
        await follower.process(events);
        break;
      }
      case "commit not heard of":
        await fails(await follow(member, forgettingOnce(database)));
        follower = await follow(member, database);
        break;
      case "restarted":
        await follower.process(events);
        follower = await follow(member, database);
        break;
      case "backed up":
        await follower.process(events);
        await backUp(database);
        break;
      case "put back":
        if (putBack < 2) await restore(database);
        putBack += 1;
        follower = await follow(member, database);
        await follower.process(stream.slice(Number(follower.nextCounter), Number(follower.nextCounter) + size));
        break;
    }
  }
  return follower;
}

type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never;

test("all members end with what the model says, whatever happens to them on the way", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ submitted, cuts, turns }) => {
      const model = new TopologyModel(domainId);
      const accepted: SignedTopologyTransaction[] = [];
      // A domain manager that keeps to the rules distributes what it accepts; this one sends the rest too.
      const sent = [...start, ...submitted].filter((submission) => {
        const outcome = model.submit(submission.tx, submission);
        if (outcome === "accepted") accepted.push(submission.tx);
        return !(RULES_OF_MANAGERS as readonly string[]).includes(outcome);
      });
      const stream = await streamOf(sent, cuts);
      for (const { database } of [straight, ...nodes.values()]) await clear(database);

      const reference = await follow(members[0] as string, straight.database);
      for (const event of stream) await reference.process([event]);
      const stored = await (await new TopologyStores(straight.database).open(domainId)).log(0n);
      expect(stored.map(({ signed }) => signed.transactionBytes)).toEqual(
        accepted.map(({ transactionBytes }) => transactionBytes),
      );
      const [stores, transactions] = await dump(straight.database);

      await Promise.all(
        members.map(async (member, index) => {
          const follower = await live(member, stream, turns[index] as Turn[]);
          expect(effectOf(await follower.state()), member).toEqual(model.effect());
          const { database } = nodes.get(member) as TestNode;
          const [ownStores, ownTransactions] = await dump(database);
          // Everything that was seen, accepted and refused, at the same places and times.
          expect(ownStores, member).toEqual(stores);
          expect(ownTransactions, member).toEqual(transactions);
          expect(effectOf(await (await follow(member, database)).state()), member).toEqual(model.effect());
        }),
      );
    }),
    { numRuns: 25 },
  );
});
