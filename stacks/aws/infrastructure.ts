/** One region of AWS: network, keys, databases, cluster, buckets. A template of several regions builds it once for each. */

import { all, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { AwsPostgres, type AwsReplicaSource } from "@pulumi-canton/components/database/aws-postgres.ts";
import type { Deployment } from "@pulumi-canton/components/deployment/deployment.ts";
import { AwsKey } from "@pulumi-canton/components/identity/aws-key.ts";
import { dataKeyStatements, nodeKeyStatements } from "@pulumi-canton/components/identity/aws-key-policy.ts";
import { policyOf } from "@pulumi-canton/components/identity/aws-policy.ts";
import { AwsBastion } from "@pulumi-canton/components/network/aws-bastion.ts";
import {
  AwsEndpoints,
  servicesOfBastion,
  servicesOfNodes,
  servicesWithoutInternet,
} from "@pulumi-canton/components/network/aws-endpoints.ts";
import { AwsGateway, type TransitGatewayIds } from "@pulumi-canton/components/network/aws-gateway.ts";
import { AwsLoadBalancer } from "@pulumi-canton/components/network/aws-load-balancer.ts";
import { AwsNetwork } from "@pulumi-canton/components/network/aws-network.ts";
import { rangesOf, tiers } from "@pulumi-canton/components/network/aws-network-plan.ts";
import { AwsWaf } from "@pulumi-canton/components/network/aws-waf.ts";
import { AwsCluster } from "@pulumi-canton/components/platform/aws-cluster.ts";
import { workloadPolicy } from "@pulumi-canton/components/platform/aws-cluster-plan.ts";
import { AwsBackup } from "@pulumi-canton/components/recovery/aws-backup.ts";
import { AwsBucket } from "@pulumi-canton/components/recovery/aws-bucket.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { type AwsConfig, deploymentOf, rangesOfClients } from "./config.ts";

/** What of a region other stacks and people refer to. Nothing in it is secret. */
export interface AwsIds {
  readonly vpcId: string;
  /** Id of the private DNS zone. */
  readonly zoneId: string;
  readonly clusterName: string;
  /** ARNs of the database servers, for those that follow them. */
  readonly databases: { readonly nodes: string; readonly sequencerBackend?: string };
  /** ARN of the key that wraps the nodes' keys; of it a standby region has a replica. */
  readonly nodeKey: string;
  readonly bastion?: { readonly instanceId: string; readonly accessPolicy: string };
  /** For the stacks of participants whose networks are joined. */
  readonly gateway?: TransitGatewayIds;
  /** Name in the DNS of the load balancer with the web ACL, which the name of its certificate is to lead to. */
  readonly loadBalancer?: string;
}

/** A region. */
export interface AwsRegion {
  /** Secret, for what it is made of is. */
  readonly infrastructure: Output<InfrastructureState>;
  readonly ids: Output<AwsIds>;
}

/** How a region differs from the one that the configuration stands for. */
export interface AwsRegionArgs {
  /** PEM of the authorities of RDS in this region. */
  readonly caPem: string;
  /** Behind the deployment's name in every name of this region, where a stack has several. Example: `"standby"`. */
  readonly suffix?: string;
  /** The region that this one stands by for: databases follow those of it. */
  readonly replicaOf?: AwsRegion;
  /** Has the databases follow no more; see `AwsReplicaSource`. */
  readonly promoted?: boolean;
}

/**
 * Builds what a configuration says in one region. Its resources: see docs/aws.md.
 *
 * @param options the provider of the region, where it is not the default one
 */
export function awsInfrastructure(
  config: AwsConfig,
  args: AwsRegionArgs,
  options: ComponentResourceOptions = {},
): AwsRegion {
  const { account, region, zones, network: its, protect } = config;
  const deployment = deploymentOf(config);
  const place = { account, region };
  const base = args.suffix === undefined ? config.name : `${config.name}-${args.suffix}`;
  const named = (part: string) => `${base}-${part}`;
  const shared = { deployment, place };

  const key = new AwsKey(
    named("data"),
    {
      deployment,
      purpose: `Disks, databases, buckets, secrets and logs of ${base}`,
      policy: policyOf(...dataKeyStatements(place)),
      protect,
    },
    options,
  ).arn;
  const network = new AwsNetwork(
    base,
    {
      ...shared,
      ...its,
      zones,
      publicIngress: config.ingress === "public",
      tiers: tiers.filter((tier) => tier !== "gateway" || config.gateway !== undefined),
      key,
      clusterName: base,
    },
    options,
  );
  const services = [
    ...(its.endpoints ? servicesOfNodes : []),
    ...(its.nat === "none" ? servicesWithoutInternet : []),
    ...(config.bastion ? servicesOfBastion : []),
  ];
  const endpoints = new AwsEndpoints(
    named("endpoints"),
    {
      ...shared,
      vpcId: network.vpcId,
      range: its.range,
      subnetIds: network.subnetIds("endpoints"),
      routeTableIds: [network.routeTables.nodes],
      services,
    },
    options,
  );
  const { vpcId } = network;
  const bastion = config.bastion
    ? new AwsBastion(
        named("bastion"),
        {
          ...shared,
          vpcId,
          subnetId: network.subnetIds("endpoints")[0] as Output<string>,
          range: its.range,
          allowedRanges: config.allowedRanges,
          key,
        },
        { ...options, dependsOn: [endpoints] },
      )
    : undefined;

  const { storage } = config;
  const { oldVersionDays } = storage;
  const bucket = { ...shared, key, oldVersionDays, protect };
  const backups = new AwsBucket(named("backups"), bucket, options);
  const logs = new AwsBucket(
    named("logs"),
    {
      ...bucket,
      expireDays: storage.auditDays,
      ...(storage.auditLock !== "none" && { lock: { mode: storage.auditLock, days: storage.auditDays } }),
    },
    options,
  );

  const cluster = new AwsCluster(
    base,
    {
      ...shared,
      ...config.cluster,
      zones,
      subnetIds: network.subnetIds("nodes"),
      ...(bastion && { bastion: bastion.securityGroupId }),
      namespace: config.namespace,
      workloadPolicy: all([backups.arn, logs.arn, key]).apply(([backupsArn, logsArn, keyArn]) =>
        workloadPolicy(region, { backups: backupsArn, logs: logsArn, key: keyArn }),
      ),
      key,
      protect,
    },
    // Machines pull images over NAT and the endpoints.
    { ...options, dependsOn: [network, endpoints] },
  );
  const primary = args.replicaOf;
  const nodeKey = new AwsKey(
    named("nodes"),
    {
      deployment,
      purpose: `Private keys of the nodes of ${base}`,
      policy: cluster.workloadRole.apply((role) => policyOf(...nodeKeyStatements(place, role))),
      // A standby region has to read what was encrypted here; that a key can do it is decided when it is made.
      multiRegion: true,
      ...(primary && { replicaOf: primary.ids.nodeKey }),
      protect,
    },
    options,
  ).arn;

  const database = (server: "nodes" | "sequencerBackend", part: string, logins: readonly string[]) =>
    new AwsPostgres(
      named(part),
      {
        ...shared,
        ...config.database,
        caPem: args.caPem,
        vpcId,
        subnetGroup: network.databaseSubnetGroup,
        clients: { nodes: cluster.securityGroupId, ...(bastion && { bastion: bastion.securityGroupId }) },
        key,
        logins,
        ...(primary && { replicaOf: sourceOf(primary, server, args.promoted ?? false) }),
        protect,
      },
      options,
    );
  const nodes = database("nodes", "nodes", config.nodes);
  const backend = config.domain ? database("sequencerBackend", "sequencer-backend", ["sequencer-backend"]) : undefined;

  if (config.backup.days > 0) {
    new AwsBackup(
      named("backup"),
      {
        ...shared,
        ...config.backup,
        // A replica is backed up where it follows.
        resources: [
          ...(primary && !args.promoted
            ? []
            : [nodes, backend].flatMap((server) => (server ? [server.instanceArn] : []))),
          backups.arn,
          logs.arn,
        ],
        key,
        protect,
      },
      options,
    );
  }
  const gateway =
    config.gateway &&
    new AwsGateway(
      named("gateway"),
      {
        deployment,
        ...config.gateway,
        vpcId,
        subnetIds: network.subnetIds("gateway"),
        ranges: rangesOf(network.plan, joinedTier[config.gateway.side]),
        routeTableId: network.routeTables[joinedTier[config.gateway.side]],
      },
      options,
    );
  const front =
    config.waf && guardedLoadBalancer(config, { named, deployment, network, cluster, key }, config.waf, options);

  const known = all([nodeKey, backups.url, logs.url]);
  const infrastructure = all([cluster.cluster, nodes.server, backend?.server, known]).apply(
    ([clusterState, nodesState, sequencerBackend, [keyId, backupsUrl, logsUrl]]): InfrastructureState => ({
      cloud: "aws",
      region,
      deployment: { name: config.name, environment: config.environment },
      cluster: clusterState,
      namespace: config.namespace,
      databases: { nodes: nodesState, ...(sequencerBackend && { sequencerBackend }) },
      keyEncryption: { type: "aws-kms", keyId, region },
      storage: { backups: backupsUrl, logs: logsUrl },
      ingress: front
        ? // What comes has the addresses of the load balancer.
          { annotations: {}, nodePort: ingressNodePort, allowedRanges: rangesOf(network.plan, "ingress") }
        : { annotations: loadBalancerAnnotations(config.ingress), allowedRanges: rangesOfClients(config) },
    }),
  );
  const arns = all([nodes.instanceArn, backend?.instanceArn]).apply(([ofNodes, sequencerBackend]) => ({
    nodes: ofNodes,
    ...(sequencerBackend && { sequencerBackend }),
  }));
  const wayIn = all([bastion?.instanceId, bastion?.accessPolicy]);
  const ids = all([
    vpcId,
    network.zoneId,
    cluster.name,
    arns,
    nodeKey,
    wayIn,
    gateway?.transitGateway,
    front?.dnsName,
  ]).apply(
    ([
      vpc,
      zoneId,
      clusterName,
      databases,
      keyArn,
      [instanceId, accessPolicy],
      transitGateway,
      loadBalancer,
    ]): AwsIds => ({
      vpcId: vpc,
      zoneId,
      clusterName,
      databases,
      nodeKey: keyArn,
      ...(instanceId && accessPolicy && { bastion: { instanceId, accessPolicy } }),
      ...(transitGateway && { gateway: transitGateway }),
      ...(loadBalancer && { loadBalancer }),
    }),
  );
  return { infrastructure, ids };
}

/** A load balancer with a web ACL before the ingress. */
function guardedLoadBalancer(
  config: AwsConfig,
  { named, deployment, network, cluster, key }: Surroundings,
  { certificate, rateLimit }: NonNullable<AwsConfig["waf"]>,
  options: ComponentResourceOptions,
): AwsLoadBalancer {
  const allowedRanges = rangesOfClients(config);
  const { flowLogDays: logDays } = config.network;
  const waf = new AwsWaf(named("waf"), { deployment, rateLimit, allowedRanges, logDays, key }, options);
  return new AwsLoadBalancer(
    named("ingress"),
    {
      deployment,
      vpcId: network.vpcId,
      subnetIds: network.subnetIds("ingress"),
      internal: config.ingress === "internal",
      allowedRanges,
      certificate,
      webAcl: waf.arn,
      machines: { autoscalingGroup: cluster.autoscalingGroup, securityGroupId: cluster.securityGroupId },
      nodePort: ingressNodePort,
      protect: config.protect,
    },
    options,
  );
}

/** What a load balancer is put into. */
interface Surroundings {
  readonly named: (part: string) => string;
  readonly deployment: Deployment;
  readonly network: AwsNetwork;
  readonly cluster: AwsCluster;
  readonly key: Output<string>;
}

/** Port of every machine on which the ingress listens, where the load balancer is made here. */
const ingressNodePort = 30_443;

/** What of a network its peers talk to: participants to the ingress of a domain, a domain to the nodes that asked. */
const joinedTier = { domain: "ingress", participant: "nodes" } as const;

function sourceOf(
  { infrastructure, ids }: AwsRegion,
  server: "nodes" | "sequencerBackend",
  promoted: boolean,
): AwsReplicaSource {
  const there = <T>(found: T | undefined): T => {
    if (found === undefined) throw new Error(`the stack that is followed has no database server ${server}`);
    return found;
  };
  return {
    instanceArn: ids.databases.apply((databases) => there(databases[server])),
    server: infrastructure.apply(({ databases }) => there(databases[server])),
    promoted,
  };
}

/** How Kubernetes asks for the load balancer of the ingress: a network load balancer, over all zones. Pure. */
export function loadBalancerAnnotations(ingress: AwsConfig["ingress"]): Record<string, string> {
  const annotation = (name: string) => `service.beta.kubernetes.io/aws-load-balancer-${name}`;
  return {
    [annotation("type")]: "nlb",
    [annotation("cross-zone-load-balancing-enabled")]: "true",
    ...(ingress === "internal" && { [annotation("internal")]: "true" }),
  };
}
