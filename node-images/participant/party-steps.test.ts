/** The eleven steps in which a party gets onto a domain, parties on several nodes, and what `participants.set_state` does to them. */
import { setState, snapshotAt } from "@pulumi-canton/domain-manager/testing/admin.ts";
import type { DomainTopologyMessage } from "@pulumi-canton/protocol/envelope/domain-topology-message.ts";
import { decodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import { decodeSequencedEvent } from "@pulumi-canton/protocol/envelope/sequenced-event.ts";
import { decodeSignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";
import { decodeSubmissionRequest } from "@pulumi-canton/protocol/envelope/submission-request.ts";
import { PartyManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { PartyNameManagementServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/party_name_management.ts";
import {
  ParticipantPermission,
  RequestSide,
  TopologyChangeOp,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import {
  ListPartiesRequest,
  TopologyAggregationServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_aggregation_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { decodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connectAgain,
  connectedDomains,
  connection,
  connectTo,
  deadlineMs,
  enableParty,
  type ParticipantApis,
  PermissionedDomain,
  partiesOf,
  queued,
  topologyOf,
  uidOf,
} from "./testing/permissioned-domain.ts";
import { startSequencerBetween } from "./testing/sequencer-between.ts";
import { refusalOf } from "./testing/served.ts";
import { startTestParticipant, type TestParticipant } from "./testing/test-participant.ts";

const waiting = { timeout: 20_000 };

/** Permissioned, and open. */
let domain: PermissionedDomain;
let open: PermissionedDomain;
/** Two participants that are on both. */
let alice: TestParticipant;
let bob: TestParticipant;
/** What alice and the sequencer of the permissioned domain say to each other. */
let between: Awaited<ReturnType<typeof startSequencerBetween>>;

async function participant(name: string): Promise<TestParticipant> {
  const { storage } = await domain.database();
  const node = await startTestParticipant({ name, storage });
  await domain.set(await uidOf(node), "Submission");
  return node;
}

beforeAll(async () => {
  domain = await PermissionedDomain.start(1);
  open = await PermissionedDomain.start(1, { policy: "open" });
  between = await startSequencerBetween(domain.urls[0] ?? "");
  alice = await participant("alice");
  bob = await participant("bob");
  await connectTo(alice, connection({ ...domain, urls: [between.url] }));
  await connectTo(bob, connection(domain));
  for (const node of [alice, bob]) await connectTo(node, connection(open, { domainAlias: "open" }));
});

afterAll(async () => {
  for (const node of [alice, bob]) await node?.stop();
  await between?.[Symbol.asyncDispose]();
  await open?.[Symbol.asyncDispose]();
  await domain?.[Symbol.asyncDispose]();
});

const namespaceOf = (uid: string) => uid.split("::")[1] ?? "";

/** `topology.party_to_participant_mappings.authorize`, at a participant. */
async function authorize(
  at: ParticipantApis,
  mapping: {
    party: string;
    participant: string;
    side?: RequestSide;
    permission?: keyof typeof ParticipantPermission;
    change?: TopologyChangeOp;
    replaceExisting?: boolean;
  },
): Promise<Buffer> {
  const { change = TopologyChangeOp.Add, replaceExisting = false, side = RequestSide.Both } = mapping;
  const request = {
    authorization: { change, signedBy: "", replaceExisting, forceChange: false },
    side,
    party: mapping.party,
    participant: `PAR::${mapping.participant}`,
    permission: ParticipantPermission[mapping.permission ?? "Submission"],
  };
  const client = at.admin(TopologyManagerWriteServiceClient);
  return (await call(client, "authorizePartyToParticipant", request, { deadlineMs })).serialized;
}

const nameOfPermission = (permission: ParticipantPermission) =>
  Object.entries(ParticipantPermission).find(([, number]) => number === permission)?.[0];

/** `parties.list`: for every party its hosts, and their permission on each domain, by the domain's alias. */
async function list(node: ParticipantApis, filters: Partial<ListPartiesRequest> = {}) {
  const client = node.admin(TopologyAggregationServiceClient);
  const request = ListPartiesRequest.fromPartial({ limit: 1000, ...filters });
  const { results } = await call(client, "listParties", request, { deadlineMs });
  return results.map(({ party, participants }) => [
    party,
    Object.fromEntries(
      participants.map((host) => [
        host.participant,
        Object.fromEntries(
          host.domains.map((each) => [
            each.domain === domain.domainId ? "mydomain" : "open",
            nameOfPermission(each.permission),
          ]),
        ),
      ]),
    ),
  ]);
}

/** The items of a participant's store that are about a party. */
async function itemsAbout(port: number, store: string, party: string, which: "state" | "history" = "state") {
  const { items } = await snapshotAt(port, store, which);
  return items.flatMap((item) => {
    const { mapping, operation } = decodeSignedTransaction(item.transaction).transaction;
    return "party" in mapping && mapping.party === party ? [{ ...item, operation }] : [];
  });
}

const inStore = async (node: ParticipantApis, store: string, party: string) =>
  (await topologyOf(node, store)).filter((base64) => {
    const { mapping } = decodeSignedTransaction(Buffer.from(base64, "base64")).transaction;
    return "party" in mapping && mapping.party === party;
  });

/** The topology messages that alice was sent about a party, with their recipients and when they were sequenced. */
function messagesAbout(party: string) {
  const about = ({ transactions }: DomainTopologyMessage) =>
    transactions.some(({ transaction: { mapping } }) => "party" in mapping && mapping.party === party);
  return between.of("subscribeVersioned").flatMap(({ answer }) =>
    answer.flatMap((event: { signedSequencedEvent: Buffer }) => {
      const decoded = decodeSequencedEvent(decodeSignedContent(event.signedSequencedEvent).content, 10_000_000);
      if (decoded.kind !== "deliver") return [];
      return decoded.envelopes.flatMap(({ content, recipients }) => {
        const read = decodeEnvelopeContent(content);
        if (read.kind !== "domain-topology-message" || !about(read.message)) return [];
        return [{ recipients, timestamp: decoded.timestamp }];
      });
    }),
  );
}

/** The requests of alice to the domain manager about a party. */
function requestsAbout(party: string) {
  return between.of("sendAsyncVersioned").flatMap(({ request }) => {
    const { envelopes } = decodeSubmissionRequest(decodeSignedContent(request.signedSubmissionRequest).content, 1e7);
    return envelopes.flatMap(({ content, recipients }) => {
      const read = decodeEnvelopeContent(content);
      if (read.kind !== "register-topology-request") return [];
      const about = read.request.transactions.filter(
        ({ transaction: { mapping } }) => "party" in mapping && mapping.party === party,
      );
      return about.length === 0 ? [] : [{ recipients, request: read.request, about }];
    });
  });
}

describe("life of a party", () => {
  test("party steps 1 and 2: the party is named in the namespace of the participant, which the participant tells", async () => {
    const uid = await uidOf(alice);
    expect(uid).toMatch(/^alice::1220[0-9a-f]{64}$/);
    const party = await enableParty(alice, "Step2");
    expect(party).toBe(`Step2::${namespaceOf(uid)}`);
    await expect.poll(async () => (await partiesOf(bob)).get(party), waiting).toBe(false);
  });

  test("party steps 3 and 4: the mapping is authorised on the admin API, tested against the local topology, and stored, or refused", async () => {
    const uid = await uidOf(alice);
    const party = `Step4::${namespaceOf(uid)}`;
    const serialized = await authorize(alice, { party, participant: uid });
    const stored = await inStore(alice, "Authorized", party);
    expect(stored.map((base64) => decodeSignedTransaction(Buffer.from(base64, "base64")).uniquePath)).toEqual([
      decodeSignedTransaction(serialized).uniquePath,
    ]);
    expect(await refusalOf(authorize(alice, { party, participant: uid }))).toMatchObject({
      reason: "TOPOLOGY_MAPPING_ALREADY_EXISTS",
    });
    const foreign = `Step4::${namespaceOf(await uidOf(bob))}`;
    expect(await refusalOf(authorize(alice, { party: foreign, participant: uid }))).toMatchObject({
      reason: "NO_APPROPRIATE_SIGNING_KEY_IN_STORE",
    });
    expect(await inStore(alice, "Authorized", party)).toEqual(stored);
    expect(await inStore(alice, "Authorized", foreign)).toEqual([]);
  });

  test("party step 5: the dispatcher asks the domain managers of all domains, through the sequencers", async () => {
    const party = await enableParty(alice, "Step5");
    await expect.poll(() => queued(alice), waiting).toBe(0);
    const [request, ...more] = requestsAbout(party);
    expect(more).toEqual([]);
    expect(request?.recipients).toEqual([`DOM::${domain.domainId}`]);
    expect(request?.request.participant).toBe(`PAR::${await uidOf(alice)}`);
    expect(await list(alice, { filterParty: party })).toEqual([
      [party, { [`PAR::${await uidOf(alice)}`]: { mydomain: "Submission", open: "Submission" } }],
    ]);
  });

  test("party step 6: the policy decides: an open domain takes parties of participants that nobody listed, a permissioned one does not", async () => {
    const { storage } = await domain.database();
    await using node = await startTestParticipant({ name: "unlisted", storage });
    await connectTo(node, connection(open, { domainAlias: "open" }));
    await expect(connectTo(node, connection(domain))).rejects.toMatchObject({ reason: "PARTICIPANT_IS_NOT_ACTIVE" });
    const party = await enableParty(node, "Step6");
    const hosts = { [`PAR::${await uidOf(node)}`]: { open: "Submission" } };
    await expect.poll(() => list(bob, { filterParty: party }), waiting).toEqual([[party, hosts]]);
  });

  test("party steps 7 and 8: what is approved is tested against the topology of the domain, and stored by its manager, once", async () => {
    const party = await enableParty(alice, "Step8");
    await expect.poll(async () => (await partiesOf(alice)).get(party), waiting).toBe(true);
    expect(await itemsAbout(domain.adminPort, "Authorized", party)).toHaveLength(1);
    await expect.poll(() => itemsAbout(domain.adminPort, domain.domainId, party), waiting).toHaveLength(1);
  });

  test("party steps 9 and 10: the change goes to all participants and back to the domain, at one time that the sequencer gives", async () => {
    const party = await enableParty(alice, "Step10");
    await expect.poll(async () => (await partiesOf(bob)).get(party), waiting).toBe(false);
    await expect.poll(async () => (await partiesOf(alice)).get(party), waiting).toBe(true);
    const [message, ...more] = messagesAbout(party);
    expect(more).toEqual([]);
    const { domainId } = domain;
    const participants = [`PAR::${await uidOf(alice)}`, `PAR::${await uidOf(bob)}`];
    expect(message?.recipients).toEqual(
      expect.arrayContaining([`DOM::${domainId}`, `SEQ::${domainId}`, `MED::${domainId}`, ...participants]),
    );
    const sequenced = async () => (await itemsAbout(domain.adminPort, domainId, party)).map((item) => item.sequenced);
    await expect.poll(sequenced, waiting).toEqual([timestampToProto(message?.timestamp as bigint)]);
  });

  test("party step 11: every participant has it from the same time on, and not before", async () => {
    const party = await enableParty(alice, "Step11");
    await expect.poll(async () => (await partiesOf(bob)).get(party), waiting).toBe(false);
    await expect.poll(async () => (await partiesOf(alice)).get(party), waiting).toBe(true);
    const time = messagesAbout(party)[0]?.timestamp as bigint;
    for (const node of [alice, bob]) {
      const at = (micros: bigint) =>
        list(node, { filterParty: party, filterDomain: domain.domainId, asOf: timestampToProto(micros) });
      expect(await at(time - 1n)).toEqual([]);
      expect(await at(time + 1n)).toHaveLength(1);
    }
    expect(await topologyOf(alice, domain.domainId)).toEqual(await topologyOf(bob, domain.domainId));
  });
});

describe("parties", () => {
  test("disable: the party is hosted no more, here and there, and its past stays", async () => {
    const uid = await uidOf(alice);
    const party = await enableParty(alice, "Gottlieb");
    await expect.poll(() => list(bob, { filterParty: "Gottlieb" }), waiting).toHaveLength(1);
    await expect.poll(() => queued(alice), waiting).toBe(0);
    await authorize(alice, { party, participant: uid, change: TopologyChangeOp.Remove });
    await expect.poll(() => list(bob, { filterParty: "Gottlieb" }), waiting).toEqual([]);
    await expect.poll(() => list(alice, { filterParty: "Gottlieb" }), waiting).toEqual([]);
    const history = await itemsAbout(domain.adminPort, domain.domainId, party, "history");
    expect(history.map(({ operation }) => operation)).toEqual(["Add", "Remove"]);
  });

  test("list: filters by party, participant and domain, and a limit", async () => {
    const names = ["FilterA", "FilterB", "FilterC"];
    const parties: string[] = [];
    for (const name of names) parties.push(await enableParty(alice, name));
    const other = await enableParty(bob, "FilterA");
    await expect.poll(() => list(bob, { filterParty: "Filter" }), waiting).toHaveLength(4);
    const named = async (filters: Partial<ListPartiesRequest>) => (await list(bob, filters)).map(([party]) => party);
    expect((await named({ filterParty: "FilterA" })).sort()).toEqual([parties[0], other].sort());
    expect(await named({ filterParty: parties[1] as string })).toEqual([parties[1]]);
    expect((await named({ filterParty: "Filter", filterParticipant: await uidOf(alice) })).sort()).toEqual(parties);
    expect(await named({ filterParty: "Filter", filterParticipant: "bob" })).toEqual([other]);
    expect(await named({ filterParty: "Filter", limit: 2 })).toHaveLength(2);
    const [[, hosts] = []] = await list(bob, { filterParty: other, filterDomain: open.domainId });
    expect(hosts).toEqual({ [`PAR::${await uidOf(bob)}`]: { open: "Submission" } });
    expect(await named({ filterParty: "Filter", filterDomain: "nosuch" })).toEqual([]);
  });

  test("display names are this participant's own", async () => {
    const party = await enableParty(alice, "Named");
    await expect.poll(async () => (await partiesOf(bob)).has(party), waiting).toBe(true);
    const names = alice.admin(PartyNameManagementServiceClient);
    await call(names, "setPartyDisplayName", { partyId: party, displayName: "Named N" }, { deadlineMs });
    const nameAt = async (node: ParticipantApis) => {
      const request = { parties: [party], identityProviderId: "" };
      const client = node.ledger(PartyManagementServiceClient);
      return (await call(client, "getParties", request, { deadlineMs })).partyDetails[0]?.displayName;
    };
    expect(await nameAt(alice)).toBe("Named N");
    expect(await nameAt(bob)).toBe("");
  });

  test("on two nodes: To on the target, then From by the party's owner; each host has its permission; disabled at one it stays at the other", async () => {
    const [owner, target] = [await uidOf(alice), await uidOf(bob)];
    const party = await enableParty(alice, "Both");
    const hosts = async (node: ParticipantApis) =>
      (await list(node, { filterParty: party, filterDomain: domain.domainId }))[0]?.[1];
    const one = { [`PAR::${owner}`]: { mydomain: "Submission" } };
    const here = { party, participant: target };
    await authorize(bob, { ...here, side: RequestSide.To, permission: "Confirmation", replaceExisting: true });
    await expect.poll(() => queued(bob), waiting).toBe(0);
    await expect.poll(() => hosts(bob), waiting).toEqual(one);
    await authorize(alice, { ...here, side: RequestSide.From, replaceExisting: true });
    const two = { ...one, [`PAR::${target}`]: { mydomain: "Confirmation" } };
    for (const node of [alice, bob]) await expect.poll(() => hosts(node), waiting).toEqual(two);
    // What the Ledger API knows is of all domains together: the other one learns it in its own time.
    const hostedByBob = async () => (await partiesOf(bob)).get(party);
    await expect.poll(hostedByBob, waiting).toBe(true);

    // The permission per host is changed by either side; the lesser counts.
    await authorize(alice, { ...here, side: RequestSide.From, permission: "Observation", replaceExisting: true });
    const less = { ...one, [`PAR::${target}`]: { mydomain: "Observation" } };
    for (const node of [alice, bob]) await expect.poll(() => hosts(node), waiting).toEqual(less);

    await authorize(bob, {
      ...here,
      side: RequestSide.To,
      permission: "Confirmation",
      change: TopologyChangeOp.Remove,
    });
    for (const node of [alice, bob]) await expect.poll(() => hosts(node), waiting).toEqual(one);
    await expect.poll(hostedByBob, waiting).toBe(false);
  });
});

describe("participants.set_state", () => {
  test.each(["Submission", "Confirmation", "Observation"] as const)(
    "%s: from the sequenced time on it is the most that the participant's parties may do there; other domains are not concerned",
    async (permission) => {
      const uid = await uidOf(bob);
      const party = await enableParty(bob, `State${permission}`);
      const hosting = async (node: ParticipantApis, filters: Partial<ListPartiesRequest> = {}) =>
        (await list(node, { filterParty: party, ...filters }))[0]?.[1];
      const all = { [`PAR::${uid}`]: { mydomain: "Submission", open: "Submission" } };
      await expect.poll(() => hosting(alice), waiting).toEqual(all);
      if (permission === "Submission") return;
      await domain.set(uid, permission);
      const limited = { [`PAR::${uid}`]: { mydomain: permission, open: "Submission" } };
      for (const node of [alice, bob]) await expect.poll(() => hosting(node), waiting).toEqual(limited);
      expect((await connectedDomains(bob)).sort()).toEqual(["mydomain", "open"]);
      // Later parties too, and topology can still be changed.
      const later = await enableParty(bob, `Later${permission}`);
      await expect.poll(async () => (await list(alice, { filterParty: later }))[0]?.[1], waiting).toEqual(limited);
      await domain.set(uid, "Submission");
      await expect.poll(() => hosting(alice), waiting).toEqual(all);
    },
  );

  test("trust levels: every participant learns them, with the permission", async () => {
    const member = `PAR::${await uidOf(bob)}`;
    const stateAt = async (node: ParticipantApis) =>
      (await topologyOf(node, domain.domainId)).flatMap((base64) => {
        const { mapping } = decodeSignedTransaction(Buffer.from(base64, "base64")).transaction;
        const isDomainsWord =
          mapping.kind === "ParticipantState" && mapping.side === "From" && mapping.participant === member;
        return isDomainsWord ? [[mapping.permission, mapping.trustLevel]] : [];
      });
    for (const trustLevel of ["Vip", "Ordinary"] as const) {
      await setState(domain.adminPort, domain.domainId, member, "Submission", trustLevel);
      for (const node of [alice, bob]) {
        await expect.poll(() => stateAt(node), waiting).toEqual([["Submission", trustLevel]]);
      }
    }
  });

  test("Disabled: disconnected at once, refused with the reason, parties gone for others and allocation refused; and back with Submission", async () => {
    await using node = await participant("disabled");
    const uid = await uidOf(node);
    await connectTo(node, connection(domain));
    const party = await enableParty(node, "Disabled");
    await expect.poll(async () => (await partiesOf(bob)).has(party), waiting).toBe(true);
    await domain.set(uid, "Disabled");
    await expect.poll(() => connectedDomains(node), waiting).toEqual([]);
    await expect.poll(async () => (await partiesOf(bob)).has(party), waiting).toBe(false);
    expect((await refusalOf(connectAgain(node))).metadata.serverResponse).toMatch(/disabled.*participants\.set_state/);
    const request = { partyIdHint: "Nope", displayName: "", localMetadata: undefined, identityProviderId: "" };
    const allocation = call(node.ledger(PartyManagementServiceClient), "allocateParty", request, { deadlineMs });
    expect(await refusalOf(allocation)).toMatchObject({ reason: "PARTY_ALLOCATION_WITHOUT_CONNECTED_DOMAIN" });
    const client = node.admin(DomainConnectivityServiceClient);
    const { results } = await call(client, "listConfiguredDomains", {}, { deadlineMs });
    expect(results.map(({ connected }) => connected)).toEqual([false]);
    await domain.set(uid, "Submission");
    await expect.poll(() => connectedDomains(node), waiting).toEqual(["mydomain"]);
    await expect.poll(async () => (await partiesOf(bob)).has(party), waiting).toBe(true);
  });
});
