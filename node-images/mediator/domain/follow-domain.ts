/** The mediator's view of its domain: the topology, as MED:: receives it through the sequencers. */

import { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import { mediatorMember, sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import { abortableSleep, backoffDelays } from "@pulumi-canton/runtime/backoff.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import { describeError } from "@pulumi-canton/runtime/errors.ts";
import type { Health } from "@pulumi-canton/runtime/health.ts";
import type { Term } from "@pulumi-canton/runtime/leadership.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { endpointsOf } from "@pulumi-canton/sequencer-client/connection-urls.ts";
import { SequencerClient } from "@pulumi-canton/sequencer-client/sequencer-client.ts";
import { importSnapshot } from "@pulumi-canton/topology/import-snapshot.ts";
import type { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import { memberKeySigner } from "@pulumi-canton/topology/member-key-signer.ts";
import { TopologyProcessor } from "@pulumi-canton/topology/topology-processor.ts";
import type { TopologyStores } from "@pulumi-canton/topology/topology-stores.ts";
import { topologyTrust } from "@pulumi-canton/topology/topology-trust.ts";
import type { RecordStep } from "@pulumi-canton/topology/transaction-steps.ts";
import type { MediatorDomain } from "./mediator-domain.ts";

/** How long the mediator waits between acknowledgements, in milliseconds. */
const acknowledgeEveryMs = 5_000;

/** What following needs. */
export interface FollowOptions {
  readonly domain: MediatorDomain;
  readonly database: Database;
  readonly keys: KeyStore;
  readonly stores: TopologyStores;
  readonly health: Health;
  readonly logger: Logger;
  readonly record: RecordStep;
  readonly term: Term;
}

/** Follows the domain until the signal aborts; what interrupts it is repeated with backoff. @throws the signal's reason */
export async function followDomain(options: FollowOptions, signal: AbortSignal): Promise<never> {
  const { domain, database, keys, stores, health, logger, record, term } = options;
  const { domainId } = domain;
  const self = mediatorMember(domainId);
  const store = await stores.open(domainId);
  // Another process may have led and written since this one read the store.
  await store.refresh();
  await importSnapshot(store, TopologyTransactions.decode(domain.snapshot));
  const processor = await TopologyProcessor.open({ database, store, domainId, member: self, logger, record });
  const client = new SequencerClient({
    connections: endpointsOf(domain.connection),
    domainId,
    member: self,
    signer: memberKeySigner(keys, () => {
      const known = store.state.keysOf(self).signing.map(({ id }) => id);
      return known.length > 0 ? known : [domain.signingKey];
    }),
    logger,
    trust: topologyTrust(domainId, () => store.state),
  });
  const work = new AbortController();
  const all = AbortSignal.any([signal, work.signal]);
  const tasks = [subscribe(client, processor, health, logger, term, all), acknowledge(client, processor, logger, all)];
  try {
    return await Promise.race(tasks);
  } finally {
    work.abort(new Error("the mediator stops following the domain"));
    client.close();
    await Promise.allSettled(tasks);
  }
}

async function subscribe(
  client: SequencerClient,
  processor: TopologyProcessor,
  health: Health,
  logger: Logger,
  term: Term,
  signal: AbortSignal,
): Promise<never> {
  let delays = backoffDelays({ maxDelayMs: 5_000 });
  health.set("sequencer-client", { degraded: "not connected yet" });
  while (true) {
    signal.throwIfAborted();
    const from = processor.nextCounter;
    const attempt = new AbortController();
    // A domain may be silent for long: the receipt of an empty message shows that the subscription works.
    const receipt = client
      .send({ envelopes: [] }, { signal: AbortSignal.any([signal, attempt.signal]) })
      .catch((error: unknown) => logger.debug({ error }, "An empty message was not sequenced"));
    try {
      await client.subscribe({ fromCounter: from, signal }, async (event) => {
        await processor.process(event, (transaction) => term.fence(transaction));
        health.set("sequencer-client", "ok");
      });
      signal.throwIfAborted();
    } catch (error) {
      attempt.abort(new Error("the subscription was interrupted"));
      await receipt;
      signal.throwIfAborted();
      if (processor.nextCounter > from) delays = backoffDelays({ maxDelayMs: 5_000 });
      const delayMs = delays.next().value;
      health.set("sequencer-client", { degraded: describeError(error) });
      logger.warn({ error, delayMs }, "The subscription was interrupted, trying again");
      await abortableSleep(delayMs, signal);
    }
  }
}

async function acknowledge(
  client: SequencerClient,
  processor: TopologyProcessor,
  logger: Logger,
  signal: AbortSignal,
): Promise<never> {
  let acknowledged = 0n;
  while (true) {
    await abortableSleep(acknowledgeEveryMs, signal);
    const timestamp = processor.position?.timestamp ?? 0n;
    if (timestamp <= acknowledged) continue;
    try {
      await client.acknowledge(timestamp, { signal });
      acknowledged = timestamp;
    } catch (error) {
      signal.throwIfAborted();
      logger.info({ error: describeError(error) }, "Acknowledging failed, trying again later");
    }
  }
}
