import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import {
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Input,
  mergeOptions,
} from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import type { CertificateIssuer as PlatformIssuer } from "../platform/kubernetes/kubernetes-node.ts";
import {
  type CertificateArgs,
  type IssuerKinds,
  planAuthority,
  planCertificate,
  planIssuer,
} from "./certificate-issuer-plan.ts";

/** Arguments of a `CertificateIssuer`. */
export interface CertificateIssuerArgs extends IssuerKinds {
  readonly deployment: Deployment;
  /** Namespace of the issuer and its certificates. */
  readonly namespace: Input<string>;
}

/** A certificate that cert-manager keeps valid. */
export interface IssuedCertificate {
  readonly resource: CustomResource;
  /** Secret with `tls.crt`, `tls.key` and `ca.crt`. */
  readonly secretName: string;
}

/**
 * Certificates by cert-manager, for clusters that have it: an issuer of one namespace, by an authority of the deployment's own, by
 * ACME or by Vault. `certificate` has one made and kept valid; its key changes with every renewal.
 *
 * Resources: 1 + 1, with an authority that is made 3; 1 for every certificate.
 *
 * Cost: nothing of its own.
 */
export class CertificateIssuer extends ComponentResource {
  readonly issuerName: string;
  readonly #args: CertificateIssuerArgs;
  readonly #issuer: CustomResource;

  constructor(name: string, args: CertificateIssuerArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:identity:CertificateIssuer", name, {}, options);
    this.issuerName = name;
    this.#args = args;
    const caSecret = `${name}-authority`;
    const spec = planIssuer(args, caSecret);
    const dependsOn = args.ca !== undefined && args.ca.secret === undefined ? [this.#makeAuthority(caSecret)] : [];
    this.#issuer = this.#make("Issuer", name, spec, { dependsOn });
    this.registerOutputs({ issuerName: name });
  }

  /**
   * A certificate of this issuer. One resource.
   *
   * @param name of the resource and the object: lower-case letters, digits and hyphens
   */
  certificate(name: string, args: CertificateArgs, options: CustomResourceOptions = {}): IssuedCertificate {
    const secretName = args.secretName ?? name;
    const spec = planCertificate(this.issuerName, secretName, args, tagsOf(this.#args.deployment));
    return {
      resource: this.#make("Certificate", name, spec, mergeOptions({ dependsOn: [this.#issuer] }, options)),
      secretName,
    };
  }

  /**
   * What a `KubernetesPlatform` in the same namespace takes for `issuer`, so that the certificates of nodes are this one's.
   *
   * @param caPem PEM of the authorities behind it
   */
  forPlatform(caPem: string): PlatformIssuer {
    return { name: this.issuerName, kind: "Issuer", group: "cert-manager.io", caPem };
  }

  /** An authority, signed by itself. */
  #makeAuthority(secretName: string): CustomResource {
    const self = this.#make("Issuer", `${secretName}-self`, { selfSigned: {} });
    const spec = planAuthority(`${secretName}-self`, secretName, `${this.#args.deployment.name} ${this.issuerName}`);
    return this.#make("Certificate", secretName, spec, { dependsOn: [self] });
  }

  #make(kind: string, name: string, spec: unknown, options: CustomResourceOptions = {}): CustomResource {
    const { namespace, deployment } = this.#args;
    const metadata = { name, namespace, labels: tagsOf(deployment) };
    return new CustomResource(
      `${name}-${kind.toLowerCase()}`,
      { apiVersion: "cert-manager.io/v1", kind, metadata, spec },
      mergeOptions({ parent: this }, options),
    );
  }
}
