import { encodePublicKey, publicKeyFromProto } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import {
  EncryptionKeyScheme,
  KeyPurpose,
  type PublicKeyWithName,
  SigningKeyScheme,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { TopologyManagerReadServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { memberCode, memberUid } from "@pulumi-canton/protocol/identity/member.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import type { AdminApi } from "./admin-api.ts";
import { authorizationData } from "./authorization.ts";
import type { ConsoleContext } from "./console-context.ts";
import { headState } from "./head-state.ts";
import { domainManagerOf, type Network, type NetworkNode } from "./network.ts";
import { observersOf } from "./observers.ts";
import { waitUntil } from "./wait.ts";

/** One key of a node that was replaced. */
export interface RotatedKey {
  /** The member that works with it. */
  owner: string;
  purpose: "signing" | "encryption";
  added: string;
  revoked: string;
}

interface HeldKey {
  readonly owner: string;
  readonly fingerprint: string;
  readonly key: PublicKeyWithName;
  readonly purpose: KeyPurpose;
}

/**
 * Replaces the keys that a node's member works with, as Canton's `keys.secret.rotate_node_keys`: for each a new key, its
 * mapping added, seen by all nodes that follow the node's domains, and only then the old mapping removed. So at every
 * moment a key is in force, and what was signed with the old one stays verifiable until the new one is known.
 *
 * Interrupted in between both keys are in force: another run replaces both.
 *
 * @throws ConsoleError when the node works with no key, or when the new one is not seen in time: the old one stays then
 */
export async function rotateNodeKeys(
  context: ConsoleContext,
  network: Network,
  node: NetworkNode & { readonly name: string },
  purpose: "signing" | "encryption" | undefined,
  timeoutMs: number,
): Promise<RotatedKey[]> {
  const api = context.api();
  // A participant signs for itself; for the domain's own nodes the domain manager does.
  const authority = node.role === "participant" ? node : domainManagerOf(network);
  const held = await keysInForce(api, node, authority, purpose);
  if (held.length === 0) {
    throw new ConsoleError(
      `${node.name} holds no ${purpose ?? ""} key that a mapping names.`,
      `See console keys list --node ${node.name}, and console keys public owners --node ${node.name}.`,
    );
  }
  const rotated: RotatedKey[] = [];
  for (const old of held) {
    const fresh = await generateLike(api, node.adminApi, old.key);
    const added = fresh.id;
    if (authority.adminApi !== node.adminApi) {
      // Who signs the mappings has to know both keys.
      const known = encodePublicKey(publicKeyFromProto(old.key.publicKey));
      for (const publicKey of [known, fresh.encoded]) {
        await api.call(authority.adminApi, VaultServiceClient, "importPublicKey", { publicKey, name: fresh.name });
      }
    }
    const authorize = (fingerprintOfKey: string, remove: boolean) =>
      api.call(authority.adminApi, TopologyManagerWriteServiceClient, "authorizeOwnerToKeyMapping", {
        authorization: authorizationData({ remove }),
        keyOwner: old.owner,
        fingerprintOfKey,
        keyPurpose: old.purpose,
      });
    await authorize(added, false);
    await untilKey(context, network, authority, old.owner, added, true, timeoutMs);
    await authorize(old.fingerprint, true);
    await untilKey(context, network, authority, old.owner, old.fingerprint, false, timeoutMs);
    rotated.push({ owner: old.owner, purpose: purposeName(old.purpose), added, revoked: old.fingerprint });
  }
  return rotated;
}

function purposeName(purpose: KeyPurpose): "signing" | "encryption" {
  return purpose === KeyPurpose.SigningKeyPurpose ? "signing" : "encryption";
}

/** The mappings of the node's own members to keys that the node holds. */
async function keysInForce(
  api: AdminApi,
  node: NetworkNode,
  authority: NetworkNode,
  purpose: "signing" | "encryption" | undefined,
): Promise<HeldKey[]> {
  const [mappings, mine] = await Promise.all([
    api.call(authority.adminApi, TopologyManagerReadServiceClient, "listOwnerToKeyMapping", {
      baseQuery: headState("Authorized"),
      filterKeyOwnerType: "",
      filterKeyOwnerUid: node.id.includes("::") ? uidOf(node.id) : "",
      filterKeyPurpose: undefined,
    }),
    api.call(node.adminApi, VaultServiceClient, "listMyKeys", {
      filterFingerprint: "",
      filterName: "",
      filterPurpose: [],
    }),
  ]);
  const byFingerprint = new Map(
    mine.privateKeysMetadata.flatMap(({ publicKeyWithName: key }) =>
      key === undefined ? [] : [[publicKeyFromProto(key.publicKey).key.id, key] as const],
    ),
  );
  return mappings.results.flatMap(({ item, keyFingerprint: fingerprint }) => {
    const key = byFingerprint.get(fingerprint);
    if (item === undefined || key === undefined || memberUid(item.keyOwner) !== uidOf(node.id)) return [];
    const of = publicKeyFromProto(key.publicKey).purpose;
    if (purpose !== undefined && of !== purpose) return [];
    const number = of === "signing" ? KeyPurpose.SigningKeyPurpose : KeyPurpose.EncryptionKeyPurpose;
    return [{ owner: item.keyOwner, fingerprint, key, purpose: number }];
  });
}

function uidOf(id: string): string {
  return /^[A-Z]{3}::.*::/.test(id) && memberCode(id) !== "UNM" ? memberUid(id) : id;
}

async function generateLike(api: AdminApi, url: string, { publicKey, name }: PublicKeyWithName) {
  const { purpose, key } = publicKeyFromProto(publicKey);
  if (purpose === "signing") {
    const made = await api.call(url, VaultServiceClient, "generateSigningKey", {
      keyScheme: key.scheme as SigningKeyScheme,
      name,
    });
    if (made.publicKey === undefined) throw new Error("the node made no key");
    return { id: made.publicKey.id, name, encoded: encodePublicKey({ purpose, key: made.publicKey }) };
  }
  const made = await api.call(url, VaultServiceClient, "generateEncryptionKey", {
    keyScheme: key.scheme as EncryptionKeyScheme,
    name,
  });
  if (made.publicKey === undefined) throw new Error("the node made no key");
  return { id: made.publicKey.id, name, encoded: encodePublicKey({ purpose, key: made.publicKey }) };
}

async function untilKey(
  context: ConsoleContext,
  network: Network,
  authority: NetworkNode,
  owner: string,
  fingerprint: string,
  present: boolean,
  timeoutMs: number,
): Promise<void> {
  const api = context.api();
  const observers = await observersOf(api, network, authority);
  const what = `key ${fingerprint.slice(0, 12)}… of ${context.identity(owner)} to be ${present ? "in force" : "revoked"}`;
  await waitUntil({ what, timeoutMs, signal: context.signal }, async () => {
    const looks = observers.map(async ({ name, adminApi, domainId }) => {
      const { results } = await api.call(adminApi, TopologyManagerReadServiceClient, "listOwnerToKeyMapping", {
        baseQuery: headState(domainId),
        filterKeyOwnerType: memberCode(owner),
        filterKeyOwnerUid: memberUid(owner),
        filterKeyPurpose: undefined,
      });
      return results.some(({ keyFingerprint }) => keyFingerprint === fingerprint) === present ? [] : [`on ${name}`];
    });
    return (await Promise.all(looks)).flat();
  });
}
