/** The wrapper that a configuration asks for. */
import type { KeyEncryptionConfig } from "@pulumi-canton/runtime/config.ts";
import type { KeyWrapper } from "./key-wrapper.ts";

/**
 * Each is loaded only where it is configured: the clouds' libraries are large, and a node without them starts sooner.
 *
 * @param configKey of the section, for messages
 */
export async function openKeyWrapper(config: KeyEncryptionConfig, configKey: string): Promise<KeyWrapper> {
  switch (config.type) {
    case "passphrase":
      return (await import("./passphrase-wrapper.ts")).passphraseWrapper(config, configKey);
    case "aws-kms":
      return (await import("./aws-kms-wrapper.ts")).awsKmsWrapper(config);
    case "gcp-kms":
      return (await import("./gcp-kms-wrapper.ts")).gcpKmsWrapper(config);
    case "azure-key-vault":
      return (await import("./azure-key-vault-wrapper.ts")).azureKeyVaultWrapper(config, configKey);
    case "vault":
      return (await import("./vault-wrapper.ts")).vaultWrapper(config, configKey);
  }
}
