/** Nodes that do not initialise themselves, initialised by the resource: a participant and a domain manager, both real. */

import { createRequest } from "@pulumi-canton/detached-topology-manager/create-request.ts";
import { initialiseFromFile } from "@pulumi-canton/detached-topology-manager/node-topology.ts";
import { signRequest } from "@pulumi-canton/detached-topology-manager/sign-request.ts";
import type { RunningDomainManager } from "@pulumi-canton/domain-manager/node.ts";
import { deadlineMs, snapshotAt, withClient } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { eventually, TestDomain } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import { startTestParticipant, type TestParticipant } from "@pulumi-canton/participant/testing/test-participant.ts";
import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { DomainStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_status_service.ts";
import type { InitialisationStepName } from "@pulumi-canton/protocol/topology/initialisation-progress.ts";
import { decodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { createTestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { generateSigningKey, loopback } from "../testing/real-nodes.ts";
import { planIdentity, signingCommands } from "./plan.ts";
import { provider } from "./provider.ts";

function uninitialised(storage: Parameters<typeof startTestParticipant>[0]["storage"]): Promise<TestParticipant> {
  return startTestParticipant({ name: "manual", storage, autoInit: false, waitUntilReady: false });
}

function identityOf(node: TestParticipant, changes: Record<string, unknown> = {}) {
  const adminApi = loopback(node.adminPort);
  return { node: adminApi, role: "participant", identifier: "alice", rootKey: "node", ...changes };
}

type ManagerOptions = Required<Pick<Parameters<TestDomain["manager"]>[0], "sequencers" | "mediators" | "database">>;

/** A domain manager that waits, with a sequencer and a mediator for it to set up. @param before one that was stopped */
async function uninitialisedManager(nodes: TestDomain, before?: ManagerOptions) {
  const sequencers = before?.sequencers ?? [await nodes.sequencer("sequencer1")];
  const mediators = before?.mediators ?? [await nodes.mediator("mediator1")];
  const database = before?.database ?? (await nodes.database());
  return { ...(await nodes.manager({ sequencers, mediators, auto: false, database })), sequencers, mediators };
}

function domainOf({ adminPort }: RunningDomainManager, rootKey = "node") {
  const node = loopback(adminPort);
  const role = "domain-manager";
  return { node, nodeName: role, role, identifier: "mydomain", rootKey, sequencers: "configured" };
}

/** What the domain manager says of its domain, once it runs. */
async function runningDomain({ adminPort }: RunningDomainManager) {
  const { kind } = await withClient(DomainStatusServiceClient, adminPort, (client) =>
    call(client, "domainStatus", {}, { deadlineMs }),
  );
  return kind?.$case === "status" ? kind.value.commonStatus : undefined;
}

describe("the identity of a node", () => {
  test("is made step by step, found again, and not made twice; the participant becomes ready", async () => {
    await using database = await createTestDatabase();
    await using node = await uninitialised(database.storage);
    const { id, outs } = await provider.create(identityOf(node));
    expect(outs["uniqueIdentifier"]).toMatch(/^alice::1220[0-9a-f]{64}$/);
    await expect.poll(() => node.health.whyNotReady()).toBeUndefined();
    expect(await provider.create(identityOf(node))).toEqual({ id, outs });
    expect(await provider.read(id, outs)).toEqual({ id, props: outs, inputs: identityOf(node) });
    await expect(provider.update(id, outs, identityOf(node, { identifier: "carol" }))).rejects.toThrow(
      /the node is alice::1220\w+ already, for ever: set identifier to alice, or make a new node/,
    );
    await provider.delete(id, outs);
    expect((await provider.read(id, outs)).props).toEqual(outs);
  });

  test("goes on where somebody has begun", async () => {
    await using database = await createTestDatabase();
    await using node = await uninitialised(database.storage);
    const adminApi = loopback(node.adminPort);
    // A node that has only just started is passive for a moment.
    const namespace = await eventually(() => generateSigningKey(adminApi, "my-identity"));
    const { outs } = await provider.create(identityOf(node));
    expect(outs["uniqueIdentifier"]).toBe(`alice::${namespace}`);
  });

  test("whose root key is elsewhere waits for what it signs, and says which step is missing", async () => {
    await using database = await createTestDatabase();
    await using node = await uninitialised(database.storage);
    const detached = identityOf(node, { rootKey: "elsewhere", nodeName: "alice-node" });
    const refusal = await provider.create(detached).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      id: "alice",
      message: expect.stringMatching(
        /^alice: waiting for initialisation: next step \(1 of 7\)[^]*console identity request alice-node --identifier alice --out alice\.yaml\n[^]*console identity import alice-node alice\.topology\n/,
      ),
    });
    const { properties } = refusal as { properties: Record<string, unknown> };
    expect((await provider.read("alice", properties)).props?.["drift"]).toContain("next step (1 of 7)");
  });

  test("is not what was asked for as long as a root key that is to be elsewhere is on the node", async () => {
    await using database = await createTestDatabase();
    await using node = await uninitialised(database.storage);
    const { id, outs } = await provider.create(identityOf(node));
    const moved = identityOf(node, { rootKey: "elsewhere" });
    const refusal = provider.update(id, outs, moved);
    await expect(refusal).rejects.toThrow(
      /^alice: the private half of its root key 1220\w+ is on the node; .*docs\/keys/,
    );
    expect((await provider.read(id, { ...outs, ...moved })).props?.["drift"]).toContain("is on the node");
  });

  test("of a domain manager is made, and the domain runs", async () => {
    await using nodes = new TestDomain();
    const manager = await uninitialisedManager(nodes);
    const { outs } = await provider.create(domainOf(manager));
    expect((await runningDomain(manager))?.uid).toBe(outs["uniqueIdentifier"]);
  });

  test("of a domain whose root key is elsewhere: another key signs for the domain, also once its manager starts anew", async () => {
    await using nodes = new TestDomain();
    const manager = await uninitialisedManager(nodes);
    const refusal = await provider.create(domainOf(manager, "elsewhere")).catch((error: unknown) => error);
    const { message, properties } = refusal as { message: string; properties: Record<string, unknown> };
    expect(message).toContain("console identity request domain-manager --identifier mydomain --out mydomain.yaml");

    const root = generateSigningKeyPair();
    const admin = loopback(manager.adminPort);
    const wanted = { role: "domain-manager", identifier: "mydomain", authority: "namespace" } as const;
    const request = await createRequest(admin, wanted, { deadlineMs });
    await initialiseFromFile(admin, signRequest(request, root), { deadlineMs });
    const { outs } = await provider.update("mydomain", properties, domainOf(manager, "elsewhere"));
    expect(outs["uniqueIdentifier"]).toBe(`mydomain::${root.publicKey.id}`);
    expect((await runningDomain(manager))?.uid).toBe(outs["uniqueIdentifier"]);
    const authorised = async () =>
      (await snapshotAt(manager.adminPort)).items.map(({ transaction: bytes }) => {
        const { key, transaction } = decodeSignedTransaction(bytes);
        return [transaction.mapping.kind, key.id === root.publicKey.id ? "root" : key.id];
      });
    const delegate = request.keys.find(({ name }) => name.endsWith("-topology"))?.fingerprint;
    await expect.poll(authorised, { timeout: 20_000 }).toEqual([
      ["NamespaceDelegation", "root"],
      ["NamespaceDelegation", "root"],
      ["OwnerToKeyMapping", "root"],
      ["DomainParametersChange", delegate],
      ["OwnerToKeyMapping", delegate],
      ["OwnerToKeyMapping", delegate],
      ["MediatorDomainState", delegate],
    ]);

    await manager.close();
    const again = await uninitialisedManager(nodes, manager);
    const found = domainOf(again, "elsewhere");
    await expect
      .poll(async () => (await provider.read("mydomain", { ...outs, ...found })).props)
      .toEqual({ ...outs, ...found });
  });
});

const names: InitialisationStepName[] = [
  "identity-key",
  "namespace-delegation",
  "init-id",
  "signing-key",
  "encryption-key",
  "signing-key-mapping",
  "domain-parameters",
  "domain-manager-key-mapping",
  "sequencer-key-mapping",
];

test("the commands that have a root key sign can be pasted into a shell", () => {
  expect(signingCommands("node1", "Bank of Alice")).toContain(
    'console identity request node1 --identifier "Bank of Alice" --out Bank-of-Alice.yaml',
  );
});

test("a step is taken only if it is the next one and the node can take it; another id is refused", () => {
  const rootKey = fc.constantFrom("node", "elsewhere");
  const has = fc.constantFrom(undefined, "alice", "bob");
  const next = fc.constantFrom(undefined, ...names);
  fc.assert(
    fc.property(rootKey, has, next, fc.boolean(), (whose, present, missing, holds) => {
      const step = planIdentity(
        { identifier: "alice", rootKey: whose },
        { has: present, next: missing, holdsRootKey: holds },
      );
      if (present === "bob") expect(step).toEqual({ do: "refuse" });
      else if (whose === "elsewhere" && holds) expect(step).toEqual({ do: "take-away" });
      else if (missing === undefined) expect(step).toBeUndefined();
      else if (step?.do === "take") {
        expect(step.step).toBe(missing);
        if (whose === "elsewhere") expect(missing).toMatch(/^(signing-key|encryption-key|domain-parameters)$/);
      } else expect(step).toEqual({ do: "ask" });
    }),
  );
});
