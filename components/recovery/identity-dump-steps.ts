/** Looks at a node's identity, and dumps it, through its admin API. No Pulumi. */
import { authorizedTransactions } from "@pulumi-canton/detached-topology-manager/node-topology.ts";
import { newPassphrase, terminalPrompt } from "@pulumi-canton/detached-topology-manager/passphrase.ts";
import { decodeKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { publicKeyFromProto } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { PROTOCOL_VERSION } from "@pulumi-canton/protocol/domain-parameters.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { call, withClient } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Endpoint } from "../platform/platform.ts";
import { callDeadlineMs, converge } from "../topology/convergence.ts";
import { type DumpRecord, recordOf, type SeenIdentity, writeDump } from "./identity-dump-file.ts";
import type { IdentityDumpInputs } from "./identity-dump-provider.ts";

const deadline = { deadlineMs: callDeadlineMs };

/** The names of the keys that a node holds, by fingerprint. */
type KeyNames = ReadonlyMap<string, string>;

async function look(node: Endpoint): Promise<SeenIdentity & { readonly names: KeyNames }> {
  const everything = { filterFingerprint: "", filterName: "", filterPurpose: [] };
  const [id, { privateKeysMetadata }, transactions] = await Promise.all([
    withClient(InitializationServiceClient, node, (client) => call(client, "getId", {}, deadline)),
    withClient(VaultServiceClient, node, (client) => call(client, "listMyKeys", everything, deadline)),
    authorizedTransactions(node, deadline),
  ]);
  if (!id.initialized) {
    throw new Error(`the node at ${node.url} has no identity yet; initialise it first (docs/initialisation.md)`);
  }
  const names = new Map(
    privateKeysMetadata.flatMap(({ publicKeyWithName: key }) =>
      key === undefined ? [] : [[publicKeyFromProto(key.publicKey).key.id, key.name] as const],
    ),
  );
  return { uniqueIdentifier: id.uniqueIdentifier, keys: [...names.keys()].sort(), transactions, names };
}

/** The identity that a node has now. */
export async function seenRecord(node: Endpoint): Promise<DumpRecord> {
  return recordOf(await look(node));
}

/** Dumps a node's identity, waiting for one that does not answer yet. */
export async function dumpIdentity({
  node,
  role,
  passphraseFile,
}: IdentityDumpInputs): Promise<DumpRecord & { readonly content: string }> {
  // Before the node is asked for its keys.
  const passphrase = await newPassphrase(passphraseFile, terminalPrompt);
  const seen = await converge({
    what: `the identity of the node at ${node.url}`,
    observe: () => look(node),
    plan: () => [],
    apply: async () => undefined,
  });
  const pairs = await withClient(VaultServiceClient, node, (client) =>
    Promise.all(
      seen.keys.map(async (fingerprint) => {
        const request = { fingerprint, protocolVersion: PROTOCOL_VERSION };
        const { keyPair } = await call(client, "exportKeyPair", request, deadline);
        return { pair: decodeKeyPair(keyPair), name: seen.names.get(fingerprint) ?? "" };
      }),
    ),
  );
  return { ...recordOf(seen), content: writeDump(role, seen, pairs, passphrase) };
}
