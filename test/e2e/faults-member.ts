/** A member of the domain that records what it receives and what became of what it sent. */
import { createHash, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { TestParticipant } from "@pulumi-canton/domain-manager/testing/test-participant.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import { decodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import { sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { createLogger } from "@pulumi-canton/runtime/logger.ts";
import type { ReceivedEvent } from "@pulumi-canton/sequencer-client/received-event.ts";
import { SequencerClient } from "@pulumi-canton/sequencer-client/sequencer-client.ts";
import { applyTopologyMessage } from "@pulumi-canton/topology/topology-message.ts";
import { topologyTrust } from "@pulumi-canton/topology/topology-trust.ts";
import { expect } from "vitest";
import type { Delivery, Sent, Stream } from "./faults-history.ts";

/** What the test's own messages begin with; nothing of the protocol does. */
const mark = "message of a fault test ";

/** The domain as members see it. */
export interface DomainAddress {
  readonly id: string;
  /** The sequencers' public APIs. */
  readonly sequencers: readonly string[];
}

interface Recording extends Stream {
  readonly deliveries: Delivery[];
}

/** A participant of the test's own: its keys in memory, its place in the topology as real as any. */
export class RecordingMember {
  readonly identity: TestParticipant;
  /** Every message that it began to send. */
  readonly sent: Sent[] = [];
  readonly streams: Recording[] = [];
  /** What went wrong that no kill of a process explains. */
  readonly complaints: string[] = [];
  /** The domain's topology, as far as it has come to this member. */
  topology: TopologyState = TopologyState.empty;
  readonly #domain: DomainAddress;
  readonly #clients: SequencerClient[] = [];
  readonly #running: Promise<void>[] = [];
  readonly #closing = new AbortController();

  constructor(name: string, domain: DomainAddress) {
    this.#domain = domain;
    this.identity = new TestParticipant(name, domain.id, domain.sequencers);
  }

  get member(): string {
    return this.identity.member;
  }

  /** Asks to be taken in and follows its stream until it is active. The domain must have admitted it. */
  async join(): Promise<void> {
    const results = await this.identity.requestOnboarding();
    const refused = results.filter(({ state }) => state !== "ACCEPTED" && state !== "DUPLICATE");
    if (refused.length > 0) throw new Error(`${this.member} was not taken in: ${JSON.stringify(refused)}`);
    this.#follow("either sequencer", this.#domain.sequencers);
    await expect
      .poll(() => this.topology.isActiveMember(this.#domain.id, this.member), { timeout: 60_000, interval: 20 })
      .toBe(true);
  }

  /** Reads its stream from every single sequencer too, besides the one that goes to whichever works. */
  followEach(): void {
    for (const url of this.#domain.sequencers) this.#follow(url, [url]);
  }

  /** Reads everything that there ever was again, up to a time, from each sequencer. */
  async readAgain(until: bigint): Promise<void> {
    for (const url of this.#domain.sequencers) this.#follow(`${url} once more`, [url]);
    await this.hasRead(until);
  }

  /** Waits until all its streams have come to a time. */
  async hasRead(until: bigint): Promise<void> {
    await expect
      .poll(
        () =>
          this.streams
            .filter(({ deliveries }) => (deliveries.at(-1)?.timestamp ?? 0n) < until)
            .map(({ from, deliveries }) => `${this.member} from ${from} is at ${deliveries.at(-1)?.counter}`),
        { timeout: 60_000, interval: 50 },
      )
      .toEqual([]);
  }

  /** Sends one message and records what became of it; the sequencing time, when it was acknowledged. */
  async send(recipients: readonly string[]): Promise<bigint | undefined> {
    const id = randomUUID();
    const index = this.sent.push({ id, recipients, acknowledged: undefined }) - 1;
    try {
      const content = Buffer.from(`${mark}${id}`);
      const acknowledged = await this.#client().send({ envelopes: [{ content, recipients }], messageId: id });
      this.sent[index] = { id, recipients, acknowledged };
      return acknowledged;
    } catch (error) {
      if (!this.#closing.signal.aborted) this.complaints.push(`${this.member} could not send: ${error}`);
      return undefined;
    }
  }

  /**
   * Sends, one message after the other, until the signal aborts.
   *
   * @param choose recipients of the next message
   * @param pauseMs between two messages
   */
  async keepSending(choose: () => readonly string[], pauseMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.send(choose());
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const client of this.#clients) client.close();
    this.identity[Symbol.dispose]();
    await Promise.all(this.#running);
  }

  /** The client that goes to whichever sequencer works. */
  #client(): SequencerClient {
    const [client] = this.#clients;
    if (client === undefined) throw new Error(`${this.member} has not joined`);
    return client;
  }

  #follow(from: string, urls: readonly string[]): void {
    const first = this.streams.length === 0;
    const deliveries: Delivery[] = [];
    this.streams.push({ member: this.member, from, deliveries });
    const client = new SequencerClient({
      connections: urls.map((url) => ({ url })),
      domainId: this.#domain.id,
      member: this.member,
      signer: { sign: async (purpose, content) => sign(this.identity.key, purpose, content) },
      maxBackoffMs: 1_000,
      // A sequencer that has just come back may not have read yet that this member is one.
      refusalGraceMs: 30_000,
      trust: topologyTrust(this.#domain.id, () => this.topology),
      // A sequencer that delivers what does not fit is left for another, and reported at this level: here it is a fault.
      logger: createLogger({
        node: this.member,
        role: "test",
        level: "error",
        destination: { write: (line) => void this.complaints.push(line) },
      }),
    });
    this.#clients.push(client);
    const reading = client.subscribe({ fromCounter: 0n }, async (event) => {
      deliveries.push(this.#deliveryOf(event));
      if (first) this.#learn(event);
    });
    this.#running.push(
      reading.catch((error: unknown) => {
        this.complaints.push(`${this.member} could not read on from ${from}: ${error}`);
      }),
    );
  }

  #deliveryOf({ counter, timestamp, signed, envelopes }: ReceivedEvent): Delivery {
    return {
      counter,
      timestamp,
      digest: createHash("sha256").update(signed.content).digest("hex"),
      messages: envelopes.flatMap(({ content }) => messageIn(content) ?? []),
    };
  }

  #learn({ timestamp, envelopes }: ReceivedEvent): void {
    for (const { content } of envelopes) {
      if (messageIn(content) !== undefined) continue;
      const decoded = decodeEnvelopeContent(content);
      if (decoded.kind !== "domain-topology-message") continue;
      const context = { domainId: this.#domain.id, sequencedAt: timestamp };
      const applied = applyTopologyMessage(this.topology, decoded.message, context);
      if (applied.accepted) this.topology = applied.state;
      else this.complaints.push(`${this.member} was sent topology that it cannot accept: ${applied.problem}`);
    }
  }
}

function messageIn(content: Buffer): string | undefined {
  const text = content.toString("latin1");
  return text.startsWith(mark) ? text.slice(mark.length) : undefined;
}
