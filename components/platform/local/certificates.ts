/** The stack's own certificate authority and the server certificates that it issues, for `tls: true`. */
import { webcrypto, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type * as X509 from "@peculiar/x509";
import { type LocalHome, makePrivateFolder } from "./home.ts";
import { withLock } from "./mutex.ts";
import { removeIfEmpty } from "./secrets.ts";
import { writeAtomically } from "./write-atomically.ts";

/** Loaded on first use: it is large, and most local stacks speak plain text. It needs the polyfill to be there first. */
async function library(): Promise<typeof X509> {
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

const day = 24 * 60 * 60 * 1000;

/** How long certificates are good for, in milliseconds: ten years for the authority, two for a server. */
const lifetime = { authority: 3650 * day, server: 730 * day } as const;

/** A certificate with less than this left, in milliseconds, is replaced by the next update. */
const renewBefore = 60 * day;

/** A certificate and its private key, PEM files. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

/** The files of the authority. */
export function authorityFiles(home: LocalHome): CertificateFiles {
  return filesOf(home, "ca");
}

/** The files of a server. */
export function serverFiles(home: LocalHome, name: string): CertificateFiles {
  return filesOf(home, `server-${name}`);
}

function filesOf(home: LocalHome, name: string): CertificateFiles {
  return { certificate: join(home.tls, `${name}.crt`), privateKey: join(home.tls, `${name}.key`) };
}

/** Makes the authority where it is missing; gives back its certificate's file, which clients trust. */
export function ensureAuthority(home: LocalHome): Promise<string> {
  const files = authorityFiles(home);
  return withLock(`certificates of ${home.directory}`, async () => {
    if (!isGood(files)) {
      const x509 = await library();
      const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      const certificate = await x509.X509CertificateGenerator.createSelfSigned({
        name: "CN=pulumi-canton local stack",
        ...validFor(lifetime.authority),
        keys,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(true, 0, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
      });
      await writePair(home, files, certificate, keys.privateKey);
    }
    return files.certificate;
  });
}

/** Makes a server's certificate where it is missing, near its end, or not of the present authority. */
export async function ensureServerCertificate(home: LocalHome, name: string): Promise<CertificateFiles> {
  await ensureAuthority(home);
  const files = serverFiles(home, name);
  const authority = authorityFiles(home);
  const issuer = new X509Certificate(readFileSync(authority.certificate));
  if (isGood(files) && new X509Certificate(readFileSync(files.certificate)).verify(issuer.publicKey)) return files;
  const x509 = await library();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const issuerCertificate = new x509.X509Certificate(readFileSync(authority.certificate, "utf8"));
  const issuerKey = await webcrypto.subtle.importKey(
    "pkcs8",
    x509.PemConverter.decodeFirst(readFileSync(authority.privateKey, "utf8")),
    algorithm,
    false,
    ["sign"],
  );
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: issuerCertificate.subject,
    ...validFor(lifetime.server),
    publicKey: keys.publicKey,
    signingKey: issuerKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "dns", value: name },
        { type: "ip", value: "127.0.0.1" },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuerCertificate),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writePair(home, files, certificate, keys.privateKey);
  return files;
}

/** Removes a server's certificate and key; well when there are none. */
export function removeServerCertificate(home: LocalHome, name: string): void {
  removePair(home, serverFiles(home, name));
}

/** Removes the authority; certificates that it issued are trusted no more. */
export function removeAuthority(home: LocalHome): void {
  removePair(home, authorityFiles(home));
}

function removePair(home: LocalHome, files: CertificateFiles): void {
  rmSync(files.certificate, { force: true });
  rmSync(files.privateKey, { force: true });
  removeIfEmpty(home.tls);
}

function isGood(files: CertificateFiles): boolean {
  if (!existsSync(files.certificate) || !existsSync(files.privateKey)) return false;
  return Date.parse(new X509Certificate(readFileSync(files.certificate)).validTo) - Date.now() > renewBefore;
}

function validFor(milliseconds: number): { notBefore: Date; notAfter: Date } {
  // A clock that is a little behind does not refuse a fresh certificate.
  return { notBefore: new Date(Date.now() - 60 * 60 * 1000), notAfter: new Date(Date.now() + milliseconds) };
}

async function writePair(
  home: LocalHome,
  files: CertificateFiles,
  certificate: X509.X509Certificate,
  privateKey: webcrypto.CryptoKey,
): Promise<void> {
  makePrivateFolder(home.tls);
  const x509 = await library();
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", privateKey), "PRIVATE KEY");
  // The key goes first: a certificate without its key counts as missing.
  writeAtomically(files.privateKey, `${key}\n`, 0o600);
  writeAtomically(files.certificate, `${certificate.toString("pem")}\n`);
}
