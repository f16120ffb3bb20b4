import { status as statusCode } from "@grpc/grpc-js";
import { DomainManagerStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_manager_status_service.ts";
import { DomainServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_service.ts";
import { DomainStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_status_service.ts";
import {
  DomainStatusInfo,
  StatusServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { describe, expect, test } from "vitest";
import { deadlineMs, idle, listAll, setState, snapshotAt, withClient } from "./testing/admin.ts";
import { eventually, TestDomain } from "./testing/test-domain.ts";
import { nameOf, TestParticipant } from "./testing/test-participant.ts";

/** A running domain and what tests ask of it. */
async function start(domain: TestDomain, policy: "open" | "permissioned" = "permissioned") {
  const sequencers = [await domain.sequencer("sequencer1"), await domain.sequencer("sequencer2")];
  const mediators = [await domain.mediator("mediator1")];
  const manager = await domain.manager({ sequencers, mediators, policy });
  const domainId = (await idle(manager.adminPort)).commonStatus?.uid ?? "";
  const urls = sequencers.map(({ publicPort }) => `http://127.0.0.1:${publicPort}`);
  return { sequencers, mediators, manager, domainId, urls };
}

/** Waits until the mediator's state is authorised: the last step of setting a domain up. */
async function complete(adminPort: number): Promise<string[]> {
  const log = await eventually(async () => {
    const all = await listAll(adminPort, "Authorized", "history");
    return all.some((name) => name.includes("MediatorDomainState")) ? all : undefined;
  });
  await idle(adminPort);
  return log;
}

test("a domain of two sequencers and a mediator sets itself up; all of its members have the same topology", async () => {
  await using domain = new TestDomain();
  const { sequencers, mediators, manager, domainId } = await start(domain);
  const log = await complete(manager.adminPort);
  expect(log.map((name) => name.split(" ")[1]).sort()).toEqual([
    "DomainParametersChange",
    "MediatorDomainState",
    "NamespaceDelegation",
    "OwnerToKeyMapping",
    "OwnerToKeyMapping",
    "OwnerToKeyMapping",
    "OwnerToKeyMapping",
  ]);
  for (const { adminPort } of [manager, ...sequencers, ...mediators]) {
    await eventually(async () => ((await listAll(adminPort, domainId)).length === log.length ? true : undefined));
    // What a store has seen: nothing missing, nothing twice, in the order of authorisation.
    expect(await listAll(adminPort, domainId, "history")).toEqual(log);
  }
  expect(await listAll(manager.adminPort, "Authorized")).toHaveLength(log.length);
  expect(manager.context.failures).toEqual([]);
  expect(manager.context.health.whyNotReady()).toBeUndefined();
  expect(manager.context.health.component("bootstrap")?.state).toBe("ok");
  expect(manager.context.health.component("sequencer")?.state).toBe("ok");
});

test("the admin API answers as Canton's console reads it", async () => {
  await using domain = new TestDomain();
  const { sequencers, manager, domainId } = await start(domain);
  const port = manager.adminPort;
  const ports = { admin: port, public: sequencers[0]?.publicPort };
  const status = await idle(port);
  expect(status).toMatchObject({
    commonStatus: { uid: domainId, ports, active: true, topologyQueues: { manager: 0, dispatcher: 0, clients: 0 } },
    connectedParticipantsUid: [],
    sequencer: { active: true },
    protocolVersion: 5,
  });
  expect(await withClient(InitializationServiceClient, port, (c) => call(c, "getId", {}, { deadlineMs }))).toEqual({
    initialized: true,
    uniqueIdentifier: domainId,
    instance: "mydomain",
  });
  const { response } = await withClient(StatusServiceClient, port, (c) => call(c, "status", {}, { deadlineMs }));
  if (response?.$case !== "success") throw new Error("not initialised");
  expect(response.value).toMatchObject({ id: domainId, ports, active: true });
  expect(DomainStatusInfo.decode(response.value.extra)).toMatchObject({ sequencer: { active: true } });
  const ofManager = await withClient(DomainManagerStatusServiceClient, port, (c) =>
    call(c, "domainManagerStatus", {}, { deadlineMs }),
  );
  expect(ofManager.kind).toMatchObject({ $case: "status", value: { protocolVersion: 5 } });
  await withClient(DomainServiceClient, port, async (client) => {
    const { parameters } = await call(client, "getDomainParametersVersioned", {}, { deadlineMs });
    expect(parameters).toMatchObject({
      $case: "parametersV1",
      value: { uniqueContractKeys: true, protocolVersion: 5 },
    });
    expect(await call(client, "getDomainParameters", {}, { deadlineMs })).toMatchObject({
      protocolVersion: "5.0.0",
      maxRatePerParticipant: 1_000_000,
      maxInboundMessageSize: 10_485_760,
    });
    expect(await call(client, "listServiceAgreementAcceptances", {}, { deadlineMs })).toEqual({ acceptances: [] });
  });
  const other = uniqueIdentifier("other", "1220".padEnd(68, "0"));
  await expect(setState(port, "", `PAR::${other}`)).rejects.toMatchObject({ code: statusCode.INVALID_ARGUMENT });
  await expect(setState(port, domainId, other)).rejects.toMatchObject({ reason: "PROTO_DESERIALIZATION_FAILURE" });
  await expect(setState(port, other, `PAR::${other}`)).rejects.toMatchObject({
    reason: "NO_APPROPRIATE_SIGNING_KEY_IN_STORE",
  });
  await expect(setState(port, domainId, `PAR::${other}`, "MissingParticipantPermission")).rejects.toMatchObject({
    reason: "PROTO_DESERIALIZATION_FAILURE",
  });
  await setState(port, domainId, `PAR::${other}`);
  await expect(setState(port, domainId, `PAR::${other}`)).rejects.toMatchObject({
    reason: "TOPOLOGY_MAPPING_ALREADY_EXISTS",
  });
});

describe("participants", () => {
  test("refused until admitted, then given all that it missed before it is active; the others learn of it", async () => {
    await using domain = new TestDomain();
    const { sequencers, mediators, manager, domainId, urls } = await start(domain);
    const port = manager.adminPort;
    await complete(port);
    using alice = new TestParticipant("alice", domainId, urls);
    using bob = new TestParticipant("bob", domainId, [...urls].reverse());

    const before = await listAll(port, "Authorized", "history");
    for (const { state, errorMessage } of await alice.requestOnboarding()) {
      expect(state).toBe("REJECTED");
      expect(errorMessage).toContain(alice.member);
      expect(errorMessage).toContain("participants.set_state");
    }
    expect(await listAll(port, "Authorized", "history")).toEqual(before);

    for (const participant of [alice, bob]) {
      await setState(port, domainId, participant.member);
      const results = await participant.requestOnboarding();
      expect(results.map(({ state }) => state)).toEqual(["ACCEPTED", "ACCEPTED", "ACCEPTED"]);
      participant.follow();
    }
    await idle(port);
    // Asked again, for example after a crash: nothing more happens.
    expect((await bob.requestOnboarding()).map(({ state }) => state)).toEqual(["DUPLICATE", "DUPLICATE", "DUPLICATE"]);

    const log = await listAll(port, "Authorized", "history");
    for (const participant of [alice, bob]) {
      await participant.hasReceived(log.length);
      expect(participant.received.map(nameOf)).toEqual(log);
      expect(participant.refused).toEqual([]);
    }
    expect(alice.state.fingerprint()).toBe(bob.state.fingerprint());
    for (const { adminPort } of [manager, ...sequencers, ...mediators]) {
      await eventually(async () =>
        (await listAll(adminPort, domainId, "history")).length === log.length ? true : undefined,
      );
      expect(await listAll(adminPort, domainId, "history")).toEqual(log);
    }
    const { connectedParticipantsUid } = await idle(port);
    expect(connectedParticipantsUid).toEqual([alice.uid, bob.uid].sort());
  });

  test("disabled and enabled again: exactly what was missed, then what activates it", async () => {
    await using domain = new TestDomain();
    const { manager, domainId, urls } = await start(domain);
    const port = manager.adminPort;
    using alice = new TestParticipant("alice", domainId, urls);
    using bob = new TestParticipant("bob", domainId, urls);
    for (const participant of [alice, bob]) {
      await setState(port, domainId, participant.member);
      await participant.requestOnboarding();
      participant.follow();
    }
    await setState(port, domainId, alice.member, "Disabled");
    await bob.hasReceived((await listAll(port, "Authorized", "history")).length);
    const missed = ["one", "two"].map((name) =>
      bob.signed({
        kind: "PartyToParticipant",
        side: "Both",
        party: uniqueIdentifier(name, bob.key.publicKey.id),
        participant: bob.member,
        permission: "Submission",
      }),
    );
    const names = missed.map(nameOf);
    await bob.register(missed);
    await eventually(async () =>
      (await listAll(port, "Authorized")).some((name) => name === names[1]) ? true : undefined,
    );
    expect((await alice.requestOnboarding())[0]?.errorMessage).toContain(`participant ${alice.member} is disabled`);
    await idle(port);
    expect(alice.received.map(nameOf)).not.toContain(names[0]);

    await setState(port, domainId, alice.member, "Submission");
    const log = await listAll(port, "Authorized", "history");
    for (const participant of [alice, bob]) {
      await participant.hasReceived(log.length);
      expect(participant.received.map(nameOf)).toEqual(log);
    }
    expect(alice.state.fingerprint()).toBe(bob.state.fingerprint());
    await idle(port);
  });

  test("each permission and trust level is in force on every member from the same sequenced time", async () => {
    await using domain = new TestDomain();
    const { sequencers, mediators, manager, domainId, urls } = await start(domain);
    const port = manager.adminPort;
    await complete(port);
    using alice = new TestParticipant("alice", domainId, urls);
    await setState(port, domainId, alice.member, "Submission");
    await alice.requestOnboarding();
    alice.follow();
    const asTold = () => alice.state.participantAttributes(domainId, alice.member);
    for (const permission of ["Confirmation", "Observation", "Submission"] as const) {
      for (const trustLevel of ["Vip", "Ordinary"] as const) {
        await setState(port, domainId, alice.member, permission, trustLevel);
        // The participant asks for no more than Ordinary: the lesser counts.
        await eventually(async () => {
          expect(asTold()).toEqual({ permission, trustLevel: "Ordinary" });
          const own = alice.state.participantStates(domainId, alice.member).filter(({ side }) => side === "From");
          return expect(own).toMatchObject([{ permission, trustLevel }]) ?? true;
        });
      }
    }
    await setState(port, domainId, alice.member, "Disabled");
    await idle(port);
    const timesAt = async (adminPort: number) =>
      (await snapshotAt(adminPort, domainId)).items.map(({ transaction, sequenced, validFrom, validUntil }) => ({
        transaction: transaction.toString("hex"),
        sequenced,
        validFrom,
        validUntil,
      }));
    const expected = await timesAt(port);
    for (const { adminPort } of [...sequencers, ...mediators]) {
      await eventually(async () => expect(await timesAt(adminPort)).toEqual(expected) ?? true);
    }
    for (const { sequenced, validFrom } of expected) expect(validFrom).toEqual(sequenced);
  });

  test("an open domain takes in whoever asks, and refuses what is forged", async () => {
    await using domain = new TestDomain();
    const { manager, domainId, urls } = await start(domain, "open");
    using alice = new TestParticipant("alice", domainId, urls);
    using mallory = new TestParticipant("mallory", domainId, urls);
    const forged = { ...alice.ownKey, key: mallory.key.publicKey };
    const results = await mallory.requestOnboarding([mallory.root, forged, mallory.ownSide]);
    expect(results.map(({ state }) => state)).toEqual(["REJECTED", "REJECTED", "REJECTED"]);
    expect((await alice.requestOnboarding()).map(({ state }) => state)).toEqual(["ACCEPTED", "ACCEPTED", "ACCEPTED"]);
    alice.follow();
    const log = await complete(manager.adminPort);
    await alice.hasReceived(log.length);
    expect(alice.received.map(nameOf)).toEqual(await listAll(manager.adminPort, "Authorized", "history"));
  });
});

describe("peers", () => {
  test("a sequencer that is added later is set up, and its key reaches everybody", async () => {
    await using domain = new TestDomain();
    const { sequencers, mediators, manager, domainId } = await start(domain);
    await complete(manager.adminPort);
    await manager.close();
    const third = await domain.sequencer("sequencer3");
    const all = [...sequencers, third];
    const again = await domain.manager({ sequencers: all, mediators, database: manager.database });
    const urls = [`http://127.0.0.1:${third.publicPort}`];
    using alice = new TestParticipant("alice", domainId, urls);
    await setState(again.adminPort, domainId, alice.member);
    await eventually(async () => ((await alice.requestOnboarding())[0]?.state === "ACCEPTED" ? true : undefined));
    alice.follow();
    await idle(again.adminPort);
    const log = await listAll(again.adminPort, "Authorized", "history");
    await alice.hasReceived(log.length);
    for (const { adminPort } of [again, ...all, ...mediators]) {
      await eventually(async () =>
        (await listAll(adminPort, domainId, "history")).length === log.length ? true : undefined,
      );
      expect(await listAll(adminPort, domainId, "history")).toEqual(log);
    }
  });

  test("peers that come up long after the domain manager, one of them never", async () => {
    await using domain = new TestDomain();
    const later = await domain.sequencer("sequencer1");
    await later.close();
    const nobody = { name: "sequencer2", adminPort: 9, publicPort: 9 };
    const manager = await domain.manager({ sequencers: [later, nobody], mediators: [] });
    const unavailable = await withClient(DomainStatusServiceClient, manager.adminPort, (client) =>
      call(client, "domainStatus", {}, { deadlineMs }),
    );
    expect(unavailable.kind?.$case).toBe("unavailable");
    await domain.sequencer("sequencer1", later);
    const status = await idle(manager.adminPort);
    expect(status.sequencer?.active).toBe(true);
    expect(manager.context.health.component("bootstrap")).toMatchObject({
      state: "degraded",
      why: expect.stringContaining("initialise-sequencer sequencer2"),
    });
  });
});

test.each([
  [{ type: "config" }, /^mydomain::1220/],
  [{ type: "explicit", name: "My Domain" }, /^My Domain::1220/],
  [{ type: "random" }, /^[0-9a-f]{32}::1220/],
] as const)("the domain takes its identifier as configured: %j", async (nodeIdentifier, expected) => {
  await using domain = new TestDomain();
  const sequencers = [await domain.sequencer("sequencer1")];
  const manager = await domain.manager({ sequencers, nodeIdentifier });
  const uid = (await idle(manager.adminPort)).commonStatus?.uid;
  expect(uid).toMatch(expected);
  // Its sequencers have the identifier of the domain.
  const port = sequencers[0]?.adminPort ?? 0;
  const id = await withClient(InitializationServiceClient, port, (c) => call(c, "getId", {}, { deadlineMs }));
  expect(id).toMatchObject({ initialized: true, uniqueIdentifier: uid, instance: "sequencer1" });
});
