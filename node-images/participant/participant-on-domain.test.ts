import { PartyManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { KeyPurpose } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { DomainTimeServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/domain_time_service.ts";
import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { ParticipantStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/participant_status_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { timestampFromProto, timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connectAgain,
  connectedDomains,
  connection,
  connectTo,
  deadlineMs,
  enableParty,
  PermissionedDomain,
  partiesOf,
  queued,
  register,
  topologyOf,
  uidOf,
} from "./testing/permissioned-domain.ts";
import { refusalOf } from "./testing/served.ts";
import { startTestParticipant } from "./testing/test-participant.ts";

const waiting = { timeout: 20_000 };

let domain: PermissionedDomain;

beforeAll(async () => {
  domain = await PermissionedDomain.start();
});

afterAll(async () => {
  await domain?.[Symbol.asyncDispose]();
});

async function participant(name: string) {
  const { storage } = await domain.database();
  return startTestParticipant({ name, storage });
}

describe("a participant on a permissioned domain", () => {
  test("is refused with its id, then admitted; its parties are seen by the others; the topology is the same everywhere", async () => {
    await using alice = await participant("alice");
    await using bob = await participant("bob");
    await register(alice, connection(domain));
    const aliceUid = await uidOf(alice);
    const refusal = await refusalOf(connectAgain(alice));
    expect(refusal).toMatchObject({ reason: "PARTICIPANT_IS_NOT_ACTIVE", category: 9 });
    expect(refusal.metadata.serverResponse).toContain(aliceUid);
    expect(await connectedDomains(alice)).toEqual([]);

    await domain.set(aliceUid, "Submission");
    await domain.set(await uidOf(bob), "Submission");
    expect(await connectAgain(alice)).toBe(true);
    expect(await connectedDomains(alice)).toEqual(["mydomain"]);
    await connectTo(bob, connection(domain));

    const party = await enableParty(alice, "Alice");
    await expect.poll(() => queued(alice), waiting).toBe(0);
    expect((await partiesOf(alice)).get(party)).toBe(true);
    await expect.poll(async () => (await partiesOf(bob)).get(party), waiting).toBe(false);

    const ledger = bob.ledger(PartyManagementServiceClient);
    const { partyDetails } = await call(
      ledger,
      "allocateParty",
      {
        partyIdHint: "Bob",
        displayName: "Bob B",
        localMetadata: { resourceVersion: "", annotations: { k: "v" } },
        identityProviderId: "",
      },
      { deadlineMs },
    );
    expect(partyDetails).toMatchObject({
      displayName: "Bob B",
      isLocal: true,
      localMetadata: { resourceVersion: "0" },
    });
    await expect.poll(async () => (await partiesOf(alice)).has(partyDetails?.party ?? ""), waiting).toBe(true);
    const here = await topologyOf(alice, domain.domainId);
    expect(here.length).toBeGreaterThan(10);
    await expect.poll(() => topologyOf(bob, domain.domainId), waiting).toEqual(here);
    expect([...alice.failures, ...bob.failures]).toEqual([]);
  });

  test("connects by itself when it starts again, and takes there what was authorised meanwhile", async () => {
    const { storage } = await domain.database();
    let party: string;
    {
      await using carol = await startTestParticipant({ name: "carol", storage });
      await domain.set(await uidOf(carol), "Submission");
      await connectTo(carol, connection(domain));
      await call(
        carol.admin(DomainConnectivityServiceClient),
        "disconnectDomain",
        { domainAlias: "mydomain" },
        { deadlineMs },
      );
      party = await enableParty(carol, "Carol");
      expect((await partiesOf(carol)).has(party)).toBe(false);
    }
    await using carol = await startTestParticipant({ name: "carol", storage });
    await expect.poll(() => connectedDomains(carol), waiting).toEqual(["mydomain"]);
    await expect.poll(async () => (await partiesOf(carol)).get(party), waiting).toBe(true);
    await expect.poll(() => queued(carol), waiting).toBe(0);
  });

  test("is disconnected when it is disabled, and is back, with all that it missed, once it is enabled", async () => {
    await using dave = await participant("dave");
    await using erin = await participant("erin");
    const daveUid = await uidOf(dave);
    await domain.set(daveUid, "Submission");
    await domain.set(await uidOf(erin), "Submission");
    await connectTo(dave, connection(domain));
    await connectTo(erin, connection(domain));
    await domain.set(daveUid, "Disabled");
    await expect.poll(() => connectedDomains(dave), waiting).toEqual([]);
    expect((await refusalOf(connectAgain(dave))).metadata.serverResponse).toContain("disabled");
    const missed = await enableParty(erin, "Erin");
    await expect.poll(() => queued(erin), waiting).toBe(0);
    await domain.set(daveUid, "Submission");
    await expect.poll(() => connectedDomains(dave), waiting).toEqual(["mydomain"]);
    await expect.poll(async () => (await partiesOf(dave)).get(missed), waiting).toBe(false);
    const expected = await topologyOf(erin, domain.domainId);
    await expect.poll(() => topologyOf(dave, domain.domainId), waiting).toEqual(expected);
  });

  test("refuses a domain that is another one than was pinned, and a second alias of the same one", async () => {
    await using frank = await participant("frank");
    await domain.set(await uidOf(frank), "Submission");
    const uid = await uidOf(frank);
    await register(frank, connection(domain, { domainAlias: "pinned", domainId: uid }));
    expect(await refusalOf(connectAgain(frank, "pinned"))).toMatchObject({
      reason: "DOMAIN_ID_MISMATCH",
      metadata: { expected: uid, observed: domain.domainId },
    });
    await connectTo(frank, connection(domain));
    await register(frank, connection(domain, { domainAlias: "again", domainId: "" }));
    const refusal = await refusalOf(connectAgain(frank, "again"));
    expect(refusal).toMatchObject({ reason: "DOMAIN_HANDSHAKE_FAILED" });
    expect(refusal.metadata.reason).toContain("mydomain");
  });

  test("is on several domains under different aliases, each with its own topology", async () => {
    await using other = await PermissionedDomain.start(1);
    await using grace = await participant("grace");
    const uid = await uidOf(grace);
    await domain.set(uid, "Submission");
    await other.set(uid, "Submission");
    await connectTo(grace, connection(domain));
    await connectTo(grace, connection(other, { domainAlias: "other" }));
    expect(await connectedDomains(grace)).toEqual(["mydomain", "other"]);
    const party = await enableParty(grace, "Grace");
    await expect.poll(() => queued(grace), waiting).toBe(0);
    expect((await partiesOf(grace)).get(party)).toBe(true);
    expect(await topologyOf(grace, other.domainId)).not.toEqual(await topologyOf(grace, domain.domainId));
  });

  test("outlives an outage of all sequencers, on a quiet domain too", async () => {
    await using ivan = await participant("ivan");
    await domain.set(await uidOf(ivan), "Submission");
    await connectTo(ivan, connection(domain));
    await domain.withoutSequencers(async () => {
      await expect.poll(() => connectedDomains(ivan), waiting).toEqual([]);
    });
    await expect.poll(() => connectedDomains(ivan), waiting).toEqual(["mydomain"]);
    const party = await enableParty(ivan, "Ivan");
    await expect.poll(async () => (await partiesOf(ivan)).get(party), waiting).toBe(true);
  });

  test("outlives the loss of all its database connections", async () => {
    const database = await domain.database();
    await using judy = await startTestParticipant({ name: "judy", storage: database.storage });
    await domain.set(await uidOf(judy), "Submission");
    await connectTo(judy, connection(domain));
    expect(await database.terminateConnections()).toBeGreaterThan(0);
    // It led, and does so again: its identity, its connection and what it dispatches are as before.
    const enabled = () =>
      enableParty(judy, "Judy").then(
        () => true,
        // An attempt whose answer was lost may have done it.
        (error: unknown) => isCantonError(error) && error.reason === "TOPOLOGY_MAPPING_ALREADY_EXISTS",
      );
    await expect.poll(() => connectedDomains(judy).catch(() => []), waiting).toEqual(["mydomain"]);
    await expect.poll(enabled, waiting).toBe(true);
    await expect
      .poll(async () => [...(await partiesOf(judy)).keys()].some((party) => party.startsWith("Judy")), waiting)
      .toBe(true);
    expect(judy.failures).toEqual([]);
  });

  test("party step 7: tells what a domain did not take, and why, and goes on with the rest", async () => {
    await using mallory = await participant("mallory");
    await domain.set(await uidOf(mallory), "Submission");
    await connectTo(mallory, connection(domain));
    // A mediator in its own namespace: fine by its own topology manager, but no business of a participant's on the domain.
    const client = mallory.admin(TopologyManagerWriteServiceClient);
    const { publicKey } = await call(
      mallory.admin(VaultServiceClient),
      "generateSigningKey",
      { keyScheme: 0, name: "k" },
      { deadlineMs },
    );
    const uid = await uidOf(mallory);
    await call(
      client,
      "authorizeOwnerToKeyMapping",
      {
        authorization: { change: 0, signedBy: "", replaceExisting: false, forceChange: false },
        keyOwner: `MED::${uid}`,
        fingerprintOfKey: publicKey?.id ?? "",
        keyPurpose: KeyPurpose.SigningKeyPurpose,
      },
      { deadlineMs },
    );
    const party = await enableParty(mallory, "Mallory");
    await expect.poll(() => queued(mallory), waiting).toBe(0);
    expect((await partiesOf(mallory)).get(party)).toBe(true);
    const { kind } = await call(mallory.admin(ParticipantStatusServiceClient), "participantStatus", {}, { deadlineMs });
    if (kind?.$case !== "status") throw new Error("no status");
    const dispatcher = kind.value.commonStatus?.components.find(({ name }) => name === "topology-dispatcher");
    expect(dispatcher?.status).toMatchObject({
      $case: "degraded",
      value: { description: expect.stringMatching(/has not taken 1 topology transactions.*registered by the domain/) },
    });
  });

  test("tells the time of the domain, and waits for it", async () => {
    await using niaj = await participant("niaj");
    await domain.set(await uidOf(niaj), "Submission");
    await connectTo(niaj, connection(domain));
    const client = niaj.admin(DomainTimeServiceClient);
    const fetch = async () => {
      const { timestamp } = await call(
        client,
        "fetchTime",
        { domainId: undefined, freshnessBound: undefined },
        { deadlineMs },
      );
      return timestampFromProto(timestamp);
    };
    const first = await fetch();
    expect(await fetch()).toBeGreaterThan(first);
    const later = timestampToProto(first + 500_000n);
    await call(client, "awaitTime", { domainId: domain.domainId, timestamp: later }, { deadlineMs });
    expect(await fetch()).toBeGreaterThanOrEqual(first + 500_000n);
    const other = { domainId: "x::y", timestamp: later };
    expect(await refusalOf(call(client, "awaitTime", other, { deadlineMs }))).toMatchObject({
      reason: "DOMAIN_TIME_NOT_CONNECTED",
    });
  });

  test("an unreachable sequencer is named, with what to look at", async () => {
    await using heidi = await participant("heidi");
    await register(heidi, {
      ...connection(domain, { domainAlias: "nowhere" }),
      sequencerConnections: [
        {
          type: {
            $case: "grpc",
            value: {
              connections: ["http://127.0.0.1:1"],
              transportSecurity: false,
              customTrustCertificates: undefined,
            },
          },
          alias: "",
        },
      ],
    });
    const refusal = await refusalOf(connectAgain(heidi, "nowhere"));
    expect(refusal).toMatchObject({
      reason: "DOMAIN_IS_NOT_AVAILABLE",
      message: "Cannot connect to domain Domain 'nowhere'",
    });
    expect(refusal.metadata.reason).toContain("http://127.0.0.1:1");
  });
});
