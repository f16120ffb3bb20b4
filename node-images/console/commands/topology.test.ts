import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { TestNetwork } from "../testing/test-network.ts";
import type { KeyView } from "./keys.ts";
import type { TopologyStateView } from "./topology.ts";

vi.setConfig({ testTimeout: 120_000 });

let network: TestNetwork;
beforeAll(async () => {
  network = await TestNetwork.start();
  await network.join("alice");
}, 60_000);
afterAll(() => network?.[Symbol.asyncDispose]());

const list = async (...args: string[]) =>
  (await network.json<TopologyStateView>("topology", "list", ...args)).transactions;

interface Authorized {
  transaction: string;
  operation: string;
  statement: string;
  signedBy: string;
}
const authorize = (...args: string[]) => network.json<Authorized>("topology", "authorize", ...args);

test("without a subcommand the domain's state is listed; its digest is the same on every node", async () => {
  await network.text("parties", "enable", "Known", "--node", "alice");
  const manager = await network.json<TopologyStateView>("topology");
  const alice = await network.json<TopologyStateView>("topology", "--node", "alice");
  expect(manager.store).toBe(network.domainId);
  expect(alice.digest).toBe(manager.digest);
  expect((await network.json<TopologyStateView>("topology", "--node", "alice", "--authorized")).store).toBe(
    "Authorized",
  );
  const stores = await network.json<string[]>("topology", "stores", "--node", "alice");
  expect(stores.toSorted()).toEqual(["Authorized", network.domainId]);
});

test("delegations: a key of another node signs for the namespace, until the delegation is removed", async () => {
  const namespace = network.idOf("alice").split("::").at(-1) ?? "";
  const { fingerprint } = await network.json<KeyView>(
    "keys",
    "generate",
    "signing",
    "--node",
    "alice",
    "--name",
    "intermediate",
  );
  const added = await authorize("namespace-delegation", "alice", fingerprint, "--node", "alice");
  expect(added).toMatchObject({ operation: "Add", signedBy: namespace });
  await network.text("trace", added.transaction, "--follow");
  const party = await authorize(
    "party-to-participant",
    `Delegated::${namespace}`,
    "alice",
    "--side",
    "Both",
    "--signed-by",
    fingerprint,
    "--node",
    "alice",
  );
  expect(party.signedBy).toBe(fingerprint);
  expect(
    await network.refusal("topology", "authorize", "namespace-delegation", "alice", fingerprint, "--node", "alice"),
  ).toContain("already exists");
  const removed = await authorize(
    "namespace-delegation",
    "alice",
    fingerprint,
    "--node",
    "alice",
    "--remove",
    "--force",
  );
  expect(removed.operation).toBe("Remove");
  expect(
    await list("--node", "alice", "--authorized", "--about", fingerprint, "--kind", "NamespaceDelegation"),
  ).toEqual([]);
  const history = await list(
    "--node",
    "alice",
    "--authorized",
    "--since",
    "2020-01-01",
    "--about",
    fingerprint,
    "--kind",
    "NamespaceDelegation",
  );
  expect(history.map(({ operation }) => operation)).toEqual(["Add", "Remove"]);
  expect(await list("--node", "alice", "--authorized", "--operation", "Remove", "--about", fingerprint)).toHaveLength(
    1,
  );
});

test("identifier delegation, owner to key, vetted packages", async () => {
  const { fingerprint } = await network.json<KeyView>(
    "keys",
    "generate",
    "signing",
    "--node",
    "alice",
    "--name",
    "narrow",
  );
  const narrow = await authorize("identifier-delegation", "alice", fingerprint, "--node", "alice");
  expect(narrow.statement).toContain("IdentifierDelegation(alice::");
  const key = await authorize("owner-to-key", "alice", fingerprint, "--purpose", "signing", "--node", "alice");
  expect(key.statement).toContain("OwnerToKeyMapping(PAR::alice::");
  expect(
    (await authorize("owner-to-key", "alice", fingerprint, "--purpose", "signing", "--node", "alice", "--remove"))
      .operation,
  ).toBe("Remove");
  const packageId = "ab".repeat(32);
  const vetted = await authorize("vetted-packages", "alice", packageId, "--node", "alice");
  expect(vetted.statement).toContain("VettedPackages");
  expect(await list("--node", "alice", "--authorized", "--about", packageId)).toHaveLength(1);
});

test("the domain's own statements are signed by its manager unless another node is named", async () => {
  const stranger = `PAR::stranger::1220${"ab".repeat(32)}`;
  const admitted = await authorize(
    "participant-domain-state",
    stranger,
    "--side",
    "From",
    "--permission",
    "Observation",
  );
  expect(admitted.statement).toContain("ParticipantState(From");
  const replaced = await authorize(
    "participant-domain-state",
    stranger,
    "--side",
    "From",
    "--permission",
    "Disabled",
    "--replace",
  );
  expect(replaced.statement).toContain("Disabled");
  expect(await list("--authorized", "--about", "stranger", "--kind", "ParticipantState")).toHaveLength(1);
  const mediator = `MED::second::${network.domainId.split("::").at(-1)}`;
  expect((await authorize("mediator-domain-state", mediator, "--side", "Both")).statement).toContain(
    "MediatorDomainState(Both",
  );
  expect(await network.refusal("topology", "authorize", "domain-parameters", "x=1")).toContain(
    "console domain parameters set",
  );
});

test("as it was at a moment, and what came since", async () => {
  const before = new Date().toISOString();
  await network.text("parties", "enable", "Timely", "--node", "alice");
  expect(await list("--about", "Timely", "--at", before)).toEqual([]);
  expect(await list("--about", "Timely", "--since", before)).toHaveLength(1);
  expect(await list("--about", "Timely", "--signed-by", network.idOf("alice").split("::").at(-1) ?? "")).toHaveLength(
    1,
  );
  expect(await list("--about", "Timely", "--signed-by", "1220ffff")).toEqual([]);
});

test("mistakes are told with what is accepted, the node's refusals with its own words", async () => {
  expect(await network.refusal("topology", "list", "--at", "yesterday")).toContain("2026-01-31T12:00:00Z");
  expect(await network.refusal("topology", "list", "--kind", "Everything")).toContain("OwnerToKeyMapping");
  expect(
    await network.refusal(
      "topology",
      "authorize",
      "owner-to-key",
      "nobody",
      "1220",
      "--purpose",
      "signing",
      "--node",
      "alice",
    ),
  ).toContain("no member");
  const foreign = `Foreign::1220${"cd".repeat(32)}`;
  expect(
    await network.refusal(
      "topology",
      "authorize",
      "party-to-participant",
      foreign,
      "alice",
      "--side",
      "From",
      "--node",
      "alice",
    ),
  ).toMatch(/signing key/i);
  expect(await network.refusal("topology", "authorize", "namespace-delegation", "alice", "1220", "--root")).toContain(
    "--node",
  );
  expect(await network.text("topology", "authorize", "--help")).toContain("vetted-packages");
});
