import { Key } from "@pulumi/azure-native/keyvault/key.js";
import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import { ComponentResource, type ComponentResourceOptions, interpolate, type Output } from "@pulumi/pulumi";
import { type AzurePlace, azureName, kept, placed } from "../network/azure-place.ts";
import type { AzureKeyVault } from "./azure-key-vault.ts";
import { grant } from "./azure-roles.ts";

/** Arguments of an `AzureEncryptionKey`. */
export interface AzureEncryptionKeyArgs {
  readonly place: AzurePlace;
  readonly vault: AzureKeyVault;
  /** What it encrypts, in its name and its identity's. Example: `"databases"`. */
  readonly part: string;
  /** What is done with it: `wrap` the keys of others, or `encrypt` as clusters do with their secrets. Default: `wrap`. */
  readonly use?: "wrap" | "encrypt";
  /** Makes a new version every year. Default: no, as for the key of nodes, who name the version that wrapped theirs. */
  readonly rotated?: boolean;
}

/**
 * An RSA key for the keys and secrets of others, and an identity that may do that with it and nothing else.
 *
 * Resources: 1 + 3.
 *
 * Cost: that of its vault.
 */
export class AzureEncryptionKey extends ComponentResource {
  /** Id of the key for roles. */
  declare readonly keyResourceId: Output<string>;
  /** Identifier of the key, whose newest version is meant. */
  declare readonly uri: Output<string>;
  /** Identifier of the key with its version. */
  declare readonly uriWithVersion: Output<string>;
  /** Who may use it. */
  readonly identity: UserAssignedIdentity;

  constructor(name: string, args: AzureEncryptionKeyArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:identity:AzureEncryptionKey", name, {}, options);
    const { place, vault, part, use = "wrap", rotated = false } = args;
    const key = new Key(
      name,
      {
        resourceGroupName: place.resourceGroupName,
        tags: place.tags,
        vaultName: vault.vaultName,
        keyName: part,
        properties: {
          kty: vault.hardware ? "RSA-HSM" : "RSA",
          keySize: 3072,
          keyOps: use === "wrap" ? ["wrapKey", "unwrapKey"] : ["encrypt", "decrypt"],
          attributes: { enabled: true, exportable: false },
          ...(rotated && {
            rotationPolicy: {
              attributes: { expiryTime: "P2Y" },
              lifetimeActions: [{ action: { type: "rotate" }, trigger: { timeAfterCreate: "P1Y" } }],
            },
          }),
        },
      },
      // Deleting one needs a way into the network: it goes with its vault.
      { parent: this, ...kept(place), retainOnDelete: true },
    );
    this.keyResourceId = interpolate`${vault.vaultId}/keys/${part}`;
    this.identity = new UserAssignedIdentity(
      name,
      { ...placed(place), resourceName: azureName(place, part) },
      { parent: this },
    );
    const granted = grant(
      name,
      {
        principalId: this.identity.principalId,
        role: use === "wrap" ? "keyUser" : "keyCipher",
        scope: this.keyResourceId,
        description: `${use}s with the key of ${part}`,
      },
      { parent: this, dependsOn: [key] },
    );
    // Whoever takes the key from here may use it by then.
    this.uri = granted.id.apply(() => key.keyUri);
    this.uriWithVersion = granted.id.apply(() => key.keyUriWithVersion);
    this.registerOutputs({ uri: this.uri });
  }
}
