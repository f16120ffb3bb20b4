/** Programs whose Kubernetes objects a real API server has to take: everything that makes some has a line here. */

import { runtime } from "@pulumi/pulumi";
import { ClusterPostgres } from "@pulumi-canton/components/database/cluster-postgres.ts";
import { Domain } from "@pulumi-canton/components/domain/domain.ts";
import { ArgoApplication } from "@pulumi-canton/components/gitops/argo-application.ts";
import { OperatorStack } from "@pulumi-canton/components/gitops/operator-stack.ts";
import { CertificateIssuer } from "@pulumi-canton/components/identity/certificate-issuer.ts";
import { Keycloak } from "@pulumi-canton/components/identity/keycloak/keycloak.ts";
import { TraefikIngress } from "@pulumi-canton/components/ingress/traefik-ingress.ts";
import { ReverseProxy } from "@pulumi-canton/components/network/reverse-proxy.ts";
import { Monitoring } from "@pulumi-canton/components/observability/monitoring.ts";
import { MonitoringObjects } from "@pulumi-canton/components/observability/monitoring-objects.ts";
import { ApplicationStack } from "@pulumi-canton/components/participant/application/application-stack.ts";
import { Participant } from "@pulumi-canton/components/participant/participant.ts";
import {
  KubernetesPlatform,
  type KubernetesPlatformArgs,
} from "@pulumi-canton/components/platform/kubernetes/kubernetes-platform.ts";
import { DatabaseBackup } from "@pulumi-canton/components/recovery/database-backup.ts";
import type { InfrastructureState } from "../../stacks/infrastructure/outputs.ts";

/** A program that makes Kubernetes objects. */
export interface Collection {
  readonly name: string;
  readonly program: () => unknown;
}

const deployment = { name: "canton-prod", environment: "production", tags: { team: "ledger" } } as const;
const namespace = "canton-prod";
const allowedRanges = ["203.0.113.0/24", "198.51.100.7/32"];
const source = { repository: "https://git.example.com/ledger/canton.git", revision: "main", path: "clusters/prod" };
const caPem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
const sequencers = ["sequencer1", "sequencer2"].map((name) => ({
  name,
  host: `${name}.${namespace}.svc.cluster.local`,
  port: 5001,
  healthPort: 8080,
}));
const database = {
  deployment,
  namespace,
  storageClass: "encrypted",
  zones: ["a", "b", "c"],
  logins: ["participant1", "sequencer1"],
  monitoringNamespace: "monitoring",
  identity: { "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/canton-prod" },
};
const bucket = { url: "s3://canton-backups/prod", credentials: "identity" } as const;

const digest = `sha256:${"0".repeat(64)}`;
const roles = ["domain-manager", "sequencer", "mediator", "participant"];
const images = {
  nodes: Object.fromEntries(roles.map((role) => [role, `registry.example.com/${role}@${digest}`])),
  databaseSetup: `registry.example.com/database-setup@${digest}`,
};
const identity = { serviceAccount: "canton", annotations: { role: "arn" }, podLabels: { identity: "true" } };

function server(host: string, logins: readonly string[]) {
  return {
    host,
    port: 5432,
    administrator: { user: "administrator", password: "of the administrator" },
    caPem,
    logins: Object.fromEntries(logins.map((name) => [name, { database: name, user: name, password: `of ${name}` }])),
  };
}

/** What the stack that stacks refer to has given out. */
export const infrastructure: InfrastructureState = {
  cloud: "aws",
  region: "eu-central-1",
  deployment: { name: "canton-prod", environment: "production" },
  cluster: { kubeconfig: "apiVersion: v1", zones: ["a", "b", "c"], storageClass: "gp3", workloadIdentity: identity },
  namespace,
  databases: {
    nodes: server("nodes.db.example.com", ["domain-manager", "mediator", "sequencer1", "sequencer2", "alice", "bank"]),
    sequencerBackend: server("backend.db.example.com", ["sequencer-backend"]),
  },
  keyEncryption: { type: "aws-kms", keyId: "arn:aws:kms:key", region: "eu-central-1" },
  storage: { backups: "s3://backups", logs: "s3://logs" },
  ingress: { annotations: {}, allowedRanges },
};

/** Runs a stack's template with a configuration. */
function template(
  name: "kubernetes" | "bridge" | "cluster-services",
  config: Record<string, unknown>,
): () => Promise<unknown> {
  return async () => {
    runtime.setAllConfig(
      Object.fromEntries(Object.entries(config).map(([key, value]) => [`pulumi-canton:${key}`, JSON.stringify(value)])),
    );
    const { default: run } = await templates[name]();
    return run();
  };
}

const templates = {
  kubernetes: () => import("../../stacks/kubernetes.ts"),
  bridge: () => import("../../stacks/bridge.ts"),
  "cluster-services": () => import("../../stacks/cluster-services.ts"),
};

const auth = [{ type: "jwks", url: "https://idp.example.com/jwks" }];
const sequencer = { peer: { cidr: "192.0.2.10/32" } };
const stackConfig = {
  infrastructure: "organization/pulumi-canton/aws-production",
  images,
  ledgerApi: { auth, administratorToken: "token" },
  network: {
    monitoring: [{ namespace: "monitoring" }],
    ingress: [{ namespace: "ingress", podLabels: { "app.kubernetes.io/name": "traefik" } }],
    operators: [{ cidr: "10.1.0.0/16" }],
    sequencers: [sequencer],
  },
};

/** A cluster that no stack made. */
const ownCluster = { name: "canton-prod", environment: "production", infrastructure: undefined };
const image = `registry.example.com/image:17@${digest}`;
const provider = {
  issuer: "https://login.example.com",
  jwksUri: "https://login.example.com/jwks",
  authorizationEndpoint: "https://login.example.com/auth",
  tokenEndpoint: "https://login.example.com/token",
};
const login = {
  image,
  host: "login.example.com",
  certificateSecret: "login-tls",
  allowedRanges,
  applicationUrl: "https://app.example.com",
  services: ["settlement"],
};
const pinned = { ...source, revision: "a".repeat(40) };
const vault = { address: "https://vault.example.com:8200", key: "canton", token: "s.token" };

function platform(name: string, given: Partial<KubernetesPlatformArgs> = {}): KubernetesPlatform {
  return new KubernetesPlatform(name, {
    deployment,
    cluster: infrastructure.cluster,
    namespace: `canton-${name}`,
    images: { ...images, flavour: "pulumi-canton" },
    databases: infrastructure.databases,
    outside: {
      databases: [{ peer: { cidr: "10.0.0.0/8" }, port: 5432 }],
      https: [{ cidr: "0.0.0.0/0" }],
      sequencers: [],
      operators: [{ cidr: "10.1.0.0/16" }],
      monitoring: [{ namespace: "monitoring" }],
      ingress: [{ namespace: "ingress" }],
      workloadIdentity: true,
    },
    quota: { pods: 40, cpus: 20, memoryGiB: 40 },
    ...given,
  });
}

function network(on: KubernetesPlatform): void {
  const domain = new Domain("mydomain", { platform: on, alias: "mydomain" });
  const alice = new Participant("alice", { platform: on, auth });
  alice.connect(domain, {}, { dependsOn: [domain.admit("alice", { participant: alice.participantId })] });
}

export const collections: readonly Collection[] = [
  {
    name: "PostgreSQL in the cluster, backups by the plugin",
    program: () => {
      new ClusterPostgres("nodes", { ...database, purpose: "nodes", backups: bucket });
      new ClusterPostgres("sequencers", {
        ...database,
        purpose: "sequencers",
        version: "18",
        backups: bucket,
        restore: { from: "canton-prod-old", at: "2026-11-29T12:00:00Z" },
      });
    },
  },
  {
    name: "PostgreSQL in the cluster, backups by the operator itself",
    program: () => {
      const secret = { secret: "backup-credentials" };
      const stores = {
        s3: { url: "s3://canton-backups/prod", endpoint: "https://minio.example.com", credentials: secret },
        gs: { url: "gs://canton-backups/prod", credentials: secret },
        azure: { url: "https://canton.blob.core.windows.net/backups", credentials: secret },
        gke: { url: "gs://canton-backups/prod", credentials: "identity" },
        entra: { url: "https://canton.blob.core.windows.net/backups", credentials: "identity" },
      } as const;
      for (const [purpose, store] of Object.entries(stores)) {
        const backups = { ...store, through: "in-tree" } as const;
        new ClusterPostgres(purpose, { ...database, purpose, backups, restore: { from: "before" } });
      }
      new ClusterPostgres("dev", { ...database, deployment: { name: "dev", environment: "dev" }, purpose: "nodes" });
    },
  },
  {
    name: "Traefik and routes of every mode",
    program: () => {
      const traefik = new TraefikIngress("ingress", {
        deployment,
        watchedNamespaces: [namespace],
        allowedRanges,
        loadBalancer: { annotations: { "example.com/internal": "true" }, address: "198.51.100.1" },
        monitoringNamespace: "monitoring",
      });
      const pods = { labels: { "app.kubernetes.io/name": "participant1" }, port: 5011 };
      traefik.routes("routes", {
        namespace,
        routes: [
          { name: "sequencers", host: "sequencers.example.com", services: ["sequencer1"], port: 5001, allowedRanges },
          {
            name: "ledger",
            host: "ledger.example.com",
            services: ["participant1"],
            port: 5011,
            mode: "grpc",
            allowedRanges,
            certificateSecret: "ledger-tls",
            clientCaSecret: "clients-ca",
            serviceTls: { caPem, serverName: "participant1" },
            pods,
          },
          { name: "json", host: "json.example.com", services: ["json-api"], port: 7575, mode: "http", allowedRanges },
        ],
      });
    },
  },
  {
    name: "Traefik that nobody outside reaches",
    program: () => new TraefikIngress("closed", { deployment, namespace: "closed", watchedNamespaces: [namespace] }),
  },
  {
    name: "reverse proxies in front of the sequencers",
    program: () => {
      const sequencerPods = { "app.kubernetes.io/component": "sequencer" };
      const common = { deployment, namespace, allowedRanges, sequencerPods, monitoringNamespace: "monitoring" };
      new ReverseProxy("haproxy", {
        ...common,
        sequencers,
        loadBalancer: {},
        tls: { certificateSecret: "proxy-tls", sequencers: { caPem, serverName: "sequencers" } },
      });
      const plain = sequencers.map(({ name, host, port }) => ({ name, host, port }));
      new ReverseProxy("nginx", { ...common, software: "nginx", sequencers: plain });
    },
  },
  {
    name: "certificates by cert-manager",
    program: () => {
      const own = new CertificateIssuer("own", { deployment, namespace, ca: {} });
      own.certificate("sequencer1-tls", { dnsNames: ["sequencer1", `sequencer1.${namespace}.svc`] });
      own.certificate("operator-client", { dnsNames: ["operator"], usage: "client", commonName: "operator", days: 30 });
      new CertificateIssuer("acme", {
        deployment,
        namespace,
        acme: { server: "https://acme.example.com/directory", email: "ops@example.com", ingressClass: "canton-prod" },
      });
      const vault = { server: "https://vault.example.com:8200", path: "pki/sign/canton", role: "canton", caPem };
      new CertificateIssuer("vault", { deployment, namespace, vault: { ...vault, serviceAccount: "issuer" } });
    },
  },
  {
    name: "objects for Argo CD",
    program: () => {
      new ArgoApplication("canton-prod", { deployment, source, destinationNamespace: "pulumi" });
      new ArgoApplication("shared", {
        deployment: { name: "canton-dev", environment: "dev" },
        source,
        destinationNamespace: "pulumi",
        project: "default",
        prune: true,
      });
    },
  },
  {
    name: "objects for the Pulumi operator",
    program: () => {
      new OperatorStack("prod", {
        deployment,
        namespace: "pulumi",
        stack: "prod",
        source,
        repositoryToken: { secret: "git", key: "token" },
        backend: "s3://canton-state",
        passphrase: { secret: "state", key: "passphrase" },
        config: { "canton:name": "prod" },
        after: ["infrastructure"],
        clusterRole: "admin",
      });
      new OperatorStack("pinned", {
        deployment,
        namespace: "pulumi",
        stack: "dev",
        source: { ...source, revision: "a".repeat(40) },
      });
    },
  },
  {
    name: "nodes of a domain and a participant, in production",
    program: () => network(platform("production", { spread: "required" })),
  },
  {
    name: "nodes in dev, with certificates by cert-manager and passphrases",
    program: () => {
      const dev = { deployment: { name: "canton-dev", environment: "dev" }, standbys: 0, mutualTls: false } as const;
      const issuer = new CertificateIssuer("nodes", {
        ...dev,
        namespace: "canton-dev",
        ca: { secret: "corporate-ca" },
      });
      network(platform("dev", { ...dev, issuer: issuer.forPlatform(caPem), keyEncryption: undefined }));
    },
  },
  {
    name: "nodes of Canton's own images",
    program: () => network(platform("canton", { images: { ...images, flavour: "canton" } })),
  },
  {
    name: "the application stack of a participant",
    program: () => {
      const login = { database: "json-api", user: "json-api", password: "of json-api" };
      new ApplicationStack("app", {
        deployment,
        namespace,
        participant: { name: "bob", ledgerApi: { address: "bob.canton.svc", port: 5011 }, authorities: caPem },
        externalUrl: "https://app.example.com",
        ingress: [{ namespace: "ingress" }],
        monitoring: [{ namespace: "monitoring" }],
        databases: [{ cidr: "10.0.9.0/24" }],
        https: [{ cidr: "203.0.113.7/32" }],
        jsonApi: { image: "json-api", queryStore: { server: server("db.example.com", []), login } },
        triggerService: { image: "triggers", dars: ["/dars/a.dar"] },
        oauth2Middleware: { image: "middleware", provider, clientId: "canton", clientSecret: "secret" },
      });
    },
  },
  {
    name: "Keycloak, with an image of its own build and with the published one",
    program: () => {
      const login = { database: "keycloak", user: "keycloak", password: "of keycloak" };
      for (const optimized of [true, false]) {
        new Keycloak(`login-${optimized ? "own" : "published"}`, {
          deployment,
          namespace,
          image,
          optimized,
          url: "https://login.example.com",
          database: { server: server("db.example.com", []), login },
          realm: {
            realm: "canton",
            applicationUrl: "https://app.example.com",
            audience: "https://ledger.example.com/participant1",
            client: "canton-app",
            services: ["json-reader"],
          },
          ingress: [{ namespace: "ingress" }],
          monitoring: [{ namespace: "monitoring" }],
          databases: [{ peer: { cidr: "10.0.9.0/24" }, port: 5432 }],
        });
      }
    },
  },
  {
    name: "backups of databases, in memory and on a disk",
    program: () => {
      for (const storageClass of ["encrypted", undefined]) {
        new DatabaseBackup(`backup-${storageClass ?? "memory"}`, {
          deployment,
          namespace,
          workloadIdentity: identity,
          image,
          server: server("db.example.com", ["participant1", "sequencer1"]),
          url: "s3://acme-backups/databases",
          identityDumps: { participant1: "the dump" },
          ...(storageClass !== undefined && { storageClass }),
          databases: [{ cidr: "10.0.9.0/24" }],
          storage: [{ cidr: "0.0.0.0/0" }],
        });
      }
    },
  },
  {
    name: "the monitoring",
    program: () => {
      const channels = { slack: { webhookUrl: "https://hooks.example.com/x", channel: "#ledger" } };
      new Monitoring("monitoring", { deployment, nodes: [namespace], channels });
      new Monitoring("bare", {
        deployment,
        namespace: "bare",
        nodes: [namespace, "b"],
        channels,
        logs: false,
      });
    },
  },
  {
    name: "objects for an operator of Prometheus",
    program: () => new MonitoringObjects("objects", { deployment, namespace: "monitoring", nodes: [namespace] }),
  },
  {
    name: "the stack kubernetes, with a reverse proxy",
    program: template("kubernetes", {
      ...stackConfig,
      domain: {},
      participants: [{ name: "alice", parties: ["Alice"] }],
      reverseProxy: { image, host: "sequencers.example.com", allowedRanges },
    }),
  },
  {
    name: "the stack kubernetes in any cluster, with routes, applications, backups and a key of Vault",
    program: template("kubernetes", {
      ...stackConfig,
      ...ownCluster,
      cluster: { kubeconfig: "apiVersion: v1" },
      databases: { nodes: { host: "db.example.com", administrator: { user: "postgres", password: "p" }, caPem } },
      vault,
      domain: {},
      participants: [
        {
          name: "alice",
          parties: ["Alice"],
          applications: {
            externalUrl: "https://app.example.com",
            jsonApi: { image, queryStore: true },
            triggerService: { image, dars: ["/dars/a.dar"], store: true },
            oauth2Middleware: { image, provider, clientId: "canton", clientSecret: "secret" },
          },
        },
        {
          name: "bob",
          applications: { externalUrl: "https://bob-app.example.com", jsonApi: { image, queryStore: true } },
        },
      ],
      identityDumps: { passphraseFile: "/run/secrets/dump-passphrase" },
      backups: {
        image,
        url: "s3://acme-backups/databases",
        endpoint: "https://minio.example.com:9000",
        credentials: { accessKeyId: "id", secretAccessKey: "key" },
        keepDays: 30,
      },
      routes: {
        ingressClass: "canton-prod",
        ingressNamespace: "edge",
        sequencers: [{ host: "sequencers.example.com", allowedRanges }],
        ledgerApis: [
          { participant: "alice", host: "alice.example.com", allowedRanges },
          { participant: "bob", host: "bob.example.com", allowedRanges, mode: "grpc", certificateSecret: "bob-tls" },
        ],
        jsonApi: { participant: "bob", host: "json.example.com", allowedRanges, certificateSecret: "json-tls" },
        applications: ["alice", "bob"].map((participant) => ({
          participant,
          allowedRanges,
          certificateSecret: `${participant}-tls`,
        })),
      },
    }),
  },
  {
    name: "the stack cluster-services in a cluster of one's own",
    program: template("cluster-services", {
      ...ownCluster,
      cluster: {
        kubeconfig: "apiVersion: v1",
        storageClass: "encrypted",
        storageClassToMake: { provisioner: "rbd.csi.ceph.com", parameters: { encrypted: "true" } },
        zones: ["rack-a", "rack-b", "rack-c"],
      },
      namespaces: [namespace, "tenant"],
      vault,
      databases: { image, backups: { url: "s3://b", credentials: { accessKeyId: "i", secretAccessKey: "s" } } },
      ingress: { image, allowedRanges, loadBalancer: { address: "10.20.0.10" } },
      monitoring: {
        by: "own",
        channels: { pagerDuty: { routingKey: "key" } },
        images: {
          prometheus: image,
          alertmanager: image,
          loki: image,
          fluentBit: image,
          grafana: image,
          postgresExporter: image,
        },
        grafana: { url: "https://grafana.example.com", certificateSecret: "grafana-tls", allowedRanges },
      },
      certificates: { ca: {} },
      identityProvider: { ...login, databaseSetup: image },
      gitops: {
        operator: {
          source: pinned,
          image,
          environment: { PULUMI_ACCESS_TOKEN: { secret: "pulumi", key: "token" } },
          stacks: [{ name: "domain", stack: "organization/pulumi-canton/kubernetes-production" }],
        },
      },
    }),
  },
  {
    name: "the stack cluster-services on a cloud",
    program: template("cluster-services", {
      infrastructure: stackConfig.infrastructure,
      ingress: { image, loadBalancer: { nodePort: 30_443 } },
      monitoring: { by: "operator", namespace: "observability", channels: { pagerDuty: { routingKey: "key" } } },
      certificates: {
        vault: { server: vault.address, path: "pki/sign/canton", role: "canton", serviceAccount: "canton" },
      },
      identityProvider: { ...login, optimized: true, database: { host: "db.example.com", password: "of keycloak" } },
      gitops: { argo: { source: pinned } },
    }),
  },
  {
    name: "the stack bridge",
    program: template("bridge", {
      ...stackConfig,
      participant: { name: "bank", parties: ["Bank"] },
      domains: {
        private: { invitation: { good: 1 } },
        public: { invitation: { good: 2 } },
      },
    }),
  },
];
