import { Attachment } from "@pulumi/aws/autoscaling/attachment.js";
import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { Listener } from "@pulumi/aws/lb/listener.js";
import { LoadBalancer } from "@pulumi/aws/lb/loadBalancer.js";
import { TargetGroup } from "@pulumi/aws/lb/targetGroup.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import { WebAclAssociation } from "@pulumi/aws/wafv2/webAclAssociation.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";

/** Arguments of an `AwsLoadBalancer`. */
export interface AwsLoadBalancerArgs {
  readonly deployment: Deployment;
  readonly vpcId: Input<string>;
  /** Subnets of the tier `ingress`. */
  readonly subnetIds: readonly Input<string>[];
  /** Whether it has addresses in the network only. */
  readonly internal: boolean;
  /** Who may reach it, in CIDR notation. */
  readonly allowedRanges: readonly string[];
  /** ARN of its certificate in Certificate Manager. */
  readonly certificate: Input<string>;
  /** ARN of the web ACL that looks at what is asked. */
  readonly webAcl: Input<string>;
  /** The machines that it forwards to. */
  readonly machines: { readonly autoscalingGroup: Input<string>; readonly securityGroupId: Input<string> };
  /** Port of every machine on which the ingress of the cluster listens, with TLS. */
  readonly nodePort: number;
  /** Refuses deletion. */
  readonly protect: boolean;
}

/**
 * An application load balancer with a web ACL, before the ingress of a cluster: it ends the client's TLS, looks at what is asked,
 * and goes on with TLS. Client certificates end here too: where sequencers are to see them, use none.
 *
 * Resources: 8.
 *
 * Cost: about 20 USD a month, and 6 USD for every unit of load.
 */
export class AwsLoadBalancer extends ComponentResource {
  /** Its name in the DNS, which the name of the certificate is to lead to. */
  declare readonly dnsName: Output<string>;

  constructor(name: string, args: AwsLoadBalancerArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AwsLoadBalancer", name, {}, options);
    const parent = { parent: this };
    const tags = { ...tagsOf(args.deployment), Name: name };
    const shortName = nameWithin({ length: 32 }, name);
    const { machines, nodePort } = args;
    const group = new SecurityGroup(
      name,
      {
        vpcId: args.vpcId,
        description: `Load balancer ${name}: allowed ranges in, machines out`,
        ingress: [
          {
            description: "HTTPS from allowed ranges",
            protocol: "tcp",
            fromPort: 443,
            toPort: 443,
            cidrBlocks: [...args.allowedRanges],
          },
        ],
        egress: [
          {
            description: "Ingress of the cluster",
            protocol: "tcp",
            fromPort: nodePort,
            toPort: nodePort,
            securityGroups: [machines.securityGroupId],
          },
        ],
        tags,
      },
      parent,
    );
    new SecurityGroupIngressRule(
      name,
      {
        securityGroupId: machines.securityGroupId,
        referencedSecurityGroupId: group.id,
        description: `From the load balancer ${name}`,
        ipProtocol: "tcp",
        fromPort: nodePort,
        toPort: nodePort,
        tags,
      },
      parent,
    );
    const balancer = new LoadBalancer(
      name,
      {
        name: shortName,
        loadBalancerType: "application",
        internal: args.internal,
        subnets: [...args.subnetIds],
        securityGroups: [group.id],
        dropInvalidHeaderFields: true,
        // Streams of sequencers are silent for long.
        idleTimeout: 3600,
        enableDeletionProtection: args.protect,
        tags,
      },
      parent,
    );
    const targets = new TargetGroup(
      name,
      {
        name: shortName,
        vpcId: args.vpcId,
        targetType: "instance",
        port: nodePort,
        protocol: "HTTPS",
        // gRPC and JSON alike.
        protocolVersion: "HTTP2",
        // The ingress answers whatever it has no route for: that it answers is what counts.
        healthCheck: { protocol: "HTTPS", path: "/", matcher: "200-499" },
        tags,
      },
      parent,
    );
    new Attachment(name, { autoscalingGroupName: machines.autoscalingGroup, lbTargetGroupArn: targets.arn }, parent);
    // Nothing is asked before the web ACL is there.
    const watched = new WebAclAssociation(name, { resourceArn: balancer.arn, webAclArn: args.webAcl }, parent);
    new Listener(
      name,
      {
        loadBalancerArn: balancer.arn,
        port: 443,
        protocol: "HTTPS",
        sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
        certificateArn: args.certificate,
        defaultActions: [{ type: "forward", targetGroupArn: targets.arn }],
        tags,
      },
      { ...parent, dependsOn: [watched] },
    );
    this.dnsName = balancer.dnsName;
    this.registerOutputs({ dnsName: this.dnsName });
  }
}
