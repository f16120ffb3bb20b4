import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  dynamic,
  type Input,
  type Inputs,
  type Output,
  output,
  type ProviderResource,
  type Resource,
  secret,
} from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint, EndpointTls, NodeSpec, PlatformNode, PortName } from "../platform.ts";
import { withPaths } from "../with-paths.ts";
import { type Access, accessOf, certificateNames, endpointsOf } from "./access.ts";
import { cantonFiles, cantonProgram } from "./canton-config.ts";
import type { CertificateAuthority, IssuedCertificate } from "./certificate-authority.ts";
import type { Flavour } from "./images.ts";
import type { KubernetesDatabase } from "./kubernetes-database.ts";
import { certificateKeys, configKeys, configPath, secretKeys } from "./layout.ts";
import { nodeFiles, nodeProgram } from "./node-config.ts";
import { deploymentOf, metadataOf, type PodPlan, type Program, serviceOf } from "./pod-plan.ts";
import { heapOf } from "./roles.ts";

/** An issuer of cert-manager, and what its certificates are trusted by. */
export interface CertificateIssuer {
  /** Name of the issuer. Example: `"private-ca"`. */
  readonly name: string;
  /** Default: `ClusterIssuer`. */
  readonly kind?: "Issuer" | "ClusterIssuer";
  /** Default: `cert-manager.io`. */
  readonly group?: string;
  /** PEM of the authorities behind it, for nodes and for the machine that runs the program. */
  readonly caPem: string;
}

/** Who vouches for the servers of nodes: the stack, or cert-manager. */
export type ServerTrust = { readonly authority: CertificateAuthority } | { readonly issuer: CertificateIssuer };

/** Whose certificates admin APIs let in, and those that were issued. */
export interface AdministratorTrust {
  readonly authority: CertificateAuthority;
  /** What nodes that administer others show. */
  readonly nodes: IssuedCertificate;
  /** What the machine that runs the program shows. */
  readonly program: IssuedCertificate;
}

/** Arguments of a `KubernetesNode`. */
export interface KubernetesNodeArgs {
  readonly spec: NodeSpec;
  /** What is known of its pods before their files are. */
  readonly pod: Omit<PodPlan, "revision" | "certificateSecret" | "program" | "role" | "ports">;
  readonly flavour: Flavour;
  /** Labels of its pods besides. */
  readonly podLabels: Input<Readonly<Record<string, string>>>;
  readonly databases: Readonly<Record<string, KubernetesDatabase>>;
  readonly servers: ServerTrust;
  /** Names besides its own that its certificate bears. */
  readonly serverNames: readonly string[];
  /** Absent: admin APIs let everybody in who reaches them. */
  readonly administrators?: AdministratorTrust | undefined;
  /** The section `crypto.keyEncryption`; absent: a passphrase that the stack makes. */
  readonly keyEncryption?: Input<Readonly<Record<string, unknown>>> | undefined;
  /** Files of its Secret that `keyEncryption` names, by key. */
  readonly keyFiles?: Input<Readonly<Record<string, string>>> | undefined;
  readonly access: Access;
  readonly provider: ProviderResource;
  /** The passphrase of its keys is refused to be deleted, and stays when the stack goes. */
  readonly retain: boolean;
  /** What has to be there before its pods start. */
  readonly after: readonly Resource[];
}

/** Longest text that a ConfigMap takes beside the rest, in bytes. */
const longestFile = 900 * 1024;

/**
 * A node in a cluster: Deployment, Service, its configuration and secrets, its certificate, and that it is there and works.
 *
 * Resources: 6 + 3 for its certificate, 1 where cert-manager makes it; 1 for a passphrase.
 * Cost: its pods, from 15 USD a month (sequencer or participant without standby, a quarter of a small machine).
 */
export class KubernetesNode extends ComponentResource implements PlatformNode {
  readonly endpoints: Output<Readonly<Record<string, Endpoint>>>;
  readonly access: Readonly<Partial<Record<PortName, Output<Endpoint>>>>;
  declare readonly uniqueIdentifier: Output<string>;
  /** Its Deployment. */
  readonly resource: Deployment;
  /** That it is there. */
  readonly readiness: Resource;

  constructor(name: string, args: KubernetesNodeArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:platform:KubernetesNode", name, {}, options);
    const { spec } = args;
    const pod = { ...args.pod, role: spec.role, ports: spec.ports };
    const inside: CustomResourceOptions = { parent: this, provider: args.provider };
    const certificate = this.#certificate(args);
    const files = this.#files(args);
    const revision = all([files, certificate?.certificate]).apply(([texts, pem]) =>
      revisionOf([pod.image, texts, pem, spec.revision]),
    );

    const config = new ConfigMap(`${name}-config`, { metadata: metadataOf(pod), data: files }, inside);
    const secrets = new Secret(
      `${name}-secrets`,
      { metadata: metadataOf(pod), stringData: this.#secretData(args, certificate) },
      inside,
    );
    const issued = "issuer" in args.servers ? this.#certificateOf(args, args.servers.issuer, inside) : undefined;
    const service = new Service(name, serviceOf(pod, callsBeforeReady(args)), inside);
    const plan = { ...pod, revision, certificateSecret: certificateSecretOf(args), program: programOf(args) };
    this.resource = new Deployment(name, withPodLabels(deploymentOf(plan), args.podLabels), {
      ...inside,
      dependsOn: [config, secrets, service, ...(issued ? [issued] : []), ...args.after],
    });

    this.endpoints = output(endpointsOf({ name, namespace: pod.namespace, ports: spec.ports }, mutualTls(args)));
    this.access = this.#access(args);
    const readiness = new NodeReadiness(
      name,
      {
        node: name,
        namespace: pod.namespace,
        adminApi: this.access.adminApi,
        // Canton's images cannot tell which revision they are.
        ...(args.flavour === "pulumi-canton" && { revision }),
        waitFor: spec.waitFor,
        deadlineMs: (spec.deadlineSeconds ?? 300) * 1000,
      },
      { parent: this, dependsOn: [this.resource] },
    );
    this.readiness = readiness;
    this.uniqueIdentifier = readiness.uniqueIdentifier;
    this.registerOutputs({ uniqueIdentifier: this.uniqueIdentifier });
  }

  /** The certificate of its servers, where the stack makes it. */
  #certificate(args: KubernetesNodeArgs): IssuedCertificate | undefined {
    const { servers, pod } = args;
    if ("issuer" in servers) return undefined;
    return servers.authority.issue(`${pod.name}-server`, namesOf(args), { parent: this });
  }

  /** The certificate of its servers, where cert-manager makes it. */
  #certificateOf(args: KubernetesNodeArgs, issuer: CertificateIssuer, inside: CustomResourceOptions): CustomResource {
    const { pod } = args;
    return new CustomResource(
      `${pod.name}-certificate`,
      {
        apiVersion: "cert-manager.io/v1",
        kind: "Certificate",
        metadata: { name: `${pod.name}-certificate`, namespace: pod.namespace, labels: { ...pod.labels } },
        spec: {
          secretName: `${pod.name}-certificate`,
          issuerRef: {
            name: issuer.name,
            kind: issuer.kind ?? "ClusterIssuer",
            group: issuer.group ?? "cert-manager.io",
          },
          dnsNames: namesOf(args),
          duration: "8760h0m0s",
          renewBefore: "1440h0m0s",
          usages: ["digital signature", "server auth"],
          privateKey: { algorithm: "ECDSA", size: 256, encoding: "PKCS8", rotationPolicy: "Always" },
        },
      },
      inside,
    );
  }

  /** What is in its ConfigMap. */
  #files(args: KubernetesNodeArgs): Output<Record<string, string>> {
    const { spec, pod, databases, servers, administrators } = args;
    const { files = [], texts: given = {} } = spec;
    const texts = { ...given, ...Object.fromEntries(files.map((file) => [basename(file), textOf(file)])) };
    const named = [...Object.keys(given), ...files];
    const paths = Object.fromEntries(named.map((name) => [name, configPath(basename(name))]));
    const connections = all(
      Object.fromEntries(Object.entries(databases).map(([key, database]) => [key, database.connection])),
    );
    const rendered = all([output(spec.config), connections, args.keyEncryption]).apply(
      async ([config, reached, keyEncryption]) => {
        const node = {
          name: pod.name,
          role: spec.role,
          config: withPaths(config, paths),
          databases: reached,
          ports: spec.ports,
          mutualTls: mutualTls(args),
          keyEncryption,
        };
        return args.flavour === "canton" ? cantonFiles(node) : await nodeFiles(node);
      },
    );
    const authorities = all({
      [configKeys.servers]: "issuer" in servers ? servers.issuer.caPem : servers.authority.certificate,
      [configKeys.administrators]: administrators?.authority.certificate,
      ...Object.fromEntries(
        Object.values(databases).map(({ databaseName, caPem }) => [configKeys.database(databaseName), caPem]),
      ),
    });
    return all([rendered, authorities]).apply(([config, certificates]) => ({
      ...config,
      ...texts,
      ...Object.fromEntries(
        Object.entries(certificates).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
    }));
  }

  /** What is in its Secret. */
  #secretData(args: KubernetesNodeArgs, certificate: IssuedCertificate | undefined): Output<Record<string, string>> {
    const { spec, pod, databases, administrators, keyEncryption, flavour, retain } = args;
    const passwords = Object.fromEntries(
      Object.values(databases).map(({ databaseName, password }) => [secretKeys.database(databaseName), password]),
    );
    const passphrase =
      keyEncryption === undefined && flavour === "pulumi-canton"
        ? new RandomPassword(
            `${pod.name}-key-passphrase`,
            { length: 48, special: false },
            { parent: this, protect: retain, retainOnDelete: retain },
          ).result
        : undefined;
    // Canton's nodes call their own admin APIs.
    const administers = administrators && (spec.administers || flavour === "canton") ? administrators.nodes : undefined;
    const own = all({
      ...passwords,
      ...(passphrase && { [secretKeys.passphrase]: passphrase }),
      ...(certificate && {
        [certificateKeys.certificate]: certificate.certificate,
        [certificateKeys.privateKey]: certificate.privateKey,
      }),
      ...(administers && {
        [secretKeys.administratorCertificate]: administers.certificate,
        [secretKeys.administratorKey]: administers.privateKey,
      }),
    });
    return secret(all([own, args.keyFiles]).apply(([needed, given]) => ({ ...given, ...needed })));
  }

  /** Where the machine that runs the program reaches it. */
  #access({
    spec,
    pod,
    servers,
    administrators,
    access,
  }: KubernetesNodeArgs): Partial<Record<PortName, Output<Endpoint>>> {
    const ca = output("issuer" in servers ? servers.issuer.caPem : servers.authority.certificate);
    const own = administrators?.program;
    const shown = own && secret(all({ certChain: own.certificate, privateKey: own.privateKey }));
    const at = (port: PortName, tls: EndpointTls | undefined) => accessOf(pod, port, access, tls);
    return Object.fromEntries(
      spec.ports.map((port) => {
        // Without a certificate to show, so that a missing tunnel is told before anything is made.
        at(port, undefined);
        if (port === "health") return [port, output(at(port, undefined))];
        if (port !== "adminApi" || shown === undefined) return [port, ca.apply((pem) => at(port, { ca: pem }))];
        return [port, all([ca, shown]).apply(([pem, client]) => at(port, { ca: pem, ...client }))];
      }),
    );
  }
}

/** That a node answers, is the one that was asked for, and works. */
class NodeReadiness extends dynamic.Resource {
  /** `identifier::fingerprint`, empty for a node that others initialise. */
  declare readonly uniqueIdentifier: Output<string>;

  constructor(name: string, args: Inputs, options: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/platform/kubernetes/node-readiness-provider.ts"),
      name,
      { uniqueIdentifier: undefined, worked: undefined, ...args },
      options,
      "kubernetes",
      "NodeReadiness",
    );
  }
}

/** What its certificate is for. */
function namesOf({ pod, serverNames }: KubernetesNodeArgs): string[] {
  return [...certificateNames(pod.name, pod.namespace), ...serverNames];
}

function mutualTls({ administrators }: KubernetesNodeArgs): boolean {
  return administrators !== undefined;
}

function certificateSecretOf({ servers, pod }: KubernetesNodeArgs): string {
  return "issuer" in servers ? `${pod.name}-certificate` : pod.name;
}

function programOf({ flavour, spec, pod, databases }: KubernetesNodeArgs): Program {
  const heapMiB = heapOf(pod.resources);
  if (flavour === "pulumi-canton") return nodeProgram(heapMiB, waitsForIdentity(spec));
  const names = Object.fromEntries(Object.entries(databases).map(([key, { databaseName }]) => [key, databaseName]));
  return cantonProgram(spec.role, names, heapMiB);
}

/** A participant is live before it works only where it waits for its identity. */
function waitsForIdentity({ role, waitFor }: NodeSpec): boolean {
  return role === "participant" && waitFor === "live";
}

/** Whether a node is called before its pod is ready: of a participant that would be its standbys too, for ever. */
function callsBeforeReady({ spec, flavour }: KubernetesNodeArgs): boolean {
  return spec.waitFor === "live" && !(flavour === "pulumi-canton" && waitsForIdentity(spec));
}

type PlannedDeployment = ReturnType<typeof deploymentOf>;

function withPodLabels(plan: PlannedDeployment, given: Input<Readonly<Record<string, string>>>) {
  const { metadata } = plan.spec.template;
  const labels = output(given).apply((extra) => ({ ...metadata.labels, ...extra }));
  return { ...plan, spec: { ...plan.spec, template: { ...plan.spec.template, metadata: { ...metadata, labels } } } };
}

function textOf(file: string): string {
  const text = readFileSync(file, "utf8");
  const bytes = Buffer.byteLength(text);
  if (bytes <= longestFile) return text;
  throw new Error(`${file}: has ${bytes} bytes; expected at most ${longestFile}, which a ConfigMap takes`);
}

function revisionOf(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}
