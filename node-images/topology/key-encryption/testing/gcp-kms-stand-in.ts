/** For tests: Google Cloud KMS as documented (REST, cryptoKeys.encrypt and .decrypt), with keys and a service account. */
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { demand, type StandInAnswer, startStandInServer } from "./stand-in-server.ts";
import { SymmetricKeys } from "./symmetric-keys.ts";

const account = generateKeyPairSync("rsa", { modulusLength: 2048 });

const errorOf = (code: number, status: string, message: string): StandInAnswer => ({
  status: code,
  body: { error: { code, status, message } },
});

/** Google's answers when something is wrong. */
export const gcpFaults = {
  throttled: errorOf(429, "RESOURCE_EXHAUSTED", "Quota exceeded"),
  internal: errorOf(503, "UNAVAILABLE", "unavailable"),
  denied: errorOf(403, "PERMISSION_DENIED", "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied"),
};

/** Content of the file that GOOGLE_APPLICATION_CREDENTIALS names. */
export function gcpCredentials(): string {
  return JSON.stringify({
    type: "service_account",
    project_id: "p",
    client_email: "node@p.iam.gserviceaccount.com",
    private_key_id: "1",
    private_key: account.privateKey.export({ type: "pkcs8", format: "pem" }),
  });
}

/** @param names resource names of the keys that there are */
export async function startGcpKms(...names: string[]) {
  const keys = new SymmetricKeys(...names);
  const server = await startStandInServer((request) => {
    demand(request.method === "POST", "POST");
    demand(isSigned(request.headers.authorization ?? ""), "token of the service account");
    const [, name = "", operation] = /^\/v1\/(.+):(encrypt|decrypt)\b/.exec(request.path) ?? [];
    demand(request.headers["content-type"] === "application/json", "content type");
    if (!keys.has(name)) return errorOf(404, "NOT_FOUND", `CryptoKey ${name} not found`);
    const { plaintext, ciphertext, additionalAuthenticatedData = "" } = JSON.parse(request.body);
    if (operation === "encrypt") {
      const made = keys.encrypt(name, Buffer.from(plaintext, "base64"), additionalAuthenticatedData);
      const version = `${name}/cryptoKeyVersions/${made.version}`;
      return { status: 200, body: { name: version, ciphertext: made.ciphertext.toString("base64") } };
    }
    try {
      const opened = keys.decrypt(name, Buffer.from(ciphertext, "base64"), additionalAuthenticatedData);
      return { status: 200, body: { plaintext: opened.toString("base64") } };
    } catch {
      return errorOf(400, "INVALID_ARGUMENT", "Decryption failed: verify that 'name' refers to the correct CryptoKey");
    }
  });
  return Object.assign(server, { keys });
}

/** Whether it is a token that the service account signed itself. */
function isSigned(authorization: string): boolean {
  const [, header = "", claims = "", signature = ""] = /^Bearer ([^.]+)\.([^.]+)\.([^.]+)$/.exec(authorization) ?? [];
  const content = Buffer.from(`${header}.${claims}`);
  return verify("sha256", content, createPublicKey(account.privateKey), Buffer.from(signature, "base64url"));
}
