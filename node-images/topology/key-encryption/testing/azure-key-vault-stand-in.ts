/** For tests: Azure Key Vault as documented (wrapkey, unwrapkey, the challenge), and the identity endpoint of a host. */
import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt } from "node:crypto";
import type { CertificateFiles } from "@pulumi-canton/runtime/testing/certificates.ts";
import { demand, type StandInServer, startStandInServer } from "./stand-in-server.ts";

const token = "token-of-the-managed-identity";
export const identityHeader = "secret-of-the-host";

const errorOf = (status: number, code: string, message: string) => ({
  status,
  body: { error: { code, message } },
});

/** Azure's answers when something is wrong. */
export const azureFaults = {
  throttled: errorOf(429, "Throttled", "Request was not processed because too many requests were received"),
  internal: errorOf(500, "InternalServerError", "internal"),
  denied: errorOf(403, "Forbidden", "The user, group or application does not have keys unwrapKey permission"),
};

/** What IDENTITY_ENDPOINT names: gives out tokens of the managed identity. */
export function startManagedIdentity(): Promise<StandInServer> {
  return startStandInServer((request) => {
    demand(request.headers["x-identity-header"] === identityHeader, "X-IDENTITY-HEADER");
    const query = new URL(request.path, "http://host").searchParams;
    demand(query.get("resource") === "https://vault.azure.net", "resource");
    const seconds = Math.floor(Date.now() / 1000) + 3600;
    return { status: 200, body: { access_token: token, expires_on: seconds, resource: "r", token_type: "Bearer" } };
  });
}

/** @param names of the keys that there are */
export async function startAzureKeyVault(certificate: CertificateFiles, ...names: string[]) {
  const versions = new Map<string, ReturnType<typeof newKey>[]>();
  const addVersion = (name: string) => void versions.set(name, [...(versions.get(name) ?? []), newKey()]);
  names.forEach(addVersion);
  const server = await startStandInServer((request) => {
    if (request.headers.authorization === undefined) {
      const challenge =
        'Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"';
      return {
        ...errorOf(401, "Unauthorized", "no token"),
        headers: { "www-authenticate": challenge },
      };
    }
    demand(request.headers.authorization === `Bearer ${token}`, "token");
    const { pathname, searchParams } = new URL(request.path, "https://host");
    demand(/^20|^7\./.test(searchParams.get("api-version") ?? ""), "api-version");
    const [, name = "", version, operation] =
      /^\/keys\/([^/]+)(?:\/([^/]*))?(?:\/(wrapkey|unwrapkey))?$/.exec(pathname) ?? [];
    const known = versions.get(name);
    if (known === undefined)
      return errorOf(404, "KeyNotFound", `A key with (name/id) ${name} was not found in this key vault`);
    const number = version ? Number(version) : known.length;
    const key = known[number - 1];
    demand(key !== undefined, "version");
    // Reading the key is another permission, which a node does not need.
    if (operation === undefined) return errorOf(403, "Forbidden", "does not have keys get permission");
    demand(request.method === "POST", "POST");
    const { alg, value } = JSON.parse(request.body);
    demand(alg === "RSA-OAEP-256", "alg");
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
    const kid = `${server.url}/keys/${name}/${number}`;
    try {
      const input = Buffer.from(value, "base64url");
      const output =
        operation === "wrapkey"
          ? publicEncrypt({ key: key.publicKey, ...padding }, input)
          : privateDecrypt({ key: key.privateKey, ...padding }, input);
      return { status: 200, body: { kid, value: output.toString("base64url") } };
    } catch {
      return errorOf(400, "BadParameter", "The parameter is incorrect.");
    }
  }, certificate);
  return Object.assign(server, { addVersion });
}

function newKey() {
  return generateKeyPairSync("rsa", { modulusLength: 2048 });
}
