/** How the addresses of a network on Google Cloud are divided, and who may talk to whom in it. Pure. */
import { divide, overlap, whyNoCidr } from "./addresses.ts";

/** The parts of one region's network. */
export interface GcpAddresses {
  /** Machines of the cluster. */
  readonly nodes: string;
  /** Secondary range of the machines' subnet. */
  readonly pods: string;
  /** Secondary range of the machines' subnet. */
  readonly services: string;
  /** Lent to Google for Cloud SQL, which takes a /24 of it for each region. */
  readonly database: string;
  /** The proxies of load balancers. */
  readonly loadBalancer: string;
  /** Source addresses of those who come through the gateway. */
  readonly gateway: string;
  readonly bastion: string;
  /** The control plane's endpoint. */
  readonly controlPlane: string;
}

/** Private ranges (RFC 1918): nothing else is free to use inside a network. */
const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/** Smallest and largest network: prefix lengths. A larger one would exceed what a cluster takes, a smaller one what Cloud SQL asks for. */
const prefixes = { largest: 14, smallest: 18 } as const;

/** Pods on one machine; each machine gets twice as many addresses. */
export const podsPerNode = 64;
const podRangePrefix = 25;

/** Whether all of a range is private. */
export function isPrivate(range: string): boolean {
  const prefix = prefixOf(range);
  return privateRanges.some((all) => overlap(all, range) && prefix >= prefixOf(all));
}

function prefixOf(range: string): number {
  return Number(range.split("/")[1]);
}

/** Why a range cannot be a network; undefined when it can. */
export function whyNoGcpNetwork(range: string): string | undefined {
  const why = whyNoCidr(range);
  if (why !== undefined) return why;
  const prefix = prefixOf(range);
  if (prefix < prefixes.largest || prefix > prefixes.smallest) {
    return `got "${range}"; expected a range from /${prefixes.largest} to /${prefixes.smallest}`;
  }
  if (!isPrivate(range)) return `got "${range}"; expected a part of ${privateRanges.join(", ")}`;
  if (overlap(range, "172.17.0.0/16"))
    return `got "${range}"; expected none with 172.17.0.0/16, which Cloud SQL keeps for itself`;
  return undefined;
}

/**
 * Divides a region's network. New parts go to the end, so that none of those that are there moves.
 *
 * @param range /14 to /18. Example: `"10.20.0.0/16"`
 * @throws Error when it cannot be a network
 */
export function planGcpAddresses(range: string): GcpAddresses {
  const why = whyNoGcpNetwork(range);
  if (why !== undefined) throw new Error(`range: ${why}`);
  const prefix = prefixOf(range);
  return divide(range, [
    { name: "pods", prefix: prefix + 2 },
    { name: "services", prefix: prefix + 6 },
    { name: "nodes", prefix: prefix + 6 },
    { name: "database", prefix: prefix + 6 },
    { name: "loadBalancer", prefix: prefix + 7 },
    { name: "gateway", prefix: prefix + 8 },
    { name: "bastion", prefix: 28 },
    { name: "controlPlane", prefix: 28 },
  ]);
}

/** How many machines a cluster in the network can have. */
export function machinesIn({ pods }: GcpAddresses): number {
  return 2 ** (podRangePrefix - prefixOf(pods));
}

/** A firewall rule. */
export interface GcpFirewallRule {
  /** Unique in the network, without the deployment's name. */
  readonly name: string;
  readonly purpose: string;
  readonly direction: "INGRESS" | "EGRESS";
  readonly action: "allow" | "deny";
  /** Lower goes first. */
  readonly priority: number;
  /** Where it comes from, or goes to. */
  readonly ranges: readonly string[];
  /** Which machines; all of the network where absent. */
  readonly on?: "nodes" | "bastion";
  /** TCP ports; absent: every protocol. */
  readonly ports?: readonly number[];
}

/** Google's health checks and load balancers. */
const healthChecks = ["35.191.0.0/16", "130.211.0.0/22"];
/** Addresses of private.googleapis.com. */
export const googleApis = "199.36.153.8/30";
/** From where Identity-Aware Proxy forwards TCP. */
const identityAwareProxy = "35.235.240.0/20";

/** What the rules depend on. */
export interface GcpFirewallArgs {
  readonly addresses: GcpAddresses;
  /** Where databases are: the region's own range, or that of the network it shares. */
  readonly databaseRange: string;
  /** TCP ports that nodes may reach anywhere. */
  readonly egressPorts: readonly number[];
  /** Whether there is a bastion. Default: false. */
  readonly bastion?: boolean | undefined;
  /** Port of every machine that load balancers forward to; absent: none does. */
  readonly nodePort?: number | undefined;
}

/** The rules of the whole network: what no other rule allows is refused, and written down. */
export const gcpDefaultRules: readonly GcpFirewallRule[] = [
  {
    name: "deny-ingress",
    purpose: "what no rule allows",
    direction: "INGRESS",
    action: "deny",
    priority: 65_534,
    ranges: ["0.0.0.0/0"],
  },
  {
    name: "deny-egress",
    purpose: "what no rule allows",
    direction: "EGRESS",
    action: "deny",
    priority: 65_534,
    ranges: ["0.0.0.0/0"],
  },
];

/** The rules of one region. */
export function planGcpFirewall(args: GcpFirewallArgs): GcpFirewallRule[] {
  const { addresses, databaseRange, egressPorts, bastion = false, nodePort } = args;
  const priority = 1_000;
  const comesIn = { direction: "INGRESS", action: "allow", priority } as const;
  const goesOut = { direction: "EGRESS", action: "allow", priority } as const;
  const cluster = [addresses.nodes, addresses.pods];
  const anywhere = ["0.0.0.0/0"];
  const between = "machines and pods among themselves";
  const rules: GcpFirewallRule[] = [
    { ...comesIn, name: "cluster-ingress", purpose: between, ranges: cluster, on: "nodes" },
    { ...goesOut, name: "cluster-egress", purpose: between, ranges: cluster, on: "nodes" },
    {
      ...goesOut,
      name: "nodes-to-control-plane",
      purpose: "the API, and the tunnel that the control plane reaches pods by",
      ranges: [addresses.controlPlane],
      on: "nodes",
      ports: [443, 8132],
    },
  ];
  for (const on of bastion ? (["nodes", "bastion"] as const) : (["nodes"] as const)) {
    rules.push(
      { ...goesOut, name: `${on}-to-database`, purpose: "PostgreSQL", ranges: [databaseRange], on, ports: [5432] },
      { ...goesOut, name: `${on}-to-google`, purpose: "Google's APIs", ranges: [googleApis], on, ports: [443] },
    );
  }
  if (bastion) {
    const on = "bastion";
    const api = [addresses.controlPlane];
    rules.push(
      { ...comesIn, name: "iap-to-bastion", purpose: "SSH", ranges: [identityAwareProxy], on, ports: [22] },
      { ...goesOut, name: "bastion-to-control-plane", purpose: "the API", ranges: api, on, ports: [443] },
    );
  }
  if (egressPorts.length > 0) {
    const purpose = "sequencers of other domains, images, OIDC";
    rules.push({ ...goesOut, name: "nodes-to-others", purpose, ranges: anywhere, on: "nodes", ports: egressPorts });
  }
  if (nodePort !== undefined) {
    const ranges = [addresses.loadBalancer, ...healthChecks];
    const purpose = "the ingress";
    rules.push({ ...comesIn, name: "load-balancers-to-nodes", purpose, ranges, on: "nodes", ports: [nodePort] });
  }
  return rules;
}
