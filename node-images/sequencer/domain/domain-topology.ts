/** The topology of the domain as the sequencer follows it: who is a member, with which keys. */

import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { DEFAULT_MAX_BATCH_SIZE } from "@pulumi-canton/protocol/envelope/batch.ts";
import type { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import { type MemberId, memberCode, memberUid, sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import { invalidArgument } from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { importSnapshot } from "@pulumi-canton/topology/import-snapshot.ts";
import { TopologyProcessor } from "@pulumi-canton/topology/topology-processor.ts";
import type { TopologyStore } from "@pulumi-canton/topology/topology-store.ts";
import type { TopologyStores } from "@pulumi-canton/topology/topology-stores.ts";
import type { RecordStep } from "@pulumi-canton/topology/transaction-steps.ts";
import type { MemberEvent } from "../backend/event-reader.ts";

/** Follows the topology of one domain. */
export class DomainTopology {
  readonly domainId: UniqueIdentifier;
  readonly #store: TopologyStore;
  readonly #processor: TopologyProcessor;
  /** From when the sequencers' keys are in force that came while this process ran. */
  readonly #newKeys = new Map<string, bigint>();

  private constructor(domainId: UniqueIdentifier, store: TopologyStore, processor: TopologyProcessor) {
    this.domainId = domainId;
    this.#store = store;
    this.#processor = processor;
    const own = sequencerMember(domainId);
    store.onCommitted((stored) => {
      for (const { signed, validFrom, rejection } of stored) {
        const { mapping, operation } = signed.transaction;
        if (operation !== "Add" || rejection !== undefined) continue;
        if (mapping.kind === "OwnerToKeyMapping" && mapping.owner === own)
          this.#newKeys.set(mapping.key.key.id, validFrom);
      }
    });
  }

  /** Opens the topology where the node's database has it. */
  static async open(options: {
    database: Database;
    stores: TopologyStores;
    domainId: UniqueIdentifier;
    logger: Logger;
    record: RecordStep;
  }): Promise<DomainTopology> {
    const { database, stores, domainId, logger, record } = options;
    const store = await stores.open(domainId);
    const member = sequencerMember(domainId);
    const processor = await TopologyProcessor.open({ database, store, domainId, member, logger, record });
    return new DomainTopology(domainId, store, processor);
  }

  /** Whether the topology that the domain starts from is known: before that nobody can be served. */
  get bootstrapped(): boolean {
    return this.#store.position > 0n;
  }

  /** The counter of the first event of the sequencer's own stream that was not applied yet. */
  get nextCounter(): bigint {
    return this.#processor.nextCounter;
  }

  /** Applies events of the sequencer's own stream. */
  async apply(events: readonly MemberEvent[]): Promise<void> {
    const own = sequencerMember(this.domainId);
    await this.#processor.process(
      events.map(({ counter, event }) => ({
        counter,
        timestamp: event.timestamp,
        envelopes:
          event.error === undefined ? event.envelopes.filter(({ recipients }) => recipients.includes(own)) : [],
      })),
    );
  }

  /**
   * Takes in the topology that the domain starts from. Repeating it with the same one changes nothing.
   *
   * @throws CantonError when a transaction is not valid, or when the domain started from another topology
   * @throws ProtocolError when it cannot be read
   */
  async bootstrap(snapshot: TopologyTransactions): Promise<void> {
    if (snapshot.items.length === 0) {
      throw invalidArgument(
        "EMPTY_TOPOLOGY_SNAPSHOT",
        "initial_topology_snapshot: at least one transaction is expected",
      );
    }
    await importSnapshot(this.#store, snapshot);
  }

  /** The keys that a member signs with. */
  signingKeys(member: MemberId): readonly SigningPublicKey[] {
    return this.#store.state.keysOf(member).signing;
  }

  /** Whether a key of the sequencers that is in force now was so before an event, as far as this process saw. */
  wasInForce(fingerprint: string, before: bigint): boolean {
    return (this.#newKeys.get(fingerprint) ?? -1n) < before;
  }

  /** Whether the domain serves a member now: its own nodes, and participants that are active. */
  isActive(member: MemberId): boolean {
    // The domain's own nodes need no more than a key: a mediator connects before it is told of as one.
    if (memberCode(member) !== "PAR") return memberUid(member) === this.domainId && memberCode(member) !== "UNM";
    return this.#store.state.isActiveMember(this.domainId, member);
  }

  /** Largest batch that is accepted, in bytes. */
  get maxRequestSize(): number {
    return this.#store.state.domainParameters(this.domainId)?.maxRequestSize ?? DEFAULT_MAX_BATCH_SIZE;
  }

  /** Calls back after the topology has changed. */
  onChange(listener: () => void): void {
    this.#store.onCommitted(listener);
  }
}
