/** For tests: the transit engine of Vault or OpenBao as documented (encrypt and decrypt), with keys and one token. */
import type { CertificateFiles } from "@pulumi-canton/runtime/testing/certificates.ts";
import { demand, type StandInAnswer, startStandInServer } from "./stand-in-server.ts";
import { SymmetricKeys } from "./symmetric-keys.ts";

export const vaultToken = "hvs.of-the-test";

/** Vault's answers when something is wrong. */
export const vaultFaults = {
  throttled: { status: 429, body: { errors: ["request path rate limit quota exceeded"] } },
  internal: { status: 503, body: { errors: ["Vault is sealed"] } },
  denied: { status: 403, body: { errors: ["1 error occurred:\n\t* permission denied\n\n"] } },
} satisfies Record<string, StandInAnswer>;

/** @param names of the keys that there are at mount `transit` */
export async function startVault(certificate: CertificateFiles | undefined, ...names: string[]) {
  const keys = new SymmetricKeys(...names);
  const server = await startStandInServer((request) => {
    demand(request.method === "POST", "POST");
    demand(request.headers["x-vault-request"] === "true", "X-Vault-Request");
    if (request.headers["x-vault-token"] !== vaultToken) return vaultFaults.denied;
    const [, operation, name = ""] = /^\/v1\/transit\/(encrypt|decrypt)\/([^/]+)$/.exec(request.path) ?? [];
    if (operation === undefined) return { status: 404, body: { errors: [] } };
    if (!keys.has(name)) return { status: 400, body: { errors: ["encryption key not found"] } };
    const { plaintext, ciphertext } = JSON.parse(request.body);
    if (operation === "encrypt") {
      const made = keys.encrypt(name, Buffer.from(plaintext, "base64"), "");
      const text = `vault:v${made.version}:${made.ciphertext.toString("base64")}`;
      return { status: 200, body: { data: { ciphertext: text, key_version: made.version } } };
    }
    const [, body = ""] = /^vault:v\d+:(.+)$/.exec(ciphertext) ?? [];
    try {
      return {
        status: 200,
        body: { data: { plaintext: keys.decrypt(name, Buffer.from(body, "base64"), "").toString("base64") } },
      };
    } catch {
      return { status: 400, body: { errors: ["invalid ciphertext: no prefix"] } };
    }
  }, certificate);
  return Object.assign(server, { keys });
}
