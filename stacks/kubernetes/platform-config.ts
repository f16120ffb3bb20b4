/** Where nodes run in the cluster, as the configurations of `kubernetes` and `bridge` have it. */
import type { Environment } from "@pulumi-canton/components/deployment/deployment.ts";
import { unpinned } from "@pulumi-canton/components/platform/kubernetes/images.ts";
import type { Quota } from "@pulumi-canton/components/platform/kubernetes/tenant-namespace.ts";
import type { Role } from "@pulumi-canton/components/platform/platform.ts";
import { tokenSourceKeys } from "@pulumi-canton/participant/ledger-api/authorization/auth-config.ts";
import { keyEncryptionSchema } from "@pulumi-canton/runtime/config.ts";
import { databaseOwner } from "@pulumi-canton/runtime/database-setup/config.ts";
import { z } from "zod";
import { nodeName, type ParticipantConfig } from "../config/nodes.ts";
import { vaultSchema } from "../config/vault.ts";
import { cidr, pem } from "../infrastructure/config.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { clusterKeys, referenceKeys, referenceProblems } from "../infrastructure/reference.ts";

const portNumber = z.int().min(1).max(65_535);
const roles = ["domain-manager", "sequencer", "mediator", "participant"] as const satisfies readonly Role[];

const databaseServer = z.strictObject({
  host: z.string().min(1),
  port: portNumber.default(5432),
  /** Who may create roles and databases there. */
  administrator: z.strictObject({ user: z.string().min(1), password: z.string().min(1) }),
  /** Authorities of its certificate. Default: those that every machine knows. */
  caPem: pem.optional(),
  /** False: it speaks without TLS; in `dev` only. */
  tls: z.boolean().default(true),
});

const tokenSource = z.strictObject({
  ...tokenSourceKeys,
  /** Authorities of the certificate of who publishes the keys. Default: those that every machine knows. */
  caPem: pem.optional(),
});
/** Tokens that Ledger APIs accept. */
export type TokenSource = z.output<typeof tokenSource>;

const peer = z.union(
  [
    z.strictObject({ cidr }),
    z.strictObject({ namespace: nodeName, podLabels: z.record(z.string(), z.string()).optional() }),
  ],
  'expected { cidr: "10.0.0.0/16" }, or { namespace: monitoring }',
);
const peers = z.array(peer).default([]);
const tunnel = z.string().regex(/^\S+:\d{1,5}$/, 'expected host:port, such as "127.0.0.1:15002"');

/** Keys of both stacks. */
export const platformKeys = {
  ...referenceKeys,
  cluster: z.strictObject(clusterKeys).optional(),
  databases: z
    .strictObject({
      nodes: databaseServer,
      /** What the sequencers share. Default: where the databases of nodes are. */
      sequencerBackend: databaseServer.optional(),
    })
    .optional(),
  /** A stack, `project/stack`, whose databases the nodes of the same names take over. Default: those of another stack are refused. */
  takeOverDatabasesFrom: databaseOwner.optional(),
  /** Namespace of the nodes: a tenant's own. Default: that of the infrastructure, or `name`. */
  namespace: nodeName.optional(),
  /** False: the namespace is there already, empty. Default: true, where the infrastructure has not made it. */
  createNamespace: z.boolean().optional(),
  /** True: another stack has set the namespace up, and this one has further nodes in it. */
  sharedNamespace: z.boolean().default(false),
  images: z.strictObject({
    /** Whose nodes: ours, or Canton's own images. */
    flavour: z.enum(["pulumi-canton", "canton"]).default("pulumi-canton"),
    /** Image of each role that runs here; in production by digest. */
    nodes: z.partialRecord(z.enum(roles), z.string().min(1)),
    /** Image of the program that makes databases. */
    databaseSetup: z.string().min(1),
    /** Secrets of the namespace with logins of the registry. */
    pullSecrets: z.array(z.string().min(1)).default([]),
  }),
  /** What encrypts the keys of nodes. Default: the key of the infrastructure; without one a passphrase that the stack makes. */
  keyEncryption: keyEncryptionSchema.optional(),
  /** A key of Vault in its place; nodes get the token for it. */
  vault: vaultSchema.optional(),
  ledgerApi: z
    .strictObject({
      /** Tokens that Ledger APIs accept. Default: those of the identity provider of the infrastructure. */
      auth: z.array(tokenSource).min(1).optional(),
      /** Token of an administrator, a secret: makes users. */
      administratorToken: z.string().min(1).optional(),
    })
    .optional(),
  /** How the machine that runs the program reaches admin APIs. */
  access: z
    .discriminatedUnion("via", [
      z.strictObject({ via: z.literal("cluster") }),
      z.strictObject({
        via: z.literal("tunnels"),
        /** Admin API by node, or by node and port. */
        tunnels: z.record(
          z.string(),
          z.union([tunnel, z.strictObject({ adminApi: tunnel, ledgerApi: tunnel.optional() })]),
        ),
      }),
    ])
    .default({ via: "cluster" }),
  /** Has cert-manager make the certificates of servers. Default: an authority of the stack. */
  issuer: z
    .strictObject({
      name: z.string().min(1),
      kind: z.enum(["Issuer", "ClusterIssuer"]).default("ClusterIssuer"),
      group: z.string().min(1).default("cert-manager.io"),
      caPem: pem,
    })
    .optional(),
  /** What nodes talk to besides each other; all else is closed. */
  network: z
    .strictObject({
      /** Database servers. Default: private addresses. */
      databases: z.array(peer).min(1).optional(),
      /** Key management and identity providers, by port 443. Default: everywhere where there are such. */
      https: z.array(peer).optional(),
      /** Who administers nodes. */
      operators: peers,
      /** Who reads metrics. */
      monitoring: peers,
      /** The ingress. */
      ingress: peers,
      /** Sequencers of other organisations. */
      sequencers: z.array(z.strictObject({ peer, port: portNumber.default(443) })).default([]),
    })
    .prefault({}),
  /** Pods that stand by for mediators and participants. Default: 0 in `dev`, otherwise 1. */
  standbys: z.int().min(0).max(4).optional(),
  /** What pods may use, by role. */
  resources: z
    .partialRecord(
      z.enum(roles),
      z.strictObject({
        memoryMiB: z.int().min(256).max(262_144).optional(),
        cpuMillis: z.int().min(50).max(64_000).optional(),
        cpuLimitMillis: z.int().min(50).max(64_000).optional(),
      }),
    )
    .default({}),
  /** What all pods may use together. Default: twice what the nodes ask for. */
  quota: z.strictObject({ pods: z.int().min(1), cpus: z.int().min(1), memoryGiB: z.int().min(1) }).optional(),
};

const platformSchema = z.strictObject(platformKeys);
/** Those keys, checked. */
export type PlatformConfig = z.output<typeof platformSchema>;

/** What differs between environments. */
export interface Preset {
  readonly standbys: number;
  readonly spread: "required" | "preferred";
  readonly mutualTls: boolean;
  readonly retain: boolean;
  /** Whether the state may keep what opens the keys of nodes. */
  readonly passphrases: boolean;
}

/** By environment. */
export const presets: Readonly<Record<Environment, Preset>> = {
  dev: { standbys: 0, spread: "preferred", mutualTls: false, retain: false, passphrases: true },
  staging: { standbys: 1, spread: "preferred", mutualTls: true, retain: false, passphrases: true },
  production: { standbys: 1, spread: "required", mutualTls: true, retain: true, passphrases: false },
};

/** A node that a stack runs. */
export interface PlannedNode {
  readonly name: string;
  readonly role: Role;
}

/** What is wrong with how these keys go together, whatever the infrastructure is. */
export function platformProblems(
  config: PlatformConfig,
  nodes: readonly PlannedNode[],
  participants: readonly ParticipantConfig[],
): string[] {
  const problems = referenceProblems(config, ["cluster", "databases"]);
  if (config.sharedNamespace && config.quota !== undefined) {
    problems.push("quota: is set with sharedNamespace; expected it in the stack that has set the namespace up");
  }
  for (const role of new Set(nodes.map((node) => node.role))) {
    if (config.images.nodes[role] === undefined)
      problems.push(`images.nodes.${role} is required; expected the image of a ${role}`);
  }
  if (participants.length > 0 && config.ledgerApi?.auth === undefined && config.infrastructure === undefined) {
    problems.push(noTokens("there is no infrastructure that has an identity provider"));
  }
  participants.forEach(({ name, users }, index) => {
    if (users.length === 0) return;
    if (config.ledgerApi?.administratorToken === undefined) {
      problems.push(
        `participants[${index}].users: needs ledgerApi.administratorToken, with which users are made; expected it as a secret`,
      );
    }
    const { access } = config;
    const given = access.via === "tunnels" ? access.tunnels[name] : undefined;
    if (access.via === "tunnels" && (typeof given === "string" || given?.ledgerApi === undefined)) {
      problems.push(`access.tunnels.${name}.ledgerApi is required: users are made there; expected host:port`);
    }
  });
  if (config.access.via === "tunnels") {
    const { tunnels } = config.access;
    const names = nodes.map(({ name }) => name);
    for (const name of names) {
      if (tunnels[name] === undefined) {
        problems.push(
          `access.tunnels.${name} is required; expected where the admin API of ${name} is forwarded to, such as "127.0.0.1:15002"`,
        );
      }
    }
    for (const name of Object.keys(tunnels)) {
      if (!names.includes(name))
        problems.push(`access.tunnels.${name}: there is no node of that name; expected one of ${names.join(", ")}`);
    }
  }
  const { keyEncryption } = config;
  if (keyEncryption?.type === "passphrase") {
    problems.push(
      'keyEncryption.type: got "passphrase"; expected a key management service, or to leave it out: the stack makes passphrases',
    );
  }
  if (keyEncryption !== undefined && config.vault !== undefined) {
    problems.push("vault: is set beside keyEncryption; expected one of both");
  }
  if (config.images.flavour === "canton" && config.vault !== undefined) {
    problems.push("vault: is set, which Canton's images do not have; expected keyEncryption by aws-kms or gcp-kms");
  }
  if (config.images.flavour === "canton" && keyEncryption && !["aws-kms", "gcp-kms"].includes(keyEncryption.type)) {
    problems.push(
      `keyEncryption.type: got "${keyEncryption.type}", which Canton's images do not have; expected aws-kms or gcp-kms`,
    );
  }
  return problems;
}

function noTokens(why: string): string {
  return `ledgerApi.auth is required: the Ledger API of a participant is reached from other machines, and lets in who has a token; ${why}; expected [{ type: jwks, url: "https://…" }]`;
}

/** Tokens that Ledger APIs accept: those that the configuration names, or those of the infrastructure's identity provider. */
export function tokenSourcesOf(
  { ledgerApi, images }: Pick<PlatformConfig, "ledgerApi" | "images">,
  infrastructure: InfrastructureState | undefined,
): readonly TokenSource[] | undefined {
  const provider = infrastructure?.services?.identityProvider;
  if (ledgerApi?.auth !== undefined || provider === undefined) return ledgerApi?.auth;
  const { jwksUri: url, audience: targetAudience, issuer, caPem } = provider;
  // Canton's images hold no token against an issuer.
  return [
    {
      type: "jwks",
      url,
      targetAudience,
      ...(images.flavour !== "canton" && { issuer }),
      ...(caPem !== undefined && { caPem }),
    },
  ];
}

/**
 * What is wrong in an environment, on an infrastructure.
 *
 * @param logins of others than nodes
 */
export function environmentProblems(
  config: PlatformConfig,
  environment: Environment,
  nodes: readonly PlannedNode[],
  infrastructure: InfrastructureState | undefined,
  logins: readonly string[] = [],
): string[] {
  const problems: string[] = [];
  const { databases, images } = config;
  if (
    environment !== "dev" &&
    [databases?.nodes, databases?.sequencerBackend].some((server) => server?.tls === false)
  ) {
    problems.push(`databases: got tls: false; expected TLS in ${environment}`);
  }
  if (environment === "production") {
    problems.push(
      ...unpinned(images).map(
        (image) => `images: got "${image}"; expected it by its digest in production, such as registry/name@sha256:…`,
      ),
    );
  }
  const withLedger = nodes.some(({ role }) => role === "participant");
  const tokens = withLedger ? tokenSourcesOf(config, infrastructure) : [];
  if (images.flavour === "canton" && tokens?.some(({ caPem }) => caPem !== undefined)) {
    const whose =
      config.ledgerApi?.auth === undefined ? `the identity provider of ${config.infrastructure}` : "ledgerApi.auth";
    problems.push(
      `images.flavour: got "canton", whose images cannot be told of the authorities that ${whose} has (caPem); expected pulumi-canton, or signing keys behind a certificate that every machine knows`,
    );
  }
  const encryption = config.keyEncryption ?? config.vault ?? infrastructure?.keyEncryption;
  if (encryption === undefined && !presets[environment].passphrases) {
    problems.push(
      `keyEncryption is required in ${environment}: what opens the keys of nodes must not be in the state; expected vault, or aws-kms, gcp-kms or azure-key-vault`,
    );
  }
  if (infrastructure === undefined) return problems;
  if (tokens === undefined) {
    problems.push(noTokens(`${config.infrastructure} has no identity provider`));
  }
  const namespace = config.namespace ?? infrastructure.namespace;
  if (config.createNamespace && !config.sharedNamespace && infrastructure.services?.namespaces.includes(namespace)) {
    problems.push(
      `createNamespace: got true, but ${config.infrastructure} has made the namespace ${namespace}; expected to leave it out`,
    );
  }
  if (nodes.some(({ role }) => role === "sequencer") && infrastructure.databases.sequencerBackend === undefined) {
    problems.push(
      `domain: ${config.infrastructure} has no server for what sequencers share; expected an infrastructure with domain: true`,
    );
  }
  const known = Object.keys(infrastructure.databases.nodes.logins);
  for (const name of [...nodes.map((node) => node.name), ...logins]) {
    if (!known.includes(name)) {
      problems.push(
        `${name}: ${config.infrastructure} has no login for it; expected one of ${known.join(", ")}, or ${name} among its nodes`,
      );
    }
  }
  return problems;
}

/** Twice what the nodes ask for: rollouts run old and new pods beside each other. */
export function quotaOf(
  pods: readonly { readonly replicas: number; readonly memoryMiB: number; readonly cpuMillis: number }[],
): Quota {
  const sum = (each: (pod: (typeof pods)[number]) => number) =>
    pods.reduce((total, pod) => total + pod.replicas * each(pod), 0);
  return {
    // And a job for every database.
    pods: 2 * sum(() => 1) + 2 * pods.length + 4,
    cpus: Math.ceil((2 * sum(({ cpuMillis }) => cpuMillis)) / 1000) + 1,
    memoryGiB: Math.ceil((2 * sum(({ memoryMiB }) => memoryMiB)) / 1024) + 2,
  };
}
