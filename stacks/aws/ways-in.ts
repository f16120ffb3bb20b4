/** Ways into a region of AWS: the gateway that joins its network to another, and the load balancer with a web ACL before its ingress. */
import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";
import type { Deployment } from "@pulumi-canton/components/deployment/deployment.ts";
import { AwsGateway } from "@pulumi-canton/components/network/aws-gateway.ts";
import { AwsLoadBalancer } from "@pulumi-canton/components/network/aws-load-balancer.ts";
import { rangesOf, type SubnetPlan } from "@pulumi-canton/components/network/aws-network-plan.ts";
import { AwsWaf } from "@pulumi-canton/components/network/aws-waf.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { type AwsConfig, rangesOfClients } from "./config.ts";

/** Of the configuration, what says who comes in and how. */
export type WaysInConfig = Pick<AwsConfig, "allowedRanges" | "gateway" | "waf" | "ingress" | "protect"> & {
  readonly network: { readonly flowLogDays: number };
};

/** What ways lead into. */
export interface AwsInside {
  readonly deployment: Deployment;
  /** The deployment's name for something in this region. */
  readonly named: (part: string) => string;
  readonly vpcId: Input<string>;
  /** All subnets of the network, those that are still to be made among them. */
  readonly plan: readonly SubnetPlan[];
  /** Subnets of the tier `ingress`. */
  readonly ingressSubnets: readonly Input<string>[];
  readonly routeTables: Readonly<Record<"ingress" | "nodes", Input<string>>>;
  readonly machines: { readonly autoscalingGroup: Input<string>; readonly securityGroupId: Input<string> };
  /** ARN of the key that encrypts logs. */
  readonly key: Input<string>;
}

/** Port of every machine on which the ingress listens, where the load balancer is not made by the cluster. */
const ingressNodePort = 30_443;

/** What of a network its peers talk to: participants to the ingress of a domain, a domain to the nodes that asked. */
const joinedTier = { domain: "ingress", participant: "nodes" } as const;

/** @param subnets those of the tier `gateway` */
export function gatewayInto(
  { deployment, named, vpcId, plan, routeTables }: AwsInside,
  gateway: NonNullable<AwsConfig["gateway"]>,
  subnets: readonly (Input<string> | SubnetPlan)[],
  options: ComponentResourceOptions,
): AwsGateway {
  const tier = joinedTier[gateway.side];
  const args = {
    deployment,
    ...gateway,
    vpcId,
    subnets,
    ranges: rangesOf(plan, tier),
    routeTableId: routeTables[tier],
  };
  return new AwsGateway(named("gateway"), args, options);
}

/** A load balancer with a web ACL before the ingress. */
export function guardedLoadBalancer(
  config: WaysInConfig,
  { deployment, named, vpcId, ingressSubnets, machines, key }: AwsInside,
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
      vpcId,
      subnetIds: ingressSubnets,
      internal: config.ingress === "internal",
      allowedRanges,
      certificate,
      webAcl: waf.arn,
      machines,
      nodePort: ingressNodePort,
      protect: config.protect,
    },
    options,
  );
}

/** How the ingress is reached, as the stack that runs it has to know. Pure. */
export function ingressOf(config: WaysInConfig, plan: readonly SubnetPlan[]): InfrastructureState["ingress"] {
  return config.waf === undefined
    ? { annotations: loadBalancerAnnotations(config.ingress), allowedRanges: rangesOfClients(config) }
    : // What comes has the addresses of the load balancer.
      { annotations: {}, nodePort: ingressNodePort, allowedRanges: rangesOf(plan, "ingress") };
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
