import type { SecurityGroupArgs } from "@pulumi/aws/ec2/securityGroup.js";
import type { ClusterArgs as EksClusterArgs } from "@pulumi/aws/eks/cluster.js";
import type { SecurityGroupIngressRuleArgs } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import type { ManagedClusterArgs } from "@pulumi/azure-native/containerservice/managedCluster.js";
import type { NetworkSecurityGroupArgs } from "@pulumi/azure-native/network/networkSecurityGroup.js";
import type { FirewallArgs } from "@pulumi/gcp/compute/firewall.js";
import type { ClusterArgs as GkeClusterArgs } from "@pulumi/gcp/container/cluster.js";
import { expect, test } from "vitest";
import { type Resource, testType, violations, withValue } from "../testing/ask.ts";
import { noOpenIngress } from "./no-open-ingress.ts";

const listed = "203.0.113.0/24";
const open = "0.0.0.0/0";

testType(
  noOpenIngress,
  {
    type: "aws:ec2/securityGroup:SecurityGroup",
    props: {
      ingress: [
        { protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: [listed], ipv6CidrBlocks: ["2001:db8::/32"] },
      ],
    } satisfies Partial<SecurityGroupArgs>,
  },
  [
    ["ingress.0.cidrBlocks", [listed, open], /^ingress\[0\]\.cidrBlocks: got "0\.0\.0\.0\/0"/],
    ["ingress.0.ipv6CidrBlocks", ["::/0"], /^ingress\[0\]\.ipv6CidrBlocks/],
  ],
);
testType(
  noOpenIngress,
  { type: "aws:ec2/securityGroupRule:SecurityGroupRule", props: { type: "ingress", cidrBlocks: [listed] } },
  [["cidrBlocks", [open]]],
);
testType(
  noOpenIngress,
  {
    type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    props: { cidrIpv4: listed } satisfies Partial<SecurityGroupIngressRuleArgs>,
  },
  [
    ["cidrIpv4", "0.0.0.0/1"],
    ["cidrIpv6", "::/0"],
  ],
);
testType(
  noOpenIngress,
  {
    type: "aws:eks/cluster:Cluster",
    props: {
      vpcConfig: { subnetIds: [], endpointPublicAccess: true, publicAccessCidrs: [listed] },
    } satisfies Partial<EksClusterArgs>,
  },
  [
    ["vpcConfig.publicAccessCidrs", [open]],
    ["vpcConfig.publicAccessCidrs", undefined],
  ],
);
testType(
  noOpenIngress,
  {
    type: "azure-native:network:NetworkSecurityGroup",
    props: {
      securityRules: [
        {
          name: "ingress",
          access: "Allow",
          direction: "Inbound",
          protocol: "Tcp",
          priority: 100,
          sourceAddressPrefix: listed,
          destinationPortRange: "443",
        },
        { name: "deny", access: "Deny", direction: "Inbound", protocol: "*", priority: 4096, sourceAddressPrefix: "*" },
        { name: "out", access: "Allow", direction: "Outbound", protocol: "*", priority: 100, sourceAddressPrefix: "*" },
      ],
    } satisfies Partial<NetworkSecurityGroupArgs>,
  },
  [
    ["securityRules.0.sourceAddressPrefix", "Internet", /^securityRules\[0\]\.sourceAddressPrefix/],
    ["securityRules.0.sourceAddressPrefixes", [listed, "*"], /^securityRules\[0\]\.sourceAddressPrefixes/],
    ["securityRules.1.access", "Allow", /^securityRules\[1\]\.sourceAddressPrefix/],
  ],
);
testType(
  noOpenIngress,
  {
    type: "azure-native:network:SecurityRule",
    props: { access: "Allow", direction: "Inbound", sourceAddressPrefix: listed },
  },
  [["sourceAddressPrefix", "*"]],
);
testType(
  noOpenIngress,
  {
    type: "azure-native:containerservice:ManagedCluster",
    props: {
      apiServerAccessProfile: { authorizedIPRanges: [listed] },
      agentPoolProfiles: [{ name: "system", enableNodePublicIP: false }],
    } satisfies Partial<ManagedClusterArgs>,
  },
  [
    ["apiServerAccessProfile", undefined, "apiServerAccessProfile.authorizedIPRanges"],
    ["apiServerAccessProfile.authorizedIPRanges", [open]],
    ["agentPoolProfiles.0.enableNodePublicIP", true, /^agentPoolProfiles\[0\]/],
  ],
);
testType(
  noOpenIngress,
  {
    type: "gcp:compute/firewall:Firewall",
    props: { allows: [{ protocol: "tcp", ports: ["443"] }], sourceRanges: [listed] } satisfies Partial<FirewallArgs>,
  },
  [
    ["sourceRanges", [open]],
    ["sourceRanges", undefined],
  ],
);
testType(
  noOpenIngress,
  {
    type: "gcp:container/cluster:Cluster",
    props: {
      masterAuthorizedNetworksConfig: { cidrBlocks: [{ cidrBlock: listed }] },
    } satisfies Partial<GkeClusterArgs>,
  },
  [
    ["masterAuthorizedNetworksConfig", undefined],
    ["masterAuthorizedNetworksConfig.cidrBlocks.0.cidrBlock", open, /cidrBlocks\[0\]\.cidrBlock/],
  ],
);

const loadBalancer: Resource = {
  type: "kubernetes:core/v1:Service",
  props: { metadata: {}, spec: { type: "LoadBalancer", loadBalancerSourceRanges: [listed] } },
};
testType(noOpenIngress, loadBalancer, [
  ["spec.loadBalancerSourceRanges", [open]],
  ["spec.loadBalancerSourceRanges", []],
  ["spec.loadBalancerSourceRanges", undefined],
]);
testType(
  noOpenIngress,
  {
    type: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    props: { spec: { ingress: [{ from: [{ ipBlock: { cidr: listed } }] }] } },
  },
  [["spec.ingress.0.from.0.ipBlock.cidr", open, /^spec\.ingress\[0\]\.from\[0\]\.ipBlock\.cidr/]],
);

test("a load balancer of the private network needs no list, in any cloud's words", async () => {
  for (const [key, value] of [
    ["service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"],
    ["service.beta.kubernetes.io/azure-load-balancer-internal", "true"],
    ["networking.gke.io/load-balancer-type", "Internal"],
  ] as const) {
    const props = { metadata: { annotations: { [key]: value } }, spec: { type: "LoadBalancer" } };
    expect(await violations(noOpenIngress, { ...loadBalancer, props })).toEqual([]);
  }
});

test("what is closed needs no list", async () => {
  const closed: Resource[] = [
    { type: "aws:eks/cluster:Cluster", props: { vpcConfig: { endpointPublicAccess: false } } },
    {
      type: "azure-native:containerservice:ManagedCluster",
      props: { apiServerAccessProfile: { enablePrivateCluster: true } },
    },
    { type: "gcp:container/cluster:Cluster", props: { privateClusterConfig: { enablePrivateEndpoint: true } } },
    { type: "gcp:compute/firewall:Firewall", props: { direction: "EGRESS", allows: [{ protocol: "all" }] } },
    { type: "gcp:compute/firewall:Firewall", props: { denies: [{ protocol: "all" }], sourceRanges: [open] } },
    { type: "gcp:compute/firewall:Firewall", props: { allows: [{ protocol: "tcp" }], sourceTags: ["nodes"] } },
    { type: "aws:ec2/securityGroupRule:SecurityGroupRule", props: { type: "egress", cidrBlocks: [open] } },
    withProps(loadBalancer, "spec.type", "ClusterIP"),
  ];
  for (const resource of closed) expect(await violations(noOpenIngress, resource), resource.type).toEqual([]);
});

function withProps(resource: Resource, path: string, value: unknown): Resource {
  return { ...resource, props: withValue(resource.props, path, value) };
}
