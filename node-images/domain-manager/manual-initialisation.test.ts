/** `init.auto: false`: a domain that is initialised step by step, as the published sequence has it. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { status as statusCode } from "@grpc/grpc-js";
import { encodePublicKey, type SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import {
  defaultDynamicDomainParameters,
  defaultStaticDomainParameters,
  dynamicDomainParametersToProto,
} from "@pulumi-canton/protocol/domain-parameters.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { KeyPurpose, SigningKeyScheme } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { DomainInitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_initialization_service.ts";
import { DomainStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_status_service.ts";
import type { SequencerConnection } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connection.ts";
import { StatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import {
  RequestSide,
  TopologyChangeOp,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import {
  ListOwnerToKeyMappingRequest,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { describe, expect, test } from "vitest";
import { bootstrapSequencer, initialiseMediator, initialiseSequencer } from "./bootstrap/peers.ts";
import { deadlineMs, idle, listAll, setState, snapshotAt, withClient } from "./testing/admin.ts";
import { eventually, TestDomain } from "./testing/test-domain.ts";
import { nameOf, TestParticipant } from "./testing/test-participant.ts";

const options = { deadlineMs };
const authorization = { change: TopologyChangeOp.Add, signedBy: "", replaceExisting: false, forceChange: false };

/** The published calls at a domain manager's admin API. */
class Operator {
  readonly port: number;
  namespace = "";

  constructor(port: number) {
    this.port = port;
  }

  get domainId(): string {
    return uniqueIdentifier("byhand", this.namespace);
  }

  async generate(name: string): Promise<string> {
    const request = { name, keyScheme: SigningKeyScheme.MissingSigningKeyScheme };
    const { publicKey } = await withClient(VaultServiceClient, this.port, (client) =>
      call(client, "generateSigningKey", request, options),
    );
    return publicKey?.id ?? "";
  }

  async importKey(key: SigningPublicKey, name: string): Promise<string> {
    const request = { publicKey: encodePublicKey({ purpose: "signing", key }), name };
    const { fingerprint } = await withClient(VaultServiceClient, this.port, (client) =>
      call(client, "importPublicKey", request, options),
    );
    return fingerprint;
  }

  initId(fingerprint = this.namespace) {
    const request = { identifier: "byhand", fingerprint, instance: "" };
    return withClient(InitializationServiceClient, this.port, (client) => call(client, "initId", request, options));
  }

  root() {
    const { namespace } = this;
    const request = { authorization, namespace, fingerprintOfAuthorizedKey: namespace, isRootDelegation: true };
    return this.#write((client) => call(client, "authorizeNamespaceDelegation", request, options));
  }

  parameters() {
    const value = dynamicDomainParametersToProto(defaultDynamicDomainParameters());
    const request = {
      authorization: { ...authorization, change: TopologyChangeOp.Replace },
      domain: this.domainId,
      parameters: { $case: "parametersV1", value } as const,
    };
    return this.#write((client) => call(client, "authorizeDomainParametersChange", request, options));
  }

  map(code: "DOM" | "SEQ" | "MED", fingerprintOfKey: string) {
    const keyOwner = `${code}::${this.domainId}`;
    const request = { authorization, keyOwner, fingerprintOfKey, keyPurpose: KeyPurpose.SigningKeyPurpose };
    return this.#write((client) => call(client, "authorizeOwnerToKeyMapping", request, options));
  }

  mediatorState() {
    const { domainId } = this;
    const data = { ...authorization, replaceExisting: true };
    const request = { authorization: data, side: RequestSide.Both, domain: domainId, mediator: domainId };
    return this.#write((client) => call(client, "authorizeMediatorDomainState", request, options));
  }

  init(connections: string[]) {
    const config = { sequencerConnection: connectionTo(connections) };
    return withClient(DomainInitializationServiceClient, this.port, (client) =>
      call(client, "init", { config }, options),
    );
  }

  domainStatus() {
    return withClient(DomainStatusServiceClient, this.port, (client) => call(client, "domainStatus", {}, options));
  }

  #write<T>(use: (client: TopologyManagerWriteServiceClient) => Promise<T>): Promise<T> {
    return withClient(TopologyManagerWriteServiceClient, this.port, use);
  }
}

function connectionTo(connections: string[]): SequencerConnection {
  const value = { connections, transportSecurity: false, customTrustCertificates: undefined };
  return { type: { $case: "grpc", value }, alias: "" };
}

/** A participant joins and learns all that was authorised. */
async function canBeJoined(port: number, domainId: string, url: string): Promise<string[]> {
  using alice = new TestParticipant("alice", domainId, [url]);
  await setState(port, domainId, alice.member);
  expect((await alice.requestOnboarding()).map(({ state }) => state)).toEqual(["ACCEPTED", "ACCEPTED", "ACCEPTED"]);
  alice.follow();
  const log = await listAll(port, "Authorized", "history");
  await alice.hasReceived(log.length);
  expect(alice.received.map(nameOf)).toEqual(log);
  return log;
}

test("all by hand: the steps at each node, in order, the manager started anew after each; then it is joined", async () => {
  await using domain = new TestDomain();
  const sequencer = await domain.sequencer("sequencer1");
  const mediator = await domain.mediator("mediator1");
  const admin = (port: number) => ({ address: "127.0.0.1", port });
  const url = `http://127.0.0.1:${sequencer.publicPort}`;
  const { signal } = new AbortController();
  let manager = await domain.manager({ auto: false });
  let operator = new Operator(manager.adminPort);
  const description = () => ({ domainId: operator.domainId, parameters: defaultStaticDomainParameters() });

  // At the separate nodes: their keys are made there, and only the public halves come to the domain manager.
  const sequencerKey = async () => {
    const key = await initialiseSequencer(admin(sequencer.adminPort), description(), signal);
    return operator.importKey(key, "sequencer1");
  };
  const mediatorKey = async () => {
    const [at, snapshot] = [admin(mediator.adminPort), await snapshotAt(operator.port)];
    const key = await initialiseMediator(at, description(), snapshot, connectionTo([url]), signal);
    return operator.importKey(key, "mediator1");
  };
  const steps: readonly [next: string, take: () => Promise<unknown>][] = [
    [
      "GenerateSigningKey",
      async () => {
        operator.namespace = await operator.generate("default");
      },
    ],
    ["InitId", () => operator.initId()],
    ["AuthorizeNamespaceDelegation", () => operator.root()],
    ["AuthorizeDomainParametersChange", () => operator.parameters()],
    ["key to DOM::byhand::", async () => operator.map("DOM", await operator.generate("DOM-signing-key"))],
    ["key to SEQ::byhand::", async () => operator.map("SEQ", await sequencerKey())],
    ["key to MED::byhand::", async () => operator.map("MED", await mediatorKey())],
    ["AuthorizeMediatorDomainState", () => operator.mediatorState()],
    [
      "DomainInitializationService.Init",
      async () => {
        await bootstrapSequencer(admin(sequencer.adminPort), await snapshotAt(operator.port), signal);
        await operator.init([url]);
      },
    ],
  ];
  for (const [index, [next, take]] of steps.entries()) {
    await expect.poll(() => manager.context.health.whyNotReady()).toContain(`next step (${index + 1} of 9)`);
    expect(manager.context.health.whyNotReady()).toContain(next);
    expect(manager.context.health.live).toBe(true);
    expect((await operator.domainStatus()).kind).toEqual({ $case: "unavailable", value: { active: true } });
    await take();
    await manager.close();
    manager = await domain.manager({ auto: false, database: manager.database });
    operator = Object.assign(new Operator(manager.adminPort), { namespace: operator.namespace });
  }
  expect((await idle(operator.port)).commonStatus?.uid).toBe(operator.domainId);
  expect(manager.context.health.whyNotReady()).toBeUndefined();
  await operator.init([url]);
  await expect(operator.init(["http://127.0.0.1:1"])).rejects.toMatchObject({ reason: "DOMAIN_ALREADY_INITIALIZED" });
  const log = await canBeJoined(operator.port, operator.domainId, url);
  for (const adminPort of [operator.port, sequencer.adminPort, mediator.adminPort]) {
    await eventually(async () =>
      (await listAll(adminPort, operator.domainId, "history")).length === log.length ? true : undefined,
    );
    expect(await listAll(adminPort, operator.domainId, "history")).toEqual(log);
  }
});

test("identity by hand, the rest by itself: sequencers and mediators of the configuration, without a restart", async () => {
  await using domain = new TestDomain();
  const sequencers = [await domain.sequencer("sequencer1")];
  const mediators = [await domain.mediator("mediator1")];
  const manager = await domain.manager({ auto: false, sequencers, mediators });
  const operator = new Operator(manager.adminPort);
  await expect.poll(() => manager.context.health.whyNotReady()).toContain("next step (1 of 5)");
  await expect(operator.init(["http://127.0.0.1:1"])).rejects.toMatchObject({ reason: "DOMAIN_INITIALIZES_ITSELF" });
  operator.namespace = await operator.generate("default");
  await operator.initId();
  await operator.root();
  await operator.parameters();
  await operator.map("DOM", await operator.generate("DOM-signing-key"));
  const status = await idle(operator.port);
  expect(status.commonStatus?.uid).toBe(operator.domainId);
  await eventually(async () =>
    (await listAll(operator.port, operator.domainId)).some((name) => name.includes("MediatorDomainState"))
      ? true
      : undefined,
  );
  await expect.poll(() => manager.context.health.component("bootstrap")?.state).toBe("ok");
  expect(manager.context.failures).toEqual([]);
  await canBeJoined(operator.port, operator.domainId, `http://127.0.0.1:${sequencers[0]?.publicPort}`);
});

test("sequencers and mediators by hand: their keys are the operator's, and the domain waits for them", async () => {
  await using domain = new TestDomain();
  const sequencer = await domain.sequencer("sequencer1", { auto: false });
  const mediator = await domain.mediator("mediator1", { auto: false });
  const manager = await domain.manager({ sequencers: [sequencer], mediators: [mediator] });
  const waitsFor = (what: string) =>
    expect
      .poll(() => manager.context.health.component("bootstrap")?.why, { timeout: 10_000 })
      .toMatch(new RegExp(`has to come first: make the node's signing key .*${what}`));
  await waitsFor("sequencer1-sequencer-signing");
  const sequencerKey = await new Operator(sequencer.adminPort).generate("of the bank");
  await waitsFor("mediator1-mediator-signing");
  const other = new Operator(mediator.adminPort);
  await other.generate("one");
  await other.generate("two");
  await waitsFor("holds 2 signing keys");
  const mediatorKey = await other.generate("mediator1-mediator-signing");
  await expect.poll(() => manager.context.health.component("bootstrap")?.state, { timeout: 10_000 }).toBe("ok");
  const { commonStatus } = await idle(manager.adminPort);
  const request = ListOwnerToKeyMappingRequest.fromPartial({
    baseQuery: { filterStore: commonStatus?.uid ?? "", timeQuery: { $case: "headState", value: {} } },
  });
  const { results } = await withClient(TopologyManagerReadServiceClient, manager.adminPort, (client) =>
    call(client, "listOwnerToKeyMapping", request, options),
  );
  const mapped = results.map(({ item, keyFingerprint }) => [item?.keyOwner.slice(0, 3), keyFingerprint]);
  expect(mapped).toEqual(
    expect.arrayContaining([
      ["SEQ", sequencerKey],
      ["MED", mediatorKey],
    ]),
  );
});

test("steps in the wrong order are refused, naming the one that is missing", async () => {
  await using domain = new TestDomain();
  const operator = new Operator((await domain.manager({ auto: false })).adminPort);
  const { response } = await withClient(StatusServiceClient, operator.port, (c) => call(c, "status", {}, options));
  expect(response).toEqual({ $case: "notInitialized", value: { active: true } });
  const missing = async (attempt: Promise<unknown>) => {
    const error = await attempt.then(
      () => undefined,
      (refusal) => refusal,
    );
    expect(error).toMatchObject({ code: statusCode.FAILED_PRECONDITION, reason: "INITIALISATION_STEP_MISSING" });
    return error.metadata.missing;
  };
  await expect(operator.init([])).rejects.toMatchObject({ code: statusCode.INVALID_ARGUMENT });
  await expect(operator.init(["ftp://nowhere"])).rejects.toMatchObject({ code: statusCode.INVALID_ARGUMENT });
  await expect(operator.init(["http://127.0.0.1:1"])).rejects.toMatchObject({
    reason: "DOMAIN_NOT_READY",
    message: expect.stringMatching(/InitId.*AuthorizeNamespaceDelegation.*AuthorizeDomainParametersChange.*DOM.*SEQ/),
  });
  expect(await missing(operator.initId(`1220${"ab".repeat(32)}`))).toBe("identity-key");
  operator.namespace = await operator.generate("default");
  expect(await missing(operator.root())).toBe("init-id");
  expect(await missing(operator.parameters())).toBe("init-id");
  await operator.initId();
  expect(await missing(operator.parameters())).toBe("namespace-delegation");
  await operator.root();
  const key = await operator.generate("DOM-signing-key");
  expect(await missing(operator.map("DOM", key))).toBe("domain-parameters");
  await operator.parameters();
  expect(await missing(operator.mediatorState())).toBe("domain-manager-key-mapping");
  expect(await missing(setState(operator.port, operator.domainId, `PAR::${operator.domainId}`))).toBe(
    "domain-manager-key-mapping",
  );
  await operator.map("DOM", key);
  expect(await missing(operator.mediatorState())).toBe("sequencer-key-mapping");
  await expect(operator.init(["http://127.0.0.1:1"])).rejects.toMatchObject({
    message: expect.stringMatching(/^These steps have to come first: assign a signing key to SEQ::/),
  });
});

const folder = fileURLToPath(new URL("../../../shared/observed/", import.meta.url));
const recorded = existsSync(folder);
if (!recorded) console.warn(`SKIPPED: no recordings of a real Canton in ${folder}`);

interface Recording {
  calls: { method: string; request: any; responses: any[]; status: { code: number } }[];
}

(recorded ? describe : describe.skip)("what a real Canton answers while it is initialised by hand", () => {
  const recording = (name: string): Recording => JSON.parse(readFileSync(`${folder}${name}.json`, "utf8"));

  test("the recorded calls in the recorded order are answered alike; only the sequencers are separate nodes here", async () => {
    await using domain = new TestDomain();
    const operator = new Operator((await domain.manager({ auto: false })).adminPort);
    const [unavailable] = recording("manual-domain-0-status").calls.slice(-1);
    expect(unavailable?.responses).toEqual([{ unavailable: { active: true } }]);
    expect((await operator.domainStatus()).kind).toEqual({ $case: "unavailable", value: { active: true } });

    // Every call of the sequence was accepted, and so is ours; what is recorded as its effect has the same form.
    const keys: Record<string, string> = {};
    const answers: Record<string, (request: any) => Promise<unknown>> = {
      GenerateSigningKey: async ({ name }) => {
        keys[name] = await operator.generate(name);
        if (name === "default") operator.namespace = keys[name] ?? "";
      },
      InitId: () => operator.initId(),
      AuthorizeNamespaceDelegation: () => operator.root(),
      AuthorizeDomainParametersChange: () => operator.parameters(),
      AuthorizeOwnerToKeyMapping: ({ key_owner: owner }) => {
        const code = owner.slice(0, 3);
        return operator.map(code, keys[`${code}-signing-key`] ?? "");
      },
      AuthorizeMediatorDomainState: () => operator.mediatorState(),
    };
    for (const name of [
      "manual-domain-1-generate_signing_key",
      "manual-domain-2-init_id",
      "manual-domain-3-namespace_delegation",
      "manual-domain-4-domain_parameters",
      "manual-domain-5-keys",
      "manual-domain-6-mediator_domain_states",
    ]) {
      for (const { method, request, status } of recording(name).calls) {
        expect(status.code).toBe(statusCode.OK);
        await answers[method.slice(method.indexOf("/", 1) + 1)]?.(request);
      }
    }
    const [id] = recording("manual-domain-8-id").calls;
    expect(Object.keys(id?.responses[0]).sort()).toEqual(["initialized", "instance", "unique_identifier"]);
    const getId = withClient(InitializationServiceClient, operator.port, (client) =>
      call(client, "getId", {}, options),
    );
    expect(await getId).toEqual({ initialized: true, uniqueIdentifier: operator.domainId, instance: "mydomain" });
    // There the sequencer is within the node, so nothing is left; here one step is.
    await expect(operator.initId()).rejects.toMatchObject({ code: statusCode.ALREADY_EXISTS });
    expect((await listAll(operator.port, "Authorized")).map((name) => name.split(" ")[1]).sort()).toEqual([
      "DomainParametersChange",
      "MediatorDomainState",
      "NamespaceDelegation",
      "OwnerToKeyMapping",
      "OwnerToKeyMapping",
      "OwnerToKeyMapping",
    ]);
  });
});
