import "reflect-metadata";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  webcrypto,
} from "node:crypto";
import * as x509 from "@peculiar/x509";
import { secret, type Values } from "../wire.ts";
import { type Cloud, type Making, textIn, typeIn } from "./cloud.ts";

const curves: Readonly<Record<string, string>> = { P224: "P-224", P256: "P-256", P384: "P-384", P521: "P-521" };
/** Of a key, for importing it and for signing with it. */
type Algorithm = webcrypto.EcKeyImportParams & webcrypto.EcdsaParams;

const hour = 60 * 60 * 1000;

function privateKey({ inputs }: Making): Values {
  const key = newKey(String(inputs["algorithm"]), inputs);
  const publicKey = createPublicKey(key);
  const der = publicKey.export({ type: "spki", format: "der" });
  const pkcs8 = key.export({ type: "pkcs8", format: "pem" });
  return {
    ecdsaCurve: inputs["ecdsaCurve"] ?? "P224",
    rsaBits: inputs["rsaBits"] ?? 2048,
    privateKeyPem: secret(pkcs8),
    privateKeyPemPkcs8: secret(pkcs8),
    privateKeyOpenssh: secret(pkcs8),
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }),
    publicKeyOpenssh: `ssh-${String(inputs["algorithm"]).toLowerCase()} ${der.toString("base64")}`,
    publicKeyFingerprintMd5: createHash("md5").update(der).digest("hex"),
    publicKeyFingerprintSha256: `SHA256:${createHash("sha256").update(der).digest("base64")}`,
  };
}

function newKey(algorithm: string, inputs: Values): KeyObject {
  if (algorithm === "RSA")
    return generateKeyPairSync("rsa", { modulusLength: Number(inputs["rsaBits"] ?? 2048) }).privateKey;
  if (algorithm === "ED25519") return generateKeyPairSync("ed25519").privateKey;
  if (algorithm !== "ECDSA") throw new Error(`algorithm is "${algorithm}"; expected RSA, ECDSA or ED25519`);
  return generateKeyPairSync("ec", { namedCurve: curves[String(inputs["ecdsaCurve"] ?? "P224")] ?? "" }).privateKey;
}

/** The key pair of a PEM, as the certificate library wants it. */
async function keysOf(pem: unknown): Promise<{ keys: webcrypto.CryptoKeyPair; algorithm: Algorithm; named: string }> {
  if (typeof pem !== "string")
    throw new Error("privateKeyPem is missing; the stand-in signs with no other kind of key");
  const key = createPrivateKey(pem);
  const details = key.asymmetricKeyDetails;
  const curve = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" }[details?.namedCurve ?? ""];
  const [named, algorithm]: [string, Algorithm] =
    key.asymmetricKeyType === "rsa"
      ? ["RSA", { name: "RSASSA-PKCS1-v1_5", namedCurve: "", hash: "SHA-256" }]
      : key.asymmetricKeyType === "ed25519"
        ? ["ED25519", { name: "Ed25519", namedCurve: "", hash: "SHA-512" }]
        : ["ECDSA", { name: "ECDSA", namedCurve: curve ?? "", hash: "SHA-256" }];
  const { subtle } = webcrypto;
  const privateKey = await subtle.importKey("pkcs8", key.export({ type: "pkcs8", format: "der" }), algorithm, true, [
    "sign",
  ]);
  const publicDer = createPublicKey(key).export({ type: "spki", format: "der" });
  const publicKey = await subtle.importKey("spki", publicDer, algorithm, true, ["verify"]);
  return { keys: { privateKey, publicKey }, algorithm, named };
}

function nameOf(subject: unknown): string {
  const given = (subject as Values | undefined) ?? {};
  const fields = {
    commonName: "CN",
    organization: "O",
    organizationalUnit: "OU",
    country: "C",
    locality: "L",
    province: "ST",
  };
  const parts = Object.entries(fields).flatMap(([field, short]) =>
    given[field] ? [`${short}=${String(given[field]).replaceAll(",", "\\,")}`] : [],
  );
  return parts.join(", ") || "CN=stand-in";
}

function alternativeNames(inputs: Values): x509.SubjectAlternativeNameExtension[] {
  const texts = (property: string) => (inputs[property] as string[] | undefined) ?? [];
  const names = [
    ...texts("dnsNames").map((value) => ({ type: "dns" as const, value })),
    ...texts("ipAddresses").map((value) => ({ type: "ip" as const, value })),
    ...texts("uris").map((value) => ({ type: "url" as const, value })),
  ];
  return names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)];
}

async function request({ inputs }: Making): Promise<Values> {
  const { keys, algorithm, named } = await keysOf(inputs["privateKeyPem"]);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: nameOf(inputs["subject"]),
    keys,
    signingAlgorithm: algorithm,
    extensions: alternativeNames(inputs),
  });
  return { certRequestPem: `${made.toString("pem")}\n`, keyAlgorithm: named };
}

async function certificate({ inputs, token }: Making): Promise<Values> {
  const selfSigned = token.endsWith(":SelfSignedCert");
  const { keys, algorithm, named } = await keysOf(inputs[selfSigned ? "privateKeyPem" : "caPrivateKeyPem"]);
  const asked = selfSigned ? undefined : new x509.Pkcs10CertificateRequest(String(inputs["certRequestPem"]));
  const issuer = selfSigned ? undefined : new x509.X509Certificate(String(inputs["caCertPem"]));
  const subject = asked?.subject ?? nameOf(inputs["subject"]);
  const notBefore = new Date(Math.floor(Date.now() / 1000) * 1000);
  const notAfter = new Date(notBefore.getTime() + Number(inputs["validityPeriodHours"]) * hour);
  const isCa = inputs["isCaCertificate"] === true;
  const made = await x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer?.subject ?? subject,
    publicKey: asked?.publicKey ?? keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(isCa, undefined, true),
      ...(asked?.extensions.filter((extension) => extension instanceof x509.SubjectAlternativeNameExtension) ??
        alternativeNames(inputs)),
    ],
  });
  return {
    certPem: `${made.toString("pem")}\n`,
    validityStartTime: notBefore.toISOString(),
    validityEndTime: notAfter.toISOString(),
    readyForRenewal: false,
    earlyRenewalHours: inputs["earlyRenewalHours"] ?? 0,
    isCaCertificate: isCa,
    ...(selfSigned ? { keyAlgorithm: named } : { caKeyAlgorithm: named }),
  };
}

/** Keys and certificates: real ones. */
export const tls: Cloud = {
  autoName: () => undefined,
  nameFrom: (name) => name,
  createOnly: () => ["*"],
  id: (making) => making.seed.slice(0, 40),
  outputs(making) {
    if (Object.keys(making.before).length > 0) return making.before;
    switch (typeIn(making.token)) {
      case "index/privateKey:PrivateKey":
        return privateKey(making);
      case "index/certRequest:CertRequest":
        return request(making);
      case "index/selfSignedCert:SelfSignedCert":
      case "index/locallySignedCert:LocallySignedCert":
        return certificate(making);
      default:
        throw new Error(
          `${making.token} is not built: the stand-in makes PrivateKey, CertRequest, SelfSignedCert and LocallySignedCert`,
        );
    }
  },
  occupies: () => undefined,
  text: () => undefined,
  handles: () => [],
};
