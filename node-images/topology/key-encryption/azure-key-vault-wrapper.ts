/** Wraps data keys with an RSA key of Azure Key Vault. Credentials are found as Azure's library does. */
import { DefaultAzureCredential } from "@azure/identity";
import { CryptographyClient, type CryptographyClientOptions } from "@azure/keyvault-keys";
import type { KeyEncryptionConfig } from "@pulumi-canton/runtime/config.ts";
import { loadTls } from "@pulumi-canton/runtime/tls.ts";
import { type KeyWrapper, KeyWrapperError, kindOfStatus, textOf } from "./key-wrapper.ts";

const algorithm = "RSA-OAEP-256";

/**
 * @param configKey of the section, for messages
 * @param extra options of Azure's client, for tests
 */
export function azureKeyVaultWrapper(
  config: Extract<KeyEncryptionConfig, { type: "azure-key-vault" }>,
  configKey: string,
  extra: CryptographyClientOptions = {},
): KeyWrapper {
  const { ca } = loadTls(configKey, { caFile: config.caFile });
  const credential = new DefaultAzureCredential();
  const options = {
    // Tries are the caller's business: its deadline is for all of them.
    retryOptions: { maxRetries: 0 },
    ...(ca !== undefined && { tlsOptions: { ca } }),
    ...extra,
  };
  const vault = new URL(config.keyId).origin;
  // A client finds out once what it may do with its key.
  const clients = new Map<string, CryptographyClient>();
  const clientOf = (keyId: string) => {
    const client = clients.get(keyId) ?? new CryptographyClient(keyId, credential, options);
    clients.set(keyId, client);
    return client;
  };
  return {
    type: "azure-key-vault",
    wrap: async (dataKey, keyId, abortSignal) => {
      // It may come with a request: the node's credential goes to its own vault only.
      if (!URL.canParse(keyId) || new URL(keyId).origin !== vault) {
        throw new KeyWrapperError("refused", `${keyId} is no key of ${vault}, the vault of ${configKey}.keyId`);
      }
      const { result } = await clientOf(keyId).wrapKey(algorithm, dataKey, { abortSignal }).catch(refuse);
      return { wrapped: { ciphertext: Buffer.from(result).toString("base64"), algorithm }, keyId };
    },
    unwrap: async (wrapped, keyId, abortSignal) => {
      const ciphertext = Buffer.from(textOf(wrapped, "ciphertext"), "base64");
      const { result } = await clientOf(keyId).unwrapKey(algorithm, ciphertext, { abortSignal }).catch(refuse);
      return Buffer.from(result);
    },
  };
}

function refuse(error: { statusCode?: number; message?: string }): never {
  throw new KeyWrapperError(kindOfStatus(error.statusCode), `Azure Key Vault: ${error.message}`);
}
