import { output } from "@pulumi/pulumi";
import { beforeEach, describe, expect, test } from "vitest";
import { AwsBastion, accessPolicy } from "./aws-bastion.ts";
import { AwsEndpoints, endpointPolicy } from "./aws-endpoints.ts";
import { AwsGateway, aclRules } from "./aws-gateway.ts";
import { AwsLoadBalancer } from "./aws-load-balancer.ts";
import { AwsNetwork, type AwsNetworkArgs } from "./aws-network.ts";
import { AwsWaf } from "./aws-waf.ts";
import { of, type Recorded, recordAws, settled } from "./testing/recorded-aws.ts";

let recorded: Recorded[];

beforeEach(async () => {
  recorded = await recordAws();
});

const deployment = { name: "acme", environment: "dev" } as const;
const place = { account: "123456789012", region: "eu-central-1" };
const args: AwsNetworkArgs = {
  deployment,
  place,
  range: "10.20.0.0/16",
  zones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
  nat: "regional",
  publicIngress: false,
  tiers: ["nodes", "ingress", "database", "endpoints"],
  zoneName: "acme.internal",
  flowLogDays: 30,
  key: "key",
  clusterName: "acme",
};

async function network(given: Partial<AwsNetworkArgs> = {}) {
  const made = new AwsNetwork("net", { ...args, ...given });
  await settled(made.zoneId);
  return made;
}

describe("a network", () => {
  test("makes as many resources as it says", async () => {
    await network();
    expect(recorded).toHaveLength(34);
    expect(new Set(recorded.map(({ parent }) => parent))).toEqual(new Set(["", "pulumi-canton:network:AwsNetwork"]));
  });

  test("has routes for ingress and nodes; database and endpoints are left with the default table, which is empty", async () => {
    await network();
    expect(Object.keys(of(recorded, "ec2/routeTableAssociation"))).toEqual(
      ["ingress", "nodes"].flatMap((tier) => ["a", "b", "c"].map((zone) => `net-${tier}-${zone}`)),
    );
    expect(of(recorded, "ec2/defaultRouteTable")["net-local"]).toMatchObject({
      defaultRouteTableId: "rtb-default",
      routes: [],
    });
    expect(of(recorded, "ec2/route")).toEqual({
      "net-ingress-internet": {
        routeTableId: "net-ingress-id",
        destinationCidrBlock: "0.0.0.0/0",
        gatewayId: "net-id",
      },
      "net-nodes-nat": { routeTableId: "net-nodes-id", destinationCidrBlock: "0.0.0.0/0", natGatewayId: "net-nat-id" },
    });
  });

  test("lets nothing through by default, and writes down who talked to whom", async () => {
    await network();
    expect(of(recorded, "ec2/defaultSecurityGroup")["net-closed"]).toMatchObject({ ingress: [], egress: [] });
    expect(of(recorded, "ec2/flowLog")["net-flow"]).toMatchObject({
      vpcId: "net-id",
      trafficType: "ALL",
      logDestination: "arn:aws:cloudwatch/logGroup:LogGroup:net-flow",
    });
    expect(of(recorded, "cloudwatch/logGroup")["net-flow"]).toMatchObject({ kmsKeyId: "key", retentionInDays: 30 });
  });

  test("has its databases in the database tier, and a private zone", async () => {
    await network();
    const ids = ["net-database-a-id", "net-database-b-id", "net-database-c-id"];
    expect(of(recorded, "rds/subnetGroup")["net"]).toMatchObject({ subnetIds: ids });
    expect(of(recorded, "route53/zone")["net"]).toMatchObject({ name: "acme.internal", vpcs: [{ vpcId: "net-id" }] });
  });

  test("goes out by every zone, by the first, or not at all", async () => {
    await network();
    expect(of(recorded, "ec2/natGateway")["net-nat"]).toMatchObject({ vpcId: "net-id", availabilityMode: "regional" });
    recorded = await recordAws();
    await network({ nat: "zonal" });
    expect(of(recorded, "ec2/natGateway")["net-nat"]).toMatchObject({ subnetId: "net-ingress-a-id" });
    recorded = await recordAws();
    await network({ nat: "none" });
    expect(of(recorded, "ec2/internetGateway")).toEqual({});
    expect(of(recorded, "ec2/route")).toEqual({});
  });

  test("load balancers find the ingress tier, in the internet only when that is asked for", async () => {
    await network();
    const internal = of(recorded, "ec2/subnet");
    expect(internal["net-ingress-a"]?.["tags"]).toMatchObject({ "kubernetes.io/role/internal-elb": "1" });
    recorded = await recordAws();
    await network({ publicIngress: true, nat: "none" });
    const open = of(recorded, "ec2/subnet");
    expect(open["net-ingress-a"]?.["tags"]).toMatchObject({ "kubernetes.io/role/elb": "1" });
    for (const { tags } of [internal["net-nodes-a"], open["net-nodes-a"], open["net-database-a"]] as any[]) {
      expect(Object.keys(tags).filter((tag) => tag.startsWith("kubernetes.io"))).toEqual([]);
    }
    expect(Object.keys(of(recorded, "ec2/route"))).toEqual(["net-ingress-internet"]);
  });
});

describe("endpoints", () => {
  test("S3 goes by route tables, others by an address that only the network reaches", async () => {
    const common = { deployment, place, vpcId: "vpc", range: "10.20.0.0/16", subnetIds: ["s1"], routeTableIds: ["r1"] };
    new AwsEndpoints("ends", { ...common, services: ["kms", "ecr.api"] });
    await settled(output(0));
    expect(recorded).toHaveLength(5);
    const made = of(recorded, "ec2/vpcEndpoint");
    expect(made["ends-s3"]).toMatchObject({ vpcEndpointType: "Gateway", routeTableIds: ["r1"] });
    expect(made["ends-ecr-api"]).toMatchObject({
      vpcEndpointType: "Interface",
      serviceName: "com.amazonaws.eu-central-1.ecr.api",
      privateDnsEnabled: true,
      subnetIds: ["s1"],
      securityGroupIds: ["ends-id"],
    });
    expect(of(recorded, "ec2/securityGroup")["ends"]?.["ingress"]).toEqual([
      expect.objectContaining({ fromPort: 443, toPort: 443, cidrBlocks: ["10.20.0.0/16"] }),
    ]);
  });

  test("nobody but this account's identities may go them; tokens of pods and layers of images pass", () => {
    const statements = (service: string) => JSON.parse(endpointPolicy(service, place)).Statement;
    for (const service of ["kms", "s3", "sts"]) {
      expect(statements(service)[0].Condition).toEqual({ StringEquals: { "aws:PrincipalAccount": "123456789012" } });
    }
    expect(statements("kms")).toHaveLength(1);
    expect(statements("sts")[1]).toMatchObject({
      Action: "sts:AssumeRoleWithWebIdentity",
      Resource: "arn:aws:iam::123456789012:role/*",
    });
    expect(statements("s3")[1]).toMatchObject({
      Action: "s3:GetObject",
      Resource: "arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/*",
    });
  });
});

describe("a gateway between the domain and a participant of its owner", () => {
  const common = {
    deployment,
    vpcId: "vpc",
    subnets: ["g1", "g2"],
    routeTableId: "table",
    ports: [443],
  } as const;

  test("of the domain's side is made with tables in which nobody sees anybody, and shows the ingress alone", async () => {
    const ranges = ["10.20.32.0/24", "10.20.96.0/24"];
    const gateway = new AwsGateway("gate", { ...common, side: "domain", ranges, peerRanges: ["10.30.0.0/16"] });
    expect(await settled(gateway.transitGateway)).toEqual({
      id: "gate-id",
      routeTables: { domain: "gate-domain-id", participant: "gate-participant-id" },
    });
    expect(recorded).toHaveLength(11 - 1);
    expect(of(recorded, "ec2transitgateway/transitGateway")["gate"]).toMatchObject({
      defaultRouteTableAssociation: "disable",
      defaultRouteTablePropagation: "disable",
      autoAcceptSharedAttachments: "disable",
    });
    expect(Object.values(of(recorded, "ec2transitgateway/route"))).toEqual(
      ranges.map((destinationCidrBlock) => ({
        destinationCidrBlock,
        transitGatewayAttachmentId: "gate-id",
        transitGatewayRouteTableId: "gate-participant-id",
      })),
    );
    expect(of(recorded, "ec2transitgateway/routeTableAssociation")["gate"]).toMatchObject({
      transitGatewayRouteTableId: "gate-domain-id",
    });
    expect(Object.values(of(recorded, "ec2/route"))).toEqual([
      { routeTableId: "table", destinationCidrBlock: "10.30.0.0/16", transitGatewayId: "gate-id" },
    ]);
  });

  test("of a participant's side joins the one that there is, and shows its nodes to the domain", async () => {
    const transitGateway = { id: "tgw-1", routeTables: { domain: "tgw-rtb-d", participant: "tgw-rtb-p" } };
    const gateway = new AwsGateway("gate", {
      ...common,
      side: "participant",
      transitGateway,
      ranges: ["10.30.0.0/19"],
      peerRanges: ["10.20.0.0/16"],
    });
    expect(await settled(gateway.transitGateway)).toEqual(transitGateway);
    expect(of(recorded, "ec2transitgateway/transitGateway")).toEqual({});
    expect(Object.values(of(recorded, "ec2transitgateway/route"))).toEqual([
      expect.objectContaining({ destinationCidrBlock: "10.30.0.0/19", transitGatewayRouteTableId: "tgw-rtb-d" }),
    ]);
    expect(of(recorded, "ec2transitgateway/routeTableAssociation")["gate"]).toMatchObject({
      transitGatewayRouteTableId: "tgw-rtb-p",
    });
  });

  test("lets connections through to the sequencers' ports, and only answers back", () => {
    const port = (fromPort: number, toPort: number, cidrBlock: string) =>
      expect.objectContaining({ action: "allow", protocol: "tcp", fromPort, toPort, cidrBlock });
    const domain = aclRules("domain", ["10.20.32.0/24"], [443, 5018]);
    expect(domain.egress).toEqual([port(443, 443, "10.20.32.0/24"), port(5018, 5018, "10.20.32.0/24")]);
    expect(domain.ingress).toEqual([port(1024, 65_535, "10.20.32.0/24")]);
    const participant = aclRules("participant", ["10.30.0.0/19"], [443]);
    expect(participant.ingress).toEqual([port(443, 443, "10.30.0.0/19")]);
    expect(participant.egress).toEqual([port(1024, 65_535, "10.30.0.0/19")]);
    const numbers = domain.egress.map(({ ruleNo }) => ruleNo);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test("is refused without what it joins, and without a port", () => {
    const side = { ...common, side: "participant", ranges: [], peerRanges: [] } as const;
    expect(() => new AwsGateway("gate", side)).toThrow(/^transitGateway: missing; expected the one/);
    expect(() => new AwsGateway("gate", { ...side, side: "domain", ports: [] })).toThrow(
      /^ports: got 0; expected 1 to 5/,
    );
  });
});

describe("a bastion", () => {
  test("has no address, no open port and no right but Session Manager's", async () => {
    const common = {
      deployment,
      place,
      vpcId: "vpc",
      subnetId: "s",
      range: "10.20.0.0/16",
      allowedRanges: [],
      key: "key",
    };
    const bastion = new AwsBastion("bastion", common);
    expect(await settled(bastion.instanceId)).toBe("bastion-id");
    expect(recorded).toHaveLength(8);
    const [group] = Object.values(of(recorded, "ec2/securityGroup"));
    expect(group?.["ingress"]).toEqual([]);
    expect(group?.["egress"].map(({ fromPort, cidrBlocks }: any) => [fromPort, cidrBlocks])).toEqual([
      [443, ["10.20.0.0/16"]],
      [5432, ["10.20.0.0/16"]],
    ]);
    expect(of(recorded, "ec2/instance")["bastion"]).toMatchObject({
      associatePublicIpAddress: false,
      vpcSecurityGroupIds: ["bastion-id"],
      metadataOptions: { httpTokens: "required" },
    });
    expect(of(recorded, "ec2/instance")["bastion"]).not.toHaveProperty("keyName");
    expect(of(recorded, "iam/rolePolicyAttachment")["bastion"]?.["policyArn"]).toBe(
      "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    );
  });

  test("its users forward connections from listed addresses, and get no shell", () => {
    const [forward, own] = JSON.parse(accessPolicy(place, "i-1", ["203.0.113.0/24"])).Statement;
    expect(forward).toMatchObject({
      Action: "ssm:StartSession",
      Resource: [
        "arn:aws:ec2:eu-central-1:123456789012:instance/i-1",
        "arn:aws:ssm:eu-central-1::document/AWS-StartPortForwardingSessionToRemoteHost",
      ],
      Condition: {
        IpAddress: { "aws:SourceIp": ["203.0.113.0/24"] },
        BoolIfExists: { "ssm:SessionDocumentAccessCheck": "true" },
      },
    });
    expect(own.Action).not.toContain("ssm:StartSession");
    expect(accessPolicy(place, "i-1", [])).not.toContain("SourceIp");
  });
});

describe("a web ACL", () => {
  const waf = { deployment, allowedRanges: ["203.0.113.0/24"], logDays: 30, key: "key" };

  test("refuses who is not listed, who asks too often, and known attacks, in this order", async () => {
    const { arn } = new AwsWaf("waf", { ...waf, rateLimit: 500 });
    expect(await settled(arn)).toBe("arn:aws:wafv2/webAcl:WebAcl:waf");
    expect(recorded).toHaveLength(5);
    const [acl] = Object.values(of(recorded, "wafv2/webAcl"));
    const rules: any[] = acl?.["rules"];
    expect(rules.map(({ name, priority }) => [priority, name])).toEqual([
      [0, "allow-list"],
      [1, "rate"],
      [2, "AWSManagedRulesAmazonIpReputationList"],
      [3, "AWSManagedRulesKnownBadInputsRuleSet"],
      [4, "AWSManagedRulesCommonRuleSet"],
    ]);
    expect(rules[0]).toMatchObject({
      action: { block: {} },
      statement: {
        notStatement: { statement: { ipSetReferenceStatement: { arn: "arn:aws:wafv2/ipSet:IpSet:waf" } } },
      },
    });
    expect(rules[1].statement.rateBasedStatement).toMatchObject({ limit: 500, aggregateKeyType: "IP" });
    expect(of(recorded, "wafv2/ipSet")["waf"]).toMatchObject({ addresses: ["203.0.113.0/24"] });
    expect(of(recorded, "cloudwatch/logGroup")["waf"]?.["name"]).toBe("aws-waf-logs-waf");
  });

  test("is refused where nobody could send anything", () => {
    expect(() => new AwsWaf("waf", { ...waf, allowedRanges: [] })).toThrow(/^allowedRanges: got none/);
    expect(() => new AwsWaf("waf", { ...waf, rateLimit: 1 })).toThrow(/^rateLimit: got 1; expected 10 to/);
  });
});

test("a load balancer speaks TLS on both sides, is reached by those who are listed, and forwards to one port", async () => {
  const { dnsName } = new AwsLoadBalancer("front", {
    deployment,
    vpcId: "vpc",
    subnetIds: ["s1", "s2"],
    internal: true,
    allowedRanges: ["203.0.113.0/24"],
    certificate: "arn:certificate",
    webAcl: "arn:acl",
    machines: { autoscalingGroup: "group", securityGroupId: "sg-machines" },
    nodePort: 30_443,
    protect: true,
  });
  expect(await settled(dnsName)).toBe("front.elb");
  expect(recorded).toHaveLength(8);
  expect(of(recorded, "lb/loadBalancer")["front"]).toMatchObject({
    internal: true,
    securityGroups: ["front-id"],
    enableDeletionProtection: true,
  });
  expect(of(recorded, "ec2/securityGroup")["front"]).toMatchObject({
    ingress: [{ fromPort: 443, toPort: 443, cidrBlocks: ["203.0.113.0/24"] }],
    egress: [{ fromPort: 30_443, toPort: 30_443, securityGroups: ["sg-machines"] }],
  });
  expect(of(recorded, "vpc/securityGroupIngressRule")["front"]).toMatchObject({
    securityGroupId: "sg-machines",
    referencedSecurityGroupId: "front-id",
    fromPort: 30_443,
    toPort: 30_443,
  });
  expect(of(recorded, "lb/listener")["front"]).toMatchObject({ protocol: "HTTPS", certificateArn: "arn:certificate" });
  expect(of(recorded, "lb/targetGroup")["front"]).toMatchObject({ protocol: "HTTPS", port: 30_443 });
  expect(of(recorded, "wafv2/webAclAssociation")["front"]).toMatchObject({ webAclArn: "arn:acl" });
});
