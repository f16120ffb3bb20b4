import "reflect-metadata";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BasicConstraintsExtension, X509CertificateGenerator } from "@peculiar/x509";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readAuthorities } from "./authorities.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pulumi-canton-test-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function file(content: string): string {
  const path = join(folder, "bundle.pem");
  writeFileSync(path, content);
  return path;
}

async function certificate(ca: boolean): Promise<string> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  const made = await X509CertificateGenerator.createSelfSigned({
    keys,
    name: "CN=test",
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(ca)],
  });
  return made.toString("pem");
}

test("all certificates of the file are read, and what stands between them is not", async () => {
  const [first, second] = [await certificate(true), await certificate(true)];
  expect(readAuthorities(file(`# one\n${first}\n# two\n${second}\n`), "eu-central-1")).toBe(`${first}\n${second}\n`);
});

test("a file that is not there is told with where to get it", () => {
  const path = join(folder, "none.pem");
  expect(() => readAuthorities(path, "eu-central-1")).toThrow(
    `there is no file ${path}; get the authorities of RDS in eu-central-1 with: curl -o ${path} https://truststore.pki.rds.amazonaws.com/eu-central-1/eu-central-1-bundle.pem`,
  );
});

test("a file without certificates, with a damaged one or with one of a server is refused", async () => {
  const good = await certificate(true);
  expect(() => readAuthorities(file("<html>"), "eu-west-1")).toThrow(/^there is no certificate in/);
  const damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  expect(() => readAuthorities(file(`${good}\n${damaged}`), "eu-west-1")).toThrow(
    /^certificate 2 in .* is none of an authority/,
  );
  const server = await certificate(false);
  expect(() => readAuthorities(file(server), "eu-west-1")).toThrow(/^certificate 1 in .* is none of an authority/);
});
