import { uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { expect, test } from "vitest";
import { idle, listAll, setState } from "./testing/admin.ts";
import { eventually, TestDomain } from "./testing/test-domain.ts";
import { nameOf, TestParticipant } from "./testing/test-participant.ts";

// A node whose database is put back to an older copy, while the domain went on without it.

async function start(domain: TestDomain) {
  const sequencers = [await domain.sequencer("sequencer1"), await domain.sequencer("sequencer2")];
  const mediator = await domain.mediator("mediator1");
  const manager = await domain.manager({ sequencers, mediators: [mediator] });
  const domainId = (await idle(manager.adminPort)).commonStatus?.uid ?? "";
  const urls = sequencers.map(({ publicPort }) => `http://127.0.0.1:${publicPort}`);
  await eventually(async () => {
    const log = await listAll(manager.adminPort, "Authorized", "history");
    return log.some((name) => name.includes("MediatorDomainState")) ? true : undefined;
  });
  await idle(manager.adminPort);
  return { sequencers, mediator, manager, domainId, urls };
}

/** A participant that joins. */
async function join(adminPort: number, domainId: string, participant: TestParticipant): Promise<void> {
  await setState(adminPort, domainId, participant.member);
  const results = await participant.requestOnboarding();
  expect(results.map(({ state }) => state)).toEqual(["ACCEPTED", "ACCEPTED", "ACCEPTED"]);
  participant.follow();
  await eventually(async () => participant.state.isActiveMember(domainId, participant.member) || undefined);
}

/** Waits until all of these have the same in force on the domain as the first. */
async function alike(adminPorts: readonly number[], domainId: string): Promise<string[]> {
  const [first = 0, ...others] = adminPorts;
  return eventually(async () => {
    const expected = await listAll(first, domainId);
    for (const port of others) expect(await listAll(port, domainId)).toEqual(expected);
    return expected;
  });
}

const party = (name: string, owner: TestParticipant) =>
  owner.signed({
    kind: "PartyToParticipant",
    side: "Both",
    party: uniqueIdentifier(name, owner.key.publicKey.id),
    participant: owner.member,
    permission: "Submission",
  });

test("a sequencer and a mediator go on from an older copy and come to the same", { timeout: 120_000 }, async () => {
  await using domain = new TestDomain();
  const { sequencers, mediator, manager, domainId, urls } = await start(domain);
  const [first, second] = sequencers as [(typeof sequencers)[0], (typeof sequencers)[0]];
  using alice = new TestParticipant("alice", domainId, urls.slice(0, 1));
  await join(manager.adminPort, domainId, alice);
  await alike([manager.adminPort, second.adminPort, mediator.adminPort], domainId);
  await second.close();
  await mediator.close();
  const backups = [await second.database.backup(), await mediator.database.backup()];
  const secondAgain = await domain.sequencer("sequencer2", second);
  const mediatorAgain = await domain.mediator("mediator1", mediator);
  await alice.register([party("one", alice), party("two", alice)]);
  await setState(manager.adminPort, domainId, alice.member, "Confirmation", "Vip");
  const expected = await eventually(async () => {
    const now = await alike([manager.adminPort, secondAgain.adminPort, mediatorAgain.adminPort], domainId);
    return now.filter((name) => name.includes("PartyToParticipant")).length === 2 ? now : undefined;
  });

  await secondAgain.close();
  await mediatorAgain.close();
  for (const putBack of backups) await putBack();
  const restored = [
    await domain.sequencer("sequencer2", secondAgain),
    await domain.mediator("mediator1", mediatorAgain),
  ];
  for (const { adminPort } of restored) {
    await eventually(async () => (expect(await listAll(adminPort, domainId)).toEqual(expected), true));
  }
  await setState(manager.adminPort, domainId, alice.member, "Observation");
  await alike([manager.adminPort, first.adminPort, ...restored.map(({ adminPort }) => adminPort)], domainId);
});

test("a domain manager on an older copy takes over what it has distributed since, and goes on", {
  timeout: 120_000,
}, async () => {
  await using domain = new TestDomain();
  const { sequencers, mediator, manager, domainId, urls } = await start(domain);
  using alice = new TestParticipant("alice", domainId, urls);
  using bob = new TestParticipant("bob", domainId, urls);
  using carol = new TestParticipant("carol", domainId, urls);
  await join(manager.adminPort, domainId, alice);
  await idle(manager.adminPort);
  await manager.close();
  const putBack = await manager.database.backup();

  // What it will not remember: a participant, parties, a permission.
  const again = await domain.manager({ sequencers, mediators: [mediator], database: manager.database });
  await join(again.adminPort, domainId, bob);
  const parties = [party("one", bob), party("two", bob)];
  await bob.register(parties);
  await eventually(async () => {
    const log = await listAll(again.adminPort, domainId);
    return parties.every((tx) => log.includes(nameOf(tx))) ? true : undefined;
  });
  await setState(again.adminPort, domainId, alice.member, "Confirmation");
  await idle(again.adminPort);
  const others = [...sequencers, mediator].map(({ adminPort }) => adminPort);
  const before = await alike([again.adminPort, ...others], domainId);
  await again.close();

  await putBack();
  const restored = await domain.manager({ sequencers, mediators: [mediator], database: manager.database });
  const port = restored.adminPort;
  await eventually(async () => (expect(await listAll(port, domainId)).toEqual(before), true));
  await idle(port);
  expect((await listAll(port, "Authorized")).toSorted()).toEqual(before.toSorted());
  expect(await alike([port, ...others], domainId)).toEqual(before);

  // It goes on: nothing that it sends is taken for something that it sent before.
  await setState(port, domainId, alice.member, "Submission");
  await join(port, domainId, carol);
  await idle(port);
  const after = await alike([port, ...others], domainId);
  expect(after).not.toEqual(before);
  expect((await listAll(port, "Authorized")).toSorted()).toEqual(after.toSorted());
  for (const participant of [alice, bob, carol]) {
    await eventually(async () => {
      const inForce = [...participant.state.transactions()].map(nameOf).toSorted();
      return (expect(inForce).toEqual(after.toSorted()), true);
    });
  }
  expect(alice.state.participantAttributes(domainId, alice.member)?.permission).toBe("Submission");
  expect(restored.context.failures).toEqual([]);
});
