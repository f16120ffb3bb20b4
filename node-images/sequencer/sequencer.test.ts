import { randomBytes, randomUUID } from "node:crypto";
import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import { defaultStaticDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import { encodeSignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";
import {
  encodeSubmissionRequest,
  submissionRequestToProto,
} from "@pulumi-canton/protocol/envelope/submission-request.ts";
import { EnterpriseSequencerAdministrationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/enterprise_sequencer_administration_service.ts";
import { SequencerAdministrationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/sequencer_administration_service.ts";
import { SequencerInitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/sequencer_initialization_service.ts";
import { SequencerStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/sequencer_status_service.ts";
import { SequencerAuthenticationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_authentication_service.ts";
import { newUnauthenticatedMember } from "@pulumi-canton/protocol/identity/member.ts";
import { call, connect, serverStream } from "@pulumi-canton/runtime/grpc-client.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import type { ReceivedEvent } from "@pulumi-canton/sequencer-client/received-event.ts";
import { SequencerApiClient } from "@pulumi-canton/sequencer-client/sequencer-api.ts";
import type { SequencerClient } from "@pulumi-canton/sequencer-client/sequencer-client.ts";
import { describeDomain, SequencerConnect } from "@pulumi-canton/sequencer-client/sequencer-connect.ts";
import { trustOnly } from "@pulumi-canton/sequencer-client/sequencer-trust.ts";
import { UnauthenticatedSequencerClient } from "@pulumi-canton/sequencer-client/unauthenticated-sequencer-client.ts";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  sequencerConfig,
  startTestSequencer,
  TestDomain,
  type TestMember,
  type TestSequencer,
} from "./testing/test-domain.ts";

let databases: TestDatabase[];
let sequencers: TestSequencer[];
let keys: SigningPublicKey[];
const domain = new TestDomain();
let alice: TestMember;
let bob: TestMember;
let carol: TestMember;

beforeAll(async () => {
  databases = await Promise.all([createTestDatabase(), createTestDatabase(), createTestDatabase()]);
  const [backend, ...own] = databases.map(({ storage }) => storage) as [TestDatabase["storage"]];
  sequencers = await Promise.all(
    own.map((storage, index) => startTestSequencer(sequencerConfig(`sequencer${index + 1}`, storage, backend))),
  );
  keys = [];
  for (const sequencer of sequencers) keys.push(await domain.init(sequencer));
  await domain.start(sequencers);
  [alice, bob, carol] = [await domain.join("alice"), await domain.join("bob"), await domain.join("carol")];
});

afterAll(async () => {
  domain.close();
  await Promise.all((sequencers ?? []).map((sequencer) => sequencer.close()));
  await Promise.all((databases ?? []).map((database) => database.drop()));
});

const text = (content: string) => Buffer.from(content);
/** A client that uses only one of the sequencers. */
const through = (index: number, member: TestMember): SequencerClient =>
  domain.client(member, { connections: [domain.connections[index] as { url: string }] });

/** Reads a member's stream from a counter until `enough`. */
async function read(
  client: Pick<SequencerClient, "subscribe">,
  fromCounter: bigint,
  enough: (events: ReceivedEvent[]) => boolean,
): Promise<ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(20_000)]);
  await client.subscribe({ fromCounter, signal }, async (event) => {
    events.push(event);
    if (enough(events)) done.abort();
  });
  if (!done.signal.aborted) throw new Error(`only ${events.length} events came`);
  return events;
}

const has = (timestamp: bigint) => (events: ReceivedEvent[]) => events.some((event) => event.timestamp === timestamp);

describe("streams", () => {
  test("any interleaving through both sequencers: one order, identical bytes, and nobody sees what is not for him", async () => {
    const members = [alice, bob, carol];
    const clients = members.map((member) => [through(0, member), through(1, member)] as const);
    const plan = fc.array(
      fc.record({
        sender: fc.nat(2),
        envelopes: fc.array(fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
        sequencer: fc.nat(1),
      }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(plan, async (sends) => {
        const run = randomUUID();
        const timestamps = await Promise.all(
          sends.map(({ sender, envelopes, sequencer }, index) =>
            (clients[sender]?.[sequencer] as SequencerClient).send({
              messageId: `${index} ${run}`,
              envelopes: envelopes.map((recipients, at) => ({
                content: text(`${run} ${index} ${at}`),
                recipients: recipients.map((recipient) => members[recipient]?.member as string),
              })),
            }),
          ),
        );
        const last = timestamps.reduce((a, b) => (a > b ? a : b));
        // A last message to all tells when everything before it has come.
        const end = await (clients[0]?.[0] as SequencerClient).send({
          envelopes: [{ content: text("end"), recipients: members.map(({ member }) => member) }],
        });
        expect(end > last).toBe(true);
        for (const [index, pair] of clients.entries()) {
          const [one, other] = await Promise.all(pair.map((client) => read(client, 0n, has(end))));
          expect(one?.map(({ signed }) => signed.content)).toEqual(other?.map(({ signed }) => signed.content));
          const mine = (one ?? []).filter(({ timestamp }) => timestamps.includes(timestamp));
          const expected = sends
            .map((send, at) => ({ ...send, at, timestamp: timestamps[at] as bigint }))
            .filter(({ sender, envelopes }) => sender === index || envelopes.flat().includes(index))
            .sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
          expect(
            mine.map(({ timestamp, messageId, envelopes }) => ({
              timestamp,
              messageId,
              contents: envelopes.map(({ content }) => content.toString()),
            })),
          ).toEqual(
            expected.map(({ at, timestamp, sender, envelopes }) => ({
              timestamp,
              messageId: sender === index ? `${at} ${run}` : undefined,
              contents: envelopes.flatMap((recipients, which) =>
                recipients.includes(index) ? [`${run} ${at} ${which}`] : [],
              ),
            })),
          );
        }
      }),
      { numRuns: 8 },
    );
  });

  test("a stream resumes at any counter, at either sequencer, and both sign what they deliver", async () => {
    const sender = through(0, alice);
    let end = 0n;
    for (let index = 0; index < 30; index++) {
      end = await sender.send({ envelopes: [{ content: text(`${index}`), recipients: [bob.member] }] });
    }
    const trust = trustOnly(keys);
    const readers = [0, 1].map((index) =>
      domain.client(bob, { connections: [domain.connections[index] as { url: string }], trust }),
    );
    const whole = await read(readers[0] as SequencerClient, 0n, has(end));
    for (let attempt = 0; attempt < 10; attempt++) {
      const from = Math.floor(Math.random() * whole.length);
      const rest = await read(readers[attempt % 2] as SequencerClient, BigInt(from), has(end));
      expect(rest.map(({ signed }) => signed.content)).toEqual(whole.slice(from).map(({ signed }) => signed.content));
    }
  });

  test("an event that is signed with another key is not delivered", async () => {
    const foreign = generateSigningKeyPair();
    const client = domain.client(bob, { trust: trustOnly([foreign.publicKey]) });
    await client.send({ envelopes: [] });
    await expect(read(client, 0n, () => true)).rejects.toMatchObject({ reason: "SEQUENCER_NOT_TRUSTED" });
  });

  test("what the handler throws ends the subscription, and a slow handler holds the stream back", async () => {
    const client = through(0, bob);
    const subscription = client.subscribe({ fromCounter: 0n }, async ({ counter }) => {
      if (counter === 3n) throw new Error("the handler's own");
    });
    await expect(subscription).rejects.toThrow("the handler's own");
  });

  test("a counter after the end is refused", async () => {
    const client = domain.client(bob, { refusalGraceMs: 0 });
    await expect(read(client, 1_000_000n, () => true)).rejects.toMatchObject({ reason: "COUNTER_AFTER_END" });
  });
});

describe("sending", () => {
  test("the same message id is sequenced once, through whichever sequencer", async () => {
    const messageId = randomUUID();
    const message = { messageId, envelopes: [{ content: text("once"), recipients: [bob.member] }] };
    const [first, again] = await Promise.all([through(0, alice).send(message), through(1, alice).send(message)]);
    expect(again).toBe(first);
    expect(await through(0, alice).send(message)).toBe(first);
  });

  test("unknown recipients and a time that has passed are errors for the sender only", async () => {
    const client = through(0, alice);
    const toNobody = { content: text("x"), recipients: [bob.member, "PAR::nobody::1220aa"] };
    await expect(client.send({ envelopes: [toNobody] })).rejects.toMatchObject({
      reason: "SEQUENCER_DELIVER_ERROR",
      message: expect.stringContaining("PAR::nobody::1220aa"),
    });
    const late = client.send({
      messageId: "late",
      maxSequencingTime: 1n,
      envelopes: [{ content: text("late"), recipients: [bob.member] }],
    });
    await expect(late).rejects.toMatchObject({
      reason: "SEQUENCER_DELIVER_ERROR",
      message: expect.stringContaining("MAX_SEQUENCING_TIME_EXCEEDED"),
    });
    const end = await client.send({ envelopes: [{ content: text("end"), recipients: [bob.member] }] });
    const [mine, bobs] = await Promise.all([read(client, 0n, has(end)), read(through(1, bob), 0n, has(end))]);
    expect(mine.find(({ messageId }) => messageId === "late")).toMatchObject({
      deliverError: expect.stringContaining("MAX_SEQUENCING_TIME_EXCEEDED"),
      envelopes: [],
    });
    expect(bobs.filter(({ deliverError }) => deliverError !== undefined)).toEqual([]);
    expect(bobs.flatMap(({ envelopes }) => envelopes).some(({ content }) => content.equals(text("late")))).toBe(false);
  });

  test("oversized, without recipients, and with too long an id", async () => {
    const client = through(0, alice);
    const huge = { content: Buffer.alloc(10_485_760), recipients: [bob.member] };
    await expect(client.send({ envelopes: [huge] })).rejects.toMatchObject({
      reason: "SEQUENCER_SEND_REFUSED",
      message: expect.stringContaining("10485760 bytes"),
    });
    await expect(client.send({ envelopes: [{ content: text("x"), recipients: [] }] })).rejects.toThrow("recipients");
    await expect(client.send({ messageId: "x".repeat(74), envelopes: [] })).rejects.toThrow("1 to 73");
  });

  test("without a sequencer the outcome is told to be unknown at the deadline", async () => {
    const client = domain.client(alice, { connections: [{ url: "http://127.0.0.1:1" }] });
    await expect(client.send({ envelopes: [] }, { deadlineMs: 300 })).rejects.toMatchObject({
      reason: "SEQUENCER_SEND_TIMEOUT",
    });
  });
});

describe("joining and leaving", () => {
  test("an unauthenticated member may write to the domain manager only, and gets its answer", async () => {
    const newcomer = new UnauthenticatedSequencerClient({
      connections: domain.connections,
      domainId: domain.domainId,
      logger: silentLogger,
    });
    const request = { content: text("let me in"), recipients: [domain.manager.member] };
    await newcomer.send({ envelopes: [request] });
    const answering = domain.client(domain.manager);
    const end = await answering.send({ envelopes: [{ content: text("welcome"), recipients: [newcomer.member] }] });
    const events = await read(newcomer, 0n, has(end));
    expect(events.map(({ envelopes }) => envelopes.map(({ content }) => content.toString()))).toEqual([
      [],
      ["welcome"],
    ]);
    const refused = { reason: "SEQUENCER_SEND_REFUSED" };
    const toBob = { content: text("hello"), recipients: [bob.member] };
    await expect(newcomer.send({ envelopes: [toBob] })).rejects.toMatchObject(refused);
    const toNewcomer = { content: text("hello"), recipients: [newcomer.member] };
    await expect(through(0, alice).send({ envelopes: [toNewcomer] })).rejects.toMatchObject(refused);
    newcomer.close();
  });

  test("a participant that is expelled loses its streams at both sequencers and cannot come back", async () => {
    const dave = await domain.join("dave");
    const clients = [0, 1].map((index) =>
      domain.client(dave, { connections: [domain.connections[index] as { url: string }], refusalGraceMs: 0 }),
    );
    const seen: ReceivedEvent[][] = [[], []];
    const started = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const streams = clients.map((client, index) =>
      client.subscribe({ fromCounter: 0n }, async (event) => {
        seen[index]?.push(event);
        started[index]?.resolve();
      }),
    );
    const ended = Promise.allSettled(streams);
    await Promise.all(started.map(({ promise }) => promise));
    const expelledAt = await domain.expel(dave);
    await through(0, alice).send({ envelopes: [{ content: text("after"), recipients: [dave.member] }] });
    for (const result of await ended) expect(result).toMatchObject({ status: "rejected" });
    expect(seen.flat().every(({ timestamp }) => timestamp < expelledAt)).toBe(true);
    await expect((clients[0] as SequencerClient).send({ envelopes: [] })).rejects.toMatchObject({
      message: expect.stringContaining("not active"),
    });
    const connection = new SequencerConnect(domain.connections[0] as { url: string });
    expect(await connection.verifyActive(dave.member)).toBe(false);
    expect(await connection.verifyActive(alice.member)).toBe(true);
    connection.close();
  });

  test("a member that an operator disables is refused by both sequencers", async () => {
    const erin = await domain.join("erin");
    const client = domain.client(erin, { refusalGraceMs: 0 });
    const stream = client.subscribe({ fromCounter: 0n }, async () => undefined);
    const failed = expect(stream).rejects.toThrow("disabled");
    await through(1, erin).send({ envelopes: [] });
    const admin = connect(EnterpriseSequencerAdministrationServiceClient, {
      address: "127.0.0.1",
      port: sequencers[0]?.adminPort as number,
    });
    await call(admin, "disableMember", { member: erin.member }, { deadlineMs: 5_000 });
    await failed;
    await expect(call(admin, "prune", { timestamp: undefined }, { deadlineMs: 5_000 })).rejects.toMatchObject({
      code: 12,
      message: expect.stringContaining("not built"),
    });
    admin.close();
    const status = connect(SequencerAdministrationServiceClient, {
      address: "127.0.0.1",
      port: sequencers[1]?.adminPort as number,
    });
    const { members } = await call(status, "pruningStatus", {}, { deadlineMs: 5_000 });
    expect(members.find(({ member }) => member === erin.member)).toMatchObject({ enabled: false });
    expect(members.find(({ member }) => member === alice.member)).toMatchObject({ enabled: true });
    status.close();
  });

  test("acknowledgements show in the pruning status, and connected participants in the status", async () => {
    const client = domain.client(alice);
    const at = await client.send({ envelopes: [] });
    await client.acknowledge(at);
    const port = sequencers[0]?.adminPort as number;
    const admin = connect(SequencerAdministrationServiceClient, { address: "127.0.0.1", port });
    const { members } = await call(admin, "pruningStatus", {}, { deadlineMs: 5_000 });
    admin.close();
    expect(members.find(({ member }) => member === alice.member)?.lastAcknowledged).toEqual({
      seconds: at / 1_000_000n,
      nanos: Number(at % 1_000_000n) * 1000,
    });
    const connected = Promise.withResolvers<void>();
    const stream = through(0, alice).subscribe({ fromCounter: 0n }, async () => connected.resolve());
    await connected.promise;
    const status = connect(SequencerStatusServiceClient, { address: "127.0.0.1", port });
    const { kind } = await call(status, "sequencerStatus", {}, { deadlineMs: 5_000 });
    status.close();
    expect(kind).toMatchObject({
      $case: "status",
      value: { domainId: domain.domainId, protocolVersion: 5, sequencer: { active: true } },
    });
    if (kind?.$case === "status") {
      expect(kind.value.connectedParticipantsUid).toContain(alice.member.slice("PAR::".length));
    }
    void stream;
  });
});

describe("bad input", () => {
  const deadlineMs = 5_000;
  const metadataOf = (member: string, token: Buffer, domainid = domain.domainId) => ({
    memberid: member,
    domainid,
    "authtoken-bin": token,
  });
  let client: InstanceType<typeof SequencerApiClient>;
  let authentication: SequencerAuthenticationServiceClient;

  beforeAll(() => {
    const target = domain.connections[0] as { url: string };
    client = connect(SequencerApiClient, target);
    authentication = connect(SequencerAuthenticationServiceClient, target);
  });
  afterAll(() => {
    client.close();
    authentication.close();
  });

  async function challenge(member: string, versions = ["5"]) {
    const request = { member, memberProtocolVersions: versions };
    return (await call(authentication, "challenge", request, { deadlineMs })).value;
  }
  async function nonceFor(member: string): Promise<Buffer> {
    const value = await challenge(member);
    if (value?.$case !== "success") throw new Error(`refused: ${value?.value.reason}`);
    return value.value.nonce;
  }
  async function authenticate({ member, pair }: TestMember, nonce: Buffer, over = domain.domainId) {
    const signature = sign(pair, "sequencer-authentication", Buffer.concat([nonce, Buffer.from(over)]));
    return (await call(authentication, "authenticate", { member, nonce, signature }, { deadlineMs })).value;
  }
  async function tokenFor(member: TestMember): Promise<Buffer> {
    const value = await authenticate(member, await nonceFor(member.member));
    if (value?.$case !== "success") throw new Error(`refused: ${value?.value.reason}`);
    return value.value.token;
  }

  test("a nonce works once, for its member, with its key, for its domain", async () => {
    const nonce = await nonceFor(alice.member);
    expect(await authenticate(alice, nonce)).toMatchObject({ $case: "success" });
    const refusals = [
      await authenticate(alice, nonce),
      await authenticate(bob, await nonceFor(alice.member)),
      await authenticate({ member: alice.member, pair: bob.pair }, await nonceFor(alice.member)),
      await authenticate(alice, await nonceFor(alice.member), "other::1220"),
      await authenticate(alice, randomBytes(32)),
    ];
    for (const refusal of refusals) expect(refusal).toMatchObject({ $case: "failure", value: { code: 16 } });
    expect(refusals[0]?.value).toMatchObject({ reason: expect.stringContaining("used already") });
  });

  test("strangers, unauthenticated members and other protocol versions get no challenge", async () => {
    const reasons = await Promise.all([
      challenge("PAR::stranger::1220aa"),
      challenge(newUnauthenticatedMember()),
      challenge("nonsense"),
      challenge(alice.member, ["4"]),
    ]);
    expect(reasons.map((value) => value?.$case)).toEqual(["failure", "failure", "failure", "failure"]);
    expect(reasons.map((value) => (value?.value as { reason: string }).reason)).toEqual([
      expect.stringContaining("not active"),
      expect.stringContaining("Accepted: PAR::"),
      expect.stringContaining("nonsense"),
      expect.stringContaining("protocol version 5"),
    ]);
  });

  test("handshake, description and a url that leads nowhere", async () => {
    const [first] = domain.connections as [{ url: string }];
    const connection = new SequencerConnect(first);
    expect(await connection.handshake(["4", "5"])).toBe("5");
    await expect(connection.handshake(["6"])).rejects.toMatchObject({ reason: "HANDSHAKE_FAILED" });
    connection.close();
    expect(await describeDomain([{ url: "http://127.0.0.1:1" }, first], ["5"])).toMatchObject({
      domainId: domain.domainId,
      sequencerId: domain.sequencer,
      protocolVersion: "5",
      staticDomainParameters: defaultStaticDomainParameters(),
    });
    await expect(describeDomain([{ url: "http://127.0.0.1:1" }], ["5"])).rejects.toMatchObject({ code: 14 });
  });

  test("a token that is missing, unknown, of somebody else, or for another domain", async () => {
    const token = await tokenFor(alice);
    const request = { member: alice.member, timestamp: { seconds: 1n, nanos: 0 } };
    const acknowledge = (metadata: Record<string, string | Buffer>, member = alice.member) =>
      call(client, "acknowledge", { ...request, member }, { deadlineMs, metadata });
    await acknowledge(metadataOf(alice.member, token));
    const without = { memberid: alice.member, domainid: domain.domainId };
    await expect(acknowledge(without)).rejects.toMatchObject({ code: 16, reason: "MISSING_TOKEN" });
    const unknown = metadataOf(alice.member, randomBytes(32));
    await expect(acknowledge(unknown)).rejects.toMatchObject({ code: 16, reason: "INVALID_TOKEN" });
    const stolen = metadataOf(bob.member, token);
    await expect(acknowledge(stolen)).rejects.toMatchObject({ code: 16, reason: "INVALID_TOKEN" });
    const elsewhere = metadataOf(alice.member, token, "other::1220aa");
    await expect(acknowledge(elsewhere)).rejects.toMatchObject({ code: 7, reason: "WRONG_DOMAIN_ID" });
    await expect(acknowledge(metadataOf(alice.member, token), bob.member)).rejects.toMatchObject({
      code: 7,
      reason: "NOT_YOUR_STREAM",
    });
    const stream = serverStream(
      client,
      "subscribe",
      { member: bob.member, counter: 0n },
      { metadata: metadataOf(alice.member, token) },
    );
    await expect(Array.fromAsync(stream)).rejects.toMatchObject({ code: 7, reason: "NOT_YOUR_STREAM" });
  });

  test("forged, foreign and malformed submissions", async () => {
    const metadata = metadataOf(alice.member, await tokenFor(alice));
    const request = {
      sender: alice.member,
      messageId: randomUUID(),
      isRequest: false,
      envelopes: [{ content: text("x"), recipients: [bob.member] }],
      maxSequencingTime: BigInt(Date.now() + 60_000) * 1000n,
    };
    const send = async (signedSubmissionRequest: Buffer) =>
      (await call(client, "sendAsyncVersioned", { signedSubmissionRequest }, { deadlineMs, metadata })).error?.reason;
    const signed = (content: Buffer, pair = alice.pair) =>
      encodeSignedContent({ content, signature: sign(pair, "submission-request", content) });
    const content = encodeSubmissionRequest(request);
    const invalid = (about: string) => ({ $case: "requestInvalid", value: expect.stringContaining(about) });

    expect(await send(signed(content))).toBeUndefined();
    expect(await send(signed(content, bob.pair))).toEqual(invalid("not signed with a key"));
    const other = encodeSubmissionRequest({ ...request, messageId: "other" });
    const { signature } = { signature: sign(alice.pair, "submission-request", content) };
    expect(await send(encodeSignedContent({ content: other, signature }))).toEqual(invalid("not signed with a key"));
    const wrongPurpose = sign(alice.pair, "acknowledgement", content);
    expect(await send(encodeSignedContent({ content, signature: wrongPurpose }))).toEqual(invalid("not signed"));
    const asBob = encodeSubmissionRequest({ ...request, sender: bob.member });
    expect(await send(signed(asBob))).toMatchObject({ $case: "requestRefused" });
    expect(await send(text("garbage"))).toEqual(invalid("signed_content"));
    expect(await send(signed(randomBytes(40)))).toEqual(invalid("submission_request"));
    const withNul = encodeSubmissionRequest({ ...request, messageId: "a\0b" });
    expect(await send(signed(withNul))).toEqual(invalid("NUL"));

    // A small message that unpacks to a large one.
    const bomb = submissionRequestToProto(
      { ...request, envelopes: [{ content: Buffer.alloc(20_000_000), recipients: [bob.member] }] },
      "gzip",
    );
    const answer = await call(client, "sendAsync", bomb, { deadlineMs, metadata });
    expect(answer.error?.reason).toEqual(invalid("10485760 bytes"));
    const unsigned = await call(client, "sendAsync", submissionRequestToProto(request), { deadlineMs, metadata });
    expect(unsigned.error).toBeUndefined();
  });

  test("initialisation is repeatable, and another domain is refused with both names", async () => {
    const [sequencer] = sequencers as [TestSequencer];
    expect(await domain.init(sequencer)).toEqual(keys[0]);
    await domain.bootstrap(sequencer);
    const other = new TestDomain("other");
    await expect(other.init(sequencer)).rejects.toMatchObject({
      code: 9,
      reason: "SEQUENCER_OF_OTHER_DOMAIN",
      message: expect.stringContaining(domain.domainId),
    });
    await expect(other.bootstrap(sequencer, { items: [] })).rejects.toMatchObject({
      reason: "EMPTY_TOPOLOGY_SNAPSHOT",
    });
    const admin = connect(SequencerInitializationServiceClient, { address: "127.0.0.1", port: sequencer.adminPort });
    const parameters = { ...defaultStaticDomainParameters(), uniqueContractKeys: false };
    const init = {
      domainId: domain.domainId,
      domainParameters: parameters,
      topologySnapshot: undefined,
      snapshot: undefined,
    };
    await expect(call(admin, "initV1", init, { deadlineMs })).rejects.toMatchObject({
      reason: "SEQUENCER_PARAMETERS_DIFFER",
    });
    admin.close();
  });
});

test("tokens expire, and a client with an open stream renews them without gap or repeat", async () => {
  await using storage = await createTestDatabase();
  const backend = databases[0]?.storage as TestDatabase["storage"];
  const short = { nonceLifetime: 60_000, tokenLifetime: 700 };
  const sequencer = await startTestSequencer(sequencerConfig("shortlived", storage.storage, backend, short));
  try {
    const key = await domain.init(sequencer);
    await domain.broadcast([
      domain.authorise({ kind: "OwnerToKeyMapping", owner: domain.sequencer, key: { purpose: "signing", key } }),
    ]);
    await domain.bootstrap(sequencer);
    const client = domain.client(carol, { connections: [{ url: `http://127.0.0.1:${sequencer.publicPort}` }] });
    const from = (await read(client, 0n, () => true)).length;
    const sender = through(0, alice);
    const reading = read(
      client,
      0n,
      (events) => events.filter(({ envelopes }) => envelopes[0]?.content.equals(text("tick"))).length === 8,
    );
    for (let index = 0; index < 8; index++) {
      await sender.send({ envelopes: [{ content: text("tick"), recipients: [carol.member] }] });
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    const events = await reading;
    expect(from).toBe(1);
    expect(events.map(({ counter }) => counter)).toEqual(events.map((_, index) => BigInt(index)));
    await client.send({ envelopes: [] });
  } finally {
    await sequencer.close();
  }
});

test("a sequencer that was not initialised says so", async () => {
  await using storage = await createTestDatabase();
  await using backend = await createTestDatabase();
  const sequencer = await startTestSequencer(sequencerConfig("fresh", storage.storage, backend.storage));
  try {
    const url = `http://127.0.0.1:${sequencer.publicPort}`;
    const connection = new SequencerConnect({ url });
    await expect(connection.getDomainId()).rejects.toMatchObject({ code: 14, reason: "SEQUENCER_NOT_INITIALIZED" });
    connection.close();
    await expect(new TestDomain().bootstrap(sequencer, { items: [] })).rejects.toMatchObject({
      reason: "SEQUENCER_NOT_INITIALIZED",
    });
  } finally {
    await sequencer.close();
  }
});
