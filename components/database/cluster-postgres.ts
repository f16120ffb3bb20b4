import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Input,
  interpolate,
  type Output,
  secret,
} from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { PrivateKey } from "@pulumi/tls/privateKey.js";
import { SelfSignedCert } from "@pulumi/tls/selfSignedCert.js";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";
import { metricsFrom } from "../network/reverse-proxy-service.ts";
import { inNamespace } from "../platform/kubernetes/labels.ts";
import { nameResolution } from "../platform/kubernetes/name-resolution.ts";
import {
  administrator,
  type BackupStore,
  checkClusterPlan,
  planCluster,
  planObjectStore,
  planScheduledBackup,
  type Restore,
  watcher,
} from "./cluster-postgres-plan.ts";
import type { DatabaseServer, DatabaseServerState, PostgresVersion } from "./database-server.ts";

/** Arguments of a `ClusterPostgres`. */
export interface ClusterPostgresArgs {
  readonly deployment: Deployment;
  /** What it keeps: part of its name. Example: `"nodes"`, `"sequencers"`. */
  readonly purpose: string;
  /** Namespace that it runs in. */
  readonly namespace: Input<string>;
  /** Storage class of encrypted disks. */
  readonly storageClass: string;
  /** Zones of the cluster's machines. Example: `["rack-a", "rack-b", "rack-c"]`. */
  readonly zones: readonly string[];
  /** Names of the nodes that get a login and a database, both of that name. */
  readonly logins: readonly string[];
  /** Major version. Default: 17. */
  readonly version?: PostgresVersion;
  /** Default: the operator's image of that version; name it by digest in production. */
  readonly image?: string;
  /** Machines with a copy each; one takes the writes. Default: 1 in `dev`, 2 in `staging`, 3 in `production`. */
  readonly instances?: number;
  /** Size of the disk of each, in GiB; a quarter more is for the log. Default: 20. */
  readonly diskGiB?: number;
  /** CPUs of each that are reserved. Default: 1. */
  readonly cpu?: number;
  /** Memory of each, in GiB. Default: 2. */
  readonly memoryGiB?: number;
  /** Default: 300. */
  readonly maxConnections?: number;
  /** Where backups and the log go. Default: nowhere, which production does not take. */
  readonly backups?: BackupStore;
  /** Annotations of the pods' service account, for `credentials: "identity"`. Default: none. */
  readonly identity?: Readonly<Record<string, string>>;
  /** A backup to begin with. Default: nothing, an empty server. */
  readonly restore?: Restore;
  /** Who may connect besides the namespace's own pods: other namespaces. Default: nobody. */
  readonly clientNamespaces?: readonly string[];
  /** Namespace of the operator. Default: `cnpg-system`. */
  readonly operatorNamespace?: string;
  /** Makes a `PodMonitor`, for a Prometheus operator in this namespace. Default: no metrics are read. */
  readonly monitoringNamespace?: string;
  /** Namespace of an exporter that logs in and asks how the server is, with the role `pg_monitor`. Default: there is none. */
  readonly exporterNamespace?: string;
  /** Refuses to be deleted, and stays when the stack goes. Default: true in `production`. */
  readonly retain?: boolean;
}

const defaultInstances = { dev: 1, staging: 2, production: 3 } as const;
const tenYears = 10 * 365 * 24;

/**
 * PostgreSQL in the cluster itself, by the CloudNativePG operator: copies on machines and in zones apart, of which one takes over
 * by itself; a commit is acknowledged when two have it; TLS by an authority of its own; encrypted disks; backups and the log in
 * an object store, from which any moment comes back. The operator has to be there before, for backups its Barman Cloud plugin
 * too: see docs/kubernetes-objects.md. Sequencers take a server of their own, for their shared backend.
 *
 * Resources: 1 + 7 + 1 for every login; 2 more with backups (1 in-tree), 1 more with `monitoringNamespace`,
 * 2 more with `exporterNamespace`.
 *
 * Cost: CPU, memory and disk of the cluster's machines, once for each instance; the object store.
 */
export class ClusterPostgres extends ComponentResource implements DatabaseServer {
  declare readonly server: Output<DatabaseServerState>;
  /** Name of the `Cluster`, by which a later one finds its backups. */
  readonly clusterName: string;
  /** PEM of the authority of its certificate: known also while logins are yet to be made. */
  declare readonly caPem: Output<string>;
  /** The login of the exporter; undefined where there is none. Secret. */
  declare readonly watcher: Output<{ readonly user: string; readonly password: string } | undefined>;

  constructor(name: string, args: ClusterPostgresArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:database:ClusterPostgres", name, {}, options);
    const { deployment, namespace, logins, backups, version = "17" } = args;
    const { retain = deployment.environment === "production" } = args;
    const watched = args.exporterNamespace !== undefined;
    for (const taken of [administrator, ...(watched ? [watcher] : [])]) {
      if (logins.includes(taken)) throw new Error(`logins: got "${taken}"; expected the names of nodes`);
    }
    // The operator makes names of its own from this one, and 50 characters are what it takes.
    const called = (...parts: string[]) => nameWithin({ length: 50 }, deployment.name, args.purpose, ...parts);
    this.clusterName = called();
    const labels = tagsOf(deployment);
    const secrets = {
      authority: called("authority"),
      administrator: called(administrator),
      ...(watched && { watcher: called(watcher) }),
    };
    const plan = {
      name: this.clusterName,
      environment: deployment.environment,
      version,
      image: args.image ?? `ghcr.io/cloudnative-pg/postgresql:${version}-standard-trixie`,
      instances: args.instances ?? defaultInstances[deployment.environment],
      zones: args.zones.length,
      storageClass: args.storageClass,
      diskGiB: args.diskGiB ?? 20,
      cpu: args.cpu ?? 1,
      memoryGiB: args.memoryGiB ?? 2,
      maxConnections: args.maxConnections ?? 300,
      labels,
      identity: args.identity ?? {},
      secrets,
      ...(backups && { backups }),
      ...(args.restore && { restore: args.restore }),
    };
    checkClusterPlan(plan);
    const parent = { parent: this };
    const kept: CustomResourceOptions = { ...parent, protect: retain, retainOnDelete: retain };
    const metadata = (called: string) => ({ name: called, namespace, labels });

    const passwords = Object.fromEntries(
      [administrator, ...(watched ? [watcher] : []), ...logins].map((user) => {
        const password = new RandomPassword(called(user), { length: 40, special: false }, parent);
        return [user, password.result] as const;
      }),
    );
    const caPem = this.#makeAuthority(secrets.authority, metadata(secrets.authority), kept);
    const login = (name: string, username: string) =>
      new Secret(
        name,
        {
          metadata: { ...metadata(name), labels: { ...labels, "cnpg.io/reload": "true" } },
          type: "kubernetes.io/basic-auth",
          stringData: { username, password: passwords[username] as Output<string> },
        },
        kept,
      );
    const known = [
      login(secrets.administrator, administrator),
      ...(secrets.watcher === undefined ? [] : [login(secrets.watcher, watcher)]),
    ];
    const custom = (kind: string, apiVersion: string, spec: unknown, options: CustomResourceOptions) =>
      new CustomResource(
        `${this.clusterName}-${kind.toLowerCase()}`,
        { apiVersion, kind, metadata: metadata(this.clusterName), spec },
        options,
      );
    const store =
      backups === undefined || backups.through === "in-tree"
        ? []
        : [custom("ObjectStore", "barmancloud.cnpg.io/v1", planObjectStore(backups), kept)];
    const cluster = custom("Cluster", "postgresql.cnpg.io/v1", planCluster(plan), {
      ...kept,
      dependsOn: [...known, ...store],
    });
    if (backups !== undefined) {
      const spec = planScheduledBackup(this.clusterName, backups);
      custom("ScheduledBackup", "postgresql.cnpg.io/v1", spec, { ...parent, dependsOn: [cluster] });
    }
    this.#closeNetwork(metadata(this.clusterName), args);
    if (args.monitoringNamespace !== undefined) {
      const spec = {
        selector: { matchLabels: { "cnpg.io/cluster": this.clusterName } },
        podMetricsEndpoints: [{ port: "metrics" }],
      };
      custom("PodMonitor", "monitoring.coreos.com/v1", spec, parent);
    }

    this.server = secret(
      all([interpolate`${this.clusterName}-rw.${namespace}.svc`, caPem, all(passwords), cluster.id]).apply(
        ([host, authority, words]) => ({
          host,
          port: 5432,
          administrator: { user: administrator, password: words[administrator] ?? "" },
          caPem: authority,
          logins: Object.fromEntries(
            logins.map((user) => [user, { database: user, user, password: words[user] ?? "" }] as const),
          ),
        }),
      ),
    );
    this.caPem = caPem;
    const password = passwords[watcher];
    this.watcher = secret(
      watched && password !== undefined ? password.apply((text) => ({ user: watcher, password: text })) : undefined,
    );
    this.registerOutputs({ server: this.server, clusterName: this.clusterName });
  }

  /** An authority of which the operator makes certificates for the servers, and renews them. */
  #makeAuthority(
    name: string,
    metadata: { name: string; namespace: Input<string>; labels: Record<string, string> },
    kept: CustomResourceOptions,
  ): Output<string> {
    // A key of another kind the operator does not read.
    const key = new PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, { parent: this });
    const certificate = new SelfSignedCert(
      name,
      {
        privateKeyPem: key.privateKeyPem,
        isCaCertificate: true,
        allowedUses: ["cert_signing", "crl_signing", "digital_signature"],
        subject: { commonName: `PostgreSQL ${this.clusterName}` },
        validityPeriodHours: tenYears,
        earlyRenewalHours: tenYears / 10,
      },
      { parent: this },
    );
    new Secret(
      name,
      {
        metadata: { ...metadata, labels: { ...metadata.labels, "cnpg.io/reload": "true" } },
        stringData: { "ca.crt": certificate.certPem, "ca.key": key.privateKeyPem },
      },
      kept,
    );
    return certificate.certPem;
  }

  /** Clients, the operator and the instances among each other; out to the object store and the API server. */
  #closeNetwork(
    metadata: { name: string; namespace: Input<string>; labels: Record<string, string> },
    args: ClusterPostgresArgs,
  ): void {
    const { clientNamespaces = [], operatorNamespace = "cnpg-system", monitoringNamespace, exporterNamespace } = args;
    const clients = [...clientNamespaces, ...(exporterNamespace === undefined ? [] : [exporterNamespace])];
    const instances = { matchLabels: { "cnpg.io/cluster": this.clusterName } };
    const tcp = (...ports: number[]) => ports.map((port) => ({ protocol: "TCP", port }));
    new NetworkPolicy(
      this.clusterName,
      {
        metadata,
        spec: {
          podSelector: instances,
          policyTypes: ["Ingress", "Egress"],
          ingress: [
            { from: [{ podSelector: {} }, ...clients.map(inNamespace)], ports: tcp(5432) },
            { from: [{ podSelector: instances }, inNamespace(operatorNamespace)], ports: tcp(5432, 8000) },
            ...metricsFrom(monitoringNamespace, 9187),
          ],
          egress: [
            ...nameResolution,
            { to: [{ podSelector: instances }], ports: tcp(5432, 8000) },
            { ports: tcp(443, 6443) },
          ],
        },
      },
      { parent: this },
    );
  }
}
