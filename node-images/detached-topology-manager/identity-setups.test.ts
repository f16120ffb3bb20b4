/** The four setups of the seed's "Identity Setup Guide", with real nodes: who holds the root key, and what the node may do. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { idle, setState } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { eventually, TestDomain } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import {
  connectedDomains,
  connection,
  connectTo,
  deadlineMs,
  enableParty,
  PermissionedDomain,
  partiesOf,
  topologyOf,
  uidOf,
} from "@pulumi-canton/participant/testing/permissioned-domain.ts";
import { startTestParticipant, type TestParticipant } from "@pulumi-canton/participant/testing/test-participant.ts";
import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { encodePublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import {
  defaultDynamicDomainParameters,
  dynamicDomainParametersToProto,
} from "@pulumi-canton/protocol/domain-parameters.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { KeyPurpose } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { namespaceOf } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { addition, signTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { observeInitialisation } from "@pulumi-canton/topology/observe-initialisation.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { identityCommand } from "./commands.ts";
import { createRequest } from "./create-request.ts";
import { exportTopology, importTopology, initialiseFromFile } from "./node-topology.ts";
import { signRequest, signRevocation } from "./sign-request.ts";
import { decodeSignedTransactionsFile, encodeSignedTransactionsFile } from "./signed-transactions-file.ts";
import { publicKeyOf } from "./topology-request.ts";

const options = { deadlineMs };
const authorization = { change: TopologyChangeOp.Add, signedBy: "", replaceExisting: false, forceChange: false };

let domain: PermissionedDomain;
let folder: string;
beforeAll(async () => {
  domain = await PermissionedDomain.start(1);
  folder = await mkdtemp(join(tmpdir(), "pulumi-canton-identity-"));
});
afterAll(async () => {
  await domain[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string) => join(folder, name);
const adminOf = (node: TestParticipant) => ({ address: "127.0.0.1", port: node.adminPort });

/** A participant that waits to be initialised. */
async function waitingParticipant(name: string): Promise<TestParticipant> {
  const { storage } = await domain.database();
  const node = await startTestParticipant({ name, storage, autoInit: false, waitUntilReady: false });
  await expect.poll(() => node.health.component("participant")?.state).toBe("waiting");
  return node;
}

async function isConnected(node: TestParticipant): Promise<void> {
  await domain.set(await uidOf(node), "Submission");
  await connectTo(node, connection(domain));
  expect(await connectedDomains(node)).toEqual(["mydomain"]);
}

async function heldKeys(node: TestParticipant): Promise<string[]> {
  const filter = { filterFingerprint: "", filterName: "", filterPurpose: [] };
  const { privateKeysMetadata } = await call(node.admin(VaultServiceClient), "listMyKeys", filter, options);
  return privateKeysMetadata.map(({ publicKeyWithName }) => publicKeyWithName?.publicKey?.key?.value.id ?? "");
}

test("1. its own topology manager, the root key on the node", async () => {
  const { storage } = await domain.database();
  await using node = await startTestParticipant({ name: "own", storage });
  await isConnected(node);
  const party = await enableParty(node, "alice");
  await eventually(async () => ((await partiesOf(node)).has(party) ? true : undefined));
  expect(await heldKeys(node)).toContain(namespaceOf(await uidOf(node)));
});

test("2. a detached machine has the root key: the node comes up, joins, allocates, until its delegation is revoked", async () => {
  await using node = await waitingParticipant("detached");
  await writeFile(at("passphrase"), "three blind mice ran\n", { mode: 0o600 });
  const said: string[] = [];
  const identity = (...words: string[]) =>
    identityCommand({
      node: async () => ({ role: "participant", admin: adminOf(node) }),
      print: (text) => said.push(text),
    }).parseAsync(words, { from: "user" });
  const withRoot = ["--key", at("root.key"), "--passphrase-file", at("passphrase"), "--yes"];

  // On the detached machine, at the node, on the detached machine, at the node.
  await identity("create-key", at("root.key"), "--passphrase-file", at("passphrase"));
  await identity("request", "detached", "--identifier", "d1", "--out", at("d1.yaml"));
  await identity("sign", at("d1.yaml"), "--out", at("d1.topology"), ...withRoot);
  await identity("import", "detached", at("d1.topology"));
  expect(said.at(-1)).toBe("detached is initialised.");
  await identity("import", "detached", at("d1.topology"));
  expect(said.at(-2)?.match(/known:/g)).toHaveLength(4);
  expect(node.health.whyNotReady()).toBeUndefined();

  const uid = await uidOf(node);
  const namespace = namespaceOf(uid);
  expect(uid).toMatch(/^d1::1220/);
  expect(await heldKeys(node)).not.toContain(namespace);
  await isConnected(node);
  const party = await enableParty(node, "alice");
  await eventually(async () => ((await partiesOf(node)).has(party) ? true : undefined));

  const { transactions } = decodeSignedTransactionsFile(await readFile(at("d1.topology")));
  const delegation = transactions.findIndex(
    ({ transaction: { mapping } }) => mapping.kind === "NamespaceDelegation" && !mapping.isRootDelegation,
  );
  const before = await topologyOf(node, domain.domainId);
  await identity("revoke", at("d1.topology"), "--only", `${delegation + 1}`, "--out", at("revoked"), ...withRoot);
  await identity("import", "detached", at("revoked"));
  await expect(enableParty(node, "bob")).rejects.toMatchObject({ reason: "NO_APPROPRIATE_SIGNING_KEY_IN_STORE" });
  await eventually(async () => ((await topologyOf(node, domain.domainId)).length < before.length ? true : undefined));
  expect([...(await partiesOf(node)).keys()].some((each) => each.startsWith("bob::"))).toBe(false);
});

test("3. identifiers delegated by a trusted topology manager: the node signs for those, and for nothing else", async () => {
  const { storage } = await domain.database();
  await using trusted = await startTestParticipant({ name: "trusted", storage });
  await using node = await waitingParticipant("tenant");
  const namespace = namespaceOf(await uidOf(trusted));

  // What the node asks for is authorised at the trusted node by its operator, and exported there.
  const wanted = { role: "participant", identifier: "tenant1", authority: "identifier", parties: ["carol"] } as const;
  const { keys } = await createRequest(adminOf(node), wanted, options);
  const vault = trusted.admin(VaultServiceClient);
  const write = trusted.admin(TopologyManagerWriteServiceClient);
  const [delegate] = keys;
  if (delegate === undefined) throw new Error("the node asks for no delegation");
  const publicKey = encodePublicKey(publicKeyOf(delegate));
  await call(vault, "importPublicKey", { publicKey, name: "tenant1" }, options);
  for (const identifier of [`tenant1::${namespace}`, `carol::${namespace}`]) {
    const request = { authorization, identifier, fingerprintOfAuthorizedKey: delegate.fingerprint };
    await call(write, "authorizeIdentifierDelegation", request, options);
  }
  const exported = encodeSignedTransactionsFile(await exportTopology(adminOf(trusted), { ...options, namespace }));

  const outcomes = await importTopology(adminOf(node), decodeSignedTransactionsFile(exported), options);
  expect(outcomes.every(({ outcome }) => outcome === "added")).toBe(true);
  const id = { identifier: "tenant1", fingerprint: namespace, instance: "" };
  await call(node.admin(InitializationServiceClient), "initId", id, options);
  for (const { purpose, fingerprint } of keys.slice(1)) {
    const keyPurpose = purpose === "signing" ? KeyPurpose.SigningKeyPurpose : KeyPurpose.EncryptionKeyPurpose;
    const keyOwner = `PAR::tenant1::${namespace}`;
    const mapping = { authorization, keyOwner, fingerprintOfKey: fingerprint, keyPurpose };
    await call(node.admin(TopologyManagerWriteServiceClient), "authorizeOwnerToKeyMapping", mapping, options);
  }
  expect(node.health.whyNotReady()).toBeUndefined();
  await isConnected(node);
  const party = await enableParty(node, "carol");
  await eventually(async () => ((await partiesOf(node)).has(party) ? true : undefined));
  await expect(enableParty(node, "mallory")).rejects.toMatchObject({ reason: "NO_APPROPRIATE_SIGNING_KEY_IN_STORE" });
});

test("4. a trusted topology manager signs everything: the node signs nothing for the namespace", async () => {
  await using node = await waitingParticipant("managed");
  const root = generateSigningKeyPair();
  const wanted = {
    role: "participant",
    identifier: "managed1",
    authority: "none",
    parties: ["dave"],
    domains: [domain.domainId],
  } as const;
  const signed = signRequest(await createRequest(adminOf(node), wanted, options), root);
  const outcomes = await initialiseFromFile(adminOf(node), signed, options);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(["added", "added", "added", "added", "added"]);
  expect(node.health.whyNotReady()).toBeUndefined();
  await isConnected(node);
  const party = `dave::${root.publicKey.id}`;
  await eventually(async () => ((await partiesOf(node)).get(party) ? true : undefined));
  await expect(enableParty(node, "eve")).rejects.toMatchObject({ reason: "NO_APPROPRIATE_SIGNING_KEY_IN_STORE" });

  // It goes on managing: what it signs later reaches the domain through the node.
  const hosted = signed.transactions.filter(({ transaction }) => transaction.mapping.kind === "PartyToParticipant");
  await importTopology(adminOf(node), signRevocation(hosted, root), options);
  await eventually(async () => ((await partiesOf(node)).get(party) ? undefined : true));
});

test("an import tells of each transaction why it was refused, and takes the others", async () => {
  await using node = await waitingParticipant("careful");
  const root = generateSigningKeyPair();
  const wanted = { role: "participant", identifier: "careful1", authority: "none" } as const;
  const signed = signRequest(await createRequest(adminOf(node), wanted, options), root);
  const thief = generateSigningKeyPair();
  const mapping = signed.transactions[1]?.transaction.mapping;
  if (mapping === undefined) throw new Error("nothing was signed");
  const forged = signTransaction(addition(mapping), thief);
  const outcomes = await importTopology(adminOf(node), { transactions: [forged, ...signed.transactions] }, options);
  expect(outcomes).toMatchObject([
    {
      outcome: "refused",
      reason: "UNAUTHORIZED_TOPOLOGY_TRANSACTION",
      message: expect.stringContaining("no authority"),
    },
    { outcome: "added" },
    { outcome: "added" },
    { outcome: "added" },
  ]);
  // The file was for a node that has no identity yet; a node with another one does not take it.
  const other = signRequest(await createRequest(adminOf(node), { ...wanted, identifier: "other" }, options), root);
  await initialiseFromFile(adminOf(node), signed, options);
  await expect(initialiseFromFile(adminOf(node), other, options)).rejects.toMatchObject({
    reason: "NODE_HAS_ANOTHER_IDENTITY",
  });
});

test("a domain whose root key is detached: its manager sets up the domain and admits with a delegated key", async () => {
  await using nodes = new TestDomain();
  const sequencers = [await nodes.sequencer("sequencer1")];
  const mediators = [await nodes.mediator("mediator1")];
  const manager = await nodes.manager({ auto: false, sequencers, mediators });
  const admin = { address: "127.0.0.1", port: manager.adminPort };
  const root = generateSigningKeyPair();
  const wanted = { role: "domain-manager", identifier: "bank", authority: "namespace" } as const;
  const signed = signRequest(await createRequest(admin, wanted, options), root);
  for (const expected of ["added", "known"]) {
    const outcomes = await initialiseFromFile(admin, signed, options);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([expected, expected, expected]);
  }
  const { next, keys, uid } = await observeInitialisation("domain-manager", admin, {
    ...options,
    sequencers: "configured",
  });
  expect(next?.name).toBe("domain-parameters");
  expect(uid).toBe(`bank::${root.publicKey.id}`);
  expect(keys.find(({ fingerprint }) => fingerprint === root.publicKey.id)?.held).toBe(false);

  const write = connect(TopologyManagerWriteServiceClient, admin);
  const value = dynamicDomainParametersToProto(defaultDynamicDomainParameters());
  const parameters = {
    authorization: { ...authorization, change: TopologyChangeOp.Replace },
    domain: uid ?? "",
    parameters: { $case: "parametersV1", value } as const,
  };
  await call(write, "authorizeDomainParametersChange", parameters, options);
  write.close();
  expect((await idle(manager.adminPort)).commonStatus?.uid).toBe(uid);

  const { storage } = await nodes.database();
  await using node = await startTestParticipant({ name: "joins", storage });
  await setState(manager.adminPort, uid ?? "", `PAR::${await uidOf(node)}`);
  const urls = sequencers.map(({ publicPort }) => `http://127.0.0.1:${publicPort}`);
  await connectTo(node, connection({ urls, domainId: uid ?? "" }));
  expect(await connectedDomains(node)).toEqual(["mydomain"]);
});
