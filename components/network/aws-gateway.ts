import { NetworkAcl } from "@pulumi/aws/ec2/networkAcl.js";
import { Route as VpcRoute } from "@pulumi/aws/ec2/route.js";
import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { Route } from "@pulumi/aws/ec2transitgateway/route.js";
import { RouteTable } from "@pulumi/aws/ec2transitgateway/routeTable.js";
import { RouteTableAssociation } from "@pulumi/aws/ec2transitgateway/routeTableAssociation.js";
import { TransitGateway } from "@pulumi/aws/ec2transitgateway/transitGateway.js";
import { VpcAttachment } from "@pulumi/aws/ec2transitgateway/vpcAttachment.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output, output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import type { SubnetPlan } from "./aws-network-plan.ts";

/** Which network it is that is joined: that of the domain, or that of a participant of the domain's owner. */
export const gatewaySides = ["domain", "participant"] as const;
/** One of {@link gatewaySides}. */
export type GatewaySide = (typeof gatewaySides)[number];

/** A transit gateway and what those joined by it may reach. */
export interface TransitGatewayIds {
  readonly id: string;
  /** Route tables by the side that looks into them. */
  readonly routeTables: Readonly<Record<GatewaySide, string>>;
}

/** Arguments of an `AwsGateway`. */
export interface AwsGatewayArgs {
  readonly deployment: Deployment;
  readonly side: GatewaySide;
  /** The one that the domain's stack made. Default: one is made, which only the side `domain` may. */
  readonly transitGateway?: Input<TransitGatewayIds> | undefined;
  readonly vpcId: Input<string>;
  /** Subnets of the tier `gateway`, which nothing else is in: their ids, or how they are to be made here. */
  readonly subnets: readonly (Input<string> | SubnetPlan)[];
  /** What of this network the other side talks to or is talked to from: the tier `ingress` of a domain, `nodes` of a participant. */
  readonly ranges: readonly string[];
  /** Route table of that tier. */
  readonly routeTableId: Input<string>;
  /** Ranges of the other side. Example: `["10.30.0.0/16"]`. */
  readonly peerRanges: readonly string[];
  /** Ports of the sequencers, as their load balancer has them; 1 to 5. Example: `[443]`. */
  readonly ports: readonly number[];
}

/**
 * Joins the network of a domain and that of a participant by a transit gateway, and isolates them by the same: each side
 * knows a route to one tier of the other and to nothing else, and a network ACL lets only connections to the sequencers' ports through, from
 * the participant to the domain.
 *
 * Resources: 4, 1 for every subnet's range and every range of the other side; 3 more where the transit gateway is made, 1 for every
 * subnet that is. On the side of a domain with three zones and one participant 11.
 *
 * Cost: about 36 USD a month for each side, and 0.02 USD a GB.
 */
export class AwsGateway extends ComponentResource {
  /** What the other side's stack is to be told. */
  declare readonly transitGateway: Output<TransitGatewayIds>;

  constructor(name: string, args: AwsGatewayArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AwsGateway", name, {}, options);
    const { side, ports } = args;
    if (args.transitGateway === undefined && side === "participant") {
      throw new Error("transitGateway: missing; expected the one that the stack of the domain gives out");
    }
    if (ports.length < 1 || ports.length > 5) throw new Error(`ports: got ${ports.length}; expected 1 to 5 ports`);
    const parent = { parent: this };
    const tags = { ...tagsOf(args.deployment), Name: name };
    this.transitGateway = args.transitGateway ? output(args.transitGateway) : this.#make(name, args.deployment);

    const subnetIds = args.subnets.map((subnet) =>
      typeof subnet === "object" && "cidr" in subnet ? this.#subnet(name, args, subnet) : subnet,
    );
    const acl = new NetworkAcl(
      name,
      { vpcId: args.vpcId, subnetIds, ...aclRules(side, args.ranges, ports), tags },
      parent,
    );
    const attachment = new VpcAttachment(
      name,
      {
        transitGatewayId: this.transitGateway.id,
        vpcId: args.vpcId,
        subnetIds,
        transitGatewayDefaultRouteTableAssociation: false,
        transitGatewayDefaultRouteTablePropagation: false,
        tags,
      },
      // Nothing passes before the ACL is there.
      { ...parent, dependsOn: [acl] },
    );
    new RouteTableAssociation(
      name,
      {
        transitGatewayAttachmentId: attachment.id,
        transitGatewayRouteTableId: this.transitGateway.routeTables[side],
      },
      parent,
    );
    const otherSide = this.transitGateway.routeTables[side === "domain" ? "participant" : "domain"];
    for (const range of args.ranges) {
      new Route(
        `${name}-to-${slug(range)}`,
        {
          destinationCidrBlock: range,
          transitGatewayAttachmentId: attachment.id,
          transitGatewayRouteTableId: otherSide,
        },
        parent,
      );
    }
    for (const range of args.peerRanges) {
      new VpcRoute(
        `${name}-from-${slug(range)}`,
        {
          routeTableId: args.routeTableId,
          destinationCidrBlock: range,
          transitGatewayId: this.transitGateway.id,
        },
        { ...parent, dependsOn: [attachment] },
      );
    }
    this.registerOutputs({ transitGateway: this.transitGateway });
  }

  /** It has the default route table of its network, which leads nowhere. */
  #subnet(name: string, { vpcId, deployment }: AwsGatewayArgs, { name: part, zone, cidr, tier }: SubnetPlan) {
    const subnetName = `${name}-${part}`;
    const tags = { ...tagsOf(deployment), Name: subnetName, tier };
    return new Subnet(
      subnetName,
      { vpcId, availabilityZone: zone, cidrBlock: cidr, mapPublicIpOnLaunch: false, tags },
      { parent: this },
    ).id;
  }

  /** A transit gateway in which nobody sees anybody unless a route says so. */
  #make(name: string, deployment: Deployment): Output<TransitGatewayIds> {
    const parent = { parent: this };
    const tags = (of: string) => ({ ...tagsOf(deployment), Name: of });
    const gateway = new TransitGateway(
      name,
      {
        description: `Joins ${name} to the networks of participants`,
        defaultRouteTableAssociation: "disable",
        defaultRouteTablePropagation: "disable",
        autoAcceptSharedAttachments: "disable",
        tags: tags(name),
      },
      parent,
    );
    const [domain, participant] = gatewaySides.map((of) => {
      const table = `${name}-${of}`;
      return new RouteTable(table, { transitGatewayId: gateway.id, tags: tags(table) }, parent).id;
    }) as [Output<string>, Output<string>];
    return output({ id: gateway.id, routeTables: { domain, participant } });
  }
}

function slug(range: string): string {
  return range.replaceAll(/[./]/g, "-");
}

interface AclRule {
  readonly ruleNo: number;
  readonly action: "allow";
  readonly protocol: "tcp";
  readonly cidrBlock: string;
  readonly fromPort: number;
  readonly toPort: number;
}

/**
 * What passes the subnets in which a network is joined. An ACL there sees addresses of its own network only: of what comes from
 * the other side where it goes, of what goes there where it comes from. Connections are opened to the sequencers' ports of a domain's network,
 * from those a participant's; the other direction has the ports that answers go to. Pure.
 */
export function aclRules(
  side: GatewaySide,
  ranges: readonly string[],
  ports: readonly number[],
): { ingress: AclRule[]; egress: AclRule[] } {
  const allow = (spans: readonly (readonly [number, number])[]): AclRule[] =>
    ranges
      .flatMap((cidrBlock) => spans.map(([fromPort, toPort]) => ({ cidrBlock, fromPort, toPort })))
      .map((rule, index) => ({ ruleNo: 100 + index, action: "allow", protocol: "tcp", ...rule }));
  const opening = allow(ports.map((port) => [port, port] as const));
  const answering = allow([[1024, 65_535]]);
  return side === "domain" ? { egress: opening, ingress: answering } : { egress: answering, ingress: opening };
}
