import { status } from "@grpc/grpc-js";
import {
  DomainConnectionConfig,
  DomainConnectivityServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { StaticDomainParameters } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v1/sequencing.ts";
import { versionOfAgreement } from "@pulumi-canton/protocol/service-agreement.ts";
import { type Database, openDatabase } from "@pulumi-canton/runtime/database.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { abilities, staticParameters } from "../domain/abilities.ts";
import { ConnectionStore } from "../domain/connection-store.ts";
import { DomainConnector } from "../domain/domain-connector.ts";
import type { DomainAttempt, DomainSession } from "../domain/domain-session.ts";
import type { Effect, Event, Refusal } from "../domain/onboarding.ts";
import { observationsAvailable, observed, observedRefusal, ourRefusal } from "../testing/observed.ts";
import { refusalOf, served } from "../testing/served.ts";
import { domainConnectivityService } from "./domain-connectivity.ts";

const observedDomain = "mydomain::122068a1bb34646835dc9664d7cf581dbec24de9cca87960283707641e7433241c41";
const deadlineMs = 10_000;
const parameters = StaticDomainParameters.fromPartial({
  protocolVersion: 5,
  requiredSigningKeySchemes: [1],
  requiredEncryptionKeySchemes: [1],
  requiredSymmetricKeySchemes: [1],
  requiredHashAlgorithms: [1],
  requiredCryptoKeyFormats: [3, 2],
});

/** A domain that answers as it is told; the participant's side of it is real, its database included. */
class ScriptedDomain {
  domainId = observedDomain;
  agreement: { id: string; legalText: string } | undefined;
  admits = true;
  reachable = true;
  readonly ends: ((refusal: Refusal | undefined) => void)[] = [];

  attempt(): DomainAttempt {
    const session = this.#session();
    return {
      perform: async (effect) => this.#perform(effect),
      session: () => session,
      abandon: async () => undefined,
    };
  }

  #perform(effect: Effect): Event {
    if (!this.reachable) return { event: "failed", refusal: { kind: "unreachable", reason: "connection refused" } };
    switch (effect.do) {
      case "read-agreement":
        return { event: "agreement-read", agreement: this.agreement && versionOfAgreement(this.agreement) };
      case "handshake":
        return { event: "handshake-answered", accepted: true, reason: "" };
      case "read-domain-id":
        return { event: "domain-id-read", domainId: this.domainId, otherAlias: undefined };
      case "read-parameters":
        return { event: "parameters-read", parameters: staticParameters(parameters) };
      case "remember":
        return { event: "remembered" };
      case "verify-active":
        return { event: "activity-verified", active: this.admits };
      case "request-onboarding":
        return { event: "onboarding-answered", accepted: false, reason: "PAR::participant3 is not on the allow-list" };
      case "await-activation":
        return { event: "activated" };
      case "subscribe":
        return { event: "subscribed" };
      case "await-own-state":
        return { event: "own-state-seen" };
    }
  }

  #session(): DomainSession {
    const ended = Promise.withResolvers<Refusal | undefined>();
    this.ends.push(ended.resolve);
    return {
      domainId: this.domainId,
      healthy: () => true,
      lastTimestamp: () => undefined,
      awaitTime: async () => undefined,
      fetchTime: async () => 0n,
      dispatcher: {
        queues: async () => ({ dispatcher: 0, clients: 0 }),
        rejections: async () => [],
        offerAgain: () => undefined,
        onRejected: () => () => undefined,
      },
      ended: ended.promise,
      close: async () => ended.resolve(undefined),
    };
  }
}

let testDatabase: TestDatabase;
let database: Database;

beforeEach(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({
    storage: testDatabase.storage,
    migrations: new URL("../migrations/", import.meta.url),
    logger: silentLogger,
  });
});

afterEach(async () => {
  await database.close(0);
  await testDatabase.drop();
});

async function participant(name: string) {
  const domain = new ScriptedDomain();
  const store = new ConnectionStore(database);
  const connector = new DomainConnector({
    participant: name,
    store,
    abilities,
    startAttempt: () => domain.attempt(),
    logger: silentLogger,
  });
  const unreachable = { refusal: { kind: "unreachable" as const, reason: "connection refused" } };
  const service = domainConnectivityService({
    participant: name,
    store,
    connector,
    requireActive: () => undefined,
    probe: {
      agreement: async () =>
        domain.reachable ? { domainId: domain.domainId, agreement: domain.agreement } : unreachable,
      handshake: async (connection) => {
        if (!domain.reachable) return unreachable;
        const alias = await store.aliasOf(domain.domainId);
        if (alias !== undefined && alias !== connection.alias) {
          return { refusal: { kind: "domain-already-added" as const, domainId: domain.domainId, alias } };
        }
        return { domainId: domain.domainId, parameters };
      },
    },
  });
  const server = await served([service]);
  return {
    domain,
    connector,
    store,
    client: server.client(DomainConnectivityServiceClient),
    async [Symbol.asyncDispose]() {
      await connector.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A recorded connection as the message that it was. */
function config(recorded: any): DomainConnectionConfig {
  const duration = (value: { seconds?: string; nanos?: number } | undefined) =>
    value === undefined ? undefined : { seconds: BigInt(value.seconds ?? 0), nanos: value.nanos ?? 0 };
  return DomainConnectionConfig.fromPartial({
    domainAlias: recorded.domain_alias ?? "",
    sequencerConnections: (recorded.sequencerConnections ?? []).map((each: any) => ({
      type: { $case: "grpc" as const, value: { connections: each.grpc.connections, transportSecurity: false } },
      alias: each.alias ?? "",
    })),
    manualConnect: recorded.manual_connect ?? false,
    domainId: recorded.domain_id ?? "",
    timeTracker: {
      observationLatency: duration(recorded.timeTracker?.observationLatency),
      patienceDuration: duration(recorded.timeTracker?.patienceDuration),
      minObservationDuration: duration(recorded.timeTracker?.minObservationDuration),
    },
    sequencerTrustThreshold: recorded.sequencerTrustThreshold ?? 0,
  });
}

const mydomain = (changes: Partial<DomainConnectionConfig> = {}) =>
  DomainConnectionConfig.fromPartial({
    domainAlias: "mydomain",
    sequencerConnections: [
      { type: { $case: "grpc", value: { connections: ["http://127.0.0.1:25001", "http://127.0.0.1:25002"] } } },
    ],
    manualConnect: true,
    sequencerTrustThreshold: 1,
    ...changes,
  });

describe.skipIf(!observationsAvailable)("answers as a real Canton did", () => {
  test.each([
    ["raw-RegisterDomain-empty", "RegisterDomain"],
    ["raw-RegisterDomain-no-connections", "RegisterDomain"],
    ["raw-RegisterDomain-bad-domain-id", "RegisterDomain"],
    ["raw-ModifyDomain-unknown-alias", "ModifyDomain"],
    ["raw-ConnectDomain-retry-true-unknown-alias", "ConnectDomain"],
    ["raw-AcceptAgreement-unknown-alias", "AcceptAgreement"],
    ["refusal-disconnect-unknown-alias", "DisconnectDomain"],
    ["refusal-get_agreement-unknown-alias", "GetAgreement"],
    ["refusal-id_of-unknown-alias", "GetDomainId"],
    ["refusal-reconnect-unknown-alias", "ConnectDomain"],
  ])("%s", async (file, method) => {
    await using node = await participant("participant1");
    const recorded = observed(file, method);
    const { request } = recorded;
    const name = `${method.slice(0, 1).toLowerCase()}${method.slice(1)}` as "registerDomain";
    const message = {
      add: request.add && config(request.add),
      modify: request.modify && config(request.modify),
      domainAlias: request.domain_alias ?? "",
      retry: request.retry ?? false,
      agreementId: request.agreement_id ?? "",
    };
    const error = await refusalOf(call(node.client, name, message, { deadlineMs }));
    expect(ourRefusal(error)).toEqual(observedRefusal(recorded));
  });

  test("an alias that is taken: the same configuration is fine, another is refused", async () => {
    await using node = await participant("participant1");
    const same = observed("register-same-alias-same-config", "RegisterDomain").request.add;
    await call(node.client, "registerDomain", { add: config(same) }, { deadlineMs });
    await call(node.client, "registerDomain", { add: config(same) }, { deadlineMs });
    const recorded = observed("refusal-register-alias-with-other-config", "RegisterDomain");
    const error = await refusalOf(
      call(node.client, "registerDomain", { add: config(recorded.request.add) }, { deadlineMs }),
    );
    expect(ourRefusal(error)).toEqual(observedRefusal(recorded));
  });

  test("a second alias of a domain that is known", async () => {
    await using node = await participant("participant1");
    await call(node.client, "registerDomain", { add: mydomain({ manualConnect: false }) }, { deadlineMs });
    const recorded = observed("raw-RegisterDomain-empty-alias", "RegisterDomain");
    const error = await refusalOf(
      call(node.client, "registerDomain", { add: config(recorded.request.add) }, { deadlineMs }),
    );
    const { metadata, ...rest } = ourRefusal(error);
    const { metadata: expected, ...expectedRest } = observedRefusal(recorded);
    expect(rest).toEqual(expectedRest);
    // The id is given in full, not shortened.
    expect(metadata.reason).toMatch(/^DomainIdAlreadyAdded\(mydomain::122068a1bb34.*,Domain 'mydomain'\)$/);
    expect(expected.reason).toMatch(/^DomainIdAlreadyAdded\(mydomain::122068a1bb34.*,Domain 'mydomain'\)$/);
    expect((await call(node.client, "listConfiguredDomains", {}, { deadlineMs })).results).toHaveLength(1);
  });

  test("not on the allow-list: refused, and the registration stays", async () => {
    await using node = await participant("participant3");
    node.domain.admits = false;
    const recorded = observed("refusal-connect-not-on-allow-list", "ConnectDomain");
    await call(node.client, "registerDomain", { add: mydomain() }, { deadlineMs });
    const error = await refusalOf(
      call(node.client, "connectDomain", { domainAlias: "mydomain", retry: false }, { deadlineMs }),
    );
    const { metadata, ...rest } = ourRefusal(error);
    const { metadata: expected, ...expectedRest } = observedRefusal(recorded);
    expect(rest).toEqual(expectedRest);
    expect(metadata).toEqual({
      ...expected,
      // The domain's own words follow: they say who has to do what.
      serverResponse: `${expected.serverResponse}: PAR::participant3 is not on the allow-list`,
    });
    const { results } = await call(node.client, "listConfiguredDomains", {}, { deadlineMs });
    expect(results).toMatchObject([{ config: { domainAlias: "mydomain", manualConnect: true }, connected: false }]);
  });

  test("another domain id than the pinned one", async () => {
    await using node = await participant("manualparticipant");
    const recorded = observed("refusal-connect-wrong-domain-id", "ConnectDomain");
    const { add } = observed("refusal-connect-wrong-domain-id", "RegisterDomain").request;
    await call(node.client, "registerDomain", { add: config(add) }, { deadlineMs });
    const error = await refusalOf(
      call(node.client, "connectDomain", { domainAlias: "pinned", retry: false }, { deadlineMs }),
    );
    const { metadata, ...rest } = ourRefusal(error);
    const { metadata: expected, ...expectedRest } = observedRefusal(recorded);
    expect(rest).toEqual(expectedRest);
    expect(Object.keys(metadata).sort()).toEqual(Object.keys(expected).sort());
    expect(metadata).toMatchObject({ expected: add.domain_id, observed: observedDomain });
  });

  test("connecting as the console does", async () => {
    await using node = await participant("participant2");
    const file = "domains.connect";
    await call(
      node.client,
      "registerDomain",
      { add: config(observed(file, "RegisterDomain").request.add) },
      { deadlineMs },
    );
    const agreement = await call(node.client, "getAgreement", { domainAlias: "mydomain" }, { deadlineMs });
    expect(agreement).toEqual({ domainId: observedDomain, agreement: undefined, accepted: false });
    expect(observed(file, "GetAgreement").responses).toEqual([{ domain_id: observedDomain }]);
    const connected = await call(
      node.client,
      "connectDomain",
      { domainAlias: "mydomain", retry: false },
      { deadlineMs },
    );
    expect(connected).toEqual({ connectedSuccessfully: true });
    await call(
      node.client,
      "modifyDomain",
      { modify: config(observed(file, "ModifyDomain").request.modify) },
      { deadlineMs },
    );
    const { connectedDomains } = await call(node.client, "listConnectedDomains", {}, { deadlineMs });
    const [expected] = observed("domains.list_connected", "ListConnectedDomains").responses[0].connected_domains;
    expect(connectedDomains).toEqual([
      { domainAlias: expected.domain_alias, domainId: expected.domain_id, healthy: expected.healthy },
    ]);
    const configured = await call(node.client, "listConfiguredDomains", {}, { deadlineMs });
    const recorded = observed("domains.list_registered", "ListConfiguredDomains").responses[0].results[0];
    expect(configured.results).toEqual([{ config: config(recorded.config), connected: recorded.connected }]);
  });
});

describe("connections", () => {
  const connect = (node: { client: DomainConnectivityServiceClient }, retry = false) =>
    call(node.client, "connectDomain", { domainAlias: "mydomain", retry }, { deadlineMs });

  test("an agreement has to be accepted first, and its text and id are told", async () => {
    await using node = await participant("participant1");
    node.domain.agreement = { id: "terms-1", legalText: "Be kind." };
    await call(node.client, "registerDomain", { add: mydomain() }, { deadlineMs });
    expect(await refusalOf(connect(node))).toMatchObject({
      code: status.FAILED_PRECONDITION,
      reason: "SERVICE_AGREEMENT_ACCEPTANCE_FAILED",
      message: "Service agreement failed",
      metadata: { domain: "mydomain", reason: expect.stringMatching(/terms-1.*GetAgreement.*AcceptAgreement/) },
    });
    expect(await call(node.client, "getAgreement", { domainAlias: "mydomain" }, { deadlineMs })).toMatchObject({
      agreement: { id: "terms-1", text: "Be kind." },
      accepted: false,
    });
    const wrong = call(node.client, "acceptAgreement", { domainAlias: "mydomain", agreementId: "x" }, { deadlineMs });
    expect((await refusalOf(wrong)).message).toContain("its present one is 'terms-1'");
    await call(node.client, "acceptAgreement", { domainAlias: "mydomain", agreementId: "terms-1" }, { deadlineMs });
    expect(await connect(node)).toEqual({ connectedSuccessfully: true });
  });

  test("changed terms, by their id or only by their text, have to be accepted again, and nobody accepts what was not shown", async () => {
    await using node = await participant("participant1");
    const about = { domainAlias: "mydomain" };
    const accepted = async () => (await call(node.client, "getAgreement", about, { deadlineMs })).accepted;
    const accept = (agreementId: string) =>
      call(node.client, "acceptAgreement", { ...about, agreementId }, { deadlineMs });
    node.domain.agreement = { id: "terms-1", legalText: "Be kind." };
    await call(node.client, "registerDomain", { add: mydomain() }, { deadlineMs });
    expect(await accepted()).toBe(false);
    await accept("terms-1");
    expect(await accepted()).toBe(true);
    for (const [id, legalText] of [
      ["terms-1", "Be very kind."],
      ["terms-2", "Be very kind."],
    ] as const) {
      node.domain.agreement = { id, legalText };
      expect((await refusalOf(connect(node))).metadata.reason).toContain(`new terms of service, '${id}'`);
      if (id === "terms-1") expect(await refusalOf(accept(id))).toMatchObject({ reason: "SERVICE_AGREEMENT_CHANGED" });
      expect(await accepted()).toBe(false);
      await accept(id);
      expect(await accepted()).toBe(true);
      expect(await connect(node)).toEqual({ connectedSuccessfully: true });
      await call(node.client, "disconnectDomain", about, { deadlineMs });
    }
  });

  test("unreachable: without retry an error, with retry it connects once the domain is there", async () => {
    await using node = await participant("participant1");
    node.domain.reachable = false;
    const retrying = mydomain({
      initialRetryDelay: { seconds: 0n, nanos: 1_000_000 },
      maxRetryDelay: { seconds: 0n, nanos: 5_000_000 },
    });
    await call(node.client, "registerDomain", { add: retrying }, { deadlineMs });
    expect(await refusalOf(connect(node))).toMatchObject({ reason: "DOMAIN_IS_NOT_AVAILABLE", category: 1 });
    expect(await connect(node, true)).toEqual({ connectedSuccessfully: false });
    node.domain.reachable = true;
    await expect.poll(() => node.connector.sessions().length).toBe(1);
  });

  test("lost because it was disabled: not connected, and connected again by itself once it is enabled", async () => {
    await using node = await participant("participant1");
    const fast = mydomain({
      initialRetryDelay: { seconds: 0n, nanos: 1_000_000 },
      maxRetryDelay: { seconds: 0n, nanos: 5_000_000 },
    });
    await call(node.client, "registerDomain", { add: fast }, { deadlineMs });
    await connect(node);
    node.domain.admits = false;
    node.domain.ends[0]?.({ kind: "not-active", reason: "disabled on the domain" });
    await expect.poll(() => node.connector.sessions().length).toBe(0);
    expect((await call(node.client, "listConnectedDomains", {}, { deadlineMs })).connectedDomains).toEqual([]);
    expect(await refusalOf(connect(node))).toMatchObject({ reason: "PARTICIPANT_IS_NOT_ACTIVE" });
    node.domain.admits = true;
    await expect.poll(() => node.connector.sessions().length).toBe(1);
  });

  test("disconnecting keeps it disconnected, twice is fine, and reconnecting all leaves out what is connected by hand", async () => {
    await using node = await participant("participant1");
    await call(node.client, "registerDomain", { add: mydomain() }, { deadlineMs });
    await connect(node);
    await call(node.client, "disconnectDomain", { domainAlias: "mydomain" }, { deadlineMs });
    await call(node.client, "disconnectDomain", { domainAlias: "mydomain" }, { deadlineMs });
    await call(node.client, "reconnectDomains", { ignoreFailures: false }, { deadlineMs });
    expect(node.connector.sessions()).toHaveLength(0);
    await call(node.client, "modifyDomain", { modify: mydomain({ manualConnect: false }) }, { deadlineMs });
    await call(node.client, "reconnectDomains", { ignoreFailures: false }, { deadlineMs });
    expect(node.connector.sessions()).toHaveLength(1);
  });

  test("a node that starts connects what is not connected by hand", async () => {
    await using node = await participant("participant1");
    await call(node.client, "registerDomain", { add: mydomain({ manualConnect: false }) }, { deadlineMs });
    await node.connector.startAutomatic();
    await expect.poll(() => node.connector.sessions().length).toBe(1);
  });

  test.each([
    ["127.0.0.1:25001", /Missing scheme/],
    ["ftp://127.0.0.1:25001", /Missing scheme/],
    ["http://user:secret@host:1", /Only host and port/],
    ["http://", /Not a URL/],
  ])("a connection to %s is refused and says what is accepted", async (url, why) => {
    await using node = await participant("participant1");
    const add = mydomain({
      sequencerConnections: [
        {
          type: {
            $case: "grpc",
            value: { connections: [url], transportSecurity: false, customTrustCertificates: undefined },
          },
          alias: "",
        },
      ],
    });
    const error = await refusalOf(call(node.client, "registerDomain", { add }, { deadlineMs }));
    expect(error.message).toMatch(why);
    expect(error.message).toContain("Accepted: http://host:port or https://host:port");
  });
});
