/**
 * Ways into a region of AWS, apart from it: the gateway that joins its network to another, the load balancer with a web ACL before its
 * ingress. They change with whom they let in, and the region does not. Configured by `Pulumi.STACK.yaml`; see docs/aws.md.
 */
import { Provider } from "@pulumi/aws/provider.js";
import { type Output, output, StackReference, secret } from "@pulumi/pulumi";
import { planSubnets } from "@pulumi-canton/components/network/aws-network-plan.ts";
import type { AwsIds } from "./aws/infrastructure.ts";
import { type AwsInside, gatewayInto, guardedLoadBalancer, ingressOf, type WaysInConfig } from "./aws/ways-in.ts";
import { checkAwsWaysInConfig, waysInProblems } from "./aws-ways-in/config.ts";
import { notRight, readConfig } from "./config/read-config.ts";
import type { InfrastructureState } from "./infrastructure/outputs.ts";
import { deploymentOf } from "./infrastructure/reference.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default async function awsWaysIn(): Promise<Record<string, unknown>> {
  const config = readConfig(checkAwsWaysInConfig);
  const { infrastructure, ids } = await regionOf(config.infrastructure);
  const { vpcId, inside } = ids;
  const problems = waysInProblems(config, infrastructure.region, inside);
  if (problems.length > 0) throw notRight(problems.join("\n"));

  const { account, zones, network, base, ...its } = inside;
  const provider = new Provider(base, { region: infrastructure.region, allowedAccountIds: [account] });
  const plan = planSubnets(network.range, zones);
  const waysIn: WaysInConfig = { ...config, network, ingress: its.ingress, protect: its.protect };
  const into: AwsInside = {
    deployment: deploymentOf(config, infrastructure),
    named: (part) => `${base}-${part}`,
    vpcId,
    plan,
    ...its,
  };
  const subnets = plan.filter(({ tier }) => tier === "gateway");
  const gateway = config.gateway && gatewayInto(into, config.gateway, subnets, { provider });
  const front = config.waf && guardedLoadBalancer(waysIn, into, config.waf, { provider });
  return {
    // What stacks on top take instead of that of the region: the same, reached in another way.
    infrastructure: secret(output({ ...infrastructure, ingress: ingressOf(waysIn, plan) })),
    ...(gateway && { gateway: gateway.transitGateway }),
    ...(front && { loadBalancer: front.dnsName }),
  };
}

/**
 * What another stack gave out: known before anything is made, so that it can be refused.
 *
 * @throws RunError when it gives out nothing to lead into
 */
async function regionOf(stack: string): Promise<{ infrastructure: InfrastructureState; ids: AwsIds }> {
  const reference = new StackReference(stack);
  const { value, secretValue } = await reference.getOutputDetails("infrastructure");
  const infrastructure = (secretValue ?? value) as InfrastructureState | undefined;
  const ids = (await reference.getOutputDetails("aws")).value as AwsIds | undefined;
  if (infrastructure === undefined || ids?.inside === undefined) {
    throw notRight(
      `infrastructure: got "${stack}", which has no outputs "infrastructure" and "aws" to lead into; expected a stack of the template aws that was updated since`,
    );
  }
  return { infrastructure, ids };
}
