import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { TestNetwork } from "../testing/test-network.ts";
import type { KeyView } from "./keys.ts";
import type { TopologyStateView } from "./topology.ts";

vi.setConfig({ testTimeout: 120_000 });

let network: TestNetwork;
beforeAll(async () => {
  network = await TestNetwork.start(["alice"]);
}, 60_000);
afterAll(() => network?.[Symbol.asyncDispose]());

interface Status {
  uid: string | null;
  complete: boolean;
  next: string | null;
}
const status = (node: string) => network.json<Status>("init", "status", node);

test("the manual sequence of a participant, command by command; out of order it is refused", async () => {
  await network.addUninitialised("manual");
  const on = ["--node", "manual"];
  expect(await status("manual")).toMatchObject({ uid: null, complete: false, next: "identity-key" });
  const { fingerprint: namespace } = await network.json<KeyView>(
    "keys",
    "generate",
    "signing",
    ...on,
    "--name",
    "my-identity",
  );
  expect(await network.refusal("init", "id", "manual", "manualInit", namespace)).toContain(
    "AuthorizeNamespaceDelegation",
  );
  await network.text("topology", "authorize", "namespace-delegation", namespace, namespace, "--root", ...on);
  expect(await network.text("init", "id", "manual", "manualInit", namespace)).toContain(`manualInit::${namespace}`);
  for (const purpose of ["encryption", "signing"]) {
    const { fingerprint } = await network.json<KeyView>("keys", "generate", purpose, ...on);
    await network.text(
      "topology",
      "authorize",
      "owner-to-key",
      `PAR::manualInit::${namespace}`,
      fingerprint,
      "--purpose",
      purpose,
      ...on,
    );
  }
  expect(await status("manual")).toMatchObject({ uid: `manualInit::${namespace}`, complete: true, next: null });
});

test("run goes on from wherever the node stands, and may be repeated", async () => {
  await network.addUninitialised("helped");
  await network.text("keys", "generate", "signing", "--node", "helped");
  expect(await network.text("init", "run", "helped", "--identifier", "quick")).toContain("is initialised as quick::");
  expect(await network.text("init", "run", "helped", "--identifier", "quick")).toContain("is initialised as quick::");
  expect(await network.text("init", "status", "helped")).toContain("is initialised as quick::");
});

test("a node without an identity of its own cannot be named", async () => {
  expect(await network.refusal("init", "status", "sequencer1")).toContain("identity of its domain");
  expect(await network.refusal("init", "status", "nobody")).toContain("nobody");
  expect(await network.text("init", "--help")).toContain("by hand");
});

test("the root key stays in a file: request, sign, import", async () => {
  await network.addUninitialised("detached");
  const passphrase = network.path("passphrase");
  await writeFile(passphrase, "correct horse battery\n", { mode: 0o600 });
  const from = ["--passphrase-file", passphrase];
  const [key, request, signed] = [
    network.path("root.key"),
    network.path("request.yaml"),
    network.path("signed.topology"),
  ];
  await network.text("identity", "create-key", key, ...from);
  await network.text("identity", "request", "detached", "--identifier", "apart", "--out", request);
  await network.text("identity", "sign", request, "--key", key, "--out", signed, "--yes", ...from);
  expect(await network.text("identity", "import", "detached", signed)).toContain("detached is initialised");
  expect((await status("detached")).uid).toMatch(/^apart::1220/);
});

test("what one node has authorised is taken to another in a file, once", async () => {
  const file = network.path("alice.topology");
  await network.text("topology", "export", file, "--node", "alice");
  expect(await network.refusal("topology", "export", file, "--node", "alice")).toContain("does not exist");
  await network.addUninitialised("other");
  const outcomes = () => network.json<{ outcome: string }[]>("topology", "import", file, "--node", "other");
  const first = await outcomes();
  expect(new Set(first.map(({ outcome }) => outcome))).toEqual(new Set(["added"]));
  expect(new Set((await outcomes()).map(({ outcome }) => outcome))).toEqual(new Set(["known"]));
  const list = (node: string) => network.json<TopologyStateView>("topology", "--node", node, "--authorized");
  expect((await list("other")).digest).toBe((await list("alice")).digest);
  // The domain's view may be taken along too: what is in force there, of one namespace.
  await network.text("topology", "export", network.path("domain.topology"), "--store", network.domainId);
  expect(await network.text("identity", "show", network.path("domain.topology"))).toContain("DOM");
  await writeFile(network.path("garbage"), "garbage");
  expect(await network.refusal("topology", "import", network.path("garbage"), "--node", "other")).toContain(
    "signed topology",
  );
});
