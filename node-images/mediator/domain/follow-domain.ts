/** The mediator's view of its domain: the topology, as MED:: receives it through the sequencers. */

import { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import { mediatorMember } from "@pulumi-canton/protocol/identity/member.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import type { Health } from "@pulumi-canton/runtime/health.ts";
import type { Term } from "@pulumi-canton/runtime/leadership.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { endpointsOf } from "@pulumi-canton/sequencer-client/connection-urls.ts";
import { keepAcknowledging, keepSubscribed } from "@pulumi-canton/sequencer-client/keep-following.ts";
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
  const tasks = [
    keepSubscribed(
      {
        client,
        nextCounter: () => processor.nextCounter,
        handle: async (event) => {
          await processor.process(event, (transaction) => term.fence(transaction));
        },
        onState: (problem) => health.set("sequencer-client", problem === undefined ? "ok" : { degraded: problem }),
        logger,
      },
      all,
    ),
    keepAcknowledging(
      { client, processed: () => processor.position?.timestamp, everyMs: acknowledgeEveryMs, logger },
      all,
    ),
  ];
  try {
    return await Promise.race(tasks);
  } finally {
    work.abort(new Error("the mediator stops following the domain"));
    client.close();
    await Promise.allSettled(tasks);
  }
}
