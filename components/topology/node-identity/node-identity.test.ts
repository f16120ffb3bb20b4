/** Nodes that do not initialise themselves, initialised by the resource: a participant and a domain manager, both real. */
import { idle } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { eventually, TestDomain } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import { startTestParticipant, type TestParticipant } from "@pulumi-canton/participant/testing/test-participant.ts";
import type { InitialisationStepName } from "@pulumi-canton/protocol/topology/initialisation-progress.ts";
import { createTestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { generateSigningKey, loopback } from "../testing/real-nodes.ts";
import { planIdentity } from "./plan.ts";
import { provider } from "./provider.ts";

function uninitialised(storage: Parameters<typeof startTestParticipant>[0]["storage"]): Promise<TestParticipant> {
  return startTestParticipant({ name: "manual", storage, autoInit: false, waitUntilReady: false });
}

function identityOf(node: TestParticipant, changes: Record<string, unknown> = {}) {
  const adminApi = loopback(node.adminPort);
  return { node: adminApi, role: "participant", identifier: "alice", rootKey: "node", ...changes };
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
    const detached = identityOf(node, { rootKey: "elsewhere" });
    const refusal = await provider.create(detached).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      id: "alice",
      message: expect.stringMatching(
        /^alice is not initialised: waiting for initialisation: next step \(1 of 7\)[^]*console identity request alice --identifier alice --out FILE/,
      ),
    });
    const { properties } = refusal as { properties: Record<string, unknown> };
    expect((await provider.read("alice", properties)).props?.["drift"]).toContain("next step (1 of 7)");
  });

  test("of a domain manager is made, and the domain begins to run", async () => {
    await using nodes = new TestDomain();
    const sequencers = [await nodes.sequencer("sequencer1")];
    const mediators = [await nodes.mediator("mediator1")];
    const { adminPort } = await nodes.manager({ sequencers, mediators, auto: false });
    const inputs = {
      node: loopback(adminPort),
      role: "domain-manager",
      identifier: "mydomain",
      rootKey: "node",
      sequencers: "configured",
    };
    const { outs } = await provider.create(inputs);
    expect((await idle(adminPort)).commonStatus?.uid).toBe(outs["uniqueIdentifier"]);
  });
});

const names: InitialisationStepName[] = [
  "identity-key",
  "namespace-delegation",
  "init-id",
  "signing-key",
  "encryption-key",
  "signing-key-mapping",
  "sequencer-key-mapping",
];

test("a step is taken only if it is the next one and the node can take it; another id is refused", () => {
  const rootKey = fc.constantFrom("node", "elsewhere");
  const has = fc.constantFrom(undefined, "alice", "bob");
  const next = fc.constantFrom(undefined, ...names);
  fc.assert(
    fc.property(rootKey, has, next, (whose, present, missing) => {
      const step = planIdentity({ identifier: "alice", rootKey: whose }, { has: present, next: missing });
      if (present === "bob") expect(step).toEqual({ do: "refuse" });
      else if (missing === undefined) expect(step).toBeUndefined();
      else if (step?.do === "take") {
        expect(step.step).toBe(missing);
        if (whose === "elsewhere") expect(missing).toMatch(/^(signing|encryption)-key$/);
      } else expect(step).toEqual({ do: "ask" });
    }),
  );
});
