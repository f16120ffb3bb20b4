/** The fifteen steps in which a participant gets onto a domain, each shown on real nodes. */
import { readFile } from "node:fs/promises";
import { snapshotAt } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { sign, verifyWithAny } from "@pulumi-canton/protocol/crypto/signature.ts";
import { signDomainTopologyMessage } from "@pulumi-canton/protocol/envelope/domain-topology-message.ts";
import { decodeEnvelopeContent, encodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import { decodeSequencedEvent, encodeSequencedEvent } from "@pulumi-canton/protocol/envelope/sequenced-event.ts";
import { decodeSignedContent, encodeSignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";
import { decodeSubmissionRequest } from "@pulumi-canton/protocol/envelope/submission-request.ts";
import { PartyManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import {
  type DomainConnectionConfig,
  DomainConnectivityServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { authenticationContent } from "@pulumi-canton/protocol/service-agreement.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { addition, decodeSignedTransaction, signTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { createTestAuthority } from "@pulumi-canton/runtime/testing/certificates.ts";
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
  register,
  topologyOf,
  uidOf,
} from "./testing/permissioned-domain.ts";
import { type SeenCall, startSequencerBetween } from "./testing/sequencer-between.ts";
import { refusalOf } from "./testing/served.ts";
import { startTestParticipant } from "./testing/test-participant.ts";

const waiting = { timeout: 20_000 };

let domain: PermissionedDomain;

beforeAll(async () => {
  domain = await PermissionedDomain.start(2);
});

afterAll(() => domain?.[Symbol.asyncDispose]());

async function participant(name: string, admitted = true) {
  const { storage } = await domain.database();
  const node = await startTestParticipant({ name, storage, domains: { activationTimeout: "10s" } });
  if (admitted) await domain.set(await uidOf(node), "Submission");
  return node;
}

/** A sequencer in between, in front of the first one. */
const between = () => startSequencerBetween(domain.urls[0] ?? "");

/** A connection to these URLs, each as a sequencer of its own. */
const connectionTo = (urls: readonly string[], changes: Partial<DomainConnectionConfig> = {}) =>
  connection({ domainId: domain.domainId, urls }, changes);

const configured = async (node: ParticipantApis) =>
  (await call(node.admin(DomainConnectivityServiceClient), "listConfiguredDomains", {}, { deadlineMs })).results;

/** The envelopes that a submission that came by carried. */
const submissionIn = ({ request }: SeenCall) => {
  const bytes: Buffer = request.submissionRequest ?? decodeSignedContent(request.signedSubmissionRequest).content;
  return decodeSubmissionRequest(bytes, 10_000_000);
};

/** The topology transactions in an event, with who they were sent to. */
function topologyIn(event: { signedSequencedEvent: Buffer }) {
  const decoded = decodeSequencedEvent(decodeSignedContent(event.signedSequencedEvent).content, 10_000_000);
  if (decoded.kind !== "deliver") return [];
  return decoded.envelopes.flatMap(({ content, recipients }) => {
    const read = decodeEnvelopeContent(content);
    return read.kind === "domain-topology-message" ? [{ recipients, transactions: read.message.transactions }] : [];
  });
}

/** What the domain's own topology has that names something. */
async function topologyNaming(what: string): Promise<string[]> {
  const { items } = await snapshotAt(domain.adminPort, domain.domainId, "state");
  return items
    .map(({ transaction }) => decodeSignedTransaction(transaction).transaction.mapping)
    .filter((mapping) => mapping.kind !== "ParticipantState" || mapping.side !== "From")
    .filter((mapping) => Object.values(mapping).some((value) => typeof value === "string" && value.endsWith(what)))
    .map(({ kind }) => kind);
}

/** The signing keys of a member in a store of a participant, by default that of the domain. */
async function signingKeysOf(
  node: ParticipantApis,
  member: string,
  store = domain.domainId,
): Promise<SigningPublicKey[]> {
  return (await topologyOf(node, store)).flatMap((base64) => {
    const { mapping } = decodeSignedTransaction(Buffer.from(base64, "base64")).transaction;
    return mapping.kind === "OwnerToKeyMapping" && mapping.owner === member && mapping.key.purpose === "signing"
      ? [mapping.key.key]
      : [];
  });
}

describe("getting onto a domain", () => {
  test("onboarding step 1: register takes an alias and sequencer URLs, http or https with an optional port, and optionally certificates and the domain id; nothing is contacted", async () => {
    await using node = await participant("one", false);
    const client = node.admin(DomainConnectivityServiceClient);
    const one = (url: string, changes: Partial<DomainConnectionConfig> = {}) => {
      const config = connectionTo([url], { domainAlias: url, domainId: "", ...changes });
      return call(client, "registerDomain", { add: { ...config, manualConnect: true } }, { deadlineMs });
    };
    await one("http://127.0.0.1:1");
    await one("http://nowhere.example");
    await one("https://nowhere.example/path", { domainId: domain.domainId });
    expect((await configured(node)).map(({ config }) => config?.domainAlias)).toEqual([
      "http://127.0.0.1:1",
      "http://nowhere.example",
      "https://nowhere.example/path",
    ]);
    expect(await refusalOf(one("ftp://127.0.0.1:1"))).toMatchObject({ message: expect.stringContaining("https://") });
    expect(await refusalOf(one("http://x", { domainId: "no id" }))).toMatchObject({
      message: expect.stringContaining("no id"),
    });
    expect((await refusalOf(one("http://x", { sequencerTrustThreshold: 2 }))).message).toContain("Accepted: 1");
  });

  test("onboarding step 2: the first thing is the SequencerConnectService, over TLS with the certificates of the registration, and no other", async () => {
    using authority = await createTestAuthority();
    using stranger = await createTestAuthority();
    const tls = await authority.issue("sequencer");
    const sequencersCaFile = authority.caFile;
    await using secure = await PermissionedDomain.start(1, { settings: { publicApi: { tls } }, sequencersCaFile });
    await using node = await participant("two", false);
    await secure.set(await uidOf(node), "Submission");
    const trusting = async (alias: string, caFile: string | undefined) => {
      const ca = caFile === undefined ? undefined : await readFile(caFile);
      const sequencerConnections = secure.urls.map((url) => ({
        type: {
          $case: "grpc" as const,
          value: { connections: [url], transportSecurity: true, customTrustCertificates: ca },
        },
        alias: "",
      }));
      return connection(secure, { domainAlias: alias, sequencerConnections });
    };
    for (const [alias, caFile] of [
      ["machine", undefined],
      ["stranger", stranger.caFile],
    ] as const) {
      await register(node, await trusting(alias, caFile));
      const refusal = await refusalOf(connectAgain(node, alias));
      expect(refusal).toMatchObject({ reason: "DOMAIN_IS_NOT_AVAILABLE" });
      expect(refusal.metadata.reason).toMatch(/certificate/);
    }
    await connectTo(node, await trusting("trusted", authority.caFile));
    expect(await connectedDomains(node)).toEqual(["trusted"]);

    await using sequencer = await between();
    await using other = await participant("two-b");
    await connectTo(other, connectionTo([sequencer.url]));
    expect(sequencer.calls[0]?.rpc).toBe("getDomainId");
    const connectService = ["getServiceAgreement", "handshake", "getDomainId", "getDomainParameters", "verifyActive"];
    const firstOther = sequencer.calls.findIndex(({ rpc }) => !connectService.includes(rpc));
    const before = sequencer.calls.slice(0, firstOther).map(({ rpc }) => rpc);
    expect(new Set(before)).toEqual(new Set(connectService));
  });

  test("onboarding step 4: without a protocol version in common the connection fails, and the participant says no more", async () => {
    await using sequencer = await between();
    await using node = await participant("four");
    sequencer.lies.answers["handshake"] = () => ({
      serverProtocolVersion: "7",
      value: { $case: "failure", value: { reason: "this domain speaks 7" } },
    });
    await register(node, connectionTo([sequencer.url]));
    const refusal = await refusalOf(connectAgain(node));
    expect(refusal).toMatchObject({ reason: "DOMAIN_HANDSHAKE_FAILED", category: 9 });
    expect(refusal.metadata.reason).toContain("this domain speaks 7");
    expect(sequencer.of("handshake")[0]?.request.clientProtocolVersions).toEqual(["5"]);
    expect(new Set(sequencer.calls.map(({ rpc }) => rpc))).toEqual(new Set(["getServiceAgreement", "handshake"]));
  });

  test("onboarding step 5: the domain id is compared with the registered one, or else learned at the first contact and kept", async () => {
    await using sequencer = await between();
    await using node = await participant("five");
    const uid = await uidOf(node);
    await register(node, connectionTo([sequencer.url], { domainAlias: "pinned", domainId: uid }));
    expect(await refusalOf(connectAgain(node, "pinned"))).toMatchObject({
      reason: "DOMAIN_ID_MISMATCH",
      metadata: { expected: uid, observed: domain.domainId },
    });
    // Nobody said what the id is: what the domain says at first counts from then on.
    await connectTo(node, connectionTo([sequencer.url], { domainId: "" }));
    const client = node.admin(DomainConnectivityServiceClient);
    await call(client, "disconnectDomain", { domainAlias: "mydomain" }, { deadlineMs });
    const impostor = `impostor::${uid.split("::")[1]}`;
    sequencer.lies.answers["getDomainId"] = () => ({ domainId: impostor, sequencerId: `SEQ::${impostor}` });
    expect(await refusalOf(connectAgain(node))).toMatchObject({
      reason: "DOMAIN_ID_MISMATCH",
      metadata: { expected: domain.domainId, observed: impostor },
    });
    expect(await call(client, "getDomainId", { domainAlias: "mydomain" }, { deadlineMs })).toEqual({
      domainId: domain.domainId,
    });
  });

  test("onboarding step 6: the static domain parameters are downloaded, and those that the participant cannot follow are refused", async () => {
    await using sequencer = await between();
    await using node = await participant("six");
    sequencer.lies.answers["getDomainParameters"] = ({ parameters }) => ({
      parameters: { ...parameters, value: { ...parameters.value, requiredHashAlgorithms: [99] } },
    });
    await register(node, connectionTo([sequencer.url]));
    const refusal = await refusalOf(connectAgain(node));
    expect(refusal).toMatchObject({ reason: "DOMAIN_HANDSHAKE_FAILED" });
    expect(refusal.metadata.reason).toMatch(/static domain parameters not supported: no hash algorithm in common/);
    expect(sequencer.of("sendAsyncUnauthenticatedVersioned")).toEqual([]);
    delete sequencer.lies.answers["getDomainParameters"];
    expect(await connectAgain(node)).toBe(true);
  });

  test("onboarding step 7: as an unauthenticated member it sends its identity to the domain manager, and the policy decides", async () => {
    await using sequencer = await between();
    await using node = await participant("seven", false);
    const uid = await uidOf(node);
    await register(node, connectionTo([sequencer.url]));
    const refusal = await refusalOf(connectAgain(node));
    expect(refusal).toMatchObject({ reason: "PARTICIPANT_IS_NOT_ACTIVE" });
    expect(refusal.metadata.serverResponse).toMatch(/allow-list.*participants\.set_state/);
    const [sent] = sequencer.of("sendAsyncUnauthenticatedVersioned");
    expect(sent).toMatchObject({ member: expect.stringMatching(/^UNM::/), token: false });
    const { sender, envelopes } = submissionIn(sent as SeenCall);
    expect(sender).toBe(sent?.member);
    expect(envelopes.map(({ recipients }) => recipients)).toEqual([[`DOM::${domain.domainId}`]]);
    const content = decodeEnvelopeContent(envelopes[0]?.content ?? Buffer.alloc(0));
    if (content.kind !== "register-topology-request") throw new Error("another message");
    const { participant: member, transactions } = content.request;
    expect(member).toBe(`PAR::${uid}`);
    expect(transactions.map(({ transaction }) => transaction.mapping.kind).sort()).toEqual([
      "NamespaceDelegation",
      "OwnerToKeyMapping",
      "OwnerToKeyMapping",
      "ParticipantState",
    ]);
    // Nothing of it is known to the domain, until the operator has put it on the list.
    expect(await topologyNaming(uid)).toEqual([]);
    await domain.set(uid, "Submission");
    expect(await connectAgain(node)).toBe(true);

    await using open = await PermissionedDomain.start(1, { policy: "open" });
    await connectTo(node, connection(open, { domainAlias: "open" }));
    expect(await connectedDomains(node)).toEqual(["mydomain", "open"]);
  });

  test("onboarding step 8: the domain manager takes the identity in and tells the others, and answers the unauthenticated member, who is gone then", async () => {
    await using witness = await participant("eight-witness");
    await connectTo(witness, connection(domain));
    await using sequencer = await between();
    await using node = await participant("eight");
    await connectTo(node, connectionTo([sequencer.url]));
    const subscriptions = sequencer.of("subscribeUnauthenticatedVersioned");
    expect(subscriptions).toHaveLength(1);
    const [{ signedSequencedEvent }] = subscriptions[0]?.answer.slice(-1) ?? [];
    const event = decodeSequencedEvent(decodeSignedContent(signedSequencedEvent).content, 10_000_000);
    const answer = event.kind === "deliver" ? decodeEnvelopeContent(event.envelopes[0]?.content as Buffer) : undefined;
    if (answer?.kind !== "register-topology-response") throw new Error("no answer");
    expect(answer.response.results.map(({ state }) => state)).toEqual(Array(4).fill("ACCEPTED"));
    await expect.poll(() => subscriptions[0]?.ended, waiting).toBe(true);
    const uid = await uidOf(node);
    await expect.poll(async () => (await partiesOf(witness)).has(uid), waiting).toBe(true);
  });

  test("onboarding step 9: only after the approval it connects as the participant that it is", async () => {
    await using sequencer = await between();
    await using node = await participant("nine", false);
    await register(node, connectionTo([sequencer.url]));
    await refusalOf(connectAgain(node));
    const asItself = () =>
      sequencer.calls.filter(({ rpc, member }) => rpc !== "verifyActive" && (member?.startsWith("PAR::") ?? false));
    expect(asItself()).toEqual([]);
    await domain.set(await uidOf(node), "Submission");
    await connectAgain(node);
    const [first] = asItself();
    expect(first).toMatchObject({ rpc: "challenge", member: `PAR::${await uidOf(node)}` });
    const { answer } = sequencer.of("subscribeUnauthenticatedVersioned").at(-1) as SeenCall;
    expect(sequencer.calls.findIndex((each) => each.answer === answer)).toBeLessThan(
      sequencer.calls.indexOf(first as SeenCall),
    );
  });

  test("onboarding step 10: the challenge is a nonce with the fingerprint of the key that the topology has, and that key signs nonce and domain id", async () => {
    await using sequencer = await between();
    await using node = await participant("ten");
    await connectTo(node, connectionTo([sequencer.url]));
    const member = `PAR::${await uidOf(node)}`;
    const challenge = sequencer.of("challenge")[0]?.answer.value.value;
    const keys = await signingKeysOf(node, member);
    expect(challenge.fingerprints).toEqual(keys.map(({ id }) => id));
    const { request } = sequencer.of("authenticate")[0] as SeenCall;
    expect(request.nonce).toEqual(challenge.nonce);
    const content = authenticationContent(challenge.nonce, domain.domainId);
    expect(verifyWithAny(keys, "sequencer-authentication", content, request.signature)).toBe(true);
  });

  test.each([
    ["the clocks agree", 0],
    ["the sequencer's clock is an hour behind", -3600n],
    ["the sequencer's clock is an hour ahead", 3600n],
  ])("onboarding step 11: every call carries a token, which is renewed while there is work; %s", async (_, ahead) => {
    await using brief = await PermissionedDomain.start(1, {
      settings: { authentication: { tokenLifetime: "1500ms" } },
    });
    await using sequencer = await startSequencerBetween(brief.urls[0] ?? "");
    sequencer.lies.answers["authenticate"] = (answer) => {
      if (answer.value.$case !== "success") return answer;
      const { token, expiresAt } = answer.value.value;
      const seconds = expiresAt.seconds + BigInt(ahead);
      return { value: { $case: "success", value: { token, expiresAt: { ...expiresAt, seconds } } } };
    };
    await using node = await participant("eleven", false);
    await brief.set(await uidOf(node), "Submission");
    await connectTo(node, {
      ...connection(brief),
      sequencerConnections: connectionTo([sequencer.url]).sequencerConnections,
    });
    const renewed = () => sequencer.of("authenticate").length;
    const parties: string[] = [];
    const before = renewed();
    while (renewed() < before + 3) {
      const party = await enableParty(node, `Eleven${parties.length}`);
      parties.push(party);
      await expect.poll(async () => (await partiesOf(node)).get(party), waiting).toBe(true);
    }
    expect(await connectedDomains(node)).toEqual(["mydomain"]);
    const open = ["challenge", "authenticate", "verifyActive", "handshake", "getDomainId", "getDomainParameters"];
    const asItself = sequencer.calls.filter(({ rpc, member }) => member?.startsWith("PAR::") && !open.includes(rpc));
    expect(asItself.length).toBeGreaterThan(parties.length);
    expect(asItself.filter(({ token }) => !token)).toEqual([]);
    const known = await topologyOf(node, brief.domainId);
    expect(new Set(known).size).toBe(known.length);
  });

  test("onboarding step 12: the dispatcher pushes all topology transactions of the participant, those from before it was connected too", async () => {
    await using node = await participant("twelve");
    const early = await enableParty(node, "Early");
    await connectTo(node, connection(domain));
    const late = await enableParty(node, "Late");
    await expect.poll(() => queued(node), waiting).toBe(0);
    const parties = await partiesOf(node);
    expect([parties.get(early), parties.get(late)]).toEqual([true, true]);
    expect(await topologyNaming(early)).toHaveLength(1);
  });

  test("onboarding step 13: the keys of the domain's entities come with the first messages, authorised by the key that governs the domain id, and the sequencer signs with one of them", async () => {
    await using sequencer = await between();
    await using node = await participant("thirteen");
    await connectTo(node, connectionTo([sequencer.url]));
    const { answer } = sequencer.of("subscribeVersioned")[0] as SeenCall;
    const first = topologyIn(answer[0]);
    const told = first.flatMap(({ transactions }) => transactions);
    const ofDomain = told.filter(({ transaction: { mapping } }) => mapping.kind === "OwnerToKeyMapping");
    const owners = ofDomain.map(({ transaction: { mapping } }) => "owner" in mapping && mapping.owner.slice(0, 5));
    for (const entity of ["DOM::", "SEQ::", "MED::"]) expect(owners).toContain(entity);
    const governing = domain.domainId.split("::")[1];
    for (const { signature, transaction } of ofDomain) {
      const { mapping } = transaction;
      if ("owner" in mapping && mapping.owner.endsWith(domain.domainId)) expect(signature.signedBy).toBe(governing);
    }
    const signedBy = decodeSignedContent(answer[0].signedSequencedEvent).signature.signedBy;
    expect((await signingKeysOf(node, `SEQ::${domain.domainId}`)).map(({ id }) => id)).toContain(signedBy);
  });

  test("onboarding step 13: a sequencer that signs with a key of its own is refused, and left for a true one", async () => {
    await using sequencer = await between();
    sequencer.lies.signWith = generateSigningKeyPair();
    await using node = await participant("thirteen-b");
    await register(node, connectionTo([sequencer.url], { domainAlias: "liar" }));
    const refusal = await refusalOf(connectAgain(node, "liar"));
    expect(refusal).toMatchObject({ reason: "SEQUENCER_NOT_TRUSTED", category: 9 });
    expect(refusal.metadata.reason).toContain(sequencer.lies.signWith.publicKey.id);
    expect(await topologyOf(node, domain.domainId)).toEqual([]);
    // The true one is asked, too: nothing of what the other said was kept.
    const client = node.admin(DomainConnectivityServiceClient);
    const both = connectionTo([sequencer.url, ...domain.urls.slice(1)], { domainAlias: "liar" });
    await call(client, "modifyDomain", { modify: both }, { deadlineMs });
    expect(await connectAgain(node, "liar")).toBe(true);
    const party = await enableParty(node, "Thirteen");
    await expect.poll(async () => (await partiesOf(node)).get(party), waiting).toBe(true);
  });

  test("onboarding step 13: somebody else who claims the pinned domain id, with a topology of his own, is refused", async () => {
    await using sequencer = await between();
    await using node = await participant("thirteen-c", false);
    const uid = await uidOf(node);
    const { domainId } = domain;
    // Anybody can see it, in the topology of the domains that the participant is on.
    const [fingerprint] = (await signingKeysOf(node, `PAR::${uid}`, "Authorized")).map(({ id }) => id);
    const [namespace, key] = [generateSigningKeyPair(), generateSigningKeyPair()];
    const says = (mapping: TopologyMapping) => signTransaction(addition(mapping), namespace);
    const owners = [`DOM::${domainId}`, `SEQ::${domainId}`, `PAR::${uid}`];
    const message = await signDomainTopologyMessage(
      {
        domainId,
        notSequencedAfter: BigInt(Date.now() + 60_000) * 1000n,
        transactions: [
          says({
            kind: "NamespaceDelegation",
            namespace: namespace.publicKey.id,
            targetKey: namespace.publicKey,
            isRootDelegation: true,
          }),
          ...owners.map((owner) =>
            says({ kind: "OwnerToKeyMapping", owner, key: { purpose: "signing", key: key.publicKey } }),
          ),
        ],
      },
      (content) => sign(key, "domain-topology-message", content),
    );
    const event = (counter: bigint, timestamp: bigint, contents: readonly Buffer[]) => {
      const envelopes = contents.map((content) => ({ content, recipients: [`PAR::${uid}`] }));
      const content = encodeSequencedEvent({ kind: "deliver", counter, timestamp, domainId, envelopes });
      const signed = encodeSignedContent({ content, signature: sign(key, "sequenced-event", content) });
      return { signedSequencedEvent: signed, traceContext: undefined, trafficState: undefined };
    };
    const now = BigInt(Date.now()) * 1000n;
    const forged = encodeEnvelopeContent({ kind: "domain-topology-message", message });
    sequencer.lies.events = () => [event(0n, now, [forged]), event(1n, now + 1n, [])];
    const expiresAt = timestampToProto(now + 3_600_000_000n);
    Object.assign(sequencer.lies.instead, {
      verifyActive: () => ({ value: { $case: "success", value: { isActive: true } } }),
      challenge: () => ({
        value: {
          $case: "success",
          value: { nonce: Buffer.alloc(32), fingerprints: [fingerprint], domainVersion: "5" },
        },
      }),
      authenticate: () => ({ value: { $case: "success", value: { token: Buffer.alloc(32), expiresAt } } }),
      sendAsyncVersioned: () => ({ outcome: { sequencedAt: now + 1n } }),
    });
    await register(node, connectionTo([sequencer.url]));
    const refusal = await refusalOf(connectAgain(node));
    expect(refusal).toMatchObject({ reason: "SEQUENCER_NOT_TRUSTED", category: 9 });
    expect(refusal.metadata.reason).toContain(key.publicKey.id);
    expect(await connectedDomains(node)).toEqual([]);
    expect(await topologyOf(node, domainId)).toEqual([]);
  });

  test("onboarding step 14: once it is connected, the topology of the domain has been read, and work can begin", async () => {
    await using witness = await participant("fourteen-witness");
    await connectTo(witness, connection(domain));
    await using node = await participant("fourteen");
    await connectTo(node, connection(domain));
    const there = await topologyOf(node, domain.domainId);
    await expect.poll(() => topologyOf(witness, domain.domainId), waiting).toEqual(there);
    const request = { partyIdHint: "Fourteen", displayName: "", localMetadata: undefined, identityProviderId: "" };
    const ledger = node.ledger(PartyManagementServiceClient);
    const { partyDetails } = await call(ledger, "allocateParty", request, { deadlineMs });
    expect((await partiesOf(node)).get(partyDetails?.party ?? "")).toBe(true);
  });

  test("onboarding step 15: what a disabled participant has missed is sent to it alone, before it is enabled for everybody to see", async () => {
    await using witness = await participant("fifteen-witness");
    await connectTo(witness, connection(domain));
    await using sequencer = await between();
    await using node = await participant("fifteen");
    const uid = await uidOf(node);
    await connectTo(node, connectionTo([sequencer.url]));
    const had = await topologyOf(node, domain.domainId);
    await domain.set(uid, "Disabled");
    await expect.poll(() => connectedDomains(node), waiting).toEqual([]);
    const missed = [await enableParty(witness, "MissedA"), await enableParty(witness, "MissedB")];
    await expect.poll(() => queued(witness), waiting).toBe(0);
    expect((await partiesOf(node)).has(missed[0] ?? "")).toBe(false);
    const marker = sequencer.calls.length;
    await domain.set(uid, "Submission");
    await expect.poll(() => connectedDomains(node), waiting).toEqual(["mydomain"]);
    // It is enabled, for all to see, by the end of what disabled it.
    const enables = ({ transactions }: ReturnType<typeof topologyIn>[number]) =>
      transactions.some(
        ({ transaction: { operation, mapping } }) =>
          operation === "Remove" && mapping.kind === "ParticipantState" && mapping.permission === "Disabled",
      );
    const received = () =>
      sequencer.calls
        .slice(marker)
        .filter(({ rpc }) => rpc === "subscribeVersioned")
        .flatMap(({ answer }) => answer)
        .flatMap(topologyIn);
    // It counts as connected also while it goes on after an interruption, which is what being disabled may look like at first.
    await expect.poll(() => received().some(enables), waiting).toBe(true);
    const messages = received();
    const enabling = messages.findIndex(enables);
    expect(messages[enabling]?.recipients.length).toBeGreaterThan(1);
    const alone = messages.slice(0, enabling).filter(({ recipients }) => recipients.length === 1);
    expect(alone.map(({ recipients }) => recipients[0])).toEqual(alone.map(() => `PAR::${uid}`));
    const parties = alone
      .flatMap(({ transactions }) => transactions)
      .flatMap(({ transaction: { mapping } }) => ("party" in mapping ? [mapping.party] : []));
    expect(parties).toEqual(missed);
    const now = async () => (await topologyOf(node, domain.domainId)).join("\n");
    await expect
      .poll(async () => (await now()) === (await topologyOf(witness, domain.domainId)).join("\n"), waiting)
      .toBe(true);
    expect((await topologyOf(node, domain.domainId)).length).toBeGreaterThan(had.length);
  });

  test("onboarding step 15: a participant that was restored from an old backup reads on from there, and converges", async () => {
    const database = await domain.database();
    const start = () => startTestParticipant({ name: "restored", storage: database.storage });
    await using witness = await participant("restored-witness");
    await connectTo(witness, connection(domain));
    let restore: () => Promise<void>;
    let early: string;
    {
      await using node = await start();
      await domain.set(await uidOf(node), "Submission");
      await connectTo(node, connection(domain));
      early = await enableParty(node, "BeforeBackup");
      await expect.poll(() => queued(node), waiting).toBe(0);
      await node.stop();
      restore = await database.backup();
    }
    const lost: string[] = [];
    {
      await using node = await start();
      await expect.poll(() => connectedDomains(node), waiting).toEqual(["mydomain"]);
      for (const name of ["LostA", "LostB"]) lost.push(await enableParty(node, name));
      await expect.poll(() => queued(node), waiting).toBe(0);
      await enableParty(witness, "Meanwhile");
      await expect.poll(() => queued(witness), waiting).toBe(0);
    }
    await restore();
    await using node = await start();
    await expect.poll(() => connectedDomains(node), waiting).toEqual(["mydomain"]);
    const everything = () => topologyOf(witness, domain.domainId);
    await expect.poll(async () => await topologyOf(node, domain.domainId), waiting).toEqual(await everything());
    // The domain has what the backup did not: those parties are hosted here, as everybody knows.
    for (const party of [early, ...lost]) expect((await partiesOf(node)).get(party)).toBe(true);
    const later = await enableParty(node, "AfterRestore");
    await expect.poll(async () => (await partiesOf(witness)).get(later), waiting).toBe(false);
    await expect.poll(() => queued(node), waiting).toBe(0);
    const all = await everything();
    expect(new Set(all).size).toBe(all.length);
    await expect.poll(() => topologyOf(node, domain.domainId), waiting).toEqual(all);
  });
});
