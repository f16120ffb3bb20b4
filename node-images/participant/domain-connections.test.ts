/** Registering, connecting and disconnecting, as the console's commands of that name do: several domains, real nodes. */
import {
  type DomainConnectionConfig,
  DomainConnectivityServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
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
  register,
  uidOf,
} from "./testing/permissioned-domain.ts";
import { startSequencerBetween } from "./testing/sequencer-between.ts";
import { refusalOf } from "./testing/served.ts";
import { startTestParticipant } from "./testing/test-participant.ts";

const waiting = { timeout: 20_000 };

let first: PermissionedDomain;
let second: PermissionedDomain;

beforeAll(async () => {
  first = await PermissionedDomain.start(1, { policy: "open" });
  second = await PermissionedDomain.start(1, { policy: "open" });
});

afterAll(async () => {
  await first?.[Symbol.asyncDispose]();
  await second?.[Symbol.asyncDispose]();
});

const client = (node: ParticipantApis) => node.admin(DomainConnectivityServiceClient);
const modify = (node: ParticipantApis, config: DomainConnectionConfig) =>
  call(client(node), "modifyDomain", { modify: config }, { deadlineMs });
const disconnect = (node: ParticipantApis, domainAlias: string) =>
  call(client(node), "disconnectDomain", { domainAlias }, { deadlineMs });
const reconnectAll = (node: ParticipantApis, ignoreFailures: boolean) =>
  call(client(node), "reconnectDomains", { ignoreFailures }, { deadlineMs });

async function participant(name: string) {
  const { storage } = await first.database();
  return { node: await startTestParticipant({ name, storage }), storage };
}

test("reconnect_all: by priority, without those that are connected by hand; a failure ends it, or is passed over and sought further", async () => {
  await using one = await startSequencerBetween(first.urls[0] ?? "");
  await using two = await startSequencerBetween(second.urls[0] ?? "");
  const { node } = await participant("priorities");
  await using _ = node;
  const low = connection({ ...first, urls: [one.url] }, { domainAlias: "low", domainId: "", priority: 1 });
  const high = connection({ ...second, urls: [two.url] }, { domainAlias: "high", domainId: "", priority: 2 });
  await connectTo(node, low);
  await connectTo(node, high);
  for (const alias of ["low", "high"]) await disconnect(node, alias);
  expect(await connectedDomains(node)).toEqual([]);
  const order: string[] = [];
  one.lies.answers["handshake"] = (answer) => (order.push("low"), answer);
  two.lies.answers["handshake"] = (answer) => (order.push("high"), answer);
  await reconnectAll(node, false);
  expect(order).toEqual(["high", "low"]);
  expect((await connectedDomains(node)).sort()).toEqual(["high", "low"]);

  // By hand: left alone by reconnect_all.
  await modify(node, { ...low, manualConnect: true });
  for (const alias of ["low", "high"]) await disconnect(node, alias);
  await reconnectAll(node, false);
  expect(await connectedDomains(node)).toEqual(["high"]);

  // The one that comes first cannot be reached.
  await modify(node, { ...low, manualConnect: false });
  for (const alias of ["low", "high"]) await disconnect(node, alias);
  await modify(node, {
    ...high,
    sequencerConnections: connection({ ...second, urls: ["http://127.0.0.1:1"] }).sequencerConnections,
  });
  expect(await refusalOf(reconnectAll(node, false))).toMatchObject({ reason: "DOMAIN_IS_NOT_AVAILABLE" });
  expect(await connectedDomains(node)).toEqual([]);
  await reconnectAll(node, true);
  expect(await connectedDomains(node)).toEqual(["low"]);
  await modify(node, high);
  await expect.poll(async () => (await connectedDomains(node)).sort(), waiting).toEqual(["high", "low"]);
});

test("disconnect_all, then a restart: what is not connected by hand is connected again, and nothing else", async () => {
  const { node, storage } = await participant("restarted");
  {
    await using running = node;
    await connectTo(running, connection(first, { domainAlias: "first" }));
    await connectTo(running, connection(second, { domainAlias: "second" }));
    await modify(running, connection(second, { domainAlias: "second", manualConnect: true }));
    for (const alias of ["first", "second"]) await disconnect(running, alias);
    for (const alias of ["first", "second"]) await disconnect(running, alias);
    expect(await connectedDomains(running)).toEqual([]);
  }
  await using again = await startTestParticipant({ name: "restarted", storage });
  await expect.poll(() => connectedDomains(again), waiting).toEqual(["first"]);
  expect(await connectAgain(again, "second")).toBe(true);
  expect((await connectedDomains(again)).sort()).toEqual(["first", "second"]);
});

test("modify while connected: the connection stays, and the next one is made as modified", async () => {
  await using between = await startSequencerBetween(first.urls[0] ?? "");
  const { node } = await participant("modified");
  await using _ = node;
  await connectTo(node, connection(first));
  const moved = connection({ ...first, urls: [between.url] });
  await modify(node, moved);
  expect(await connectedDomains(node)).toEqual(["mydomain"]);
  const party = await enableParty(node, "Still");
  await expect.poll(async () => (await partiesOf(node)).get(party), waiting).toBe(true);
  expect(between.calls).toEqual([]);
  await disconnect(node, "mydomain");
  await connectAgain(node);
  expect(between.of("subscribeVersioned")).toHaveLength(1);
});

test("retry: the attempts go on in the background, with the delays of the registration, until the domain answers; delays that make no sense are refused", async () => {
  await using between = await startSequencerBetween(first.urls[0] ?? "");
  const { node } = await participant("patient");
  await using _ = node;
  const ms = (milliseconds: number) => ({ seconds: 0n, nanos: milliseconds * 1_000_000 });
  const config = connection({ ...first, urls: [between.url] }, { initialRetryDelay: ms(20), maxRetryDelay: ms(100) });
  const crossed = refusalOf(register(node, { ...config, maxRetryDelay: ms(10) }));
  expect((await crossed).message).toContain("maxRetryDelay,10 ms is less than initialRetryDelay (20 ms)");
  let attempts = 0;
  between.lies.instead["getServiceAgreement"] = () => {
    attempts += 1;
    throw new Error("not now");
  };
  await register(node, config);
  expect(await connectAgain(node, "mydomain", true)).toBe(false);
  // With the delays of a registration that says nothing, up to 30 s, this would not come in time.
  await expect.poll(() => attempts, waiting).toBeGreaterThan(20);
  between.lies.instead = {};
  await expect.poll(() => connectedDomains(node), waiting).toEqual(["mydomain"]);
});

test("a domain under a second alias, and an alias for a second domain, are refused", async () => {
  const { node } = await participant("aliases");
  await using _ = node;
  await connectTo(node, connection(first));
  await register(node, connection(first, { domainAlias: "again", domainId: "" }));
  const refusal = await refusalOf(connectAgain(node, "again"));
  expect(refusal).toMatchObject({ reason: "DOMAIN_HANDSHAKE_FAILED", category: 9 });
  expect(refusal.metadata.reason).toContain(`DomainIdAlreadyAdded(${first.domainId},Domain 'mydomain')`);
  expect(await refusalOf(register(node, connection(second)))).toMatchObject({ reason: "SYNC_SERVICE_ALREADY_ADDED" });
  await modify(node, connection(second, { domainId: "" }));
  await disconnect(node, "mydomain");
  expect(await refusalOf(connectAgain(node))).toMatchObject({
    reason: "DOMAIN_ID_MISMATCH",
    metadata: { expected: first.domainId, observed: second.domainId },
  });
});
