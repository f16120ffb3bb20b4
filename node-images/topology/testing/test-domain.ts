/** For tests: a domain without a sequencer, whose manager signs what members are to apply. */
import { defaultDynamicDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import {
  type DomainTopologyMessage,
  signDomainTopologyMessage,
} from "@pulumi-canton/protocol/envelope/domain-topology-message.ts";
import { encodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import { domainManagerMember, mediatorMember, sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import type { SignedTopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { type SequencedTopologyEvent, TopologyProcessor } from "../topology-processor.ts";
import { quiet, startTestDomainManager, type TestNode } from "./test-node.ts";

/** A time in microseconds for the first event of a test. */
export const startOfTime = 1_795_238_000_000_000n;

/** A domain manager that has authorised all that a domain begins with. */
export interface TestDomain extends AsyncDisposable {
  readonly node: TestNode;
  readonly domainId: string;
  /** All that the manager has authorised or taken in behind a position of its store, in order. */
  authorized(after?: bigint): Promise<SignedTopologyTransaction[]>;
  /** A message of the manager. */
  message(
    transactions: readonly SignedTopologyTransaction[],
    over?: Partial<DomainTopologyMessage>,
  ): Promise<DomainTopologyMessage>;
}

/** Starts a domain. */
export async function startTestDomain(name: string): Promise<TestDomain> {
  const node = await startTestDomainManager(name);
  const { uid: domainId, manager, keys } = node;
  for (const owner of [sequencerMember(domainId), mediatorMember(domainId)]) {
    const key = await keys.generateSigningKey({
      name: `${name}-${owner.startsWith("SEQ") ? "sequencer" : "mediator"}-signing`,
    });
    await manager.authorize({ kind: "OwnerToKeyMapping", owner, key: { purpose: "signing", key } }, "Add");
  }
  await manager.authorize(
    { kind: "DomainParametersChange", domain: domainId, parameters: defaultDynamicDomainParameters() },
    "Replace",
  );
  const mediator = mediatorMember(domainId);
  await manager.authorize({ kind: "MediatorDomainState", side: "Both", domain: domainId, mediator }, "Add");
  return {
    node,
    domainId,
    authorized: async (after = 0n) => (await manager.store.log(after)).map(({ signed }) => signed),
    message: async (transactions, over = {}) => {
      const key = manager.state.keysOf(domainManagerMember(domainId)).signing[0];
      if (key === undefined) throw new Error("the domain manager has no key");
      return signDomainTopologyMessage(
        { domainId, notSequencedAfter: startOfTime * 2n, transactions: [...transactions], ...over },
        (content) => keys.sign(key.id, "domain-topology-message", content),
      );
    },
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}

/** An event that holds messages, one second after the one before it. */
export function eventOf(
  counter: number,
  ...messages: readonly (DomainTopologyMessage | Buffer)[]
): SequencedTopologyEvent {
  return {
    counter: BigInt(counter),
    timestamp: startOfTime + BigInt(counter) * 1_000_000n,
    envelopes: messages.map((message) => ({
      content: Buffer.isBuffer(message) ? message : encodeEnvelopeContent({ kind: "domain-topology-message", message }),
    })),
  };
}

/** A processor of a node for its member on a domain. */
export async function openTestProcessor(
  { database, stores }: Pick<TestNode, "database" | "stores">,
  domainId: string,
  member = "PAR::test::1220",
): Promise<TopologyProcessor> {
  return TopologyProcessor.open({ database, store: await stores.open(domainId), domainId, member, logger: quiet });
}
