/** What a node asks for: its keys, made by itself, and the statements that a setup needs. */
import { type PublicKey, publicKeyFromProto } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import {
  EncryptionKeyScheme,
  SigningKeyScheme,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { type ClientTarget, call, withClient } from "@pulumi-canton/runtime/grpc-client.ts";
import type { NodeCallOptions } from "./node-topology.ts";
import { requestedKey, type TopologyRequest, type TopologyRequestStatement } from "./topology-request.ts";

/** How much of its namespace a node may sign for. */
export type DelegatedAuthority =
  /** Everything, but it may not hand that on: `NamespaceDelegation`, not root. */
  | "namespace"
  /** Its own identifier, and the parties that are named: `IdentifierDelegation`. */
  | "identifier"
  /** Nothing: all is signed elsewhere. */
  | "none";

/** What to ask for. */
export interface RequestWanted {
  readonly role: TopologyRequest["role"];
  /** The identifier that the node is to have. */
  readonly identifier: string;
  readonly authority: DelegatedAuthority;
  /** Default: that of the key that signs. */
  readonly namespace?: Fingerprint | undefined;
  /** Parties that the node is to host: with authority `identifier` it is delegated to, with `none` all is signed. */
  readonly parties?: readonly string[];
  /** Domains that the participant is to be on, signed elsewhere: with authority `none`. */
  readonly domains?: readonly string[];
}

/**
 * Makes the keys that the node has not made yet, and the request that names them. May be repeated: keys are found by name.
 *
 * The private halves stay on the node; the node need not be initialised.
 *
 * @throws CantonError when the node refuses or cannot be reached
 */
export async function createRequest(
  admin: ClientTarget,
  wanted: RequestWanted,
  options: NodeCallOptions,
): Promise<TopologyRequest> {
  const { role, identifier, authority, namespace, parties = [], domains = [] } = wanted;
  const { instance: node } = await withClient(InitializationServiceClient, admin, (client) =>
    call(client, "getId", {}, options),
  );
  const statements: TopologyRequestStatement[] = [];
  const keys: TopologyRequest["keys"] = [];
  await withClient(VaultServiceClient, admin, async (vault) => {
    const key = async (name: string, purpose: PublicKey["purpose"]): Promise<string> => {
      keys.push(requestedKey(name, await nodeKey(vault, name, purpose, options)));
      return name;
    };
    if (namespace === undefined) statements.push({ type: "root-certificate" });
    if (authority !== "none") {
      const delegate = await key(`${node}-topology`, "signing");
      if (authority === "namespace") {
        statements.push({ type: "namespace-delegation", key: delegate, mayDelegate: false });
      } else {
        for (const each of [undefined, ...parties]) {
          statements.push({
            type: "identifier-delegation",
            key: delegate,
            ...(each === undefined ? {} : { identifier: each }),
          });
        }
      }
    }
    if (role === "participant") {
      statements.push({ type: "owner-to-key", key: await key(`${node}-signing`, "signing") });
      statements.push({ type: "owner-to-key", key: await key(`${node}-encryption`, "encryption") });
    } else {
      statements.push({ type: "owner-to-key", key: await key(`${node}-topology-manager-signing`, "signing") });
    }
  });
  if (authority === "none") {
    statements.push(
      ...domains.map((domain) => ({ type: "participant-on-domain" as const, domain })),
      ...parties.map((party) => ({ type: "party" as const, party, permission: "Submission" as const })),
    );
  }
  return {
    format: "pulumi-canton topology request",
    version: 1,
    node,
    role,
    identifier,
    ...(namespace === undefined ? {} : { namespace }),
    keys,
    statements,
  };
}

/** The key of this name that the node holds; made if there is none. */
async function nodeKey(
  vault: VaultServiceClient,
  name: string,
  purpose: PublicKey["purpose"],
  options: NodeCallOptions,
): Promise<PublicKey> {
  const filter = { filterFingerprint: "", filterName: name, filterPurpose: [] };
  const { privateKeysMetadata } = await call(vault, "listMyKeys", filter, options);
  for (const { publicKeyWithName: found } of privateKeysMetadata) {
    const key = publicKeyFromProto(found?.publicKey);
    if (found?.name === name && key.purpose === purpose) return key;
  }
  if (purpose === "signing") {
    const request = { name, keyScheme: SigningKeyScheme.MissingSigningKeyScheme };
    const { publicKey } = await call(vault, "generateSigningKey", request, options);
    return publicKeyFromProto(
      publicKey === undefined ? undefined : { key: { $case: "signingPublicKey", value: publicKey } },
    );
  }
  const request = { name, keyScheme: EncryptionKeyScheme.MissingEncryptionKeyScheme };
  const { publicKey } = await call(vault, "generateEncryptionKey", request, options);
  return publicKeyFromProto(
    publicKey === undefined ? undefined : { key: { $case: "encryptionPublicKey", value: publicKey } },
  );
}
