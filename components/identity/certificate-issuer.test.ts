import { beforeAll, expect, test } from "vitest";
import { Collector, childrenOf } from "../../test/kubernetes/collect.ts";
import { CertificateIssuer } from "./certificate-issuer.ts";
import { type CertificateArgs, type IssuerKinds, planCertificate, planIssuer } from "./certificate-issuer-plan.ts";

let collector: Collector;
beforeAll(async () => {
  collector = await Collector.start();
});

const deployment = { name: "canton", environment: "production" } as const;
const acme = { server: "https://acme.example.com/directory", email: "ops@example.com", ingressClass: "canton" };
const vault = {
  server: "https://vault.example.com:8200",
  path: "pki/sign/canton",
  role: "canton",
  serviceAccount: "issuer",
};

test.each<[IssuerKinds, RegExp]>([
  [{}, /^got none of ca, acme and vault; expected exactly one/],
  [{ ca: {}, vault }, /^got ca and vault of ca, acme and vault/],
  [
    { acme: { ...acme, server: "http://acme.example.com" } },
    /^acme.server: got "http:\/\/acme.example.com"; expected an https URL/,
  ],
  [{ acme: { ...acme, email: "ops" } }, /^acme.email: got "ops"/],
  [{ vault: { ...vault, server: "vault" } }, /^vault.server: got "vault"/],
])("refuses the issuer %j", (kinds, reason) => {
  expect(() => planIssuer(kinds, "authority")).toThrow(reason);
});

test.each<[Partial<CertificateArgs>, RegExp]>([
  [{ dnsNames: [] }, /^dnsNames: got none/],
  [{ dnsNames: ["Sequencer 1"] }, /^dnsNames: got "Sequencer 1"/],
  [{ days: 0 }, /^days: got 0; expected a whole number from 1 to 825/],
])("refuses the certificate %j", (change, reason) => {
  expect(() => planCertificate("issuer", "secret", { dnsNames: ["a.example.com"], ...change }, {})).toThrow(reason);
});

test("a certificate is renewed when a third of its time is left, with a new key, and is good for what it is used for only", () => {
  const spec = (usage?: "client" | "both") =>
    planCertificate("issuer", "secret", { dnsNames: ["a.example.com"], days: 30, ...(usage && { usage }) }, {});
  expect(spec()).toMatchObject({
    duration: "720h",
    renewBefore: "240h",
    usages: ["digital signature", "server auth"],
    privateKey: { rotationPolicy: "Always" },
    issuerRef: { kind: "Issuer", name: "issuer" },
  });
  expect(spec("client")["usages"]).toEqual(["digital signature", "client auth"]);
  expect(spec("both")["usages"]).toEqual(["digital signature", "server auth", "client auth"]);
});

test("an authority of its own signs itself first, and keeps its key", async () => {
  let issuer: CertificateIssuer | undefined;
  const objects = await collector.objects(() => {
    issuer = new CertificateIssuer("nodes", { deployment, namespace: "canton", ca: {} });
    expect(issuer.forPlatform("PEM")).toEqual({
      name: "nodes",
      kind: "Issuer",
      group: "cert-manager.io",
      caPem: "PEM",
    });
    expect(issuer.certificate("sequencer1-tls", { dnsNames: ["sequencer1"] }).secretName).toBe("sequencer1-tls");
  });
  expect(await childrenOf(issuer as CertificateIssuer)).toEqual([
    "kubernetes:cert-manager.io/v1:Certificate nodes-authority-certificate",
    "kubernetes:cert-manager.io/v1:Certificate sequencer1-tls-certificate",
    "kubernetes:cert-manager.io/v1:Issuer nodes-authority-self-issuer",
    "kubernetes:cert-manager.io/v1:Issuer nodes-issuer",
  ]);
  const specOf = (kind: string, name: string) =>
    objects.find((each) => each.kind === kind && each.metadata.name === name)?.["spec"];
  expect(specOf("Issuer", "nodes-authority-self")).toEqual({ selfSigned: {} });
  expect(specOf("Certificate", "nodes-authority")).toMatchObject({
    isCA: true,
    secretName: "nodes-authority",
    issuerRef: { name: "nodes-authority-self" },
    privateKey: { rotationPolicy: "Never" },
  });
  expect(specOf("Issuer", "nodes")).toEqual({ ca: { secretName: "nodes-authority" } });
  expect(specOf("Certificate", "sequencer1-tls")).toMatchObject({
    issuerRef: { name: "nodes" },
    dnsNames: ["sequencer1"],
  });
});

test("an authority that is there already, ACME and Vault are one object each", async () => {
  const specs = await collector.objects(() => {
    new CertificateIssuer("given", { deployment, namespace: "canton", ca: { secret: "corporate-ca" } });
    new CertificateIssuer("acme", { deployment, namespace: "canton", acme });
    new CertificateIssuer("vault", { deployment, namespace: "canton", vault: { ...vault, caPem: "PEM" } });
  });
  expect(Object.fromEntries(specs.map(({ metadata, spec }) => [metadata.name, spec]))).toEqual({
    given: { ca: { secretName: "corporate-ca" } },
    acme: {
      acme: {
        server: acme.server,
        email: acme.email,
        privateKeySecretRef: { name: "acme-authority-account" },
        solvers: [{ http01: { ingress: { ingressClassName: "canton" } } }],
      },
    },
    vault: {
      vault: {
        server: vault.server,
        path: vault.path,
        caBundle: Buffer.from("PEM").toString("base64"),
        auth: {
          kubernetes: { role: "canton", mountPath: "/v1/auth/kubernetes", serviceAccountRef: { name: "issuer" } },
        },
      },
    },
  });
});
