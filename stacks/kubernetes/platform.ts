/** From the configuration of `kubernetes` and `bridge` to the platform that nodes run on. */
import { getStack, type Input, output, StackReference, secret } from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import type { DatabaseServerState } from "@pulumi-canton/components/database/database-server.ts";
import type { Deployment } from "@pulumi-canton/components/deployment/deployment.ts";
import type { ClusterState } from "@pulumi-canton/components/platform/kubernetes/cluster.ts";
import { KubernetesPlatform } from "@pulumi-canton/components/platform/kubernetes/kubernetes-platform.ts";
import type { Outside, Peer } from "@pulumi-canton/components/platform/kubernetes/network-plan.ts";
import { replicasOf, resourcesOf } from "@pulumi-canton/components/platform/kubernetes/roles.ts";
import { notRight } from "../config/read-config.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { environmentProblems, type PlannedNode, type PlatformConfig, presets, quotaOf } from "./platform-config.ts";

/** Ranges of addresses that are nobody's on the internet. */
const privateRanges: readonly Peer[] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map((cidr) => ({ cidr }));
const everywhere: readonly Peer[] = [{ cidr: "0.0.0.0/0" }];

/** What a stack runs its nodes on. */
export interface ChosenPlatform {
  readonly platform: KubernetesPlatform;
  readonly namespace: string;
}

/**
 * Makes the platform.
 *
 * @param nodes that the stack runs on it
 * @throws RunError when environment or infrastructure do not go with the configuration
 */
export async function choosePlatform(config: PlatformConfig, nodes: readonly PlannedNode[]): Promise<ChosenPlatform> {
  const infrastructure =
    config.infrastructure === undefined ? undefined : await readInfrastructure(config.infrastructure);
  const deployment = deploymentOf(config, infrastructure);
  const problems = environmentProblems(config, deployment.environment, nodes, infrastructure);
  if (problems.length > 0) throw notRight(problems.join("\n"));

  const preset = presets[deployment.environment];
  const standbys = config.standbys ?? preset.standbys;
  const namespace = config.namespace ?? infrastructure?.namespace ?? deployment.name;
  const keyEncryption = config.keyEncryption ?? infrastructure?.keyEncryption;
  const platform = new KubernetesPlatform("kubernetes", {
    deployment,
    cluster: secret(infrastructure?.cluster ?? ownCluster(config)),
    ...(config.cluster?.context !== undefined && { context: config.cluster.context }),
    namespace,
    createNamespace: config.createNamespace,
    ...(config.sharedNamespace && {
      sharedAs: getStack()
        .toLowerCase()
        .replaceAll(/[^a-z0-9-]+/g, "-"),
    }),
    images: config.images,
    databases: infrastructure ? secretServers(infrastructure) : ownServers(config, nodes),
    keyEncryption,
    access: config.access as never,
    mutualTls: preset.mutualTls,
    issuer: config.issuer,
    standbys,
    spread: preset.spread,
    resources: config.resources as never,
    outside: outsideOf(config, keyEncryption !== undefined, infrastructure?.cluster.workloadIdentity !== undefined),
    quota:
      config.quota ??
      quotaOf(
        nodes.map(({ role }) => ({
          replicas: replicasOf(role, standbys),
          ...resourcesOf(role, config.resources[role] as never),
        })),
      ),
    retain: preset.retain,
  });
  return { platform, namespace };
}

/** Token with which users of Ledger APIs are made. */
export function ledgerTokenOf(config: PlatformConfig): Input<string> | undefined {
  const token = config.ledgerApi?.administratorToken;
  return token === undefined ? undefined : secret(token);
}

/** What another stack gave out: known before anything is made, so that it can be refused. */
async function readInfrastructure(stack: string): Promise<InfrastructureState> {
  const { value, secretValue } = await new StackReference(stack).getOutputDetails("infrastructure");
  const state = (secretValue ?? value) as InfrastructureState | undefined;
  if (state === undefined) {
    throw notRight(
      `infrastructure: got "${stack}", which has no output "infrastructure"; expected a stack of the template azure, aws or gcp that is up`,
    );
  }
  return state;
}

function deploymentOf(
  { name, environment, tags }: PlatformConfig,
  infrastructure: InfrastructureState | undefined,
): Deployment {
  if (infrastructure !== undefined) return { ...infrastructure.deployment, tags };
  if (name === undefined || environment === undefined) throw new Error("name and environment were not checked");
  return { name, environment, tags };
}

function ownCluster({ cluster }: PlatformConfig): Pick<ClusterState, "kubeconfig"> {
  return { kubeconfig: cluster?.kubeconfig ?? "" };
}

function secretServers({ databases }: InfrastructureState) {
  const { nodes, sequencerBackend } = databases;
  return { nodes: secret(nodes), ...(sequencerBackend && { sequencerBackend: secret(sequencerBackend) }) };
}

/** Servers that the configuration names, with logins that the stack makes. */
function ownServers({ databases }: PlatformConfig, nodes: readonly PlannedNode[]) {
  if (databases === undefined) throw new Error("databases were not checked");
  const names = nodes.map(({ name }) => name);
  const backend = ["sequencer-backend"];
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

function outsideOf(config: PlatformConfig, keyManagement: boolean, workloadIdentity: boolean): Outside {
  const { network, databases, ledgerApi } = config;
  const ports = [...new Set([databases?.nodes.port ?? 5432, databases?.sequencerBackend?.port ?? 5432])];
  const servers = (network.databases ?? privateRanges) as readonly Peer[];
  const callsOut = keyManagement || ledgerApi !== undefined;
  return {
    databases: ports.flatMap((port) => servers.map((peer) => ({ peer, port }))),
    https: (network.https ?? (callsOut ? everywhere : [])) as readonly Peer[],
    sequencers: network.sequencers as Outside["sequencers"],
    operators: network.operators as readonly Peer[],
    monitoring: network.monitoring as readonly Peer[],
    ingress: network.ingress as readonly Peer[],
    workloadIdentity,
  };
}
