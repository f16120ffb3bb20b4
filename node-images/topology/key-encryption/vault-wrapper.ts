/** Wraps data keys with the transit engine of Vault or OpenBao, over its HTTP API (`/v1/<mount>/encrypt`, `/decrypt`). */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { KeyEncryptionConfig } from "@pulumi-canton/runtime/config.ts";
import { readPasswordFile } from "@pulumi-canton/runtime/database.ts";
import { loadTls } from "@pulumi-canton/runtime/tls.ts";
import { type KeyWrapper, KeyWrapperError, kindOfStatus, textOf } from "./key-wrapper.ts";

type VaultConfig = Extract<KeyEncryptionConfig, { type: "vault" }>;

/** @param configKey of the section, for messages */
export function vaultWrapper(config: VaultConfig, configKey: string): KeyWrapper {
  const { ca } = loadTls(configKey, { caFile: config.caFile });
  const call = async (operation: "encrypt" | "decrypt", keyId: string, body: object, signal: AbortSignal) => {
    const token = await readPasswordFile(`${configKey}.tokenFile`, config.tokenFile);
    return post(config, ca, `${operation}/${encodeURIComponent(keyId)}`, token, body, signal);
  };
  return {
    type: "vault",
    wrap: async (dataKey, keyId, signal) => {
      const plaintext = Buffer.from(dataKey).toString("base64");
      const { ciphertext } = await call("encrypt", keyId, { plaintext }, signal);
      if (typeof ciphertext !== "string") throw new KeyWrapperError("unavailable", "Vault gave no ciphertext");
      return { wrapped: { ciphertext }, keyId };
    },
    unwrap: async (wrapped, keyId, signal) => {
      const { plaintext } = await call("decrypt", keyId, { ciphertext: textOf(wrapped, "ciphertext") }, signal);
      if (typeof plaintext !== "string") throw new KeyWrapperError("unavailable", "Vault gave no plaintext");
      return Buffer.from(plaintext, "base64");
    },
  };
}

async function post(
  { address, mount, namespace }: VaultConfig,
  ca: Buffer | undefined,
  path: string,
  token: string,
  body: object,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const url = new URL(`${address.replace(/\/$/, "")}/v1/${mount}/${path}`);
  const options = {
    method: "POST",
    signal,
    headers: {
      "content-type": "application/json",
      "x-vault-request": "true",
      "x-vault-token": token,
      ...(namespace !== undefined && { "x-vault-namespace": namespace }),
    },
    // fetch() knows no authorities but the machine's.
    ...(ca !== undefined && { ca }),
  };
  let response: IncomingMessage;
  let answer: { data?: Record<string, unknown>; errors?: unknown };
  try {
    response = await new Promise((resolve, reject) => {
      const send = url.protocol === "https:" ? httpsRequest : httpRequest;
      send(url, options, resolve).on("error", reject).end(JSON.stringify(body));
    });
    answer = JSON.parse((await response.toArray()).join("") || "{}");
  } catch (error) {
    throw new KeyWrapperError("unavailable", `Vault at ${url.origin} does not answer: ${(error as Error).message}`);
  }
  if (response.statusCode === 200) return answer.data ?? {};
  // 412: a replica that is behind.
  const kind = response.statusCode === 412 ? "unavailable" : kindOfStatus(response.statusCode);
  const errors = Array.isArray(answer.errors) ? answer.errors.join("; ") : "";
  throw new KeyWrapperError(
    kind,
    `Vault at ${url.origin} answers ${response.statusCode} to ${url.pathname}: ${errors}`,
  );
}
