/**
 * Runs nodes in a Kubernetes cluster, whoever runs that: closed network, TLS between all of them, client certificates at admin
 * APIs, spread over zones, databases on servers that are given.
 */
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import {
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Input,
  mergeOptions,
  Output,
  output,
  type Resource,
  secret,
  unsecret,
} from "@pulumi/pulumi";
import type { DatabaseServerState } from "../../database/database-server.ts";
import type { Deployment } from "../../deployment/deployment.ts";
import type { Calls, DatabaseSpec, NodeSpec, Platform, PlatformDatabase, PlatformNode, Role } from "../platform.ts";
import type { Access } from "./access.ts";
import { CertificateAuthority } from "./certificate-authority.ts";
import type { ClusterState } from "./cluster.ts";
import { imageOf, type NodeImages, unpinned } from "./images.ts";
import { KubernetesDatabase } from "./kubernetes-database.ts";
import {
  type AdministratorTrust,
  type CertificateIssuer,
  KubernetesNode,
  type ServerTrust,
} from "./kubernetes-node.ts";
import { commonLabels } from "./labels.ts";
import { callPolicies, type NetworkNode, type Outside } from "./network-plan.ts";
import { budgetOf } from "./pod-plan.ts";
import { type NodeResources, replicasOf, resourcesOf } from "./roles.ts";
import { type Quota, TenantNamespace } from "./tenant-namespace.ts";

/** What somebody needs who works on nodes by hand. */
export interface AdministratorFiles {
  /** PEM of what admin APIs are shown. */
  readonly certificate: string;
  /** PEM (PKCS #8). */
  readonly privateKey: string;
  /** PEM of the authorities behind the certificates of nodes. */
  readonly ca: string;
}

/** Arguments of a `KubernetesPlatform`. */
export interface KubernetesPlatformArgs {
  readonly deployment: Deployment;
  /** The cluster that nodes run in. */
  readonly cluster: Input<Pick<ClusterState, "kubeconfig" | "workloadIdentity">>;
  /** Context of the kubeconfig. Default: its current one. */
  readonly context?: string;
  /** The namespace of the nodes: one for every tenant. Example: `"canton-prod"`. */
  readonly namespace: string;
  /** False: the namespace is there already. Default: true. */
  readonly createNamespace?: boolean;
  /** Another stack has set the namespace up; what this one opens in its network bears this name. Default: none has. */
  readonly sharedAs?: string | undefined;
  readonly images: NodeImages;
  /** Servers with a login for every node, and for what the sequencers share. Default of the latter: where nodes' databases are. */
  readonly databases: {
    readonly nodes: Input<DatabaseServerState>;
    readonly sequencerBackend?: Input<DatabaseServerState> | undefined;
  };
  /** A stack, `project/stack`, whose databases on these servers the nodes take over. Default: nobody's. */
  readonly takeOverDatabasesFrom?: string | undefined;
  /** The section `crypto.keyEncryption` of the nodes' configuration. Default: a passphrase for every node, kept in the state. */
  readonly keyEncryption?: Input<Readonly<Record<string, unknown>>> | undefined;
  /** Files of every node's Secret that it names, by key, such as the token of `vaultKey`. Default: none. */
  readonly keyFiles?: Input<Readonly<Record<string, string>>> | undefined;
  /** How the machine that runs the program reaches admin APIs. Default: by the names of Services. */
  readonly access?: Access;
  /** Whether admin APIs let in those only that show a certificate of the stack. Default: true. */
  readonly mutualTls?: boolean;
  /** Has cert-manager make the certificates of servers. Default: an authority of the stack. */
  readonly issuer?: CertificateIssuer | undefined;
  /** Names besides their own that certificates of servers bear, by node. Default: none. Example: `{ sequencer1: ["sequencer1.example.com"] }`. */
  readonly serverNames?: Readonly<Record<string, readonly string[]>>;
  /** Pods of mediators and participants that stand by for the one that works; 0 to 4. Default: 1. */
  readonly standbys?: number;
  /** `required`: pods wait rather than share a zone or machine with one that they stand in for. Default: `preferred`. */
  readonly spread?: "required" | "preferred";
  /** What pods may use, by role, where that differs from the defaults. Example: `{ participant: { memoryMiB: 4096 } }`. */
  readonly resources?: Partial<Readonly<Record<Role, Partial<NodeResources>>>>;
  /** What nodes talk to besides each other. */
  readonly outside: Outside;
  /** What all pods may use together. */
  readonly quota: Quota;
  /** Namespace and keys refuse to be deleted, and stay when the stack goes. Default: in production. */
  readonly retain?: boolean;
}

/** What an allowed call has to know of a node, whichever platform of the program runs it. */
const networkNodes = new WeakMap<PlatformNode, NetworkNode & { readonly policy: PolicyMaker }>();
/** Makes policies with the provider of the node's cluster. */
type PolicyMaker = (
  name: string,
  args: ConstructorParameters<typeof NetworkPolicy>[1],
  options: CustomResourceOptions,
) => Resource;

/**
 * A namespace of a Kubernetes cluster.
 *
 * Resources: 2 + 7 to 14 of the namespace + 3 of the authority of servers + 9 of client certificates; then 9 for every node, with a
 * passphrase 10, 1 for every group of them, 3 for every database, and 2 for everybody that a node calls. With a domain of two
 * sequencers and a participant 98.
 * Cost: none of its own; see `KubernetesNode`.
 */
export class KubernetesPlatform extends ComponentResource implements Platform {
  readonly #args: KubernetesPlatformArgs;
  /** Of the cluster, for what else belongs to its namespace. */
  readonly provider: Provider;
  /** For whoever works on nodes by hand. Undefined where admin APIs ask for no certificate. Secret. */
  readonly administrator: Output<AdministratorFiles> | undefined;
  readonly #tenant: TenantNamespace;
  readonly #servers: ServerTrust;
  readonly #administrators: AdministratorTrust | undefined;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #retain: boolean;
  /** The last node of each group: the next one is changed when this one works. */
  readonly #lastOfGroup = new Map<string, Resource>();

  constructor(name: string, args: KubernetesPlatformArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:platform:KubernetesPlatform", name, {}, options);
    refuse(args);
    this.#args = args;
    this.#labels = commonLabels(args.deployment);
    this.#retain = args.retain ?? args.deployment.environment === "production";
    const parent = { parent: this };
    const { context } = args;
    const kubeconfig = secret(output(args.cluster).apply((cluster) => cluster.kubeconfig));
    this.provider = new Provider(`${name}-cluster`, { kubeconfig, ...(context !== undefined && { context }) }, parent);
    this.#tenant = new TenantNamespace(
      `${name}-namespace`,
      {
        namespace: args.namespace,
        create: args.createNamespace ?? true,
        sharedAs: args.sharedAs,
        labels: this.#labels,
        quota: args.quota,
        workloadIdentity: unsecret(output(args.cluster).apply((cluster) => cluster.workloadIdentity)),
        outside: args.outside,
        retain: this.#retain,
      },
      { ...parent, provider: this.provider },
    );
    this.#servers = args.issuer
      ? { issuer: args.issuer }
      : { authority: this.#authority(`${name}-servers`, "servers") };
    this.#administrators = (args.mutualTls ?? true) ? this.#makeAdministrators(`${name}-administrators`) : undefined;
    this.administrator = this.#administrators && this.#filesOf(this.#administrators);
    this.registerOutputs({});
  }

  #filesOf({ program: { certificate, privateKey } }: AdministratorTrust): Output<AdministratorFiles> {
    const servers = this.#servers;
    const ca = "authority" in servers ? servers.authority.certificate : servers.issuer.caPem;
    return secret(output({ certificate, privateKey, ca }));
  }

  #authority(name: string, use: "servers" | "clients"): CertificateAuthority {
    return new CertificateAuthority(
      name,
      { commonName: `${this.#args.deployment.name} ${use}`, use },
      { parent: this },
    );
  }

  #makeAdministrators(name: string): AdministratorTrust {
    const authority = this.#authority(name, "clients");
    return { authority, nodes: authority.issue(`${name}-nodes`, []), program: authority.issue(`${name}-program`, []) };
  }

  database(name: string, spec: DatabaseSpec, options: CustomResourceOptions): PlatformDatabase {
    const { namespace, images, databases } = this.#args;
    const backend = spec.server === "sequencer-backend" ? databases.sequencerBackend : undefined;
    return new KubernetesDatabase(
      name,
      {
        name,
        namespace,
        labels: this.#labels,
        image: images.databaseSetup,
        imagePullSecrets: images.pullSecrets ?? [],
        server: backend ?? databases.nodes,
        takeOverFrom: this.#args.takeOverDatabasesFrom,
        provider: this.provider,
      },
      mergeOptions(options, { dependsOn: [this.#tenant] }),
    );
  }

  node(name: string, spec: NodeSpec, options: CustomResourceOptions): PlatformNode {
    const { namespace, images, cluster, resources = {}, standbys = 1, spread = "preferred" } = this.#args;
    refuseOpenLedger(name, spec);
    const group = spec.group ?? name;
    const replicas = replicasOf(spec.role, standbys);
    const databases = ownDatabases(name, spec);
    const before = this.#lastOfGroup.get(group);
    const identity = unsecret(output(cluster).apply(({ workloadIdentity }) => workloadIdentity?.podLabels ?? {}));
    const node = new KubernetesNode(
      name,
      {
        spec,
        pod: {
          name,
          group,
          namespace,
          labels: this.#labels,
          image: imageOf(images, spec.role),
          imagePullSecrets: images.pullSecrets ?? [],
          replicas,
          resources: resourcesOf(spec.role, resources[spec.role], spec.memoryMiB),
          spread,
          serviceAccount: this.#tenant.serviceAccount,
        },
        flavour: images.flavour,
        podLabels: identity,
        databases,
        servers: this.#servers,
        serverNames: this.#args.serverNames?.[name] ?? [],
        administrators: this.#administrators,
        keyEncryption: this.#args.keyEncryption,
        keyFiles: this.#args.keyFiles,
        access: this.#args.access ?? { via: "cluster" },
        provider: this.provider,
        retain: this.#retain,
        after: [...Object.values(databases).map(({ resource }) => resource), ...(before ? [before] : [])],
      },
      mergeOptions(options, { dependsOn: [this.#tenant] }),
    );
    if (before === undefined) {
      new PodDisruptionBudget(
        `${group}-budget`,
        budgetOf({ group, namespace, labels: this.#labels }, replicas),
        mergeOptions(options, { provider: this.provider, dependsOn: [this.#tenant] }),
      );
    }
    this.#lastOfGroup.set(group, node.readiness);
    networkNodes.set(node, { name, namespace, policy: this.#makePolicy });
    return node;
  }

  allow(name: string, { caller, callees, ports }: Calls, options: CustomResourceOptions): readonly Resource[] {
    const known = new Map([caller, ...callees].map((node) => [node, networkNodes.get(node)] as const));
    const from = known.get(caller);
    if (from === undefined) throw new Error(`${name}: the caller is not a node of a Kubernetes platform`);
    // What runs elsewhere is configured as such: `outside.sequencers`.
    const to = callees.flatMap((callee) => known.get(callee) ?? []);
    return callPolicies(name, from, to, ports).map((policy) => {
      const there =
        policy.namespace === from.namespace ? from : to.find(({ namespace }) => namespace === policy.namespace);
      const metadata = { name: policy.name, namespace: policy.namespace, labels: { ...this.#labels } };
      return (there ?? from).policy(policy.name, { metadata, spec: policy.spec }, options);
    });
  }

  readonly #makePolicy: PolicyMaker = (name, args, options) =>
    new NetworkPolicy(name, args, mergeOptions(options, { provider: this.provider, dependsOn: [this.#tenant] }));
}

function ownDatabases(name: string, { databases }: NodeSpec): Record<string, KubernetesDatabase> {
  return Object.fromEntries(
    Object.entries(databases).map(([key, database]) => {
      if (database instanceof KubernetesDatabase) return [key, database];
      throw new Error(`${name}: databases.${key} is of another platform; expected one of this`);
    }),
  );
}

/** Told at once, and not by everything that depends on the node. */
function refuseOpenLedger(name: string, { role, config }: NodeSpec): void {
  if (role !== "participant" || Output.isInstance(config)) return;
  const ledgerApi = (config as Record<string, unknown>)["ledgerApi"] as { auth?: unknown } | undefined;
  if (ledgerApi?.auth !== undefined) return;
  throw new Error(
    `${name}: auth is missing; its Ledger API is reached from other machines and lets in who has a token; expected a list such as [{ type: "jwks", url: "https://idp.example.com/jwks" }]`,
  );
}

function refuse({ deployment, images, standbys = 1, mutualTls = true, spread }: KubernetesPlatformArgs): void {
  if (!Number.isInteger(standbys) || standbys < 0 || standbys > 4) {
    throw new Error(`standbys: got ${standbys}; expected a whole number, 0 to 4`);
  }
  if (deployment.environment === "dev") return;
  if (!mutualTls) throw new Error(`mutualTls: got false; expected true in ${deployment.environment}`);
  if (deployment.environment === "staging") return;
  const [loose] = unpinned(images);
  if (loose !== undefined) {
    throw new Error(
      `images: got "${loose}"; expected an image by its digest in production, such as "registry/name@sha256:…"`,
    );
  }
  if (spread === "preferred") throw new Error('spread: got "preferred"; expected "required" in production');
}
