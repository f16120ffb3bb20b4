/** Wraps data keys with a symmetric key of AWS KMS. Credentials are found as AWS's library does. */
import { DecryptCommand, EncryptCommand, KMSClient } from "@aws-sdk/client-kms";
import type { KeyEncryptionConfig } from "@pulumi-canton/runtime/config.ts";
import { type KeyWrapper, KeyWrapperError, kindOfStatus, textOf } from "./key-wrapper.ts";

/** Bound to the wrapped key, shown in CloudTrail, and usable as `kms:EncryptionContext:…` in a policy. */
const encryptionContext = { application: "pulumi-canton", purpose: "private-keys" };

export function awsKmsWrapper(config: Extract<KeyEncryptionConfig, { type: "aws-kms" }>): KeyWrapper {
  const client = new KMSClient({
    // Tries are the caller's business: its deadline is for all of them.
    maxAttempts: 1,
    ...(config.region !== undefined && { region: config.region }),
    ...(config.endpoint !== undefined && { endpoint: config.endpoint }),
  });
  return {
    type: "aws-kms",
    wrap: async (dataKey, keyId, abortSignal) => {
      const command = new EncryptCommand({ KeyId: keyId, Plaintext: dataKey, EncryptionContext: encryptionContext });
      const { CiphertextBlob: ciphertext, KeyId: arn } = await client.send(command, { abortSignal }).catch(refuse);
      if (ciphertext === undefined || arn === undefined) throw incomplete();
      return { wrapped: { ciphertext: Buffer.from(ciphertext).toString("base64"), arn }, keyId };
    },
    unwrap: async (wrapped, _keyId, abortSignal) => {
      const command = new DecryptCommand({
        CiphertextBlob: Buffer.from(textOf(wrapped, "ciphertext"), "base64"),
        KeyId: keyToUnwrapWith(textOf(wrapped, "arn"), config.keyId),
        EncryptionContext: encryptionContext,
      });
      const { Plaintext: dataKey } = await client.send(command, { abortSignal }).catch(refuse);
      if (dataKey === undefined) throw incomplete();
      return Buffer.from(dataKey);
    },
  };
}

/**
 * The key that a wrapped key is unwrapped with: the one that wrapped it, or, where the configuration names a replica of it in another
 * region, that one. So nodes that were moved to another region need nothing of the one that was lost. Pure.
 *
 * @param arn of the key that wrapped it
 * @param configured id, ARN or alias of the key that is configured now
 */
export function keyToUnwrapWith(arn: string, configured: string): string {
  // Replicas of a multi-Region key have the same id, which starts with mrk-, in every region.
  const id = arn.split("/").at(-1) ?? "";
  const isReplica = id.startsWith("mrk-") && configured.split("/").at(-1) === id;
  return isReplica ? configured : arn;
}

const incomplete = () => new KeyWrapperError("unavailable", "AWS KMS gave an incomplete answer");

function refuse(error: { name?: string; message?: string; $metadata?: { httpStatusCode?: number } }): never {
  // Throttling comes with status 400.
  const throttled = /Throttl|LimitExceeded|KeyUnavailable/.test(error.name ?? "");
  const kind = throttled ? "unavailable" : kindOfStatus(error.$metadata?.httpStatusCode);
  throw new KeyWrapperError(kind, `AWS KMS: ${error.name}: ${error.message}`);
}
