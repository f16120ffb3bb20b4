/** Certificates for tests of TLS: an authority of the test's own, and servers and clients that it certifies. */
// What the certificate library finds its own parts with; must be there first.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);

/** PEM files of a certificate and its key. */
export interface CertificateFiles {
  certChainFile: string;
  privateKeyFile: string;
}

/** A certificate authority whose files are in a temporary folder. */
export interface TestAuthority extends Disposable {
  /** PEM file of the authority's certificate. */
  readonly caFile: string;
  /**
   * Makes a certificate for servers and clients.
   *
   * @param address that it is for besides `localhost`. Default: 127.0.0.1
   */
  issue(name: string, address?: string): Promise<CertificateFiles>;
}

const pem = async (key: webcrypto.CryptoKey) =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");

/** Makes an authority. Dispose of it to remove its files. */
export async function createTestAuthority(): Promise<TestAuthority> {
  const folder = mkdtempSync(join(tmpdir(), "certificates-"));
  const newKeys = async () =>
    (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) };
  const keys = await newKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: "CN=Test authority",
    ...validity,
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  const caFile = join(folder, "ca.pem");
  writeFileSync(caFile, root.toString("pem"));
  let serial = 1;
  return {
    caFile,
    issue: async (name, address = "127.0.0.1") => {
      const own = await newKeys();
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: `0${++serial}`,
        subject: `CN=${name}`,
        issuer: root.subject,
        ...validity,
        signingAlgorithm: algorithm,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.SubjectAlternativeNameExtension([
            { type: "dns", value: "localhost" },
            { type: "ip", value: address },
          ]),
        ],
      });
      const files = { certChainFile: join(folder, `${serial}.pem`), privateKeyFile: join(folder, `${serial}.key`) };
      writeFileSync(files.certChainFile, certificate.toString("pem"));
      writeFileSync(files.privateKeyFile, await pem(own.privateKey), { mode: 0o600 });
      return files;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
