/** How a network on Google Cloud is joined to one elsewhere: tunnels, what either side hears of the other, and who may talk to whom. Pure. */
import { overlap } from "./addresses.ts";
import type { GcpFirewallRule } from "./gcp-network-plan.ts";

/** Which network it is that is joined: that of the domain, or that of a participant of the domain's owner. */
export const vpnSides = ["domain", "participant"] as const;
/** One of {@link vpnSides}. */
export type VpnSide = (typeof vpnSides)[number];

/** A tunnel, as it is asked for. */
export interface GcpTunnel {
  /** Address of the other gateway in the internet. Example: `"198.51.100.10"`. */
  readonly peerAddress: string;
  /**
   * A /30 of 169.254.0.0/16 that no other tunnel has: its first address is the one side's of the BGP session, its second the other's.
   * Default: the first of 169.254.21.0/24 for the first tunnel, and so on.
   */
  readonly range?: string | undefined;
  /** Which of them is ours; gateways of AWS have the first. Default: `"first"`. */
  readonly own?: "first" | "second" | undefined;
}

/** A tunnel, complete. */
export interface GcpTunnelPlan {
  /** Which of the two interfaces of our gateway it starts at. */
  readonly ownInterface: number;
  /** Which interface of the other gateway it ends at. */
  readonly peerInterface: number;
  /** Our end of the BGP session. Example: `"169.254.21.1"`. */
  readonly ownAddress: string;
  /** The other end. */
  readonly peerAddress: string;
}

/** All tunnels, and the other gateway. */
export interface GcpVpnPlan {
  readonly tunnels: readonly GcpTunnelPlan[];
  /** Addresses of the other gateway, in the order of its interfaces. */
  readonly peerAddresses: readonly string[];
  /** What Google calls a gateway of so many addresses. */
  readonly redundancy: "SINGLE_IP_INTERNALLY_REDUNDANT" | "TWO_IPS_REDUNDANCY" | "FOUR_IPS_REDUNDANCY";
}

const redundancies: Readonly<Record<number, GcpVpnPlan["redundancy"]>> = {
  1: "SINGLE_IP_INTERNALLY_REDUNDANT",
  2: "TWO_IPS_REDUNDANCY",
  4: "FOUR_IPS_REDUNDANCY",
};
/** Addresses that lead nowhere but to the other end of a tunnel. */
const linkLocal = "169.254.0.0/16";
/** The first tunnels, in a range that gateways of Azure take too. */
const defaultRange = (index: number) => `169.254.21.${4 * index}/30`;
/** Google's own: metadata and the like. */
const taken = ["169.254.0.0/24", "169.254.169.252/30"];

/** What is wrong with tunnels; each problem starts with the path in them. Example: `[1].range: got …`. */
export function tunnelProblems(tunnels: readonly GcpTunnel[]): string[] {
  const problems: string[] = [];
  const addresses = new Set(tunnels.map(({ peerAddress }) => peerAddress));
  if (tunnels.length !== 2 && tunnels.length !== 4) {
    problems.push(`: got ${tunnels.length}; expected 2, or 4 to a gateway with four addresses, as those of AWS`);
  } else if (redundancies[addresses.size] === undefined || (addresses.size === 1 && tunnels.length === 4)) {
    problems.push(
      `: got ${addresses.size} addresses of the other gateway for ${tunnels.length} tunnels; expected 2 or ${tunnels.length === 2 ? 1 : 4}`,
    );
  }
  const ranges = tunnels.map(({ range }, index) => range ?? defaultRange(index));
  ranges.forEach((range, index) => {
    const problem = (why: string) => problems.push(`[${index}].range: got "${range}"; ${why}`);
    if (!range.endsWith("/30") || !overlap(range, linkLocal)) return problem(`expected a /30 of ${linkLocal}`);
    if (taken.some((other) => overlap(range, other)))
      return problem("which Google keeps for itself; expected another /30");
    const earlier = ranges.slice(0, index).findIndex((other) => overlap(other, range));
    return earlier < 0 ? undefined : problem(`which the tunnel [${earlier}] has; expected one of its own`);
  });
  return problems;
}

/**
 * Spreads tunnels over both interfaces of our gateway and all of the other's: no single machine ends all of them.
 *
 * @throws Error naming what is wrong
 */
export function planTunnels(tunnels: readonly GcpTunnel[]): GcpVpnPlan {
  const [problem] = tunnelProblems(tunnels);
  if (problem !== undefined) throw new Error(`tunnels${problem}`);
  const peerAddresses = [...new Set(tunnels.map(({ peerAddress }) => peerAddress))];
  return {
    peerAddresses,
    redundancy: redundancies[peerAddresses.length] as GcpVpnPlan["redundancy"],
    tunnels: tunnels.map(({ peerAddress, range = "", own = "first" }, index) => {
      const [first, second] = usable(range === "" ? defaultRange(index) : range);
      return {
        ownInterface: Math.floor(index / (tunnels.length / 2)),
        peerInterface: peerAddresses.indexOf(peerAddress),
        ownAddress: own === "first" ? first : second,
        peerAddress: own === "first" ? second : first,
      };
    }),
  };
}

/** The two addresses of a /30 that machines can have. */
function usable(range: string): [string, string] {
  const [a, b, c, d] = (range.split("/")[0] as string).split(".").map(Number) as [number, number, number, number];
  return [`${a}.${b}.${c}.${d + 1}`, `${a}.${b}.${c}.${d + 2}`];
}

/** A term of a policy for routes. */
export interface RouteTerm {
  readonly priority: number;
  readonly match: { readonly expression: string };
  readonly actions: readonly { readonly expression: string }[];
}

/** What of the routes that the other side announces is believed: those into its ranges, and nothing else, such as all of the internet. */
export function routeTerms(peerRanges: readonly string[]): readonly RouteTerm[] {
  const within = (ranges: readonly string[]) => ranges.map((range) => `prefix('${range}').orLonger()`).join(", ");
  const term = (priority: number, ranges: readonly string[], action: string): RouteTerm => ({
    priority,
    match: { expression: `destination.inAnyRange([${within(ranges)}])` },
    actions: [{ expression: action }],
  });
  return [term(1, peerRanges, "accept()"), term(2, ["0.0.0.0/0"], "drop()")];
}

/**
 * Who may talk to whom over the tunnels: participants to the sequencers' ports of a domain, and nobody else anything. These go before
 * the network's own rules, which may let more through.
 */
export function planVpnFirewall(
  side: VpnSide,
  peerRanges: readonly string[],
  ports: readonly number[],
): readonly GcpFirewallRule[] {
  const common = { ranges: peerRanges } as const;
  const opening = side === "domain" ? "INGRESS" : "EGRESS";
  return [
    {
      ...common,
      name: "vpn-sequencers",
      purpose: "the sequencers of the domain, over the VPN",
      direction: opening,
      action: "allow",
      priority: 800,
      on: "nodes",
      ports,
    },
    ...(["INGRESS", "EGRESS"] as const).map(
      (direction): GcpFirewallRule => ({
        ...common,
        name: `vpn-deny-${direction.toLowerCase()}`,
        purpose: "everything else over the VPN",
        direction,
        action: "deny",
        priority: 900,
      }),
    ),
  ];
}
