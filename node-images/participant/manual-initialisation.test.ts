/** `init.auto: false`: a participant that is initialised step by step, as the published sequence has it. */
import { status } from "@grpc/grpc-js";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import {
  EncryptionKeyScheme,
  KeyPurpose,
  SigningKeyScheme,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { StatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { ParticipantStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/participant_status_service.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { waitingForInitialisation } from "@pulumi-canton/protocol/topology/initialisation-progress.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { createTestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { observeInitialisation } from "@pulumi-canton/topology/observe-initialisation.ts";
import { describe, expect, test } from "vitest";
import { observationsAvailable, observed } from "./testing/observed.ts";
import { refusalOf } from "./testing/served.ts";
import { startTestParticipant, type TestParticipant } from "./testing/test-participant.ts";

const options = { deadlineMs: 10_000 };
const authorization = { change: TopologyChangeOp.Add, signedBy: "", replaceExisting: false, forceChange: false };

/** The published steps, each as an operator's tool calls it; `made` carries fingerprints from one to the next. */
interface Made {
  namespace: string;
  encryption: string;
  signing: string;
}
const steps: readonly [next: string, (node: TestParticipant, made: Made) => Promise<unknown>][] = [
  [
    "GenerateSigningKey",
    async (node, made) => {
      const request = { keyScheme: SigningKeyScheme.MissingSigningKeyScheme, name: "my-identity" };
      const { publicKey } = await call(node.admin(VaultServiceClient), "generateSigningKey", request, options);
      made.namespace = publicKey?.id ?? "";
    },
  ],
  ["AuthorizeNamespaceDelegation", (node, { namespace }) => authorizeRoot(node, namespace)],
  ["InitId", (node, { namespace }) => initId(node, namespace)],
  [
    "GenerateSigningKey",
    async (node, made) => {
      const request = { keyScheme: SigningKeyScheme.MissingSigningKeyScheme, name: "" };
      const { publicKey } = await call(node.admin(VaultServiceClient), "generateSigningKey", request, options);
      made.signing = publicKey?.id ?? "";
    },
  ],
  [
    "GenerateEncryptionKey",
    async (node, made) => {
      const request = { keyScheme: EncryptionKeyScheme.MissingEncryptionKeyScheme, name: "" };
      const { publicKey } = await call(node.admin(VaultServiceClient), "generateEncryptionKey", request, options);
      made.encryption = publicKey?.id ?? "";
    },
  ],
  ["a signing key to PAR::manualInit::", (node, { namespace, signing }) => mapKey(node, namespace, signing, "signing")],
  [
    "an encryption key to PAR::manualInit::",
    (node, { namespace, encryption }) => mapKey(node, namespace, encryption, "encryption"),
  ],
];

function authorizeRoot(node: TestParticipant, namespace: string) {
  const root = { authorization, namespace, fingerprintOfAuthorizedKey: namespace, isRootDelegation: true };
  return call(node.admin(TopologyManagerWriteServiceClient), "authorizeNamespaceDelegation", root, options);
}

function initId(node: TestParticipant, fingerprint: string, identifier = "manualInit") {
  const request = { identifier, fingerprint, instance: "" };
  return call(node.admin(InitializationServiceClient), "initId", request, options);
}

function mapKey(node: TestParticipant, namespace: string, fingerprintOfKey: string, purpose: "signing" | "encryption") {
  const keyPurpose = purpose === "signing" ? KeyPurpose.SigningKeyPurpose : KeyPurpose.EncryptionKeyPurpose;
  const request = { authorization, keyOwner: `PAR::manualInit::${namespace}`, fingerprintOfKey, keyPurpose };
  return call(node.admin(TopologyManagerWriteServiceClient), "authorizeOwnerToKeyMapping", request, options);
}

async function start(database: Awaited<ReturnType<typeof createTestDatabase>>): Promise<TestParticipant> {
  const node = await startTestParticipant({
    name: "manual",
    storage: database.storage,
    autoInit: false,
    waitUntilReady: false,
  });
  await expect.poll(() => node.health.component("participant")?.why).not.toBe("has not reported yet");
  return node;
}

describe("a participant that does not initialise itself", () => {
  test("tells after each step which is next, and serves once all are done, without a restart", async () => {
    await using database = await createTestDatabase();
    await using node = await start(database);
    const admin = { address: "127.0.0.1", port: node.adminPort };
    const made: Made = { namespace: "", encryption: "", signing: "" };
    for (const [index, [next, step]] of steps.entries()) {
      const why = `waiting for initialisation: next step (${index + 1} of ${steps.length}): `;
      await expect.poll(() => node.health.whyNotReady()).toContain(why);
      expect(node.health.whyNotReady()).toContain(next);
      expect(node.health.live).toBe(true);
      const connect = { domainAlias: "d", retry: false };
      const tooEarly = call(node.admin(DomainConnectivityServiceClient), "connectDomain", connect, options);
      expect(await refusalOf(tooEarly)).toMatchObject({
        reason: "NODE_IS_NOT_INITIALIZED",
        message: expect.stringContaining(next),
      });
      const seen = await observeInitialisation("participant", admin, options);
      expect(waitingForInitialisation(seen)).toBe(node.health.component("participant")?.why);
      await step(node, made);
    }
    expect((await observeInitialisation("participant", admin, options)).complete).toBe(true);
    // The answer to the last call comes after the node has moved on.
    expect(node.health.whyNotReady()).toBeUndefined();
    const list = call(node.admin(DomainConnectivityServiceClient), "listConfiguredDomains", {}, options);
    expect(await list).toEqual({ results: [] });
    expect(node.failures).toEqual([]);
  });

  test("stopped and started again after each step it goes on where it was", async () => {
    await using database = await createTestDatabase();
    const made: Made = { namespace: "", encryption: "", signing: "" };
    for (const [next, step] of steps) {
      await using node = await start(database);
      await expect.poll(() => node.health.component("participant")?.why).toContain(next);
      await step(node, made);
    }
    await using node = await start(database);
    await expect.poll(() => node.health.whyNotReady()).toBeUndefined();
    const { uniqueIdentifier } = await call(node.admin(InitializationServiceClient), "getId", {}, options);
    expect(uniqueIdentifier).toBe(`manualInit::${made.namespace}`);
  });

  test("refuses steps in the wrong order, naming the one that is missing", async () => {
    await using database = await createTestDatabase();
    await using node = await start(database);
    await expect.poll(() => node.health.component("participant")?.state).toBe("waiting");
    await expect.poll(() => node.health.whyNotReady()).toContain("next step (1 of 7)");
    const refused = async (attempt: Promise<unknown>) => {
      const { code, reason, metadata, message } = await refusalOf(attempt);
      expect({ code, reason }).toEqual({ code: status.FAILED_PRECONDITION, reason: "INITIALISATION_STEP_MISSING" });
      expect(message).toContain("has to come first");
      return metadata.missing;
    };
    const nobody = `1220${"ab".repeat(32)}`;
    expect(await refused(initId(node, nobody))).toBe("identity-key");
    const made: Made = { namespace: "", encryption: "", signing: "" };
    await steps[0]?.[1](node, made);
    expect(await refused(initId(node, made.namespace))).toBe("namespace-delegation");
    expect(await refused(mapKey(node, made.namespace, made.namespace, "signing"))).toBe("namespace-delegation");
    await authorizeRoot(node, made.namespace);
    expect(await refused(mapKey(node, made.namespace, made.namespace, "signing"))).toBe("init-id");
    expect(await refused(initId(node, nobody))).toBe("namespace-delegation");
    await initId(node, made.namespace);
    await mapKey(node, made.namespace, made.namespace, "signing");
    expect(node.health.whyNotReady()).toContain("GenerateEncryptionKey");
  });
});

(observationsAvailable ? describe : describe.skip)("what a real Canton answers while it is initialised by hand", () => {
  test("status, id, the steps in the published order, and the refusal of a second id", async () => {
    await using database = await createTestDatabase();
    await using node = await start(database);
    await expect.poll(() => node.health.component("participant")?.state).toBe("waiting");
    const initialization = node.admin(InitializationServiceClient);
    const statuses = node.admin(ParticipantStatusServiceClient);
    const [idBefore] = observed("manual-participant-0-id", "GetId").responses;
    expect(idBefore).toEqual({ instance: "manualparticipant" });
    expect(await call(initialization, "getId", {}, options)).toEqual({
      initialized: false,
      uniqueIdentifier: "",
      instance: "manual",
    });
    const [before] = observed("manual-participant-0-status", "Status").responses;
    expect(before).toEqual({ not_initialized: { active: true } });
    expect(await call(node.admin(StatusServiceClient), "status", {}, options)).toEqual({
      response: { $case: "notInitialized", value: { active: true } },
    });
    const { code, message } = observed("manual-participant-0-status", "ParticipantStatus").status;
    expect(await refusalOf(call(statuses, "participantStatus", {}, options))).toMatchObject({ code, message });

    const made: Made = { namespace: "", encryption: "", signing: "" };
    for (const [, step] of steps.slice(0, 3)) await step(node, made);
    const again = observed("manual-participant-3b-init_id-again", "InitId").status;
    const second = await refusalOf(initId(node, made.namespace, "manualInit2"));
    expect(second.code).toBe(again.code);
    expect(second.message.replace(/1220[0-9a-f]{8}/, "…")).toBe(again.message?.replace(/1220[0-9a-f]{8}/, "…"));
    const [idAfter] = observed("manual-participant-5-id", "GetId").responses;
    expect(Object.keys(idAfter).sort()).toEqual(["initialized", "instance", "unique_identifier"]);
    expect(await call(initialization, "getId", {}, options)).toMatchObject({
      initialized: true,
      uniqueIdentifier: `manualInit::${made.namespace}`,
    });
    for (const [, step] of steps.slice(3)) await step(node, made);
    expect(await call(statuses, "participantStatus", {}, options)).toMatchObject({
      kind: { value: { active: true, commonStatus: { uid: `manualInit::${made.namespace}` } } },
    });
  });
});
