import { Secret } from "@pulumi/azure-native/keyvault/secret.js";
import { Vault } from "@pulumi/azure-native/keyvault/vault.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output, secret } from "@pulumi/pulumi";
import type { AzureNetwork } from "../network/azure-network.ts";
import { type AzurePlace, kept, placed, uniqueAzureName } from "../network/azure-place.ts";
import { AzurePrivateEndpoint } from "../network/azure-private-endpoint.ts";

/** Arguments of an `AzureKeyVault`. */
export interface AzureKeyVaultArgs {
  readonly place: AzurePlace;
  /** Last part of its name. Default: `vault`. */
  readonly part?: string;
  /** Where it gets a private address. Absent: only services of Azure itself reach it, such as the backup of a database. */
  readonly network?: AzureNetwork;
  /** Keys are kept in a hardware module. Default: no. */
  readonly hardware?: boolean;
}

/**
 * A vault for keys and secrets: access by role only, no public address, and nothing in it can be destroyed before its time.
 *
 * A deployment that ends leaves its vault to Azure's bin for 90 days. Keys and secrets are written through Azure's own API, which
 * needs no way into the network; to delete one there is none, so they go with their vault.
 *
 * Resources: 1 + 1, with a network 3 more, and 1 for every secret.
 *
 * Cost: 0.03 per 10,000 calls; a key in hardware about 1 a month, 5 for large ones.
 */
export class AzureKeyVault extends ComponentResource {
  declare readonly vaultId: Output<string>;
  declare readonly vaultName: Output<string>;
  /** Address of the vault, with a slash at its end. */
  declare readonly uri: Output<string>;
  readonly hardware: boolean;
  /** Needed by what reads the vault from inside of the network. */
  readonly endpoint: AzurePrivateEndpoint | undefined;
  readonly #place: AzurePlace;

  constructor(name: string, args: AzureKeyVaultArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:identity:AzureKeyVault", name, {}, options);
    const { place, part = "vault", network, hardware = false } = args;
    this.#place = place;
    this.hardware = hardware;
    const vault = new Vault(
      name,
      {
        ...placed(place),
        vaultName: uniqueAzureName(place, { length: 24, characters: "plain" }, part),
        properties: {
          tenantId: place.tenantId,
          sku: { family: "A", name: hardware ? "premium" : "standard" },
          enableRbacAuthorization: true,
          enableSoftDelete: true,
          softDeleteRetentionInDays: 90,
          // Databases, disks and storage refuse a key that could be purged.
          enablePurgeProtection: true,
          enabledForDeployment: false,
          enabledForDiskEncryption: false,
          enabledForTemplateDeployment: false,
          publicNetworkAccess: "Disabled",
          // Services of Azure that use a key with an identity of their own come in by this way.
          networkAcls: { bypass: "AzureServices", defaultAction: "Deny" },
        },
      },
      { parent: this, ...kept(place) },
    );
    this.vaultId = vault.id;
    this.vaultName = vault.name;
    this.uri = vault.properties.vaultUri.apply((uri) => uri ?? "");
    this.endpoint =
      network &&
      new AzurePrivateEndpoint(
        `${name}-endpoint`,
        { place, network, service: "vault", targetId: vault.id, part },
        { parent: this },
      );
    this.registerOutputs({ vaultId: this.vaultId });
  }

  /**
   * Keeps a secret. One resource.
   *
   * @param name in the vault: letters, digits and hyphens
   */
  keep(name: string, value: Input<string>, contentType: string): Secret {
    return new Secret(
      `${this.#place.name}-${name}`,
      {
        resourceGroupName: this.#place.resourceGroupName,
        tags: this.#place.tags,
        vaultName: this.vaultName,
        secretName: name,
        properties: { value: secret(value), contentType },
      },
      { parent: this, retainOnDelete: true },
    );
  }
}
