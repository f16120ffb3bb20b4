import { status as statusCode } from "@grpc/grpc-js";
import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { defaultStaticDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import { MediatorInitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/mediator_initialization_service.ts";
import { MediatorStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/mediator_status_service.ts";
import { StatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { mediatorMember } from "@pulumi-canton/protocol/identity/member.ts";
import { uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { addition, encodeSignedTransaction, signTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { expect, test } from "vitest";
import { staticParametersV0 } from "../domain-manager/bootstrap/peers.ts";
import { deadlineMs, idle, listAll, setState, withClient } from "../domain-manager/testing/admin.ts";
import { eventually, TestDomain } from "../domain-manager/testing/test-domain.ts";

const domainId = uniqueIdentifier("mydomain", "1220".padEnd(68, "a"));
const request = {
  domainId,
  mediatorId: mediatorMember(domainId),
  currentIdentityState: undefined,
  domainParameters: staticParametersV0(defaultStaticDomainParameters()),
  sequencerConnection: {
    type: {
      $case: "grpc" as const,
      value: { connections: ["http://127.0.0.1:9"], transportSecurity: false, customTrustCertificates: undefined },
    },
    alias: "",
  },
  signingKeyFingerprint: undefined as string | undefined,
};

function initialise(port: number, changes: Partial<typeof request> = {}) {
  return withClient(MediatorInitializationServiceClient, port, (client) =>
    // The process may still be about to become the active one.
    call(client, "initialize", { ...request, ...changes } as typeof request, { deadlineMs }),
  );
}

function isActive(port: number) {
  return withClient(StatusServiceClient, port, async (client) => {
    const { response } = await call(client, "status", {}, { deadlineMs });
    return response?.value.active === true ? true : undefined;
  });
}

test("initialised once: the same key for the same domain, a refusal for another, clear words for what is malformed", async () => {
  await using nodes = new TestDomain();
  const { adminPort: port } = await nodes.mediator("mediator1");
  await eventually(() => isActive(port));
  const before = await withClient(MediatorStatusServiceClient, port, (c) =>
    call(c, "mediatorStatus", {}, { deadlineMs }),
  );
  expect(before.kind).toEqual({ $case: "unavailable", value: { active: true } });

  for (const [changes, field] of [
    [{ domainId: "mydomain" }, "domain_id"],
    [{ mediatorId: "MED::other::1220" }, "mediator_id"],
    [{ domainParameters: undefined }, "domain_parameters"],
    [{ domainParameters: { ...request.domainParameters, protocolVersion: "7.0.0" } }, "protocol_version"],
    [{ sequencerConnection: undefined }, "sequencer_connection"],
    [{ currentIdentityState: { items: [{ transaction: Buffer.from("?") }] } }, "signed_topology_transaction"],
  ] as const) {
    await expect(initialise(port, changes as never)).rejects.toMatchObject({
      code: statusCode.INVALID_ARGUMENT,
      message: expect.stringContaining(field),
    });
  }
  const key = generateSigningKeyPair();
  const stranger: TopologyMapping = {
    kind: "OwnerToKeyMapping",
    owner: mediatorMember(domainId),
    key: { purpose: "signing", key: key.publicKey },
  };
  const forged = encodeSignedTransaction(signTransaction(addition(stranger), key));
  const currentIdentityState = { items: [{ sequenced: timestampToProto(0n), transaction: forged }] };
  await expect(initialise(port, { currentIdentityState } as never)).rejects.toMatchObject({
    reason: "INVALID_TOPOLOGY_SNAPSHOT",
  });
  const unknownKey = await initialise(port, { signingKeyFingerprint: "1220ab" });
  expect(unknownKey.value).toMatchObject({ $case: "failure", value: { reason: expect.stringContaining("1220ab") } });

  const first = await initialise(port);
  expect(first.value?.$case).toBe("success");
  expect(await initialise(port)).toEqual(first);
  const other = uniqueIdentifier("other", "1220".padEnd(68, "b"));
  const refused = await initialise(port, { domainId: other, mediatorId: mediatorMember(other) });
  expect(refused.value).toMatchObject({ $case: "failure", value: { reason: expect.stringContaining(domainId) } });

  const after = await withClient(MediatorStatusServiceClient, port, (c) =>
    call(c, "mediatorStatus", {}, { deadlineMs }),
  );
  expect(after.kind).toMatchObject({
    $case: "status",
    value: { domainId, protocolVersion: 5, commonStatus: { uid: domainId, active: true } },
  });
  const id = await withClient(InitializationServiceClient, port, (c) => call(c, "getId", {}, { deadlineMs }));
  expect(id).toEqual({ initialized: true, uniqueIdentifier: domainId, instance: "mediator1" });
  await expect(
    withClient(TopologyManagerWriteServiceClient, port, (client) =>
      call(client, "addSignedTopologyTransaction", { serialized: Buffer.alloc(0) }, { deadlineMs }),
    ),
  ).rejects.toMatchObject({ code: statusCode.UNIMPLEMENTED });
});

test("of two with one database one is active; the other takes over where it stopped", async () => {
  await using domain = new TestDomain();
  const sequencers = [await domain.sequencer("sequencer1")];
  const first = await domain.mediator("mediator1");
  await eventually(() => isActive(first.adminPort));
  const second = await domain.mediator("mediator1", { database: first.database });
  expect(await isActive(second.adminPort)).toBeUndefined();
  await expect(initialise(second.adminPort)).rejects.toMatchObject({ reason: "PASSIVE_REPLICA" });

  const manager = await domain.manager({ sequencers, mediators: [first] });
  const id = (await idle(manager.adminPort)).commonStatus?.uid ?? "";
  const log = await eventually(async () => {
    const all = await listAll(manager.adminPort, "Authorized", "history");
    return all.some((name) => name.includes("MediatorDomainState")) ? all : undefined;
  });
  const hasAll = (port: number) =>
    eventually(async () => ((await listAll(port, id)).length === log.length ? true : undefined));
  await hasAll(first.adminPort);

  await first.close();
  await eventually(() => isActive(second.adminPort));
  await hasAll(second.adminPort);
  expect(await listAll(second.adminPort, id, "history")).toEqual(log);
  // Goes on where the first one stopped: what comes now reaches the second one.
  await setState(manager.adminPort, id, `PAR::${uniqueIdentifier("alice", "1220".padEnd(68, "c"))}`);
  await eventually(async () =>
    (await listAll(second.adminPort, id, "history")).length === log.length + 1 ? true : undefined,
  );
});
