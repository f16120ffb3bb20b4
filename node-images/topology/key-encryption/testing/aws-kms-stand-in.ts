/** For tests: AWS KMS as documented (Encrypt and Decrypt, JSON 1.1, Signature Version 4), with keys of its own. */
import { createHash, createHmac } from "node:crypto";
import { demand, type StandInAnswer, type StandInRequest, startStandInServer } from "./stand-in-server.ts";
import { SymmetricKeys } from "./symmetric-keys.ts";

export const awsCredentials = {
  accessKeyId: "AKIDTEST",
  secretAccessKey: "secret-of-the-test",
  region: "eu-central-1",
};
const arnPrefix = `arn:aws:kms:${awsCredentials.region}:111122223333:key/`;

/** AWS's answers when something is wrong. */
export const awsFaults = {
  throttled: { status: 400, body: { __type: "ThrottlingException", message: "Rate exceeded" } },
  internal: { status: 500, body: { __type: "KMSInternalException", message: "internal" } },
  denied: { status: 400, body: { __type: "AccessDeniedException", message: "not authorized to perform: kms:Decrypt" } },
} satisfies Record<string, StandInAnswer>;

/** @param names ids of the keys that there are */
export async function startAwsKms(...names: string[]) {
  const keys = new SymmetricKeys(...names);
  const nameOf = (id: unknown) => {
    demand(typeof id === "string", "KeyId");
    return id.replace(arnPrefix, "");
  };
  const server = await startStandInServer((request) => {
    demand(request.method === "POST" && request.path === "/", "POST /");
    demand(request.headers["content-type"] === "application/x-amz-json-1.1", "content type");
    demand(request.headers.authorization === signatureOf(request), "signature");
    const { KeyId, Plaintext, CiphertextBlob, EncryptionContext } = JSON.parse(request.body);
    const context = JSON.stringify(Object.entries((EncryptionContext ?? {}) as object).sort());
    const name = nameOf(KeyId);
    if (!keys.has(name))
      return { status: 400, body: { __type: "NotFoundException", message: `Key '${name}' does not exist` } };
    if (request.headers["x-amz-target"] === "TrentService.Encrypt") {
      const { ciphertext } = keys.encrypt(name, Buffer.from(Plaintext, "base64"), context);
      const body = { CiphertextBlob: ciphertext.toString("base64"), KeyId: arnPrefix + name };
      return { status: 200, body: { ...body, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" } };
    }
    demand(request.headers["x-amz-target"] === "TrentService.Decrypt", "target");
    try {
      const plaintext = keys.decrypt(name, Buffer.from(CiphertextBlob, "base64"), context);
      return { status: 200, body: { Plaintext: plaintext.toString("base64"), KeyId: arnPrefix + name } };
    } catch {
      return { status: 400, body: { __type: "InvalidCiphertextException" } };
    }
  });
  return Object.assign(server, { keys });
}

/** The signature that the request must have, computed from the documented rules. */
function signatureOf({ headers, body, method }: StandInRequest): string {
  const given = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? "")?.[1] ?? "";
  demand(
    ["host", "x-amz-date", "x-amz-target"].every((name) => given.split(";").includes(name)),
    "signed headers",
  );
  const signed = given.split(";").map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = [method, "/", "", signed.join(""), given, sha256(body)].join("\n");
  const date = String(headers["x-amz-date"]);
  const scope = [date.slice(0, 8), awsCredentials.region, "kms", "aws4_request"];
  const toSign = ["AWS4-HMAC-SHA256", date, scope.join("/"), sha256(canonical)].join("\n");
  const key = scope.reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${awsCredentials.secretAccessKey}`,
  );
  const signature = hmac(key, toSign).toString("hex");
  const credential = `${awsCredentials.accessKeyId}/${scope.join("/")}`;
  return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${given}, Signature=${signature}`;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
