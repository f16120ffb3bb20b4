/** One region of AWS: network, keys, databases, cluster, buckets. A template of several regions builds it once for each. */

import { all, type ComponentResourceOptions, type Output, output, StackReference } from "@pulumi/pulumi";
import { AwsPostgres, type AwsReplicaSource } from "@pulumi-canton/components/database/aws-postgres.ts";
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
import type { TransitGatewayIds } from "@pulumi-canton/components/network/aws-gateway.ts";
import { AwsNetwork } from "@pulumi-canton/components/network/aws-network.ts";
import { tiers } from "@pulumi-canton/components/network/aws-network-plan.ts";
import { AwsCluster } from "@pulumi-canton/components/platform/aws-cluster.ts";
import { workloadPolicy } from "@pulumi-canton/components/platform/aws-cluster-plan.ts";
import { AwsBackup } from "@pulumi-canton/components/recovery/aws-backup.ts";
import { AwsBucket } from "@pulumi-canton/components/recovery/aws-bucket.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { type AwsConfig, deploymentOf } from "./config.ts";
import { type AwsInside, gatewayInto, guardedLoadBalancer, ingressOf } from "./ways-in.ts";

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
  /** For a stack of the template `aws-ways-in`. */
  readonly inside: AwsInsideIds;
}

/** What ways into a region lead into, for a stack of their own. */
export interface AwsInsideIds extends Pick<AwsConfig, "account" | "zones" | "ingress" | "domain" | "protect"> {
  /** Start of the names of the region's resources. */
  readonly base: string;
  /** Whether the region has a gateway or a web ACL itself. */
  readonly has: { readonly gateway: boolean; readonly waf: boolean };
  readonly network: { readonly range: string; readonly flowLogDays: number };
  readonly ingressSubnets: readonly string[];
  readonly routeTables: Readonly<Record<"ingress" | "nodes", string>>;
  readonly machines: { readonly autoscalingGroup: string; readonly securityGroupId: string };
  /** ARN of the key that encrypts logs. */
  readonly key: string;
}

/** A region. */
export interface AwsRegion {
  /** Secret, for what it is made of is. */
  readonly infrastructure: Output<InfrastructureState>;
  readonly ids: Output<AwsIds>;
}

/**
 * The region that a stack gives out.
 *
 * @param within what the reference to the stack is a part of, where it is of something
 */
export function awsRegionOf(stack: string, within: Pick<ComponentResourceOptions, "parent"> = {}): AwsRegion {
  const reference = new StackReference(stack, {}, within);
  return {
    infrastructure: reference.requireOutput("infrastructure") as Output<InfrastructureState>,
    ids: reference.requireOutput("aws") as Output<AwsIds>,
  };
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
  const inside: AwsInside = {
    deployment,
    named,
    vpcId,
    plan: network.plan,
    ingressSubnets: network.subnetIds("ingress"),
    routeTables: network.routeTables,
    machines: { autoscalingGroup: cluster.autoscalingGroup, securityGroupId: cluster.securityGroupId },
    key,
  };
  const gateway = config.gateway && gatewayInto(inside, config.gateway, network.subnetIds("gateway"), options);
  const front = config.waf && guardedLoadBalancer(config, inside, config.waf, options);

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
      ingress: ingressOf(config, network.plan),
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
    all([gateway?.transitGateway, front?.dnsName]),
    insideIds(config, base, inside),
  ]).apply(
    ([
      vpc,
      zoneId,
      clusterName,
      databases,
      keyArn,
      [instanceId, accessPolicy],
      [transitGateway, loadBalancer],
      within,
    ]): AwsIds => ({
      vpcId: vpc,
      zoneId,
      clusterName,
      databases,
      nodeKey: keyArn,
      ...(instanceId && accessPolicy && { bastion: { instanceId, accessPolicy } }),
      ...(transitGateway && { gateway: transitGateway }),
      ...(loadBalancer && { loadBalancer }),
      inside: within,
    }),
  );
  return { infrastructure, ids };
}

function insideIds(config: AwsConfig, base: string, inside: AwsInside): Output<AwsInsideIds> {
  const { account, zones, ingress, domain, protect, network } = config;
  const { ingressSubnets, routeTables, machines, key } = inside;
  return output({ ingressSubnets: [...ingressSubnets], routeTables, machines, key }).apply((known) => ({
    base,
    account,
    zones,
    ingress,
    domain,
    protect,
    has: { gateway: config.gateway !== undefined, waf: config.waf !== undefined },
    network: { range: network.range, flowLogDays: network.flowLogDays },
    ...known,
  }));
}

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
