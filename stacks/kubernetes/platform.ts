/** From the configuration of `kubernetes` and `bridge` to the platform that nodes run on. */
import { getStack, type Input, output, secret } from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import type { DatabaseServerState } from "@pulumi-canton/components/database/database-server.ts";
import type { Deployment } from "@pulumi-canton/components/deployment/deployment.ts";
import { KubernetesPlatform } from "@pulumi-canton/components/platform/kubernetes/kubernetes-platform.ts";
import type { Outside, Peer } from "@pulumi-canton/components/platform/kubernetes/network-plan.ts";
import { replicasOf, resourcesOf } from "@pulumi-canton/components/platform/kubernetes/roles.ts";
import { notRight } from "../config/read-config.ts";
import { privateRanges } from "../infrastructure/config.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { deploymentOf, readInfrastructure } from "../infrastructure/reference.ts";
import {
  environmentProblems,
  type PlannedNode,
  type PlatformConfig,
  presets,
  quotaOf,
  type TokenSource,
  tokenSourcesOf,
} from "./platform-config.ts";

const everywhere: readonly Peer[] = [{ cidr: "0.0.0.0/0" }];

/** What a stack runs its nodes on. */
export interface ChosenPlatform {
  readonly platform: KubernetesPlatform;
  readonly namespace: string;
  readonly deployment: Deployment;
  readonly infrastructure: InfrastructureState | undefined;
  /** The server of the databases of nodes. */
  readonly databases: Input<DatabaseServerState>;
  /** The server of what the sequencers share, where that is another one. */
  readonly sequencerBackend: Input<DatabaseServerState> | undefined;
  readonly outside: Outside;
  /** Tokens that Ledger APIs accept. */
  readonly auth: readonly TokenSource[] | undefined;
}

/** What the stack has in the namespace besides nodes. */
export interface Besides {
  /** Databases of others, on the server of nodes. */
  readonly logins: readonly string[];
  readonly pods: readonly { readonly replicas: number; readonly memoryMiB: number; readonly cpuMillis: number }[];
  /** Names besides their own that certificates of nodes bear. */
  readonly serverNames: Readonly<Record<string, readonly string[]>>;
  /** Namespaces of an ingress that routes of the stack are for. */
  readonly ingress: readonly string[];
  /** How many Services are reached by a load balancer. */
  readonly loadBalancers: number;
  /** What is wrong with it in the environment, on the infrastructure. */
  readonly problems: readonly string[];
}

const nothing: Besides = { logins: [], pods: [], serverNames: {}, ingress: [], loadBalancers: 0, problems: [] };

/**
 * Makes the platform.
 *
 * @param nodes that the stack runs on it
 * @param besidesOn what else the stack has there, as far as it depends on where that is
 * @throws RunError when environment or infrastructure do not go with the configuration
 */
export async function choosePlatform(
  config: PlatformConfig,
  nodes: readonly PlannedNode[],
  besidesOn: (deployment: Deployment, infrastructure: InfrastructureState | undefined) => Besides = () => nothing,
): Promise<ChosenPlatform> {
  const infrastructure = await readInfrastructure(config);
  const deployment = deploymentOf(config, infrastructure);
  const besides = besidesOn(deployment, infrastructure);
  const problems = [
    ...environmentProblems(config, deployment.environment, nodes, infrastructure, besides.logins),
    ...besides.problems,
  ];
  if (problems.length > 0) throw notRight(problems.join("\n"));

  const preset = presets[deployment.environment];
  const standbys = config.standbys ?? preset.standbys;
  const namespace = config.namespace ?? infrastructure?.namespace ?? deployment.name;
  const { keyEncryption, keyFiles } = keysOf(config, infrastructure);
  const databases = infrastructure ? secretServers(infrastructure) : ownServers(config, nodes, besides.logins);
  const auth = tokenSourcesOf(config, infrastructure);
  const callsOut = keyEncryption !== undefined || auth !== undefined;
  const outside = outsideOf(config, callsOut ? everywhere : [], keyEncryption, infrastructure, besides.ingress);
  const issuer = config.issuer ?? issuerOf(infrastructure, namespace);
  const platform = new KubernetesPlatform("kubernetes", {
    deployment,
    cluster: secret(infrastructure?.cluster ?? { kubeconfig: config.cluster?.kubeconfig ?? "" }),
    ...(config.cluster?.context !== undefined && { context: config.cluster.context }),
    namespace,
    createNamespace: config.createNamespace ?? !infrastructure?.services?.namespaces.includes(namespace),
    ...(config.sharedNamespace && {
      sharedAs: getStack()
        .toLowerCase()
        .replaceAll(/[^a-z0-9-]+/g, "-"),
    }),
    images: config.images,
    databases,
    takeOverDatabasesFrom: config.takeOverDatabasesFrom,
    keyEncryption,
    keyFiles,
    access: config.access as never,
    mutualTls: preset.mutualTls,
    issuer,
    serverNames: besides.serverNames,
    standbys,
    spread: preset.spread,
    resources: config.resources as never,
    outside,
    quota: {
      ...(config.quota ??
        quotaOf([
          ...nodes.map(({ role }) => ({
            replicas: replicasOf(role, standbys),
            ...resourcesOf(role, config.resources[role] as never),
          })),
          ...besides.pods,
        ])),
      loadBalancers: besides.loadBalancers,
    },
    retain: preset.retain,
  });
  const { nodes: server, sequencerBackend } = databases;
  return { platform, namespace, deployment, infrastructure, databases: server, sequencerBackend, outside, auth };
}

/** Token with which users of Ledger APIs are made. */
export function ledgerTokenOf(config: PlatformConfig): Input<string> | undefined {
  const token = config.ledgerApi?.administratorToken;
  return token === undefined ? undefined : secret(token);
}

/** What wraps the keys of nodes: what the configuration says, or the infrastructure. */
function keysOf({ keyEncryption, vault }: PlatformConfig, infrastructure: InfrastructureState | undefined) {
  if (keyEncryption !== undefined) return { keyEncryption, keyFiles: undefined };
  if (vault !== undefined) return { keyEncryption: vault.keyEncryption, keyFiles: secret(vault.files) };
  const { keyEncryption: theirs, keyFiles } = infrastructure ?? {};
  return { keyEncryption: theirs, keyFiles: keyFiles && secret(keyFiles) };
}

/** The issuer that the infrastructure has in a namespace. */
function issuerOf(infrastructure: InfrastructureState | undefined, namespace: string) {
  const issuer = infrastructure?.services?.issuer;
  if (issuer?.namespace !== namespace) return undefined;
  return { name: issuer.name, kind: "Issuer", group: "cert-manager.io", caPem: issuer.caPem } as const;
}

function secretServers({ databases }: InfrastructureState) {
  const { nodes, sequencerBackend } = databases;
  return { nodes: secret(nodes), ...(sequencerBackend && { sequencerBackend: secret(sequencerBackend) }) };
}

/** Servers that the configuration names, with logins that the stack makes. */
function ownServers({ databases }: PlatformConfig, nodes: readonly PlannedNode[], besides: readonly string[]) {
  if (databases === undefined) throw new Error("databases were not checked");
  const names = [...nodes.map(({ name }) => name), ...besides];
  const backend = nodes.some(({ role }) => role === "sequencer") ? ["sequencer-backend"] : [];
  if (databases.sequencerBackend === undefined) return { nodes: withLogins(databases.nodes, [...names, ...backend]) };
  return {
    nodes: withLogins(databases.nodes, names),
    sequencerBackend: withLogins(databases.sequencerBackend, backend),
  };
}

type OwnServer = NonNullable<PlatformConfig["databases"]>["nodes"];

function withLogins(
  { host, port, administrator, caPem, tls }: OwnServer,
  names: readonly string[],
): Input<DatabaseServerState> {
  const logins = Object.fromEntries(
    names.map((name) => {
      const password = new RandomPassword(`${name}-login`, { length: 32, special: false }).result;
      return [name, { database: name, user: name, password }];
    }),
  );
  return secret(output({ host, port, administrator, tls, ...(caPem !== undefined && { caPem }), logins }));
}

function outsideOf(
  config: PlatformConfig,
  https: readonly Peer[],
  keyEncryption: Readonly<Record<string, unknown>> | undefined,
  infrastructure: InfrastructureState | undefined,
  ingress: readonly string[],
): Outside {
  const { network, databases } = config;
  const services = infrastructure?.services;
  const ports = [...new Set([databases?.nodes.port ?? 5432, databases?.sequencerBackend?.port ?? 5432])];
  const inCluster =
    services?.databases === undefined ? privateRanges.map((cidr) => ({ cidr })) : [{ namespace: services.databases }];
  const { through } = services?.identityProvider ?? {};
  const servers = (network.databases ?? inCluster) as readonly Peer[];
  const { address } = keyEncryption ?? {};
  return {
    databases: ports.flatMap((port) => servers.map((peer) => ({ peer, port }))),
    https: (network.https ?? https) as readonly Peer[],
    ...(through && { identityProvider: { peer: { namespace: through.namespace }, port: through.port } }),
    ...(typeof address === "string" && { keyManagementPort: Number(new URL(address).port || 443) }),
    sequencers: network.sequencers as Outside["sequencers"],
    operators: network.operators as readonly Peer[],
    monitoring: withNamespaces(network.monitoring as readonly Peer[], [services?.monitoring]),
    ingress: withNamespaces(network.ingress as readonly Peer[], [services?.ingress?.namespace, ...ingress]),
    workloadIdentity: infrastructure?.cluster.workloadIdentity !== undefined,
  };
}

/** And those namespaces that are not among them as a whole. */
function withNamespaces(peers: readonly Peer[], namespaces: readonly (string | undefined)[]): readonly Peer[] {
  const known = new Set(
    peers.flatMap((peer) => ("namespace" in peer && peer.podLabels === undefined ? peer.namespace : [])),
  );
  const missing = new Set(namespaces.filter((each) => each !== undefined && !known.has(each)));
  return [...peers, ...[...missing].map((namespace) => ({ namespace: namespace as string }))];
}
