import { generateSigningKeyPair, type SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { addition, signTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { expect, test } from "vitest";
import { keyUse } from "./key-use.ts";

const [root, delegate, working, other] = Array.from({ length: 4 }, () => generateSigningKeyPair()) as [
  SigningKeyPair,
  SigningKeyPair,
  SigningKeyPair,
  SigningKeyPair,
];
const idOf = (pair: SigningKeyPair) => pair.publicKey.id;
const namespace = idOf(root);
const uid = `alice::${namespace}`;
const delegation = (to: SigningKeyPair, isRootDelegation = false): TopologyMapping => ({
  kind: "NamespaceDelegation",
  namespace,
  targetKey: to.publicKey,
  isRootDelegation,
});
const stateOf = async (...mappings: TopologyMapping[]) =>
  TopologyState.replay(await Promise.all(mappings.map((mapping) => signTransaction(addition(mapping), root))));

const certificate = delegation(root, true);
const mapping: TopologyMapping = {
  kind: "OwnerToKeyMapping",
  owner: `PAR::${uid}`,
  key: { purpose: "signing", key: working.publicKey },
};
const forIdentifier: TopologyMapping = { kind: "IdentifierDelegation", uid, targetKey: other.publicKey };

test("a key that a member works with stays, in whichever store that is said", async () => {
  const stores = new Map([
    ["domain", await stateOf(certificate, mapping)],
    ["Authorized", await stateOf(certificate)],
  ]);
  expect(keyUse(idOf(working), [namespace, idOf(other)], stores)).toMatch(/PAR::alice.*OwnerToKeyMapping in domain/);
  stores.set("domain", await stateOf(certificate));
  expect(keyUse(idOf(working), [], stores)).toBeUndefined();
});

test("the last key for a namespace stays; a root key may go once a delegated one is held", async () => {
  const stores = new Map([["Authorized", await stateOf(certificate, delegation(delegate))]]);
  expect(keyUse(namespace, [idOf(working)], stores)).toMatch(/only key here .* namespace/);
  expect(keyUse(namespace, [idOf(delegate)], stores)).toBeUndefined();
  expect(keyUse(idOf(delegate), [namespace], stores)).toBeUndefined();
  expect(keyUse(idOf(delegate), [], stores)).toMatch(/only key here .* namespace/);
  // Authorised here, and not yet on the domain.
  stores.set("domain", await stateOf(certificate));
  expect(keyUse(namespace, [idOf(delegate)], stores)).toMatch(/in domain/);
});

test("the last key for an identifier stays; one of its namespace stands in for it", async () => {
  const stores = new Map([["Authorized", await stateOf(certificate, forIdentifier)]]);
  expect(keyUse(idOf(other), [], stores)).toMatch(/only key here .* alice::/);
  expect(keyUse(idOf(other), [namespace], stores)).toBeUndefined();
});

test("a key that nothing names may go", async () => {
  expect(keyUse(idOf(other), [], new Map([["Authorized", await stateOf(certificate, mapping)]]))).toBeUndefined();
});
