import type { Client } from "@grpc/grpc-js";
import { ApiInfoServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/connection/v30/api_info.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { KeyPurpose } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import {
  ParticipantPermission,
  RequestSide,
  TopologyChangeOp,
  TrustLevel,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { TopologyAggregationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_aggregation_service.ts";
import {
  BaseQuery,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { decodeSignedTransaction, encodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { type ClientConstructor, call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { type RunningServer, startGrpcServer } from "@pulumi-canton/runtime/grpc-server.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventOf, openTestProcessor, startOfTime, startTestDomain, type TestDomain } from "../testing/test-domain.ts";
import { quiet, startTestNode, startTestParticipant, type TestNode } from "../testing/test-node.ts";
import { topologyQueueStatus } from "../topology-queues.ts";

async function serve(node: TestNode): Promise<RunningServer> {
  const { services } = node;
  return startGrpcServer({ name: "adminApi", server: { address: "127.0.0.1", port: 0 }, services, logger: quiet });
}

const deadline = { deadlineMs: 10_000 };
const head = BaseQuery.fromPartial({ useStateStore: true, timeQuery: { $case: "headState", value: {} } });
const everything = BaseQuery.fromPartial({ timeQuery: { $case: "range", value: {} } });

describe("the services of a participant", () => {
  let node: TestNode & { uid: string };
  let server: RunningServer;
  let namespace: string;
  const clients: Client[] = [];
  const to = <C extends Client>(constructor: ClientConstructor<C>): C => {
    const client = connect(constructor, { address: "127.0.0.1", port: server.port });
    clients.push(client);
    return client;
  };
  let read: TopologyManagerReadServiceClient;
  let write: TopologyManagerWriteServiceClient;
  let vault: VaultServiceClient;
  let domain: TestDomain;

  beforeAll(async () => {
    node = await startTestParticipant("alice");
    namespace = node.uid.split("::")[1] ?? "";
    server = await serve(node);
    read = to(TopologyManagerReadServiceClient);
    write = to(TopologyManagerWriteServiceClient);
    vault = to(VaultServiceClient);
    domain = await startTestDomain("mydomain");
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await server.close(0);
    await node[Symbol.asyncDispose]();
    await domain[Symbol.asyncDispose]();
  });

  const authorization = (
    over: { change?: TopologyChangeOp; replaceExisting?: boolean; forceChange?: boolean } = {},
  ) => ({
    change: TopologyChangeOp.Add,
    signedBy: "",
    replaceExisting: false,
    forceChange: false,
    ...over,
  });
  const hosting = (name: string, over: { side?: RequestSide; permission?: ParticipantPermission } = {}) => ({
    side: RequestSide.Both,
    party: `${name}::${namespace}`,
    participant: `PAR::${node.uid}`,
    permission: ParticipantPermission.Submission,
    ...over,
  });
  const parties = async (
    baseQuery: BaseQuery,
    filter: { party?: string; participant?: string; side?: RequestSide } = {},
  ) => {
    const { party = "", participant = "", side } = filter;
    const { results } = await call(
      read,
      "listPartyToParticipant",
      {
        baseQuery,
        filterParty: party,
        filterParticipant: participant,
        filterRequestSide: side === undefined ? undefined : { value: side },
        filterPermission: undefined,
      },
      deadline,
    );
    return results.map(({ item, context }) => `${context?.operation} ${item?.party.split("::")[0]}`);
  };

  it("say who the node is, what time it is, and which API this is", async () => {
    const initialization = to(InitializationServiceClient);
    expect(await call(initialization, "getId", {}, deadline)).toEqual({
      initialized: true,
      uniqueIdentifier: node.uid,
      instance: "alice",
    });
    const { seconds } = await call(initialization, "currentTime", {}, deadline);
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(60);
    expect(await call(to(ApiInfoServiceClient), "getApiInfo", {}, deadline)).toEqual({ name: "admin-api" });
  });

  it("list what was in force at a moment, what changed between two, and what fits a filter", async () => {
    const times: bigint[] = [];
    for (const [name, change] of [
      ["one", TopologyChangeOp.Add],
      ["two", TopologyChangeOp.Add],
      ["one", TopologyChangeOp.Remove],
    ] as const) {
      await call(
        write,
        "authorizePartyToParticipant",
        { authorization: authorization({ change }), ...hosting(name) },
        deadline,
      );
      times.push((await node.manager.store.log(node.manager.store.position - 1n))[0]?.sequenced ?? 0n);
    }
    const [first = 0n, second = 0n, third = 0n] = times;
    const at = (micros: bigint) =>
      BaseQuery.fromPartial({ timeQuery: { $case: "snapshot", value: timestampToProto(micros) } });
    const range = (from: bigint, until: bigint) => {
      const value = { from: timestampToProto(from), until: timestampToProto(until) };
      return BaseQuery.fromPartial({ timeQuery: { $case: "range", value } });
    };
    expect(await parties(head)).toEqual(["0 two"]);
    expect(await parties(at(first))).toEqual(["0 one"]);
    expect(await parties(at(second))).toEqual(["0 one", "0 two"]);
    expect(await parties(at(third))).toEqual(["0 two"]);
    expect(await parties(range(second, third))).toEqual(["0 two", "1 one"]);
    expect(await parties(everything)).toEqual(["0 one", "0 two", "1 one"]);
    expect(await parties({ ...everything, useStateStore: true })).toEqual(["0 one", "0 two"]);
    const removals = { ...everything, filterOperation: true, operation: TopologyChangeOp.Remove };
    expect(await parties(removals)).toEqual(["1 one"]);
    expect(await parties({ ...everything, filterSignedKey: namespace })).toHaveLength(3);
    expect(await parties({ ...everything, filterSignedKey: "1220ff00ff" })).toEqual([]);
    expect(await parties(head, { party: "tw" })).toEqual(["0 two"]);
    expect(await parties(head, { party: `two::${namespace.slice(0, 9)}` })).toEqual(["0 two"]);
    expect(await parties(head, { party: "wo" })).toEqual([]);
    expect(await parties(head, { participant: node.uid })).toEqual(["0 two"]);
    expect(await parties(head, { participant: "bob" })).toEqual([]);
    expect(await parties(head, { side: RequestSide.From })).toEqual([]);
    await expect(parties({ ...head, protocolVersion: "7" })).rejects.toMatchObject({
      reason: "PROTO_DESERIALIZATION_FAILURE",
    });
    await expect(parties(head, { side: 9 as RequestSide })).rejects.toMatchObject({
      metadata: { reason: expect.stringContaining("UnrecognizedEnum(side,9 is unknown") },
    });
  });

  it("authorise vetting, delegations and keys, and list them", async () => {
    const { publicKey } = await call(vault, "generateSigningKey", { keyScheme: 0, name: "delegate" }, deadline);
    const key = publicKey?.id ?? "";
    await call(
      write,
      "authorizeVettedPackages",
      { authorization: authorization(), participant: node.uid, packageIds: ["p1", "p2"] },
      deadline,
    );
    await call(
      write,
      "authorizeNamespaceDelegation",
      { authorization: authorization(), namespace, fingerprintOfAuthorizedKey: key, isRootDelegation: false },
      deadline,
    );
    await call(
      write,
      "authorizeIdentifierDelegation",
      { authorization: authorization(), identifier: node.uid, fingerprintOfAuthorizedKey: key },
      deadline,
    );
    const vetted = await call(read, "listVettedPackages", { baseQuery: head, filterParticipant: "alice" }, deadline);
    expect(vetted.results.map(({ item }) => item)).toEqual([{ participant: node.uid, packageIds: ["p1", "p2"] }]);
    const delegations = await call(
      read,
      "listNamespaceDelegation",
      { baseQuery: head, filterNamespace: namespace.slice(0, 8) },
      deadline,
    );
    expect(delegations.results.map((each) => each.targetKeyFingerprint)).toEqual([namespace, key]);
    const identifiers = await call(read, "listIdentifierDelegation", { baseQuery: head, filterUid: "alice" }, deadline);
    expect(identifiers.results.map((each) => each.targetKeyFingerprint)).toEqual([key]);
    const owners = await call(
      read,
      "listOwnerToKeyMapping",
      {
        baseQuery: head,
        filterKeyOwnerType: "PAR",
        filterKeyOwnerUid: node.uid,
        filterKeyPurpose: { value: KeyPurpose.EncryptionKeyPurpose },
      },
      deadline,
    );
    expect(owners.results).toHaveLength(1);
    // A key of the wrong purpose is as good as none.
    await expect(
      call(
        write,
        "authorizeOwnerToKeyMapping",
        {
          authorization: authorization(),
          keyOwner: `PAR::${node.uid}`,
          fingerprintOfKey: key,
          keyPurpose: KeyPurpose.EncryptionKeyPurpose,
        },
        deadline,
      ),
    ).rejects.toMatchObject({ reason: "PUBLIC_KEY_NOT_IN_STORE" });
    const all = await call(read, "listAll", { baseQuery: { ...head, filterStore: "Authorized" } }, deadline);
    expect(all.result?.items.map(({ transaction }) => decodeSignedTransaction(transaction))).toHaveLength(
      node.manager.state.size,
    );
    for (const method of ["listCheckOnlyPackages", "listSignedLegalIdentityClaim"] as const) {
      expect(await call(read, method, { baseQuery: head, filterParticipant: "", filterUid: "" }, deadline)).toEqual({
        results: [],
      });
    }
  });

  it("take in transactions that others signed, once", async () => {
    const [root] = await domain.authorized();
    if (root === undefined) throw new Error("the domain has authorised nothing");
    const serialized = encodeSignedTransaction(root);
    await call(write, "addSignedTopologyTransaction", { serialized }, deadline);
    await expect(call(write, "addSignedTopologyTransaction", { serialized }, deadline)).rejects.toMatchObject({
      reason: "DUPLICATE_TRANSACTION",
    });
  });

  it("say why where there is nothing to do it with", async () => {
    await expect(call(vault, "getWrapperKeyId", {}, deadline)).rejects.toThrow(/stored without encryption/);
    await expect(call(vault, "registerKmsSigningKey", { kmsKeyId: "k", name: "" }, deadline)).rejects.toThrow(
      /not built/,
    );
    const request = { authorization: authorization(), participant: node.uid, packageIds: [] };
    await expect(call(write, "authorizeCheckOnlyPackages", request, deadline)).rejects.toThrow(/protocol version 5/);
  });

  it("tell the parties and key owners of a domain, now and then", async () => {
    const { domainId } = domain;
    const participant = `PAR::${node.uid}`;
    const aggregation = to(TopologyAggregationServiceClient);
    const listParties = async (over: object = {}) => {
      const all = { asOf: undefined, limit: 10, filterDomain: "", filterParty: "", filterParticipant: "" };
      const { results } = await call(aggregation, "listParties", { ...all, ...over }, deadline);
      return results.map(({ party }) => party.split("::")[0]);
    };
    const processor = await openTestProcessor(node, domainId, participant);
    const state = { domain: domainId, participant, permission: ParticipantPermission.Submission };
    await domain.node.manager.authorize(
      { kind: "ParticipantState", ...state, side: "From", permission: "Submission", trustLevel: "Ordinary" },
      "Add",
    );
    const request = { ...state, authorization: authorization(), side: RequestSide.To, trustLevel: TrustLevel.Ordinary };
    await call(write, "authorizeParticipantDomainState", request, deadline);
    const own = (await node.manager.store.log(0n)).map(({ signed }) => signed);
    await domain.node.manager.addAll(own, { force: true });
    await processor.process(eventOf(0, await domain.message((await domain.authorized()).slice(0, 2))));
    expect(await listParties()).toEqual([]);
    await processor.process(eventOf(1, await domain.message((await domain.authorized()).slice(2))));
    expect(await listParties()).toEqual(["alice", "two"]);
    expect(await listParties({ limit: 1 })).toEqual(["alice"]);
    expect(await listParties({ filterParty: "t" })).toEqual(["two"]);
    expect(await listParties({ filterParticipant: "bob" })).toEqual([]);
    expect(await listParties({ filterDomain: "other" })).toEqual([]);
    expect(await listParties({ asOf: timestampToProto(startOfTime) })).toEqual([]);
    expect(await listParties({ asOf: timestampToProto(startOfTime + 1_000_000n) })).toEqual(["alice", "two"]);
    await expect(listParties({ limit: -1 })).rejects.toMatchObject({ reason: "PROTO_DESERIALIZATION_FAILURE" });

    const owners = { asOf: undefined, limit: 10, filterDomain: "", filterKeyOwnerType: "", filterKeyOwnerUid: "" };
    const { results } = await call(aggregation, "listKeyOwners", owners, deadline);
    expect(results.map(({ keyOwner }) => keyOwner)).toEqual([
      `SEQ::${domainId}`,
      `DOM::${domainId}`,
      `MED::${domainId}`,
      participant,
    ]);
    expect(await call(read, "listAvailableStores", {}, deadline)).toEqual({ storeIds: [domainId, "Authorized"] });
    const changes = await call(read, "listDomainParametersChanges", { baseQuery: head }, deadline);
    expect(changes.results[0]?.parameters).toMatchObject({ $case: "v1", value: { maxRequestSize: 10_485_760 } });
    const mediators = await call(
      read,
      "listMediatorDomainState",
      { baseQuery: head, filterDomain: "mydomain", filterMediator: domainId },
      deadline,
    );
    expect(mediators.results.map(({ item }) => item?.mediator)).toEqual([domainId]);

    const { store } = node.manager;
    const dispatchers = [{ reader: domainId, sent: 2 }];
    const waiting = await topologyQueueStatus({ authorized: store, dispatchers });
    expect(waiting).toEqual({ manager: 0, dispatcher: Number(store.position), clients: 2 });
    await store.advanceWatermark(domainId, store.position);
    expect(await topologyQueueStatus({ authorized: store, dispatchers: [{ reader: domainId }] })).toEqual({
      manager: 0,
      dispatcher: 0,
      clients: 0,
    });
  });
});

describe("a node that is initialised by hand", () => {
  it("takes its identity once, and tells whoever waits for it", async () => {
    await using node = await startTestNode("byhand");
    const server = await serve(node);
    const client = connect(InitializationServiceClient, { address: "127.0.0.1", port: server.port });
    try {
      expect(await call(client, "getId", {}, deadline)).toEqual({
        initialized: false,
        uniqueIdentifier: "",
        instance: "byhand",
      });
      const { id } = await node.keys.generateSigningKey();
      for (const request of [
        { identifier: "", fingerprint: id, instance: "" },
        { identifier: "bad!name", fingerprint: id, instance: "" },
        { identifier: "good", fingerprint: "", instance: "" },
      ]) {
        await expect(call(client, "initId", request, deadline)).rejects.toMatchObject({ code: 3 });
      }
      const request = { identifier: "good", fingerprint: id, instance: "i" };
      expect(await call(client, "initId", request, deadline)).toEqual({
        uniqueIdentifier: `good::${id}`,
        instance: "i",
      });
      await expect(call(client, "initId", request, deadline)).rejects.toMatchObject({ code: 6 });
      expect(await call(client, "getId", {}, deadline)).toMatchObject({ initialized: true });
    } finally {
      client.close();
      await server.close(0);
    }
  });
});
