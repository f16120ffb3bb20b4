import {
  ListAllRequest,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import {
  decodeSignedTransaction,
  encodeSignedTransaction,
  type SignedTopologyTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { expect, test } from "vitest";
import {
  connectedDomains,
  connection,
  connectTo,
  deadlineMs,
  disableParty,
  enableParty,
  type ParticipantApis,
  PermissionedDomain,
  partiesOf,
  queued,
  topologyOf,
  uidOf,
} from "./testing/permissioned-domain.ts";
import { startTestParticipant } from "./testing/test-participant.ts";

const waiting = { timeout: 30_000 };

/** What is in force in a store about a party. */
async function about(node: ParticipantApis, store: string, party: string): Promise<SignedTopologyTransaction[]> {
  const request = ListAllRequest.fromPartial({
    baseQuery: { filterStore: store, useStateStore: true, timeQuery: { $case: "headState", value: {} } },
  });
  const { result } = await call(node.admin(TopologyManagerReadServiceClient), "listAll", request, { deadlineMs });
  return (result?.items ?? [])
    .map(({ transaction }) => decodeSignedTransaction(transaction))
    .filter(({ transaction: { mapping } }) => mapping.kind === "PartyToParticipant" && mapping.party === party);
}

test("a participant on an older copy reads on; what its Authorized store lacks can be taken back in from the domain", {
  timeout: 120_000,
}, async () => {
  await using domain = await PermissionedDomain.start(1);
  const { domainId } = domain;
  const database = await domain.database();
  const { storage } = database;
  let party: string;
  let expected: string[];
  {
    await using alice = await startTestParticipant({ name: "alice", storage });
    await domain.set(await uidOf(alice), "Submission");
    await connectTo(alice, connection(domain));
    await enableParty(alice, "Before");
    await expect.poll(() => queued(alice), waiting).toBe(0);
  }
  const putBack = await database.backup();
  {
    await using alice = await startTestParticipant({ name: "alice", storage });
    await expect.poll(() => connectedDomains(alice), waiting).toEqual(["mydomain"]);
    party = await enableParty(alice, "Forgotten");
    await expect.poll(async () => (await partiesOf(alice)).has(party), waiting).toBe(true);
    expected = await topologyOf(alice, domainId);
  }
  await putBack();

  await using alice = await startTestParticipant({ name: "alice", storage });
  await expect.poll(() => connectedDomains(alice), waiting).toEqual(["mydomain"]);
  await expect.poll(() => topologyOf(alice, domainId), waiting).toEqual(expected);
  // In force on the domain, though the participant's own store knows nothing of it.
  expect((await partiesOf(alice)).get(party)).toBe(true);
  const [lost] = await about(alice, domainId, party);
  expect(await about(alice, "Authorized", party)).toEqual([]);
  await expect(disableParty(alice, party)).rejects.toMatchObject({ reason: "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE" });

  const write = alice.admin(TopologyManagerWriteServiceClient);
  const serialized = encodeSignedTransaction(lost as SignedTopologyTransaction);
  await call(write, "addSignedTopologyTransaction", { serialized }, { deadlineMs });
  await expect.poll(() => queued(alice), waiting).toBe(0);
  expect(await topologyOf(alice, domainId)).toEqual(expected);
  await disableParty(alice, party);
  await expect.poll(async () => (await about(alice, domainId, party)).length, waiting).toBe(0);
  expect(alice.failures).toEqual([]);
});
