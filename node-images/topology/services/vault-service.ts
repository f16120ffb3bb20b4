/** `crypto.admin.v0.VaultService`: the keys of the node. */
import { status } from "@grpc/grpc-js";
import { encryptionSchemeName, signingSchemeName } from "@pulumi-canton/protocol/crypto/key-scheme.ts";
import { decodePublicKey, type KeyPurposeName, publicKeyToProto } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { PROTOCOL_VERSION } from "@pulumi-canton/protocol/domain-parameters.ts";
import {
  type ListKeysRequest,
  VaultServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import {
  EncryptionKeyScheme,
  KeyPurpose,
  type PublicKeyWithName,
  SigningKeyScheme,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { type Fingerprint, shortenFingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { failedPrecondition, plainError } from "@pulumi-canton/runtime/errors.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { KeyFilter, KeyStore, StoredKey } from "../key-store.ts";
import { keyUse } from "../key-use.ts";
import type { TopologyStores } from "../topology-stores.ts";
import { forceHeader } from "./force-header.ts";

/** What {@link vaultService} needs. */
export interface VaultServiceOptions {
  keys: KeyStore;
  /** The topology that says what keys are needed for. */
  stores: TopologyStores;
}

/**
 * Protocol versions for which a key pair may be exported: the format is one and the same for all of them. Canton's
 * console of release 2.10 asks for version 7.
 */
const exportProtocolVersions: readonly number[] = [PROTOCOL_VERSION, 6, 7];

const purposes: Record<number, KeyPurposeName> = {
  [KeyPurpose.SigningKeyPurpose]: "signing",
  [KeyPurpose.EncryptionKeyPurpose]: "encryption",
};

function invalid(message: string, cause?: unknown) {
  return plainError(status.INVALID_ARGUMENT, message, cause);
}

function filterOf(request: ListKeysRequest): KeyFilter {
  const wanted = request.filterPurpose.map((purpose) => {
    const known = purposes[purpose];
    if (known === undefined) throw invalid(`UnrecognizedEnum(filter_purpose,${purpose})`);
    return known;
  });
  return { fingerprint: request.filterFingerprint, name: request.filterName, purposes: wanted };
}

function withName(key: StoredKey): PublicKeyWithName {
  return { publicKey: publicKeyToProto(key.publicKey), name: key.name };
}

/** Keys that never leave a key management service: this build signs with keys of its own store. */
function noKms(rpc: string) {
  return async () => {
    throw plainError(
      status.UNIMPLEMENTED,
      `VaultService/${rpc} is not built: this node keeps its keys in its database; a key management service can encrypt them there (crypto.keyEncryption)`,
    );
  };
}

/** The service over a node's keys. */
export function vaultService({ keys, stores }: VaultServiceOptions): GrpcService {
  /** @throws CantonError FAILED_PRECONDITION when the private key is still needed */
  const requireUnused = async (fingerprint: Fingerprint): Promise<void> => {
    const held = await keys.list({ held: true });
    if (!held.some((key) => key.fingerprint === fingerprint)) return;
    const others = held.flatMap((key) =>
      key.publicKey.purpose === "signing" && key.fingerprint !== fingerprint ? [key.fingerprint] : [],
    );
    const states = new Map<string, TopologyState>();
    for (const id of await stores.ids()) states.set(id, (await stores.open(id)).state);
    const use = keyUse(fingerprint, others, states);
    if (use === undefined) return;
    throw failedPrecondition("KEY_IN_USE", `The private key ${fingerprint} is not deleted: ${use}`, {
      metadata: { fingerprint },
    });
  };

  return implement(VaultServiceService, {
    listMyKeys: async (request) => {
      const held = await keys.list({ ...filterOf(request), held: true });
      const wrapperKeyId = (await keys.encryption.wrapperKeyId()) ?? "";
      return { privateKeysMetadata: held.map((key) => ({ publicKeyWithName: withName(key), wrapperKeyId })) };
    },
    listPublicKeys: async (request) => ({ publicKeys: (await keys.list(filterOf(request))).map(withName) }),
    generateSigningKey: async ({ keyScheme: scheme, name }) => {
      if (!Object.values(SigningKeyScheme).includes(scheme)) throw invalid(`UnrecognizedEnum(key_scheme,${scheme})`);
      try {
        return { publicKey: await keys.generateSigningKey({ name, scheme }) };
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        throw invalid(`UnsupportedKeyScheme(scheme = ${signingSchemeName(scheme)})`, error);
      }
    },
    generateEncryptionKey: async ({ keyScheme: scheme, name }) => {
      if (!Object.values(EncryptionKeyScheme).includes(scheme)) {
        throw invalid(`UnrecognizedEnum(key_scheme,${scheme})`);
      }
      try {
        return { publicKey: await keys.generateEncryptionKey({ name, scheme }) };
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        throw invalid(`UnsupportedKeyScheme(scheme = ${encryptionSchemeName(scheme)})`, error);
      }
    },
    importPublicKey: async ({ publicKey, name }) => {
      try {
        return { fingerprint: await keys.importPublicKey(decodePublicKey(publicKey), name) };
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        throw invalid(`Failed to parse public key from protobuf: ${error.reason}`, error);
      }
    },
    exportKeyPair: async ({ fingerprint, protocolVersion }) => {
      if (!exportProtocolVersions.includes(protocolVersion)) {
        throw invalid(
          `Protocol version failure: OtherError(Protocol version ${protocolVersion} is not supported. The supported versions are ${exportProtocolVersions.join(", ")}.)`,
        );
      }
      const keyPair = await keys.exportKeyPair(fingerprint);
      if (keyPair === undefined) {
        const short = shortenFingerprint(fingerprint);
        throw invalid(`Error retrieving private key [${short}] no private key found for [${short}]`);
      }
      return { keyPair };
    },
    importKeyPair: async ({ keyPair, name }) => {
      try {
        await keys.importKeyPair(keyPair, name);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        throw invalid(`Failed to parse crypto key pair: ${error.reason}`, error);
      }
      return {};
    },
    // As in Canton, deleting a key that the node does not hold is not an error. Canton leaves it to its console to ask
    // whether a key is to go; here it stays while it is needed.
    deleteKeyPair: async ({ fingerprint }, { metadata }) => {
      if (metadata.get(forceHeader)[0] !== "true") await requireUnused(fingerprint);
      await keys.deletePrivateKey(fingerprint);
      return {};
    },
    registerKmsSigningKey: noKms("RegisterKmsSigningKey"),
    registerKmsEncryptionKey: noKms("RegisterKmsEncryptionKey"),
    rotateWrapperKey: async ({ newWrapperKeyId }) => {
      await keys.encryption.rotateWrapperKey(newWrapperKeyId);
      return {};
    },
    getWrapperKeyId: async () => ({ wrapperKeyId: await keys.encryption.requireWrapperKeyId() }),
  });
}
