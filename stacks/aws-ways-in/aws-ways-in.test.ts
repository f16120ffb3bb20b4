import { isSecret, type Output, runtime } from "@pulumi/pulumi";
import { of, type Recorded, recordAws, settled } from "@pulumi-canton/components/network/testing/recorded-aws.ts";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { beforeEach, describe, expect, test } from "vitest";
import type { AwsIds, AwsInsideIds } from "../aws/infrastructure.ts";
import awsWaysIn from "../aws-ways-in.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { checkAwsWaysInConfig, waysInProblems } from "./config.ts";

let recorded: Recorded[];
const stack = "organization/pulumi-canton/frankfurt";
const inside: AwsInsideIds = {
  base: "acme",
  account: "123456789012",
  zones: ["eu-central-1a", "eu-central-1b"],
  ingress: "internal",
  domain: true,
  protect: true,
  has: { gateway: false, waf: false },
  network: { range: "10.20.0.0/16", flowLogDays: 365 },
  ingressSubnets: ["subnet-i1", "subnet-i2"],
  routeTables: { ingress: "rtb-i", nodes: "rtb-n" },
  machines: { autoscalingGroup: "group", securityGroupId: "sg-machines" },
  key: "arn:aws:kms:eu-central-1:123456789012:key/x",
};
const region = {
  infrastructure: {
    cloud: "aws",
    region: "eu-central-1",
    deployment: { name: "acme", environment: "production" },
    ingress: { annotations: { load: "balancer" }, allowedRanges: [] },
  },
  aws: { vpcId: "vpc-1", inside } as unknown as AwsIds,
};
const waf = { certificate: "arn:aws:acm:eu-central-1:123456789012:certificate/x" };
const gateway = { peerRanges: ["10.30.0.0/16"] };
const allowedRanges = ["203.0.113.0/24"];

beforeEach(async () => {
  recorded = await recordAws({ [stack]: region });
});

async function build(config: Record<string, unknown>) {
  runtime.setAllConfig(
    Object.fromEntries(
      Object.entries({ infrastructure: stack, ...config }).map(([key, value]) => [
        `project:${key}`,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
  );
  const outputs = await awsWaysIn();
  const infrastructure = outputs["infrastructure"] as Output<InfrastructureState>;
  return { outputs, infrastructure, state: await settled(infrastructure) };
}

test("a gateway has subnets of its own in the network, and leads to the ingress", async () => {
  const { outputs, state } = await build({ gateway, allowedRanges });
  expect(Object.values(of(recorded, "ec2/subnet")).map(({ vpcId, cidrBlock }) => [vpcId, cidrBlock])).toEqual([
    ["vpc-1", "10.20.35.0/28"],
    ["vpc-1", "10.20.99.0/28"],
  ]);
  expect(of(recorded, "ec2transitgateway/vpcAttachment")["acme-gateway"]?.["subnetIds"]).toEqual([
    "acme-gateway-gateway-a-id",
    "acme-gateway-gateway-b-id",
  ]);
  expect(Object.values(of(recorded, "ec2/route"))).toMatchObject([
    { routeTableId: "rtb-i", destinationCidrBlock: "10.30.0.0/16" },
  ]);
  expect(await settled(outputs["gateway"] as Output<unknown>)).toMatchObject({ id: "acme-gateway-id" });
  expect(state.ingress).toMatchObject({ allowedRanges: [...allowedRanges, "10.30.0.0/16"] });
  expect(state.ingress.annotations).toMatchObject({
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
  });
});

test("a web ACL stands before the machines, and the ingress listens where its load balancer forwards", async () => {
  const { outputs, infrastructure, state } = await build({ gateway, waf, allowedRanges });
  expect(await isSecret(infrastructure)).toBe(true);
  expect(state).toEqual({
    ...region.infrastructure,
    ingress: { annotations: {}, nodePort: 30_443, allowedRanges: ["10.20.32.0/24", "10.20.96.0/24"] },
  });
  expect(of(recorded, "lb/loadBalancer")["acme-ingress"]).toMatchObject({
    internal: true,
    subnets: ["subnet-i1", "subnet-i2"],
    enableDeletionProtection: true,
  });
  expect(of(recorded, "autoscaling/attachment")["acme-ingress"]).toMatchObject({ autoscalingGroupName: "group" });
  expect(of(recorded, "wafv2/ipSet")["acme-waf"]?.["addresses"]).toEqual([...allowedRanges, "10.30.0.0/16"]);
  expect(await settled(outputs["loadBalancer"] as Output<unknown>)).toBe("acme-ingress.elb");
  for (const { type, ownProvider } of recorded) if (type.startsWith("aws:")) expect(ownProvider, type).toBe(true);
  expect(recorded.length).toBeLessThan(40);
});

test("a stack that gives out nothing to lead into is named", async () => {
  const other = "organization/pulumi-canton/other";
  recorded = await recordAws({ [other]: { infrastructure: region.infrastructure } });
  await expect(build({ infrastructure: other, gateway })).rejects.toThrow(
    `infrastructure: got "${other}", which has no outputs "infrastructure" and "aws" to lead into`,
  );
});

describe("a mistake is named by its key, with what was given and what is accepted", () => {
  const problems = (given: Record<string, unknown>, of: Partial<AwsInsideIds> = {}): readonly string[] => {
    try {
      const config = checkAwsWaysInConfig({ infrastructure: stack, ...given });
      return waysInProblems(config, "eu-central-1", { ...inside, ...of });
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }
  };
  test.each([
    ["no way at all", {}, {}, /^gateway: missing, and so is waf/],
    [
      "no region",
      { infrastructure: "frankfurt", gateway },
      {},
      /^infrastructure: got "frankfurt"; expected organization/,
    ],
    [
      "the region's own",
      { gateway },
      { has: { gateway: true, waf: false } },
      /^gateway: got a section, and .*frankfurt has/,
    ],
    [
      "two networks with the same addresses",
      { gateway: { peerRanges: ["10.20.128.0/17"] } },
      {},
      /^gateway\.peerRanges\[0\]: got "10\.20\.128\.0\/17", which overlaps 10\.20\.0\.0\/16/,
    ],
    ["a public ingress", { gateway }, { ingress: "public" }, /^ingress: got "public" with a gateway/],
    ["a domain's side without a domain", { gateway }, { domain: false }, /^gateway\.side: got "domain" where domain/],
    [
      "a certificate of another region",
      { waf: { certificate: "arn:aws:acm:us-east-1:1:certificate/x" }, allowedRanges },
      {},
      /^waf\.certificate: .*expected one of eu-central-1/,
    ],
    ["a web ACL that refuses everybody", { waf }, {}, /^waf: got a web ACL without allowedRanges/],
  ] as [string, Record<string, unknown>, Partial<AwsInsideIds>, RegExp][])("%s", (_, given, of, message) => {
    expect(problems(given, of)).toEqual([expect.stringMatching(message)]);
  });
});
