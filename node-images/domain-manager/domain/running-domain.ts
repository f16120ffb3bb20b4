/** The domain at work: the own subscription, the dispatcher, and the answers to requests. */

import { signDomainTopologyMessage } from "@pulumi-canton/protocol/envelope/domain-topology-message.ts";
import { encodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import { domainManagerMember, mediatorMember, sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { addition, signTransactionWith } from "@pulumi-canton/protocol/topology/transaction.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import type { Health } from "@pulumi-canton/runtime/health.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { SequencerClient } from "@pulumi-canton/sequencer-client/sequencer-client.ts";
import type { SequencerEndpoint } from "@pulumi-canton/sequencer-client/sequencer-endpoint.ts";
import type { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import { memberKeySigner } from "@pulumi-canton/topology/member-key-signer.ts";
import { signingKeyCandidates } from "@pulumi-canton/topology/signing-key-choice.ts";
import { noAppropriateSigningKey, secretKeyNotInStore } from "@pulumi-canton/topology/topology-errors.ts";
import { TopologyProcessor } from "@pulumi-canton/topology/topology-processor.ts";
import type { TopologyStore } from "@pulumi-canton/topology/topology-store.ts";
import { topologyTrust } from "@pulumi-canton/topology/topology-trust.ts";
import type { RecordStep, TracedTransaction } from "@pulumi-canton/topology/transaction-steps.ts";
import { AuthorizedLog } from "../dispatch/authorized-log.ts";
import { DispatchStore } from "../dispatch/dispatch-store.ts";
import { runDispatcher } from "../dispatch/dispatcher.ts";
import { introductionOf, keyTransactions } from "../dispatch/introduction.ts";
import { Wakeup } from "../dispatch/wakeup.ts";
import type { OnboardingPolicy } from "../requests/judge.ts";
import { RequestStore } from "../requests/request-store.ts";
import { runResponder } from "../requests/responder.ts";
import { OwnStream } from "./own-stream.ts";

/** What the domain works with. */
export interface RunningDomainOptions {
  readonly domainId: UniqueIdentifier;
  readonly policy: OnboardingPolicy;
  readonly endpoints: readonly SequencerEndpoint[];
  readonly database: Database;
  readonly keys: KeyStore;
  readonly authorized: TopologyStore;
  /** The store of the domain: what came back through the sequencers. */
  readonly domainStore: TopologyStore;
  /** Rung whenever something was authorised. */
  readonly authorised: Wakeup;
  /** Rung whenever something came back through the sequencers. */
  readonly published: Wakeup;
  readonly health: Health;
  readonly logger: Logger;
  readonly record: RecordStep;
}

/** Runs the domain until the signal aborts. @throws the signal's reason; what cannot be repaired by trying again */
export async function runDomain(options: RunningDomainOptions, signal: AbortSignal): Promise<never> {
  const { domainId, keys, authorized, domainStore, database, health, logger, record } = options;
  const self = domainManagerMember(domainId);
  // Others know what was published: a key that is only just authorised is used once it has reached them.
  const ownKeys = () => {
    const published = domainStore.state.keysOf(self).signing;
    return (published.length > 0 ? published : authorized.state.keysOf(self).signing).map(({ id }) => id);
  };
  const client = new SequencerClient({
    connections: options.endpoints,
    domainId,
    member: self,
    signer: memberKeySigner(keys, ownKeys),
    logger,
    trust: topologyTrust(domainId, () => domainStore.state),
  });
  const dispatch = new DispatchStore(database);
  const requests = new RequestStore(database);
  const responses = new Wakeup();
  const processor = await TopologyProcessor.open({
    database,
    store: domainStore,
    domainId,
    member: self,
    logger,
    record,
  });

  const stream = new OwnStream({
    client,
    processor,
    authorized,
    dispatch,
    requests,
    rules: {
      domainId,
      policy: options.policy,
      admit: async (mapping) => {
        const candidates = signingKeyCandidates(authorized.state, mapping);
        const fingerprint = (await keys.heldSigningKeys(candidates)).at(-1);
        if (fingerprint === undefined) throw noAppropriateSigningKey(candidates, {});
        const publicKey = await keys.publicKey(fingerprint);
        if (publicKey.purpose !== "signing") throw secretKeyNotInStore(fingerprint, {});
        return signTransactionWith(addition(mapping), {
          publicKey: publicKey.key,
          sign: (content) => keys.sign(fingerprint, "topology-transaction", content),
        });
      },
    },
    responses,
    health,
    logger,
    record,
  });
  const stopListening = domainStore.onCommitted(() => options.published.ring());

  const work = new AbortController();
  const all = AbortSignal.any([signal, work.signal]);
  const tasks = [
    stream.run(all),
    stream.acknowledge(all),
    runResponder(
      {
        store: requests,
        wakeup: responses,
        logger,
        send: ({ messageId, content, recipients }, until) =>
          client.send({ messageId, envelopes: [{ content, recipients }] }, { signal: until }),
      },
      all,
    ),
    runDispatcher(
      {
        store: dispatch,
        log: new AuthorizedLog(authorized, domainId),
        domainMembers: [sequencerMember(domainId), mediatorMember(domainId), self],
        encode: async (missed, notSequencedAfter, { catchUpTo }) => {
          const [signingKey] = await keys.newestSigningKeys(ownKeys());
          if (signingKey === undefined) throw secretKeyNotInStore(ownKeys().join(", "), {});
          const keysOfToday = keyTransactions(domainStore.state, domainId);
          const later = catchUpTo === undefined ? [] : await authorized.addedBehind(catchUpTo, keysOfToday);
          const introduction = introductionOf(later, domainStore.state, domainId);
          const transactions: TracedTransaction[] = [...introduction.map((signed) => ({ signed })), ...missed];
          const message = await signDomainTopologyMessage(
            { domainId, notSequencedAfter, transactions: transactions.map(({ signed }) => signed) },
            (content) => keys.sign(signingKey, "domain-topology-message", content),
          );
          return encodeEnvelopeContent({
            kind: "domain-topology-message",
            message,
            traceparents: transactions.map(({ traceparent = "" }) => traceparent),
          });
        },
        send: ({ messageId, content, recipients, maxSequencingTime }, until) =>
          client.send({ messageId, maxSequencingTime, envelopes: [{ content, recipients }] }, { signal: until }),
        ownStreamIsCurrent: async (until) => {
          // Set up by hand, the manager cannot verify its stream before its own first message has told it the sequencers' keys.
          if (domainStore.state.keysOf(sequencerMember(domainId)).signing.length > 0) await stream.isCurrent(until);
        },
        wakeup: options.authorised,
        logger,
        record,
      },
      all,
    ),
  ];
  try {
    return await Promise.race(tasks);
  } finally {
    work.abort(new Error("the domain stops"));
    stopListening();
    client.close();
    await Promise.allSettled(tasks);
  }
}
