/** What cert-manager is told of an issuer and its certificates. Pure. */
import type { Input } from "@pulumi/pulumi";

/** An authority of the deployment's own, whose key is in the cluster. */
export interface CaIssuer {
  /** Secret with `tls.crt` and `tls.key`, in the same namespace. Default: an authority is made. */
  readonly secret?: string;
}

/** An authority that certifies names that it can reach, such as Let's Encrypt. */
export interface AcmeIssuer {
  /** Its directory. Example: `"https://acme-v02.api.letsencrypt.org/directory"`. */
  readonly server: string;
  /** Who hears of certificates that are about to end. */
  readonly email: string;
  /** Class of the ingress that shows the proof to the authority, by HTTP. */
  readonly ingressClass: string;
}

/** A PKI engine of Vault. */
export interface VaultIssuer {
  /** Example: `"https://vault.example.com:8200"`. */
  readonly server: string;
  /** Path that signs. Example: `"pki_int/sign/canton"`. */
  readonly path: string;
  /** Role of Vault's Kubernetes login. */
  readonly role: string;
  /** Service account in the same namespace, for which cert-manager gets a short-lived token. */
  readonly serviceAccount: string;
  /** PEM of the authorities of Vault's own certificate. Default: those that every machine knows. */
  readonly caPem?: string;
}

/** Who signs: exactly one. */
export interface IssuerKinds {
  readonly ca?: CaIssuer;
  readonly acme?: AcmeIssuer;
  readonly vault?: VaultIssuer;
}

/** A certificate. */
export interface CertificateArgs {
  /** Names that it is for. Example: `["sequencer1.canton.svc"]`. */
  readonly dnsNames: readonly string[];
  /** What it is used for. Default: `server`. */
  readonly usage?: "server" | "client" | "both";
  /** Days that it holds; renewed when a third of them is left. An authority may give fewer. Default: 90. */
  readonly days?: number;
  /** Secret that gets `tls.crt`, `tls.key` and `ca.crt`. Default: the resource's name. */
  readonly secretName?: string;
  /** Name of the holder, for certificates of clients. Default: none. */
  readonly commonName?: string;
}

/**
 * The spec of an `Issuer`.
 *
 * @param caSecret name of the Secret with the authority that is made, for `ca` without a Secret
 * @throws Error when not exactly one kind is given, or one is not right
 */
export function planIssuer(kinds: IssuerKinds, caSecret: string): Record<string, unknown> {
  const given = (["ca", "acme", "vault"] as const).filter((kind) => kinds[kind] !== undefined);
  if (given.length !== 1) {
    throw new Error(
      `got ${given.length === 0 ? "none" : given.join(" and ")} of ca, acme and vault; expected exactly one`,
    );
  }
  const { ca, acme, vault } = kinds;
  if (ca !== undefined) return { ca: { secretName: ca.secret ?? caSecret } };
  if (acme !== undefined) {
    checkUrl("acme.server", acme.server);
    if (!/^[^@\s]+@[^@\s]+$/.test(acme.email)) throw new Error(`acme.email: got "${acme.email}"; expected an address`);
    return {
      acme: {
        server: acme.server,
        email: acme.email,
        privateKeySecretRef: { name: `${caSecret}-account` },
        solvers: [{ http01: { ingress: { ingressClassName: acme.ingressClass } } }],
      },
    };
  }
  const { server, path, role, serviceAccount, caPem } = vault as VaultIssuer;
  checkUrl("vault.server", server);
  return {
    vault: {
      server,
      path,
      ...(caPem !== undefined && { caBundle: Buffer.from(caPem).toString("base64") }),
      auth: { kubernetes: { role, mountPath: "/v1/auth/kubernetes", serviceAccountRef: { name: serviceAccount } } },
    },
  };
}

/**
 * The spec of a `Certificate`.
 *
 * @param labels of the Secret
 * @throws Error naming what is not right
 */
export function planCertificate(
  issuer: Input<string>,
  secretName: string,
  { dnsNames, usage = "server", days = 90, commonName }: CertificateArgs,
  labels: Readonly<Record<string, string>>,
): Record<string, unknown> {
  if (dnsNames.length === 0) throw new Error("dnsNames: got none; expected the names that the certificate is for");
  for (const name of dnsNames) {
    if (!/^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(name)) {
      throw new Error(`dnsNames: got "${name}"; expected a name in lower case such as "sequencer1.canton.svc"`);
    }
  }
  if (!Number.isInteger(days) || days < 1 || days > 825) {
    throw new Error(`days: got ${days}; expected a whole number from 1 to 825`);
  }
  const uses = { server: ["server auth"], client: ["client auth"], both: ["server auth", "client auth"] };
  return {
    secretName,
    issuerRef: { group: "cert-manager.io", kind: "Issuer", name: issuer },
    dnsNames: [...dnsNames],
    ...(commonName !== undefined && { commonName }),
    duration: `${days * 24}h`,
    renewBefore: `${days * 8}h`,
    usages: ["digital signature", ...uses[usage]],
    privateKey: { algorithm: "ECDSA", size: 256, encoding: "PKCS8", rotationPolicy: "Always" },
    secretTemplate: { labels },
  };
}

/** The spec of the `Certificate` of an authority that signs itself. */
export function planAuthority(issuer: Input<string>, secretName: string, commonName: string): Record<string, unknown> {
  return {
    secretName,
    issuerRef: { group: "cert-manager.io", kind: "Issuer", name: issuer },
    isCA: true,
    commonName,
    duration: `${10 * 365 * 24}h`,
    renewBefore: `${365 * 24}h`,
    usages: ["cert sign", "crl sign", "digital signature"],
    // The key stays, or all that it signed would be worth nothing at its renewal.
    privateKey: { algorithm: "ECDSA", size: 256, encoding: "PKCS8", rotationPolicy: "Never" },
  };
}

function checkUrl(key: string, url: string): void {
  if (!url.startsWith("https://") || !URL.canParse(url)) throw new Error(`${key}: got "${url}"; expected an https URL`);
}
