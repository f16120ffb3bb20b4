import { chmod, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { RotatedKey } from "../key-rotation.ts";
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

const list = (node: string, ...filter: string[]) => network.json<KeyView[]>("keys", "list", "--node", node, ...filter);

async function passphraseFile(name: string, text: string, mode = 0o600): Promise<string> {
  const file = network.path(name);
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

test("generate makes a key of the scheme that is asked for, and list filters", async () => {
  const { fingerprint } = await network.json<KeyView>(
    "keys",
    "generate",
    "signing",
    "--node",
    "bob",
    "--name",
    "mine",
    "--scheme",
    "ecdsa-p256",
  );
  expect(await list("bob", "--name", "mine")).toMatchObject([
    { fingerprint, purpose: "signing", scheme: "ECDSA-P256" },
  ]);
  const encryption = await list("bob", "--purpose", "encryption");
  expect(encryption.every(({ purpose }) => purpose === "encryption")).toBe(true);
  expect(await network.refusal("keys", "generate", "signing", "--node", "bob", "--scheme", "ecies-p256")).toContain(
    "no scheme for signing",
  );
});

test("a key goes from one node to another in a file that only its passphrase opens", async () => {
  const { fingerprint } = await network.json<KeyView>(
    "keys",
    "generate",
    "signing",
    "--node",
    "bob",
    "--name",
    "travels",
  );
  const passphrase = await passphraseFile("passphrase", "correct horse battery\n");
  const file = network.path("key.json");
  await network.text("keys", "export", fingerprint, file, "--node", "bob", "--passphrase-file", passphrase);
  expect(await readFile(file, "utf8")).toContain(fingerprint);
  expect(
    await network.refusal("keys", "export", fingerprint, file, "--node", "bob", "--passphrase-file", passphrase),
  ).toContain("does not exist yet");
  const wrong = await passphraseFile("wrong", "another passphrase");
  expect(await network.refusal("keys", "import", file, "--node", "alice", "--passphrase-file", wrong)).toContain(
    "does not open",
  );
  await network.text("keys", "import", file, "--node", "alice", "--passphrase-file", passphrase);
  expect(await list("alice", "--fingerprint", fingerprint)).toMatchObject([{ fingerprint, name: "travels" }]);
});

test("a short passphrase is refused; so is a command without one", async () => {
  const [{ fingerprint } = { fingerprint: "" }] = await list("bob");
  const file = network.path("never.json");
  const short = await passphraseFile("short", "short");
  expect(
    await network.refusal("keys", "export", fingerprint, file, "--node", "bob", "--passphrase-file", short),
  ).toContain("fewer than 12");
  expect(await network.refusal("keys", "export", fingerprint, file, "--node", "bob")).toContain("--passphrase-file");
});

test("rotate: the new key is in force everywhere and the old one revoked, for every kind of node", async () => {
  for (const [node, purposes] of [
    ["alice", ["encryption", "signing"]],
    ["sequencer1", ["signing"]],
    ["mediator1", ["signing"]],
    ["mydomain", ["signing"]],
  ] as const) {
    const rotated = await network.json<RotatedKey[]>("keys", "rotate", "--node", node);
    expect(rotated.map(({ purpose }) => purpose).sort()).toEqual(purposes);
    const { transactions } = await network.json<TopologyStateView>(
      "topology",
      "list",
      "--node",
      "alice",
      "--kind",
      "OwnerToKeyMapping",
    );
    const statements = transactions.map(({ statement }) => statement).join("\n");
    for (const { added, revoked } of rotated) {
      expect(statements).toContain(added.slice(0, 12));
      expect(statements).not.toContain(revoked.slice(0, 12));
    }
  }
  // The network works on with the new keys.
  await network.text("parties", "enable", "AfterRotation", "--node", "alice");
}, 60_000);

test("a key that is in use is not deleted without --force, one that is not is", async () => {
  const { fingerprint } = await network.json<KeyView>(
    "keys",
    "generate",
    "signing",
    "--node",
    "bob",
    "--name",
    "unused",
  );
  await network.text("keys", "delete", fingerprint, "--node", "bob");
  expect(await list("bob", "--name", "unused")).toEqual([]);
  const namespace = network.idOf("bob").split("::").at(-1) ?? "";
  expect(await network.refusal("keys", "delete", namespace, "--node", "bob")).toContain(
    "only key here that may sign for the namespace",
  );
  const [working] = (await list("bob", "--purpose", "signing")).filter((key) => key.fingerprint !== namespace);
  expect(await network.refusal("keys", "delete", working?.fingerprint ?? "", "--node", "bob")).toContain("PAR::bob");
  const [encryption] = await list("bob", "--purpose", "encryption");
  await network.text("keys", "delete", encryption?.fingerprint ?? "", "--node", "bob", "--force");
  expect(await list("bob", "--purpose", "encryption")).toEqual([]);
  expect(await network.refusal("keys", "delete", "1220abcd", "--node", "bob")).toContain("holds no key");
});

test("a public key is made known to another node, and the owners of keys are listed", async () => {
  const { fingerprint } = await network.json<KeyView>(
    "keys",
    "generate",
    "signing",
    "--node",
    "bob",
    "--name",
    "delegate",
  );
  const file = network.path("public.key");
  await network.text("keys", "public", "export", fingerprint, file, "--node", "bob");
  expect(await network.text("keys", "public", "import", file, "--node", "alice", "--name", "of bob")).toContain(
    fingerprint,
  );
  expect(
    await network.json<KeyView[]>("keys", "public", "list", "--node", "alice", "--fingerprint", fingerprint),
  ).toMatchObject([{ name: "of bob" }]);
  expect(await list("alice", "--fingerprint", fingerprint)).toEqual([]);
  await writeFile(network.path("garbage"), "garbage");
  expect(await network.refusal("keys", "public", "import", network.path("garbage"), "--node", "alice")).toContain(
    "no public key",
  );
  const owners = await network.json<{ member: string; signing: string[] }[]>(
    "keys",
    "public",
    "owners",
    "--node",
    "alice",
    "--type",
    "PAR",
  );
  expect(owners.map(({ member }) => member)).toEqual([network.idOf("alice")]);
});

test("the help tells every command, and a node has to be named", async () => {
  for (const word of ["rotate", "export", "import", "delete", "public"])
    expect(await network.text("keys", "--help")).toContain(word);
  expect(await network.refusal("keys", "list")).toContain("--node");
  expect(await network.refusal("keys", "list", "--node", "nobody")).toContain("nobody");
});
