/** A key of a member: in the vault of the node that holds it, and in the topology. No Pulumi. */
import { encodePublicKey, publicKeyFromProto } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import {
  EncryptionKeyScheme,
  KeyPurpose,
  SigningKeyScheme,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import {
  type BaseQuery,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { converge, tolerate } from "../convergence.ts";
import { authorization, deadline, headOf } from "../mapping/steps.ts";
import { withoutMemberCode } from "../topology-names.ts";
import { chosenKey, type KeyState, type KeyStep, planKey, type WantedKey } from "./plan.ts";

export { messageOf } from "../convergence.ts";

/** What a key is for. */
export type Purpose = "signing" | "encryption";

/** Whose keys, and where. */
export interface KeyTarget {
  /** Admin API of the node whose topology manager authorises the mapping. */
  readonly node: Endpoint;
  /** Admin API of the node that holds the key, where that is another one. */
  readonly keyNode?: Endpoint;
  /** The member that uses the key: `PAR::…`, `DOM::…`, `SEQ::…` or `MED::…`. */
  readonly owner: string;
  readonly purpose: Purpose;
  /** Id of the domain on which it is to be in effect. */
  readonly domainId?: string;
  /** Has a removal succeed that leaves the member without a key. Default: false. */
  readonly force?: boolean;
}

const wirePurpose = {
  signing: KeyPurpose.SigningKeyPurpose,
  encryption: KeyPurpose.EncryptionKeyPurpose,
} as const;

/** What there is of the member's keys that the node holds. */
export async function observeKey(target: KeyTarget): Promise<KeyState> {
  const { node, keyNode = node, owner, purpose, domainId } = target;
  const vault = connect(VaultServiceClient, keyNode);
  const reader = connect(TopologyManagerReadServiceClient, node);
  const mapped = async (baseQuery: BaseQuery): Promise<string[]> => {
    const request = {
      baseQuery,
      filterKeyOwnerType: owner.slice(0, 3),
      filterKeyOwnerUid: withoutMemberCode(owner),
      filterKeyPurpose: { value: wirePurpose[purpose] },
    };
    const { results } = await call(reader, "listOwnerToKeyMapping", request, deadline);
    return results.flatMap(({ item, keyFingerprint }) => (item?.keyOwner === owner ? [keyFingerprint] : []));
  };
  try {
    const filter = { filterFingerprint: "", filterName: "", filterPurpose: [wirePurpose[purpose]] };
    const [mine, authorized, effective] = await Promise.all([
      call(vault, "listMyKeys", filter, deadline),
      mapped(headOf("Authorized")),
      domainId === undefined ? undefined : mapped(headOf(domainId)),
    ]);
    const held = mine.privateKeysMetadata.map(({ publicKeyWithName: key }) => ({
      fingerprint: publicKeyFromProto(key?.publicKey).key.id,
      name: key?.name ?? "",
    }));
    const isHeld = (fingerprint: string) => held.some((key) => key.fingerprint === fingerprint);
    return {
      held,
      authorized: authorized.filter(isHeld),
      ...(effective !== undefined && { effective: effective.filter(isHeld) }),
    };
  } finally {
    vault.close();
    reader.close();
  }
}

/**
 * Leaves the member with the wanted key.
 *
 * @returns its fingerprint
 * @throws CantonError when a node refuses, Error when it is not reached in time
 */
export async function convergeKey(target: KeyTarget, wanted: WantedKey): Promise<string> {
  const state = await converge({
    what: `the ${target.purpose} key of ${target.owner}`,
    observe: () => observeKey(target),
    plan: (observed) => planKey(wanted, observed),
    apply: (step) => applyStep(target, step),
  });
  return chosenKey(wanted, state) as string;
}

/**
 * Takes a key that was generated under this name from the member. Well when the member has it no more; its last key stays,
 * unless forced: a member without a key is lost.
 */
export async function revokeGeneratedKey(target: KeyTarget, name: string): Promise<void> {
  const { held, authorized } = await observeKey(target);
  const key = held.find((each) => each.name === name)?.fingerprint;
  if (key === undefined || !authorized.includes(key)) return;
  await tolerate(["REMOVING_LAST_KEY_MUST_BE_FORCED"], () => applyStep(target, { do: "revoke", key }));
}

async function applyStep(target: KeyTarget, step: KeyStep): Promise<void> {
  const { node, keyNode = node, owner, purpose, force = false } = target;
  if (step.do === "wait") return;
  const vault = connect(VaultServiceClient, keyNode);
  const elsewhere = connect(VaultServiceClient, node);
  const writer = connect(TopologyManagerWriteServiceClient, node);
  try {
    if (step.do === "generate") {
      const { name } = step;
      if (purpose === "signing") {
        await call(vault, "generateSigningKey", { keyScheme: SigningKeyScheme.Ed25519, name }, deadline);
      } else {
        const keyScheme = EncryptionKeyScheme.EciesP256HkdfHmacSha256Aes128Gcm;
        await call(vault, "generateEncryptionKey", { keyScheme, name }, deadline);
      }
      return;
    }
    if (keyNode !== node && step.do === "authorize") {
      const filter = { filterFingerprint: step.key, filterName: "", filterPurpose: [] };
      const { publicKeys } = await call(vault, "listPublicKeys", filter, deadline);
      const [found] = publicKeys;
      const publicKey = encodePublicKey(publicKeyFromProto(found?.publicKey));
      await call(elsewhere, "importPublicKey", { publicKey, name: found?.name ?? "" }, deadline);
    }
    const change = step.do === "authorize" ? TopologyChangeOp.Add : TopologyChangeOp.Remove;
    const request = {
      authorization: authorization(change, { forceChange: force }),
      keyOwner: owner,
      fingerprintOfKey: step.key,
      keyPurpose: wirePurpose[purpose],
    };
    await tolerate(["TOPOLOGY_MAPPING_ALREADY_EXISTS", "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE"], () =>
      call(writer, "authorizeOwnerToKeyMapping", request, deadline),
    );
  } finally {
    for (const client of [vault, elsewhere, writer]) client.close();
  }
}
