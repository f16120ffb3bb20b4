/** Who may talk to whom in a virtual network: the rules of each subnet's network security group. Pure. */
import type { AzureTier } from "./azure-addresses.ts";

/** Subnets that have a security group: Azure refuses one on that of a gateway, which filters nothing itself. */
export type FilteredTier = Exclude<AzureTier, "GatewaySubnet">;

/** One rule; earlier ones win. */
export interface AzureRule {
  readonly name: string;
  readonly direction: "Inbound" | "Outbound";
  readonly access: "Allow" | "Deny";
  readonly protocol: "Tcp" | "Udp" | "*";
  /** Ranges, or one service tag of Azure. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** Ports or ranges of ports, or `*`. */
  readonly ports: readonly string[];
}

/** Another network that a gateway connects, and what may pass. */
export interface GatewayPeers {
  /** Addresses of the other network. Example: `["10.30.0.0/16"]`. */
  readonly ranges: readonly string[];
  /** Ports that either side may dial on the other: those of sequencers. Default: 443, where the ingress serves them. */
  readonly ports?: readonly number[];
}

/** What the rules are made from. */
export interface AzureTraffic {
  readonly addresses: Readonly<Record<AzureTier, string>>;
  /** Addresses of pods, which are not of the network. */
  readonly podRange: string;
  /** Whether the ingress has a public address. */
  readonly publicIngress: boolean;
  /** Who may reach the ingress, the web firewall and the bastion. None: nobody. */
  readonly allowedRanges: readonly string[];
  /** Who may reach the Kubernetes API where that is public. Default: nobody. */
  readonly apiRanges?: readonly string[];
  readonly gateway?: GatewayPeers;
  /** Databases of other regions that replicate with those here. Default: none. */
  readonly databasePeers?: readonly string[];
  /** TCP ports that nodes may dial on the internet: registries, Azure, and sequencers of others. */
  readonly egressPorts: readonly number[];
}

const postgres = ["5432", "6432"];
const https = ["443"];
/** Ports of the machines behind the Kubernetes API. */
const api = ["443", "4443"];
const any = ["*"];

function allow(
  direction: AzureRule["direction"],
  name: string,
  from: readonly string[],
  to: readonly string[],
  ports: readonly string[],
  protocol: AzureRule["protocol"] = "Tcp",
): AzureRule[] {
  // A rule without an address would not be one that lets nobody through: Azure refuses it.
  return from.length === 0 || to.length === 0 ? [] : [{ name, direction, access: "Allow", protocol, from, to, ports }];
}

function deny(direction: AzureRule["direction"]): AzureRule {
  const name = `nothing-else-${direction === "Inbound" ? "in" : "out"}`;
  return { name, direction, access: "Deny", protocol: "*", from: any, to: any, ports: any };
}

/** The rules of every subnet: what is named here, and nothing else. */
export function azureRules(traffic: AzureTraffic): Record<FilteredTier, AzureRule[]> {
  const {
    addresses,
    podRange,
    publicIngress,
    allowedRanges,
    gateway,
    databasePeers = [],
    apiRanges = [],
    egressPorts,
  } = traffic;
  const { nodes, ingress, database, endpoints, firewall, apiserver, AzureBastionSubnet: bastion } = addresses;
  const cluster = [nodes, podRange];
  const gatewayPorts = (gateway?.ports ?? [443]).map(String);
  // A load balancer hands packets to the machines as they came: still with its own address as the destination.
  const balanced = [
    ...allow("Inbound", "ingress", [...allowedRanges, firewall], publicIngress ? any : [ingress], https),
    ...allow("Inbound", "gateway", gateway?.ranges ?? [], [ingress], gatewayPorts),
    ...allow("Inbound", "probes", ["AzureLoadBalancer"], any, any, "*"),
  ];
  return {
    nodes: [
      ...allow("Inbound", "cluster-in", cluster, cluster, any, "*"),
      ...allow("Inbound", "api-in", [apiserver], cluster, any),
      ...balanced,
      ...allow("Inbound", "bastion", [bastion], [nodes], ["22"]),
      deny("Inbound"),
      ...allow("Outbound", "cluster-out", cluster, cluster, any, "*"),
      ...allow("Outbound", "api-out", cluster, [apiserver], api),
      ...allow("Outbound", "databases", cluster, [database], postgres),
      ...allow("Outbound", "endpoints", cluster, [endpoints], https),
      ...allow("Outbound", "own-ingress", cluster, [ingress], https),
      ...allow("Outbound", "gateway-out", cluster, gateway?.ranges ?? [], gatewayPorts),
      ...allow("Outbound", "internet", cluster, ["Internet"], egressPorts.map(String)),
      ...allow("Outbound", "time", cluster, ["Internet"], ["123"], "Udp"),
      deny("Outbound"),
    ],
    ingress: [...balanced, deny("Inbound"), deny("Outbound")],
    database: [
      ...allow("Inbound", "nodes", [nodes], [database], postgres),
      ...allow("Inbound", "standby-in", [database, ...databasePeers], [database], postgres),
      deny("Inbound"),
      ...allow("Outbound", "standby-out", [database], [database, ...databasePeers], postgres),
      // Where the service keeps its log, asks for its identity, and unwraps the key of its disks.
      ...["Storage", "AzureActiveDirectory", "AzureKeyVault"].flatMap((tag) =>
        allow("Outbound", tag, [database], [tag], https),
      ),
      deny("Outbound"),
    ],
    endpoints: [
      ...allow("Inbound", "nodes", [nodes, firewall, apiserver], [endpoints], https),
      deny("Inbound"),
      deny("Outbound"),
    ],
    // What else the machines behind the API talk to is Azure's own business.
    apiserver: [
      ...allow("Inbound", "cluster", cluster, [apiserver], api),
      ...allow("Inbound", "people", [bastion, ...apiRanges], any, https),
      ...allow("Inbound", "probes", ["AzureLoadBalancer"], any, any, "*"),
      deny("Inbound"),
    ],
    // Azure refuses to make a bastion whose security group lacks one of these.
    AzureBastionSubnet: [
      ...allow("Inbound", "people", allowedRanges, any, https),
      ...allow("Inbound", "control", ["GatewayManager"], any, https),
      ...allow("Inbound", "probes", ["AzureLoadBalancer"], any, https),
      ...allow("Inbound", "hosts-in", ["VirtualNetwork"], ["VirtualNetwork"], ["8080", "5701"], "*"),
      deny("Inbound"),
      ...allow("Outbound", "targets", any, ["VirtualNetwork"], ["22", "3389", "443"]),
      ...allow("Outbound", "logs", any, ["AzureCloud"], https),
      ...allow("Outbound", "hosts-out", ["VirtualNetwork"], ["VirtualNetwork"], ["8080", "5701"], "*"),
      ...allow("Outbound", "sessions", any, ["Internet"], ["80"], "*"),
      deny("Outbound"),
    ],
    // An application gateway that cannot reach the internet does not start: its outbound rules are Azure's own.
    firewall: [
      ...allow("Inbound", "people", allowedRanges, any, https),
      ...allow("Inbound", "control", ["GatewayManager"], any, ["65200-65535"]),
      ...allow("Inbound", "probes", ["AzureLoadBalancer"], any, any, "*"),
      deny("Inbound"),
    ],
  };
}

/** A rule as Azure takes it. */
export interface AzureSecurityRule {
  readonly name: string;
  readonly priority: number;
  readonly direction: string;
  readonly access: string;
  readonly protocol: string;
  readonly sourceAddressPrefix?: string;
  readonly sourceAddressPrefixes?: string[];
  readonly destinationAddressPrefix?: string;
  readonly destinationAddressPrefixes?: string[];
  readonly sourcePortRange: string;
  readonly destinationPortRange?: string;
  readonly destinationPortRanges?: string[];
}

/** Rules with priorities in their order; refusals last, so that a rule put in between moves none of them. */
export function securityRules(rules: readonly AzureRule[]): AzureSecurityRule[] {
  return (["Inbound", "Outbound"] as const).flatMap((direction) =>
    rules
      .filter((rule) => rule.direction === direction)
      .map(({ name, access, protocol, from, to, ports }, index) => ({
        name,
        priority: access === "Deny" ? 4096 : 100 + 10 * index,
        direction,
        access,
        protocol,
        ...oneOrMany("sourceAddressPrefix", "sourceAddressPrefixes", from),
        ...oneOrMany("destinationAddressPrefix", "destinationAddressPrefixes", to),
        sourcePortRange: "*",
        ...oneOrMany("destinationPortRange", "destinationPortRanges", ports),
      })),
  );
}

/** Azure keeps a single value apart from a list of them; a tag may only be a single value. */
function oneOrMany(one: string, many: string, values: readonly string[]): Record<string, string | string[]> {
  const [only] = values;
  return values.length === 1 && only !== undefined ? { [one]: only } : { [many]: [...values] };
}
