import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { CertRequest } from "@pulumi/tls/certRequest.js";
import { LocallySignedCert } from "@pulumi/tls/locallySignedCert.js";
import { PrivateKey } from "@pulumi/tls/privateKey.js";
import { SelfSignedCert } from "@pulumi/tls/selfSignedCert.js";

/** Arguments of a `CertificateAuthority`. */
export interface CertificateAuthorityArgs {
  /** What it is called in its certificate. Example: `"canton-prod servers"`. */
  readonly commonName: string;
  /** What its certificates are for. */
  readonly use: "servers" | "clients";
}

/** A certificate and its private key. */
export interface IssuedCertificate {
  /** PEM. */
  readonly certificate: Output<string>;
  /** PEM (PKCS #8). Secret. */
  readonly privateKey: Output<string>;
}

const year = 365 * 24;
const key = { algorithm: "ECDSA", ecdsaCurve: "P256" };
const purpose = { servers: "server_auth", clients: "client_auth" } as const;

/**
 * A certificate authority of the stack's own. Its private key is in the state, encrypted. Certificates are renewed by the first
 * update within 60 days of their end, and what uses them restarts.
 *
 * Resources: 3 + 3 for every certificate. Cost: none.
 */
export class CertificateAuthority extends ComponentResource {
  /** PEM of its certificate: what those trust who trust it. */
  declare readonly certificate: Output<string>;
  readonly #use: CertificateAuthorityArgs["use"];
  readonly #privateKey: Output<string>;

  constructor(name: string, args: CertificateAuthorityArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:platform:CertificateAuthority", name, {}, options);
    this.#use = args.use;
    const own = new PrivateKey(name, key, { parent: this });
    this.#privateKey = own.privateKeyPem;
    this.certificate = new SelfSignedCert(
      name,
      {
        privateKeyPem: own.privateKeyPem,
        subject: { commonName: args.commonName },
        isCaCertificate: true,
        allowedUses: ["cert_signing", "crl_signing"],
        setSubjectKeyId: true,
        validityPeriodHours: 10 * year,
        earlyRenewalHours: year,
      },
      { parent: this },
    ).certPem;
    this.registerOutputs({ certificate: this.certificate });
  }

  /**
   * Issues a certificate, valid for a year.
   *
   * @param name of the resources
   * @param names DNS names that it bears; the first is its common name. Example: `["alice.canton.svc"]`
   */
  issue(name: string, names: readonly string[], options: ComponentResourceOptions = {}): IssuedCertificate {
    const inherit = { parent: this, ...options };
    const own = new PrivateKey(name, key, inherit);
    const request = new CertRequest(
      name,
      {
        privateKeyPem: own.privateKeyPem,
        // The common name has 64 characters at most, and nobody looks at it where there are others.
        subject: { commonName: names.find((each) => each.length <= 64) ?? name },
        dnsNames: [...names],
      },
      inherit,
    );
    const signed = new LocallySignedCert(
      name,
      {
        certRequestPem: request.certRequestPem,
        caPrivateKeyPem: this.#privateKey,
        caCertPem: this.certificate,
        allowedUses: ["digital_signature", purpose[this.#use]],
        validityPeriodHours: year,
        earlyRenewalHours: 60 * 24,
      },
      inherit,
    );
    return { certificate: signed.certPem, privateKey: own.privateKeyPemPkcs8 };
  }
}
