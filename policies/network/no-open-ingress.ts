import { isFalse, isSet, policy, type Rule, wants } from "../policy.ts";
import { at, isSection, listAt, type Properties, sectionsAt, show, unknown } from "../properties.ts";
import { openRanges } from "./open-range.ts";

/** Nobody comes in who is not listed: at security groups, firewalls, load balancers and the API servers of clusters. */
export const noOpenIngress = policy({
  name: "no-open-ingress",
  description: "Whatever lets in traffic lists the ranges that it comes from.",
  severity: "critical",
  appliesIn: "every environment",
  rules: {
    "aws:ec2/securityGroup:SecurityGroup": [
      ({ props }) =>
        sectionsAt(props, "ingress").flatMap(({ path, section }) => rangesIn(section, awsRangeLists, `${path}.`)),
    ],
    "aws:ec2/securityGroupRule:SecurityGroupRule": [
      ({ props }) => (props["type"] === "ingress" ? rangesIn(props, awsRangeLists) : []),
    ],
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": [
      ({ props }) => rangesIn(props, ["cidrIpv4", "cidrIpv6"]),
    ],
    "aws:eks/cluster:Cluster": [
      ({ props }) => {
        const config = at(props, "vpcConfig");
        // Public, to everybody, is what a cluster is when nothing is said.
        if (!isSection(config) || config["endpointPublicAccess"] === false) return [];
        return listed(config, "publicAccessCidrs", "vpcConfig.");
      },
    ],
    "azure-native:network:NetworkSecurityGroup": [
      ({ props }) => sectionsAt(props, "securityRules").flatMap(({ path, section }) => azureRule(section, `${path}.`)),
    ],
    "azure-native:network:SecurityRule": [({ props }) => azureRule(props)],
    "azure-native:containerservice:ManagedCluster": [
      ({ props }) => {
        const access = at(props, "apiServerAccessProfile");
        if (access === unknown) return [];
        const profile = isSection(access) ? access : {};
        return profile["enablePrivateCluster"] === true || props["publicNetworkAccess"] === "Disabled"
          ? []
          : listed(profile, "authorizedIPRanges", "apiServerAccessProfile.");
      },
      noPublicMachines("agentPoolProfiles"),
    ],
    "gcp:compute/firewall:Firewall": [
      ({ props }) => {
        if (props["direction"] === "EGRESS" || listAt(props, "allows").length === 0) return [];
        const bySource = ["sourceTags", "sourceServiceAccounts"].some((key) => isSet(props[key]));
        return bySource && props["sourceRanges"] === undefined ? [] : listed(props, "sourceRanges");
      },
    ],
    "gcp:container/cluster:Cluster": [
      ({ props }) => {
        if (at(props, "privateClusterConfig.enablePrivateEndpoint") === true) return [];
        const networks = at(props, "masterAuthorizedNetworksConfig");
        if (networks === unknown) return [];
        if (!isSection(networks)) {
          return wants(props, "masterAuthorizedNetworksConfig", "the ranges that may reach the API server", isSet);
        }
        return sectionsAt(networks, "cidrBlocks").flatMap(({ path, section }) =>
          openRanges(`masterAuthorizedNetworksConfig.${path}.cidrBlock`, [section["cidrBlock"]]),
        );
      },
    ],
    "kubernetes:core/v1:Service": [
      ({ props }) => {
        if (at(props, "spec.type") !== "LoadBalancer" || isInternal(props)) return [];
        const spec = at(props, "spec");
        return isSection(spec) ? listed(spec, "loadBalancerSourceRanges", "spec.") : [];
      },
    ],
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": [
      ({ props }) =>
        sectionsAt(props, "spec.ingress").flatMap(({ path, section }) =>
          sectionsAt(section, "from").flatMap((from) =>
            openRanges(`${path}.${from.path}.ipBlock.cidr`, [at(from.section, "ipBlock.cidr")]),
          ),
        ),
    ],
  },
});

const awsRangeLists = ["cidrBlocks", "ipv6CidrBlocks"];

function rangesIn(section: Properties, lists: readonly string[], prefix = ""): readonly string[] {
  return lists.flatMap((list) => openRanges(`${prefix}${list}`, listAt(section, list)));
}

/** The list has to be there, as without one everybody comes in, and no range in it may be open. */
function listed(section: Properties, path: string, prefix = ""): readonly string[] {
  const ranges = at(section, path);
  if (ranges === unknown) return [];
  if (!Array.isArray(ranges) || ranges.length === 0) {
    return [
      `${prefix}${path}: got ${show(ranges)}, which lets in everybody; expected the ranges of those who may come in`,
    ];
  }
  return openRanges(`${prefix}${path}`, ranges);
}

function azureRule(rule: Properties, prefix = ""): readonly string[] {
  if (rule["direction"] !== "Inbound" || rule["access"] !== "Allow") return [];
  return rangesIn(rule, ["sourceAddressPrefix", "sourceAddressPrefixes"], prefix);
}

/** Machines of a pool have no addresses of their own that the internet reaches. */
function noPublicMachines(pools: string): Rule {
  return ({ props }) =>
    sectionsAt(props, pools).flatMap(({ path, section }) =>
      wants(section, "enableNodePublicIP", "false", isFalse, false, `${path}.`),
    );
}

/** Load balancers that have an address of the private network only, as each cloud is told that. */
function isInternal(props: Properties): boolean {
  const annotations = at(props, "metadata.annotations");
  if (!isSection(annotations)) return false;
  return (
    annotations["service.beta.kubernetes.io/aws-load-balancer-scheme"] === "internal" ||
    annotations["service.beta.kubernetes.io/aws-load-balancer-internal"] === "true" ||
    annotations["service.beta.kubernetes.io/azure-load-balancer-internal"] === "true" ||
    annotations["networking.gke.io/load-balancer-type"] === "Internal"
  );
}
