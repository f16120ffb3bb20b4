/** A participant for tests: as much of one as joining a domain and following its topology needs. */
import { randomUUID } from "node:crypto";
import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import { decodeEnvelopeContent, encodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import type { RegisterTopologyResponse } from "@pulumi-canton/protocol/envelope/register-topology.ts";
import { domainManagerMember, participantMember } from "@pulumi-canton/protocol/identity/member.ts";
import { uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import {
  addition,
  type SignedTopologyTransaction,
  signTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { SequencerClient } from "@pulumi-canton/sequencer-client/sequencer-client.ts";
import { UnauthenticatedSequencerClient } from "@pulumi-canton/sequencer-client/unauthenticated-sequencer-client.ts";
import { applyTopologyMessage } from "@pulumi-canton/topology/topology-message.ts";
import { eventually } from "./test-domain.ts";

/** What of a transaction tells it from every other. */
export function nameOf({ transaction }: SignedTopologyTransaction): string {
  const { operation, elementId, mapping } = transaction;
  return `${operation} ${mapping.kind} ${elementId}`;
}

/** A participant with keys in memory. */
export class TestParticipant implements Disposable {
  readonly key = generateSigningKeyPair();
  readonly uid: string;
  readonly member: string;
  /** What it received, in order, whether or not it was accepted. */
  readonly received: SignedTopologyTransaction[] = [];
  /** Reasons for what it did not accept. */
  readonly refused: string[] = [];
  state: TopologyState = TopologyState.empty;
  readonly root: SignedTopologyTransaction;
  readonly ownKey: SignedTopologyTransaction;
  readonly ownSide: SignedTopologyTransaction;
  readonly #domainId: string;
  readonly #urls: readonly string[];
  readonly #stopping = new AbortController();
  #nextCounter = 0n;
  #client: SequencerClient | undefined;

  constructor(name: string, domainId: string, urls: readonly string[]) {
    this.uid = uniqueIdentifier(name, this.key.publicKey.id);
    this.member = participantMember(this.uid);
    this.#domainId = domainId;
    this.#urls = urls;
    const { publicKey } = this.key;
    this.root = this.signed({
      kind: "NamespaceDelegation",
      namespace: publicKey.id,
      targetKey: publicKey,
      isRootDelegation: true,
    });
    this.ownKey = this.signed({
      kind: "OwnerToKeyMapping",
      owner: this.member,
      key: { purpose: "signing", key: publicKey },
    });
    this.ownSide = this.signed({
      kind: "ParticipantState",
      side: "To",
      domain: domainId,
      participant: this.member,
      permission: "Submission",
      trustLevel: "Ordinary",
    });
  }

  signed(mapping: TopologyMapping): SignedTopologyTransaction {
    return signTransaction(addition(mapping), this.key);
  }

  /** Asks, as somebody who is no member yet, to be taken in. */
  async requestOnboarding(
    transactions: readonly SignedTopologyTransaction[] = [this.root, this.ownKey, this.ownSide],
  ): Promise<RegisterTopologyResponse["results"]> {
    const client = new UnauthenticatedSequencerClient({
      connections: this.#urls.map((url) => ({ url })),
      domainId: this.#domainId,
      logger: silentLogger,
    });
    const answered = new AbortController();
    let response: RegisterTopologyResponse | undefined;
    const listening = client.subscribe({ fromCounter: 0n, signal: answered.signal }, async ({ envelopes }) => {
      for (const { content } of envelopes) {
        const decoded = decodeEnvelopeContent(content);
        if (decoded.kind !== "register-topology-response") continue;
        response = decoded.response;
        answered.abort();
      }
    });
    try {
      await client.send({ envelopes: [this.#request(transactions, client.member)] });
      await listening;
      if (response === undefined) throw new Error("the subscription ended without an answer");
      return response.results;
    } finally {
      answered.abort();
      client.close();
    }
  }

  /** Asks, as a member, to have transactions registered. The answer is not waited for. */
  async register(transactions: readonly SignedTopologyTransaction[]): Promise<void> {
    await this.#connected().send({ envelopes: [this.#request(transactions, this.member)] });
  }

  /** Follows its stream from now on, from whichever sequencer works, until it is disposed of. */
  follow(): void {
    const { signal } = this.#stopping;
    void (async () => {
      while (!signal.aborted) {
        await this.#connected()
          .subscribe({ fromCounter: this.#nextCounter, signal }, async (event) => {
            for (const { content } of event.envelopes) {
              const decoded = decodeEnvelopeContent(content);
              if (decoded.kind !== "domain-topology-message") continue;
              const context = { domainId: this.#domainId, sequencedAt: event.timestamp };
              const applied = applyTopologyMessage(this.state, decoded.message, context);
              if (!applied.accepted) {
                this.refused.push(applied.problem);
                continue;
              }
              this.state = applied.state;
              this.received.push(...applied.append.map(({ signed }) => signed));
              for (const { rejection } of applied.append) if (rejection !== undefined) this.refused.push(rejection);
            }
            this.#nextCounter = event.counter + 1n;
          })
          // Not a member yet, or not any more: tried again until the test ends.
          .catch(() => new Promise((resolve) => setTimeout(resolve, 20)));
      }
    })();
  }

  /** Waits until it has received so many transactions. */
  async hasReceived(count: number): Promise<void> {
    await eventually(async () => (this.received.length >= count ? true : undefined)).catch((error) => {
      throw new Error(`${this.member} received ${this.received.length} of ${count}`, { cause: error });
    });
  }

  [Symbol.dispose](): void {
    this.#stopping.abort();
    this.#client?.close();
  }

  #request(transactions: readonly SignedTopologyTransaction[], requestedBy: string) {
    const content = encodeEnvelopeContent({
      kind: "register-topology-request",
      request: {
        requestedBy,
        participant: this.member,
        requestId: randomUUID(),
        transactions: [...transactions],
        domainId: this.#domainId,
      },
    });
    return { content, recipients: [domainManagerMember(this.#domainId)] };
  }

  #connected(): SequencerClient {
    this.#client ??= new SequencerClient({
      connections: this.#urls.map((url) => ({ url })),
      domainId: this.#domainId,
      member: this.member,
      signer: { sign: async (purpose, content) => sign(this.key, purpose, content) },
      logger: silentLogger,
      refusalGraceMs: 200,
      maxBackoffMs: 100,
    });
    return this.#client;
  }
}
