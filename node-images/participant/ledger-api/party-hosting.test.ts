import { participantInitialisation } from "@pulumi-canton/topology/auto-initialisation.ts";
import { startTestNode, type TestNode } from "@pulumi-canton/topology/testing/test-node.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AuthorizedEntry } from "../domain/authorized-log.ts";
import type { DomainSession } from "../domain/domain-session.ts";
import type { Refusal } from "../domain/onboarding.ts";
import { participantMemberOf } from "../domain/participant-member.ts";
import type { RejectionListener } from "../domain/topology-dispatcher.ts";
import { refusalOf } from "../testing/served.ts";
import { hostParty } from "./party-hosting.ts";

let node: TestNode;
let uid: string;

beforeAll(async () => {
  node = await startTestNode("alice");
  uid = await node.initialise(participantInitialisation);
});

afterAll(() => node?.[Symbol.asyncDispose]());

/** A connection to a domain that says nothing but what the test has it say. */
function connected(domainId: string) {
  const ended = Promise.withResolvers<Refusal | undefined>();
  const listeners = new Set<RejectionListener>();
  const offered: string[] = [];
  const session: DomainSession = {
    domainId,
    healthy: () => true,
    lastTimestamp: () => undefined,
    awaitTime: async () => undefined,
    fetchTime: async () => 0n,
    dispatcher: {
      queues: async () => ({ dispatcher: 0, clients: 0 }),
      rejections: async () => [],
      offerAgain: () => void offered.push(domainId),
      onRejected: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    ended: ended.promise,
    close: async () => undefined,
  };
  return {
    session,
    offered,
    listeners,
    /** The domain rejects everything that this node has authorised so far. */
    reject: async (reason: string) => {
      for (const entry of await node.manager.store.log(0n)) {
        for (const listener of listeners) listener(entry as AuthorizedEntry, reason);
      }
    },
    end: ended.resolve,
  };
}

const host = (party: string, sessions: readonly DomainSession[]) =>
  hostParty({
    party: `${party}::${uid.split("::")[1]}`,
    member: participantMemberOf("alice", () => uid),
    manager: node.manager,
    stores: node.stores,
    sessions,
    signal: new AbortController().signal,
  });

test("a domain's refusal of the party ends the allocation with its reason, and the next allocation offers it again", async () => {
  const domain = connected(`one::${uid.split("::")[1]}`);
  const allocation = refusalOf(host("Bob", [domain.session]));
  const authorised = async () =>
    (await node.manager.store.log(0n)).some(({ signed }) => signed.transaction.mapping.kind === "PartyToParticipant");
  await expect.poll(authorised).toBe(true);
  await domain.reject("no more parties here");
  const refusal = await allocation;
  expect(refusal).toMatchObject({ reason: "PARTY_ALLOCATION_REJECTED", category: 9 });
  expect(refusal.message).toContain("no more parties here");
  expect(domain.offered).toEqual([]);
  const again = refusalOf(host("Bob", [domain.session]));
  await expect.poll(() => domain.offered).toEqual([domain.session.domainId]);
  await domain.reject("still no more");
  expect((await again).message).toContain("still no more");
});

test("the loss of the connection ends the allocation", async () => {
  const domain = connected(`two::${uid.split("::")[1]}`);
  const allocation = refusalOf(host("Carol", [domain.session]));
  await expect.poll(() => domain.listeners.size).toBe(1);
  domain.end({ kind: "not-active", reason: "the participant is disabled" });
  expect(await allocation).toMatchObject({
    reason: "PARTY_ALLOCATION_WITHOUT_CONNECTED_DOMAIN",
    message: expect.stringContaining("the participant is disabled"),
  });
});
