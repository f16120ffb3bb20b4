import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { initialiseFromFile } from "@pulumi-canton/detached-topology-manager/node-topology.ts";
import { idle, listAll, setState } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { eventually, TestDomain } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import {
  connectedDomains,
  connection,
  connectTo,
  deadlineMs,
  enableParty,
  PermissionedDomain,
  partiesOf,
  uidOf,
} from "@pulumi-canton/participant/testing/permissioned-domain.ts";
import { startTestParticipant } from "@pulumi-canton/participant/testing/test-participant.ts";
import { decryptKeyFile, readKeyFile } from "@pulumi-canton/protocol/crypto/encrypted-key-file.ts";
import { encodeKeyPair, generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { call, withClient } from "@pulumi-canton/runtime/grpc-client.ts";
import { createTestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { connectedParticipant, generateSigningKey, loopback } from "../topology/testing/real-nodes.ts";
import { IdentityDump } from "./identity-dump.ts";
import { type DumpRecord, readDump, whyStale, writeDump } from "./identity-dump-file.ts";
import { provider } from "./identity-dump-provider.ts";

// Vitest rewrites import(), which Pulumi then cannot store.
vi.mock("../dynamic/thin-provider.ts", () => ({ thinProvider: () => ({ create: async () => ({ id: "x" }) }) }));

const passphrase = "correct horse battery staple";
const everything = { filterFingerprint: "", filterName: "", filterPurpose: [] };
let folder: string;
let passphraseFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "identity-dump-"));
  passphraseFile = join(folder, "passphrase");
  await writeFile(passphraseFile, `${passphrase}\n`, { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true }));

/** What `console keys import` and `console identity import` do with the parts of a dump. */
async function putBack(dump: string, adminPort: number): Promise<void> {
  const { keyFiles, topology } = readDump(dump);
  const pairs = keyFiles.map((file) => ({
    keyPair: encodeKeyPair(decryptKeyFile(file, passphrase)),
    name: readKeyFile(file).name,
  }));
  const node = loopback(adminPort);
  await withClient(VaultServiceClient, node, async (client) => {
    // A node that has only just started is passive for a moment.
    await eventually(() => call(client, "listMyKeys", everything, { deadlineMs }));
    for (const pair of pairs) await call(client, "importKeyPair", pair, { deadlineMs });
  });
  const outcomes = await initialiseFromFile(node, topology, { deadlineMs });
  expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(["added"]));
}

/** Waits until a domain manager has authorised all that it sets its domain up with, which ends with the mediator. */
async function untilSetUp(adminPort: number): Promise<void> {
  await eventually(async () =>
    (await listAll(adminPort, "Authorized")).some((name) => name.includes("MediatorDomainState")),
  );
  await idle(adminPort);
}

test("a dump is one resource, whose text is a secret", async () => {
  const registered: { readonly type: string; readonly inputs: Record<string, unknown> }[] = [];
  await pulumi.runtime.setMocks({
    call: () => ({}),
    newResource: ({ type, inputs }) => {
      registered.push({ type, inputs });
      return { id: "dump", state: { ...inputs, content: "the text", uniqueIdentifier: "alice::1220aa" } };
    },
  });
  const dump = new IdentityDump("alice-dump", { node: loopback(5002), passphraseFile });
  const seen = await new Promise((resolve) => dump.uniqueIdentifier.apply(resolve));
  await pulumi.runtime.disconnect();
  expect(seen).toBe("alice::1220aa");
  expect(registered).toMatchObject([
    {
      type: "pulumi-nodejs:dynamic/recovery:IdentityDump",
      inputs: { node: loopback(5002), role: "participant", passphraseFile },
    },
  ]);
  expect(JSON.stringify(registered)).not.toContain(passphrase);
});

test("a participant whose database is lost is the same again, from its dump and the passphrase", {
  timeout: 120_000,
}, async () => {
  await using domain = await PermissionedDomain.start(1);
  let dump: string;
  let uid: string;
  let party: string;
  {
    const { node, adminApi } = await connectedParticipant("alice", domain);
    await using alice = node;
    party = await enableParty(alice, "Gottlieb");
    uid = await uidOf(alice);
    const inputs = { node: adminApi, role: "participant", passphraseFile };
    const { id, outs } = await provider.create(inputs);
    expect(outs).toMatchObject({ uniqueIdentifier: uid });
    expect(await provider.read(id, outs)).toEqual({ id, props: outs, inputs });
    expect(await provider.diff(id, outs, { ...inputs, changesWith: "something" })).toMatchObject({ changes: true });

    await enableParty(alice, "Hannah");
    expect((await provider.read(id, outs)).props?.["drift"]).toMatch(/has authorised other topology/);
    const fingerprint = await generateSigningKey(adminApi, "another");
    const later = await provider.read(id, outs);
    expect(later.props?.["drift"]).toBe(`the node has keys that are not in the dump: ${fingerprint}`);
    expect(await provider.diff(id, later.props ?? {}, inputs)).toMatchObject({ changes: true, replaces: [] });
    const updated = await provider.update(id, later.props ?? {}, inputs);
    expect(await provider.read(id, updated.outs)).toEqual({ id, props: updated.outs, inputs });
    dump = updated.outs["content"] as string;
  }

  await using database = await createTestDatabase();
  await using restored = await startTestParticipant({
    name: "alice",
    storage: database.storage,
    autoInit: false,
    waitUntilReady: false,
  });
  await putBack(dump, restored.adminPort);
  await expect.poll(() => restored.health.whyNotReady(), { timeout: 20_000 }).toBeUndefined();
  expect(await uidOf(restored)).toBe(uid);
  await connectTo(restored, connection(domain));
  await expect.poll(() => connectedDomains(restored), { timeout: 20_000 }).toEqual(["mydomain"]);
  await expect.poll(async () => (await partiesOf(restored)).get(party), { timeout: 20_000 }).toBe(true);
});

test("a domain manager whose database is lost goes on with its domain, from its dump and the passphrase", {
  timeout: 120_000,
}, async () => {
  await using nodes = new TestDomain();
  const sequencers = [await nodes.sequencer("sequencer1")];
  const mediators = [await nodes.mediator("mediator1")];
  const lost = await nodes.manager({ sequencers, mediators });
  await untilSetUp(lost.adminPort);
  const domainId = (await idle(lost.adminPort)).commonStatus?.uid ?? "";
  await setState(lost.adminPort, domainId, "PAR::alice::1220aa", "Submission");
  const inputs = { node: loopback(lost.adminPort), role: "domain-manager", passphraseFile };
  await idle(lost.adminPort);
  const { outs } = await provider.create(inputs);
  const before = await listAll(lost.adminPort, "Authorized");
  await lost.close();

  const restored = await nodes.manager({ sequencers, mediators, auto: false });
  await putBack(outs["content"] as string, restored.adminPort);
  expect((await idle(restored.adminPort)).commonStatus?.uid).toBe(domainId);
  expect((await listAll(restored.adminPort, "Authorized")).sort()).toEqual(before.sort());
  // The domain takes what it authorises from now on.
  await setState(restored.adminPort, domainId, "PAR::bob::1220bb", "Submission");
  const [mediator = { adminPort: 0 }] = mediators;
  const after = (await listAll(restored.adminPort, "Authorized")).sort();
  expect(after).toHaveLength(before.length + 1);
  await expect
    .poll(async () => (await listAll(mediator.adminPort, domainId)).sort(), { timeout: 20_000 })
    .toEqual(after);
  expect(restored.context.failures).toEqual([]);
});

test("a domain manager, its sequencer and its mediator are dumped, too", { timeout: 60_000 }, async () => {
  await using domain = await PermissionedDomain.start(1);
  const [mediator = 0, sequencer = 0] = domain.peerAdminPorts;
  const dumped = async (role: string, port: number) => {
    const inputs = { node: loopback(port), role, passphraseFile };
    const { id, outs } = await provider.create(inputs);
    expect((await provider.read(id, outs)).props?.["drift"]).toBeUndefined();
    return readDump(outs["content"] as string);
  };
  await untilSetUp(domain.adminPort);
  const manager = await dumped("domain-manager", domain.adminPort);
  expect(manager.topology.member).toBe(`DOM::${domain.domainId}`);
  expect(manager.keyFiles).toHaveLength(2);
  for (const [role, port] of [
    ["sequencer", sequencer],
    ["mediator", mediator],
  ] as const) {
    const { uniqueIdentifier, keyFiles, topology } = await dumped(role, port);
    expect(uniqueIdentifier).toBe(domain.domainId);
    expect(keyFiles).toHaveLength(1);
    expect(topology).toEqual({ transactions: [] });
  }
});

test("a node without an identity is not dumped, nor one under a passphrase that others can read or guess", async () => {
  await using database = await createTestDatabase();
  const { storage } = database;
  await using node = await startTestParticipant({ name: "new", storage, autoInit: false, waitUntilReady: false });
  const inputs = { node: loopback(node.adminPort), role: "participant", passphraseFile };
  await expect(provider.create(inputs)).rejects.toThrow(/has no identity yet; initialise it first/);
  const open = join(folder, "open");
  await writeFile(open, passphrase);
  await chmod(open, 0o644);
  await expect(provider.create({ ...inputs, passphraseFile: open })).rejects.toThrow(/Others can read/);
  const short = join(folder, "short");
  await writeFile(short, "short", { mode: 0o600 });
  await expect(provider.create({ ...inputs, passphraseFile: short })).rejects.toThrow(/fewer than 12 characters/);
  expect(await provider.check({}, { ...inputs, passphraseFile: "" })).toMatchObject({
    failures: [{ property: "passphraseFile" }],
  });
});

test("a node that does not answer keeps its dump", { timeout: 60_000 }, async () => {
  await using database = await createTestDatabase();
  const { storage } = database;
  const node = await startTestParticipant({ name: "alice", storage });
  const inputs = { node: loopback(node.adminPort), role: "participant", passphraseFile };
  const { id, outs } = await provider.create(inputs);
  await node.stop();
  const seen = await provider.read(id, outs);
  expect(seen.props).toMatchObject({
    content: outs["content"],
    drift: expect.stringMatching(/^could not be looked at/),
  });
  await provider.delete(id, outs);
});

test("a dump has no private key in the clear, and one that was changed is noticed", () => {
  const pair = generateSigningKeyPair();
  const seen = { uniqueIdentifier: "alice::1220aa", keys: [pair.publicKey.id], transactions: [] };
  const text = writeDump("sequencer", seen, [{ pair, name: "a key" }], passphrase);
  const { keyFiles } = readDump(text);
  expect(decryptKeyFile(keyFiles[0] ?? "", passphrase)).toEqual(pair);
  const hidden = Buffer.from(pair.privateKey.privateKey);
  expect(encodeKeyPair(pair).includes(hidden)).toBe(true);
  for (const value of Object.values(JSON.parse(keyFiles[0] ?? "")).map(String)) {
    expect(Buffer.from(value, "base64").includes(hidden)).toBe(false);
  }
  expect(() => readDump(text.replace("identity dump", "something"))).toThrow(/expected "pulumi-canton identity dump"/);
  expect(() => readDump(text.replace(/"topology": "/, '"topology": "AAAA'))).toThrow();
});

test("a dump is stale exactly when keys, topology or id differ", () => {
  const record: fc.Arbitrary<DumpRecord> = fc.record({
    uniqueIdentifier: fc.constantFrom("alice::1220aa", "bob::1220bb"),
    keys: fc.uniqueArray(fc.constantFrom("1220a", "1220b", "1220c")).map((keys) => keys.sort()),
    transactions: fc.constant(3),
    topologyDigest: fc.constantFrom("d1", "d2"),
  });
  fc.assert(
    fc.property(record, record, (dumped, node) => {
      const same = JSON.stringify(dumped) === JSON.stringify(node);
      expect(whyStale(dumped, node) === undefined).toBe(same);
    }),
  );
});
