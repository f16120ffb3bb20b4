import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { provider as allowListing } from "./allow-listing/provider.ts";
import { provider as connection } from "./domain-connection/provider.ts";
import { provider as party } from "./party/provider.ts";
import { domainId, FakeDomainManager, FakeParticipant, type FakeServer } from "./testing/fake-domain.ts";

const participantId = "PAR::alice::1220aa";
let manager: FakeDomainManager;
let participant: FakeParticipant;
let managerServer: FakeServer;
let participantServer: FakeServer;

beforeEach(async () => {
  manager = new FakeDomainManager();
  participant = new FakeParticipant("alice::1220aa", manager);
  managerServer = await manager.start();
  participantServer = await participant.start();
});

afterEach(async () => {
  await Promise.all([managerServer.close(), participantServer.close()]);
});

function listing(permission = "Submission") {
  return {
    domainManager: managerServer.endpoint,
    domainId,
    participant: participantId,
    permission,
    trustLevel: "Ordinary",
  };
}

function dial() {
  return {
    participant: participantServer.endpoint,
    participantId,
    domainAlias: "mydomain",
    sequencers: [
      { alias: "sequencer1", url: "http://127.0.0.1:1" },
      { alias: "sequencer2", url: "http://127.0.0.1:2" },
    ],
    domainId,
    admission: "  pulumi-canton:allowList:\n    - participant: alice",
  };
}

function hosting() {
  return { participant: participantServer.endpoint, participantId, party: "Alice", domainId };
}

describe("an allow-list entry", () => {
  test("is granted once, found again, and adopted when it is there", async () => {
    const made = await allowListing.create(listing());
    expect(made).toEqual({ id: `${domainId}/alice::1220aa`, outs: listing() });
    expect(await allowListing.create(listing())).toEqual(made);
    expect(manager.changes).toBe(1);
    const seen = await allowListing.read(made.id, made.outs);
    expect(seen).toEqual({ id: made.id, props: listing(), inputs: listing() });
    expect(await allowListing.diff(made.id, made.outs, listing())).toMatchObject({ changes: false, replaces: [] });
  });

  test("shows a permission that was changed by hand as drift, and update repairs it", async () => {
    const { id, outs } = await allowListing.create(listing());
    (manager.grants[0] as { permission: number }).permission = 4;
    const seen = await allowListing.read(id, outs);
    expect(seen.props).toMatchObject({ permission: "Disabled" });
    expect(seen.inputs).toMatchObject({ permission: "Disabled" });
    expect(await allowListing.diff(id, seen.props ?? {}, listing())).toMatchObject({ changes: true, replaces: [] });
    await allowListing.update(id, seen.props ?? {}, listing());
    expect(manager.grants.map(({ permission }) => permission)).toEqual([1]);
  });

  test("that was taken away by hand is gone, and is made again", async () => {
    const { id, outs } = await allowListing.create(listing());
    manager.grants.length = 0;
    expect(await allowListing.read(id, outs)).toEqual({});
  });

  test("given twice by hand is drift; update leaves the one that is wanted", async () => {
    const { id, outs } = await allowListing.create(listing());
    manager.grants.push({ ...(manager.grants[0] as (typeof manager.grants)[0]), permission: 3 });
    expect((await allowListing.read(id, outs)).props).toMatchObject({
      drift: "was authorised more than once, besides: permission Observation trustLevel Ordinary",
    });
    await allowListing.update(id, outs, listing());
    expect(manager.grants.map(({ permission }) => permission)).toEqual([1]);
  });

  test("is taken away by delete, also when that was done already", async () => {
    const { id, outs } = await allowListing.create(listing());
    await allowListing.delete(id, outs);
    expect(manager.grants).toEqual([]);
    await allowListing.delete(id, outs);
  });

  test("keeps its place in the state while the domain manager cannot be reached", async () => {
    const { id, outs } = await allowListing.create(listing());
    await managerServer.close();
    const seen = await allowListing.read(id, outs);
    expect(seen).toMatchObject({ id, props: { permission: "Submission" } });
    expect(seen.props?.["drift"]).toMatch(/^could not be looked at: /);
    expect(await allowListing.diff(id, seen.props ?? {}, listing())).toMatchObject({ changes: true, replaces: [] });
    managerServer = await manager.start(managerServer.endpoint.port);
    expect((await allowListing.update(id, seen.props ?? {}, listing())).outs).toEqual(listing());
  });

  test("waits for a domain manager that is not up yet", async () => {
    const { port } = managerServer.endpoint;
    await managerServer.close();
    const made = allowListing.create(listing());
    managerServer = await manager.start(port);
    expect((await made).outs).toEqual(listing());
  });
});

describe("a connection", () => {
  test("is made in the order of Canton's console, once", async () => {
    await allowListing.create(listing());
    const { id, outs } = await connection.create(dial());
    expect(participant.calls).toEqual(["register", "agree", "connect", "modify automatic"]);
    expect(participant.domains.get("mydomain")?.config.sequencerConnections).toHaveLength(2);
    await connection.create(dial());
    expect(participant.calls).toHaveLength(4);
    expect(await connection.read(id, outs)).toEqual({ id, props: dial(), inputs: dial() });
  });

  test("refused names the participant and the lines that admit it, and converges once it is admitted", async () => {
    const refused = await connection.create(dial()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ id: `${participantId}/mydomain`, properties: { domainAlias: "mydomain" } });
    const { message, properties } = refused as { message: string; properties: Record<string, unknown> };
    expect(message).toContain(participantId);
    expect(message).toContain("pulumi-canton:allowList:\n    - participant: alice");
    expect(participant.domains.get("mydomain")).toMatchObject({ connected: false, config: { manualConnect: true } });
    expect((await connection.read("x", properties)).props).toMatchObject({ drift: "is not connected" });
    await allowListing.create(listing());
    await connection.update("x", properties, dial());
    expect(participant.domains.get("mydomain")).toMatchObject({ connected: true, config: { manualConnect: false } });
  });

  test("that was cut by hand is drift, and update connects again", async () => {
    await allowListing.create(listing());
    const { id, outs } = await connection.create(dial());
    (participant.domains.get("mydomain") as { connected: boolean }).connected = false;
    const seen = await connection.read(id, outs);
    expect(seen.props).toMatchObject({ drift: "is not connected" });
    expect((await connection.diff(id, seen.props ?? {}, dial())).changes).toBe(true);
    await connection.update(id, seen.props ?? {}, dial());
    expect(participant.domains.get("mydomain")?.connected).toBe(true);
  });

  test("follows a sequencer that moved", async () => {
    await allowListing.create(listing());
    const { id, outs } = await connection.create(dial());
    const moved = { ...dial(), sequencers: [{ alias: "sequencer1", url: "http://127.0.0.1:9" }] };
    expect(await connection.diff(id, outs, moved)).toMatchObject({ changes: true, replaces: [] });
    await connection.update(id, outs, moved);
    expect(participant.calls.slice(4)).toEqual(["disconnect", "modify manual", "agree", "connect", "modify automatic"]);
  });

  test("is ended by delete and not taken up again by the node", async () => {
    await allowListing.create(listing());
    const { id, outs } = await connection.create(dial());
    await connection.delete(id, outs);
    expect(participant.domains.get("mydomain")).toMatchObject({ connected: false, config: { manualConnect: true } });
    await connection.delete(id, outs);
  });
});

describe("a party", () => {
  beforeEach(async () => {
    await allowListing.create(listing());
    await connection.create(dial());
  });

  test("is hosted, waited for, found again and ended", async () => {
    participant.lag = 2;
    const { id, outs } = await party.create(hosting());
    expect(id).toBe("Alice::1220aa");
    expect(outs).toEqual({ ...hosting(), partyId: "Alice::1220aa" });
    expect(participant.lag).toBe(0);
    expect(await party.read(id, outs)).toEqual({ id, props: outs, inputs: hosting() });
    await party.create(hosting());
    expect(participant.calls.filter((call) => call === "authorize")).toHaveLength(1);
    await party.delete(id, outs);
    expect(await party.read(id, outs)).toEqual({});
    await party.delete(id, outs);
  });

  test("that was ended by hand is gone", async () => {
    const { id, outs } = await party.create(hosting());
    participant.parties.length = 0;
    expect(await party.read(id, outs)).toEqual({});
  });
});

test("what a preview does not know yet counts as unchanged", async () => {
  const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
  const { id, outs } = await allowListing.create(listing());
  const news = { ...listing(), participant: unknown, domainManager: { ...managerServer.endpoint, port: unknown } };
  expect(await allowListing.diff(id, outs, news)).toMatchObject({ changes: false, replaces: [] });
  expect(await allowListing.check(outs, { ...listing(), domainManager: unknown })).toMatchObject({ failures: [] });
});
