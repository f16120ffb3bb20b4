import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { DefaultRouteTable } from "@pulumi/aws/ec2/defaultRouteTable.js";
import { DefaultSecurityGroup } from "@pulumi/aws/ec2/defaultSecurityGroup.js";
import { Eip } from "@pulumi/aws/ec2/eip.js";
import { FlowLog } from "@pulumi/aws/ec2/flowLog.js";
import { InternetGateway } from "@pulumi/aws/ec2/internetGateway.js";
import { NatGateway } from "@pulumi/aws/ec2/natGateway.js";
import { Route } from "@pulumi/aws/ec2/route.js";
import { RouteTable } from "@pulumi/aws/ec2/routeTable.js";
import { RouteTableAssociation } from "@pulumi/aws/ec2/routeTableAssociation.js";
import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import { SubnetGroup } from "@pulumi/aws/rds/subnetGroup.js";
import { Zone } from "@pulumi/aws/route53/zone.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { type AwsPlace, policyOf, trustOfService } from "../identity/aws-policy.ts";
import { planSubnets, type SubnetPlan, type Tier } from "./aws-network-plan.ts";

/**
 * How nodes reach the internet: `none`, not at all; `zonal`, by a gateway in the first zone, with which the way out of all zones
 * goes; `regional`, by a gateway that is in every zone.
 */
export const natModes = ["none", "zonal", "regional"] as const;
/** One of {@link natModes}. */
export type NatMode = (typeof natModes)[number];

/** Arguments of an `AwsNetwork`. */
export interface AwsNetworkArgs {
  readonly deployment: Deployment;
  readonly place: AwsPlace;
  /** Its addresses: an IPv4 range of /16 to /19. Example: `"10.20.0.0/16"`. */
  readonly range: string;
  /** Its zones, 2 to 4; one that is appended moves nothing. Example: `["eu-central-1a", "eu-central-1b"]`. */
  readonly zones: readonly string[];
  /** How nodes reach the internet. */
  readonly nat: NatMode;
  /** Whether a load balancer may be reached from the internet. Without it and `nat`, there is no internet gateway at all. */
  readonly publicIngress: boolean;
  /** Tiers without those that are not needed: `gateway` is only where the network is joined to another. */
  readonly tiers: readonly Tier[];
  /** Name of the private DNS zone. Example: `"canton-prod.internal"`. */
  readonly zoneName: string;
  /** Days for which it is kept who talked to whom; one of the numbers that CloudWatch Logs takes. Example: `365`. */
  readonly flowLogDays: number;
  /** ARN of the key that encrypts the flow logs. */
  readonly key: Input<string>;
  /** Name of the cluster that is to find its subnets for load balancers by their tags. */
  readonly clusterName: string;
}

/**
 * An isolated network: a subnet for every tier and zone, a private DNS zone, flow logs, a default security group that lets nothing
 * through. Only `ingress` has a route to the internet and only `nodes` one by way of NAT; every other tier has the default
 * route table, which knows this network alone.
 *
 * Resources: 12, 1 for every subnet and 2 for every zone; 2 more with a way to the internet, and 2 (regional) or 3 (zonal) for NAT. With
 * three zones, four tiers and regional NAT 34.
 *
 * Cost: NAT about 35 USD a month for every zone that it is in (`zonal`: one) and 0.045 USD a GB; flow logs 0.50 USD a GB.
 */
export class AwsNetwork extends ComponentResource {
  declare readonly vpcId: Output<string>;
  /** Name of the group of the database tier's subnets. */
  declare readonly databaseSubnetGroup: Output<string>;
  /** Id of the private DNS zone. */
  declare readonly zoneId: Output<string>;
  /** Subnets as planned, those of left-out tiers left out. */
  readonly plan: readonly SubnetPlan[];
  /** Route tables of the tiers that have one of their own. */
  readonly routeTables: Readonly<Record<"ingress" | "nodes", Output<string>>>;
  readonly #subnets = new Map<SubnetPlan, Subnet>();

  constructor(name: string, args: AwsNetworkArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AwsNetwork", name, {}, options);
    this.plan = planSubnets(args.range, args.zones).filter(({ tier }) => args.tiers.includes(tier));
    const parent = { parent: this };
    const tags = (of: string) => ({ ...tagsOf(args.deployment), Name: of });

    const vpc = new Vpc(
      name,
      { cidrBlock: args.range, enableDnsHostnames: true, enableDnsSupport: true, tags: tags(name) },
      parent,
    );
    this.vpcId = vpc.id;
    this.#lockDefaults(name, vpc, tags);
    this.#keepFlowLogs(name, vpc, args, tags);
    for (const planned of this.plan) {
      const subnet = new Subnet(
        `${name}-${planned.name}`,
        {
          vpcId: vpc.id,
          availabilityZone: planned.zone,
          cidrBlock: planned.cidr,
          mapPublicIpOnLaunch: false,
          tags: { ...tags(`${name}-${planned.name}`), tier: planned.tier, ...loadBalancerTags(planned.tier, args) },
        },
        parent,
      );
      this.#subnets.set(planned, subnet);
    }
    const table = (tier: "ingress" | "nodes") => this.#routeTable(name, tier, vpc, tags);
    const [ingress, nodes] = [table("ingress"), table("nodes")];
    this.routeTables = { ingress: ingress.id, nodes: nodes.id };
    this.#openToInternet(name, vpc, args, { ingress, nodes }, tags);

    this.databaseSubnetGroup = new SubnetGroup(
      name,
      { name, description: `Databases of ${name}`, subnetIds: this.subnetIds("database"), tags: tags(name) },
      parent,
    ).name;
    this.zoneId = new Zone(
      name,
      { name: args.zoneName, comment: `Private zone of ${name}`, vpcs: [{ vpcId: vpc.id }], tags: tags(name) },
      parent,
    ).zoneId;
    this.registerOutputs({ vpcId: this.vpcId });
  }

  /** Ids of a tier's subnets, in the order of the zones. */
  subnetIds(tier: Tier): Output<string>[] {
    return [...this.#subnets].filter(([planned]) => planned.tier === tier).map(([, { id }]) => id);
  }

  /** What AWS gives every network is emptied: who forgets a route table or security group gets one that leads nowhere. */
  #lockDefaults(name: string, vpc: Vpc, tags: Tags): void {
    const parent = { parent: this };
    new DefaultRouteTable(
      `${name}-local`,
      { defaultRouteTableId: vpc.defaultRouteTableId, routes: [], tags: tags(`${name}-local`) },
      parent,
    );
    new DefaultSecurityGroup(
      `${name}-closed`,
      { vpcId: vpc.id, ingress: [], egress: [], tags: tags(`${name}-closed`) },
      parent,
    );
  }

  #keepFlowLogs(name: string, vpc: Vpc, { flowLogDays, key, place }: AwsNetworkArgs, tags: Tags): void {
    const parent = { parent: this };
    const logName = `${name}-flow`;
    const group = new LogGroup(
      logName,
      { name: `/vpc/${name}/flow`, retentionInDays: flowLogDays, kmsKeyId: key, tags: tags(logName) },
      parent,
    );
    const role = new Role(
      logName,
      { assumeRolePolicy: trustOfService("vpc-flow-logs.amazonaws.com", place.account), tags: tags(logName) },
      parent,
    );
    new RolePolicy(
      logName,
      {
        role: role.id,
        policy: group.arn.apply((arn) =>
          policyOf({
            Effect: "Allow",
            Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams"],
            Resource: [arn, `${arn}:*`],
          }),
        ),
      },
      parent,
    );
    new FlowLog(
      logName,
      {
        vpcId: vpc.id,
        trafficType: "ALL",
        logDestinationType: "cloud-watch-logs",
        logDestination: group.arn,
        iamRoleArn: role.arn,
        maxAggregationInterval: 60,
        tags: tags(logName),
      },
      parent,
    );
  }

  #routeTable(name: string, tier: "ingress" | "nodes", vpc: Vpc, tags: Tags): RouteTable {
    const tableName = `${name}-${tier}`;
    const table = new RouteTable(tableName, { vpcId: vpc.id, tags: tags(tableName) }, { parent: this });
    for (const [planned, subnet] of this.#subnets) {
      if (planned.tier !== tier) continue;
      new RouteTableAssociation(
        `${name}-${planned.name}`,
        { routeTableId: table.id, subnetId: subnet.id },
        { parent: this },
      );
    }
    return table;
  }

  #openToInternet(
    name: string,
    vpc: Vpc,
    { nat, publicIngress }: AwsNetworkArgs,
    tables: Readonly<Record<"ingress" | "nodes", RouteTable>>,
    tags: Tags,
  ): void {
    if (nat === "none" && !publicIngress) return;
    const parent = { parent: this };
    const everywhere = "0.0.0.0/0";
    const gateway = new InternetGateway(name, { vpcId: vpc.id, tags: tags(name) }, parent);
    const toInternet = new Route(
      `${name}-ingress-internet`,
      { routeTableId: tables.ingress.id, destinationCidrBlock: everywhere, gatewayId: gateway.id },
      parent,
    );
    if (nat === "none") return;
    const natName = `${name}-nat`;
    const afterInternet = { ...parent, dependsOn: [toInternet] };
    const out =
      nat === "regional"
        ? new NatGateway(natName, { vpcId: vpc.id, availabilityMode: "regional", tags: tags(natName) }, afterInternet)
        : new NatGateway(
            natName,
            {
              allocationId: new Eip(natName, { domain: "vpc", tags: tags(natName) }, parent).allocationId,
              subnetId: this.subnetIds("ingress")[0] as Output<string>,
              tags: tags(natName),
            },
            afterInternet,
          );
    new Route(
      `${name}-nodes-nat`,
      { routeTableId: tables.nodes.id, destinationCidrBlock: everywhere, natGatewayId: out.id },
      parent,
    );
  }
}

type Tags = (of: string) => Record<string, string>;

/** How the cluster finds the subnets that load balancers belong into. */
function loadBalancerTags(tier: Tier, { clusterName, publicIngress }: AwsNetworkArgs): Record<string, string> {
  if (tier !== "ingress") return {};
  const role = publicIngress ? "kubernetes.io/role/elb" : "kubernetes.io/role/internal-elb";
  return { [role]: "1", [`kubernetes.io/cluster/${clusterName}`]: "shared" };
}
