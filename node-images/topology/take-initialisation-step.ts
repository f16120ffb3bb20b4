/** One step of a node's initialisation, done through its admin API by whoever administers it. */

import {
  defaultDynamicDomainParameters,
  dynamicDomainParametersToProto,
} from "@pulumi-canton/protocol/domain-parameters.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import {
  EncryptionKeyScheme,
  KeyPurpose,
  SigningKeyScheme,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { namespaceOf } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { type ClientTarget, call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import type { observeInitialisation } from "./observe-initialisation.ts";

/** What `observeInitialisation` has seen. */
export type ObservedInitialisation = Awaited<ReturnType<typeof observeInitialisation>>;

/**
 * Does the next step, where the node has all that it takes.
 *
 * @param admin the node's admin API
 * @param identifier the first part of the id that the node is to have
 * @param options.deadlineMs of each call
 * @returns false when somebody else has to do it: what is left of a domain needs its other nodes
 * @throws CantonError when the node refuses
 */
export async function takeInitialisationStep(
  admin: ClientTarget,
  identifier: string,
  { next, uid, keys }: ObservedInitialisation,
  options: { deadlineMs: number; signal?: AbortSignal },
): Promise<boolean> {
  const vault = connect(VaultServiceClient, admin);
  const initialization = connect(InitializationServiceClient, admin);
  const writer = connect(TopologyManagerWriteServiceClient, admin);
  const authorization = { change: TopologyChangeOp.Add, signedBy: "", replaceExisting: false, forceChange: false };
  // Before the node has its id, the first signing key that it knows is that of the namespace.
  const namespace =
    uid === undefined ? keys.find(({ purpose }) => purpose === "signing")?.fingerprint : namespaceOf(uid);
  const generate = async (purpose: "signing" | "encryption", name: string): Promise<string> => {
    const made =
      purpose === "signing"
        ? await call(vault, "generateSigningKey", { keyScheme: SigningKeyScheme.Ed25519, name }, options)
        : await call(
            vault,
            "generateEncryptionKey",
            { keyScheme: EncryptionKeyScheme.EciesP256HkdfHmacSha256Aes128Gcm, name },
            options,
          );
    return made.publicKey?.id ?? "";
  };
  const map = (keyOwner: string, purpose: "signing" | "encryption", fingerprintOfKey: string) => {
    const keyPurpose = purpose === "signing" ? KeyPurpose.SigningKeyPurpose : KeyPurpose.EncryptionKeyPurpose;
    const request = { authorization, keyOwner, fingerprintOfKey, keyPurpose };
    return call(writer, "authorizeOwnerToKeyMapping", request, options);
  };
  const heldKey = (purpose: "signing" | "encryption") =>
    keys.findLast((key) => key.purpose === purpose && key.held && key.fingerprint !== namespace)?.fingerprint;
  try {
    switch (next?.name) {
      case "identity-key":
        await generate("signing", `${identifier}-namespace`);
        return true;
      case "namespace-delegation": {
        const root = namespace ?? "";
        const request = { authorization, namespace: root, fingerprintOfAuthorizedKey: root, isRootDelegation: true };
        await call(writer, "authorizeNamespaceDelegation", request, options);
        return true;
      }
      case "init-id": {
        const request = { identifier, fingerprint: namespace ?? "", instance: "" };
        await call(initialization, "initId", request, options);
        return true;
      }
      case "signing-key":
        await generate("signing", `${identifier}-signing`);
        return true;
      case "encryption-key":
        await generate("encryption", `${identifier}-encryption`);
        return true;
      case "signing-key-mapping":
        await map(`PAR::${uid}`, "signing", heldKey("signing") ?? "");
        return true;
      case "encryption-key-mapping":
        await map(`PAR::${uid}`, "encryption", heldKey("encryption") ?? "");
        return true;
      case "domain-parameters": {
        const value = dynamicDomainParametersToProto(defaultDynamicDomainParameters());
        const request = {
          authorization: { ...authorization, change: TopologyChangeOp.Replace },
          domain: uid ?? "",
          parameters: { $case: "parametersV1" as const, value },
        };
        await call(writer, "authorizeDomainParametersChange", request, options);
        return true;
      }
      case "domain-manager-key-mapping":
        await map(`DOM::${uid}`, "signing", heldKey("signing") ?? (await generate("signing", "DOM-signing-key")));
        return true;
      default:
        return false;
    }
  } finally {
    for (const client of [vault, initialization, writer]) client.close();
  }
}
