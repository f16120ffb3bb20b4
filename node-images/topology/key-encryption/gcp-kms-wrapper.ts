/** Wraps data keys with a symmetric key of Google Cloud KMS. Credentials are found as Google's library does. */
import { KeyManagementServiceClient } from "@google-cloud/kms";
import { status } from "@grpc/grpc-js";
import { untilAborted } from "@pulumi-canton/runtime/abort.ts";
import type { KeyEncryptionConfig } from "@pulumi-canton/runtime/config.ts";
import { type KeyWrapper, KeyWrapperError, textOf } from "./key-wrapper.ts";

/** Bound to the wrapped key. */
const context = Buffer.from("pulumi-canton private-keys");

/** Answers that may be others later. */
const passing: readonly number[] = [
  status.CANCELLED,
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  status.INTERNAL,
  status.UNAVAILABLE,
];

export function gcpKmsWrapper(config: Extract<KeyEncryptionConfig, { type: "gcp-kms" }>): KeyWrapper {
  const endpoint = config.endpoint === undefined ? undefined : new URL(config.endpoint);
  const client = new KeyManagementServiceClient({
    // JSON over HTTPS: goes through proxies, and loads less.
    fallback: true,
    ...(endpoint !== undefined && {
      apiEndpoint: endpoint.hostname,
      port: Number(endpoint.port || (endpoint.protocol === "https:" ? 443 : 80)),
      protocol: endpoint.protocol.slice(0, -1),
    }),
  });
  return {
    type: "gcp-kms",
    wrap: async (dataKey, keyId, signal) => {
      const request = { name: keyId, plaintext: dataKey, additionalAuthenticatedData: context };
      const [answer] = await call(signal, (options) => client.encrypt(request, options));
      return { wrapped: { ciphertext: base64Of(answer.ciphertext), version: answer.name ?? "" }, keyId };
    },
    unwrap: async (wrapped, keyId, signal) => {
      const ciphertext = Buffer.from(textOf(wrapped, "ciphertext"), "base64");
      const request = { name: keyId, ciphertext, additionalAuthenticatedData: context };
      const [answer] = await call(signal, (options) => client.decrypt(request, options));
      return Buffer.from(base64Of(answer.plaintext), "base64");
    },
  };
}

/** Tries are the caller's business: its deadline is for all of them. The library takes no signal. */
async function call<T>(
  signal: AbortSignal,
  run: (options: { timeout: number; retry: null }) => Promise<T>,
): Promise<T> {
  try {
    return await untilAborted(run({ timeout: 10_000, retry: null }), signal);
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    const kind = typeof code !== "number" || passing.includes(code) ? "unavailable" : "refused";
    throw new KeyWrapperError(kind, `Google Cloud KMS: ${message}`);
  }
}

function base64Of(bytes: Uint8Array | string | null | undefined): string {
  if (bytes === null || bytes === undefined || bytes.length === 0) {
    throw new KeyWrapperError("unavailable", "Google Cloud KMS gave an incomplete answer");
  }
  return typeof bytes === "string" ? bytes : Buffer.from(bytes).toString("base64");
}
