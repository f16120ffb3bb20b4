import { status } from "@grpc/grpc-js";
import { PackageManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/package_management_service.ts";
import { PartyManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import { UserManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import { LedgerIdentityServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/ledger_identity_service.ts";
import { VersionServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/version_service.ts";
import { ApiInfoServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/connection/v30/api_info.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { StatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import { PackageServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/package_service.ts";
import { ParticipantStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/participant_status_service.ts";
import {
  PingRequest,
  PingServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/ping_pong_service.ts";
import {
  ResourceLimits,
  ResourceManagementServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/resource_management_service.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import {
  ListNamespaceDelegationRequest,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { createTestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { describe, expect, test } from "vitest";
import { participantSchema } from "./config.ts";
import { refusalOf } from "./testing/served.ts";
import { startTestParticipant } from "./testing/test-participant.ts";

const options = { deadlineMs: 10_000 };

describe("a participant", () => {
  test("initialises itself: three keys, an id from its name, root certificate and key mappings; once", async () => {
    await using database = await createTestDatabase();
    let uid: string;
    {
      await using node = await startTestParticipant({ name: "alice", storage: database.storage });
      const id = await call(node.admin(InitializationServiceClient), "getId", {}, options);
      expect(id).toMatchObject({ initialized: true, instance: "alice" });
      uid = id.uniqueIdentifier;
      expect(uid).toMatch(/^alice::1220[0-9a-f]{64}$/);
      const vault = node.admin(VaultServiceClient);
      const filter = { filterFingerprint: "", filterName: "", filterPurpose: [] };
      const keys = await call(vault, "listMyKeys", filter, options);
      expect(keys.privateKeysMetadata.map((key) => key.publicKeyWithName?.name)).toEqual([
        "alice-namespace",
        "alice-signing",
        "alice-encryption",
      ]);
      const all = await call(
        node.admin(TopologyManagerReadServiceClient),
        "listNamespaceDelegation",
        ListNamespaceDelegationRequest.fromPartial({
          baseQuery: {
            filterStore: "Authorized",
            useStateStore: true,
            timeQuery: { $case: "headState", value: {} },
          },
        }),
        options,
      );
      expect(all.results.map(({ item }) => [item?.namespace, item?.isRootDelegation])).toEqual([
        [uid.slice("alice::".length), true],
      ]);
      expect(await call(node.admin(ApiInfoServiceClient), "getApiInfo", {}, options)).toEqual({ name: "admin-api" });
      expect(await call(node.ledger(ApiInfoServiceClient), "getApiInfo", {}, options)).toEqual({ name: "ledger-api" });
    }
    await using again = await startTestParticipant({ name: "alice", storage: database.storage });
    const id = await call(again.admin(InitializationServiceClient), "getId", {}, options);
    expect(id.uniqueIdentifier).toBe(uid);
    expect(again.failures).toEqual([]);
  });

  test.each([
    [{ type: "config" }, /^alice::1220/],
    [{ type: "explicit", name: "My Name" }, /^My Name::1220/],
    [{ type: "random" }, /^[0-9a-f]{32}::1220/],
  ] as const)("takes its identifier as configured: %j", async (nodeIdentifier, expected) => {
    await using database = await createTestDatabase();
    const { storage } = database;
    let uid = "";
    for (let start = 0; start < 2; start += 1) {
      await using node = await startTestParticipant({ name: "alice", storage, nodeIdentifier });
      const { uniqueIdentifier } = await call(node.admin(InitializationServiceClient), "getId", {}, options);
      expect(uniqueIdentifier).toMatch(expected);
      uid ||= uniqueIdentifier;
      expect(uniqueIdentifier).toBe(uid);
    }
  });

  test("tells its status as published, before a connection", async () => {
    await using database = await createTestDatabase();
    await using node = await startTestParticipant({ name: "alice", storage: database.storage });
    const { kind } = await call(node.admin(ParticipantStatusServiceClient), "participantStatus", {}, options);
    expect(kind).toMatchObject({
      $case: "status",
      value: {
        active: true,
        commonStatus: { active: true, topologyQueues: { manager: 0, dispatcher: 0, clients: 0 } },
        connectedDomains: [],
        supportedProtocolVersions: [5],
      },
    });
    if (kind?.$case !== "status") throw new Error("no status");
    expect(Object.keys(kind.value.commonStatus?.ports ?? {}).sort()).toEqual(["admin", "ledger"]);
    expect(kind.value.commonStatus?.components.map(({ name, status: state }) => [name, state?.$case])).toEqual([
      ["db-storage", "ok"],
      ["crypto", "ok"],
      ["sync-domain", "failed"],
      ["sequencer-client", "failed"],
    ]);
    const older = await call(node.admin(StatusServiceClient), "status", {}, options);
    // ParticipantStatusInfo { active: true }, byte for byte as observed.
    expect(older.response).toMatchObject({ $case: "success", value: { extra: Buffer.from("EAE=", "base64") } });
  });

  test("serves the Ledger API services that it has, and says of the others that they are not built", async () => {
    await using database = await createTestDatabase();
    await using node = await startTestParticipant({ name: "alice", storage: database.storage });
    const version = await call(node.ledger(VersionServiceClient), "getLedgerApiVersion", { ledgerId: "" }, options);
    expect(version).toMatchObject({ version: "2.10.0", features: { partyManagement: { maxPartiesPageSize: 10_000 } } });
    const identity = await call(node.ledger(LedgerIdentityServiceClient), "getLedgerIdentity", {}, options);
    expect(identity).toEqual({ ledgerId: "alice" });
    const parties = node.ledger(PartyManagementServiceClient);
    const participant = await call(parties, "getParticipantId", {}, options);
    expect(participant.participantId).toMatch(/^alice::1220/);

    const users = node.ledger(UserManagementServiceClient);
    const { user } = await call(users, "getUser", { userId: "participant_admin", identityProviderId: "" }, options);
    expect(user).toMatchObject({ id: "participant_admin", isDeactivated: false, primaryParty: "" });

    const ping = PingRequest.fromPartial({});
    const limits = ResourceLimits.fromPartial({});
    const attempts = [
      () => call(node.admin(PingServiceClient), "ping", ping, options),
      () => call(node.admin(PackageServiceClient), "listPackages", { limit: 0 }, options),
      () => call(node.admin(ResourceManagementServiceClient), "updateResourceLimits", limits, options),
      () => call(node.ledger(PackageManagementServiceClient), "listKnownPackages", {}, options),
    ];
    for (const attempt of attempts) {
      const refusal = await refusalOf(attempt());
      expect(refusal.code).toBe(status.UNIMPLEMENTED);
      expect(refusal.message).toMatch(/not built/);
    }
  });

  test("one of two replicas is active; when it stops the other takes over, with the same identity", async () => {
    await using database = await createTestDatabase();
    await using first = await startTestParticipant({ name: "alice", storage: database.storage });
    const { uniqueIdentifier } = await call(first.admin(InitializationServiceClient), "getId", {}, options);
    await using second = await startTestParticipant({
      name: "alice",
      storage: database.storage,
      waitUntilReady: false,
    });
    const passive = await call(second.admin(ParticipantStatusServiceClient), "participantStatus", {}, options);
    expect(passive).toMatchObject({ kind: { value: { active: false, commonStatus: { uid: uniqueIdentifier } } } });
    const vault = second.admin(VaultServiceClient);
    const refused = await refusalOf(call(vault, "generateSigningKey", { keyScheme: 0, name: "" }, options));
    expect(refused).toMatchObject({ code: status.UNAVAILABLE, reason: "NODE_IS_PASSIVE_REPLICA" });
    expect(second.health.ready).toBe(false);

    await first.stop();
    await expect.poll(() => second.health.ready, { timeout: 10_000 }).toBe(true);
    const id = await call(second.admin(InitializationServiceClient), "getId", {}, options);
    expect(id.uniqueIdentifier).toBe(uniqueIdentifier);
  });
});

describe("the configuration of a participant", () => {
  const valid = {
    name: "alice",
    adminApi: { port: 5012 },
    ledgerApi: { port: 5011 },
    health: { port: 5013 },
    storage: { host: "127.0.0.1", database: "alice", user: "alice", passwordFile: "password" },
  };

  test("has defaults", () => {
    expect(checkConfig(participantSchema, valid)).toMatchObject({
      init: { auto: true, identity: { nodeIdentifier: { type: "config" } } },
      domains: { onboardingTimeout: 30_000, activationTimeout: 600_000, topologyResendAfter: 30_000 },
    });
  });

  test("refuses a Ledger API that other machines reach without authentication, also with TLS", () => {
    const tls = { certChainFile: "chain", privateKeyFile: "key" };
    const ledgerApi = { address: "0.0.0.0", port: 1, tls };
    expect(() => checkConfig(participantSchema, { ...valid, ledgerApi })).toThrow(
      /ledgerApi\.auth is required because address "0\.0\.0\.0".*loopback/,
    );
    const auth = [{ type: "jwks", url: "https://idp.example.com/jwks", targetAudience: "ledger" }];
    expect(checkConfig(participantSchema, { ...valid, ledgerApi: { ...ledgerApi, auth } }).ledgerApi).toMatchObject({
      auth,
      clockLeeway: 0,
    });
    expect(() =>
      checkConfig(participantSchema, { ...valid, ledgerApi: { address: "0.0.0.0", port: 1, auth } }),
    ).toThrow(/ledgerApi\.tls is required/);
  });

  test.each([
    [[], /ledgerApi\.auth: .*at least 1/],
    [[{ type: "hs256", secret: "x" }], /ledgerApi\.auth\[0\]\.type.*"jwks"/],
    [[{ type: "jwks", url: "http://idp.example.com/jwks" }], /ledgerApi\.auth\[0\]\.url.*https/],
    [[{ type: "jwks", url: "no url" }], /ledgerApi\.auth\[0\]\.url.*Malformed URL/],
    [[{ type: "jwks", url: "https://u:p@idp.example.com/" }], /ledgerApi\.auth\[0\]\.url.*no user name/],
    [[{ type: "jwks", url: "https://i/", targetScope: "a b" }], /ledgerApi\.auth\[0\]\.targetScope.*without spaces/],
    [[{ type: "jwks", url: "http://127.0.0.1/", caFile: "ca.pem" }], /ledgerApi\.auth\[0\]\.caFile.*https url only/],
    [
      [{ type: "jwks", url: "https://i/", audience: "a" }],
      /ledgerApi\.auth\[0\]\.audience: unknown key.*targetAudience/,
    ],
  ])("refuses to authenticate by %j", (auth, reason) => {
    expect(() => checkConfig(participantSchema, { ...valid, ledgerApi: { port: 1, auth } })).toThrow(reason);
  });

  test("names a key that it does not know", () => {
    expect(() => checkConfig(participantSchema, { ...valid, ledgerApis: {} })).toThrow(/ledgerApis/);
  });
});
