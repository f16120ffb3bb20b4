/** Zones, subnets and their addresses in a network of AWS. Pure. */
import { divide } from "./addresses.ts";

/** What subnets are for. `gateway` is used only where the network is joined to another. */
export const tiers = ["nodes", "ingress", "database", "endpoints", "gateway"] as const;
/** One of {@link tiers}. */
export type Tier = (typeof tiers)[number];

/** A subnet. */
export interface SubnetPlan {
  /** Unique in the network. Example: `"database-a"`. */
  readonly name: string;
  readonly tier: Tier;
  /** Example: `"eu-central-1a"`. */
  readonly zone: string;
  readonly cidr: string;
}

/** Prefix lengths that a network may have: EKS needs an address a pod, load balancers a /27 a zone. */
export const networkPrefixes = { longest: 19, shortest: 16 } as const;
/** A network has room for so many zones. */
export const maxZones = 4;

/** Regions whose zones have other letters than a, b, c in most accounts. */
const unusualZones: Readonly<Record<string, string>> = { "ap-northeast-1": "acd", "ca-central-1": "abd" };
/** Regions where an account sees two zones, with letters that differ by account. */
const twoZones = ["us-west-1"];

/** The first zones of a region; undefined where it cannot be told without asking the account. */
export function zonesOf(region: string, count: number): readonly string[] | undefined {
  if (twoZones.includes(region)) return undefined;
  const letters = unusualZones[region] ?? "abc";
  return count > letters.length ? undefined : [...letters.slice(0, count)].map((letter) => region + letter);
}

/**
 * Divides a network into a subnet for every tier and zone. A zone has a quarter of the network, half of that is for nodes:
 * appending a zone moves no subnet that was there before.
 *
 * @param network an IPv4 range of /16 to /19. Example: `"10.20.0.0/16"`
 * @param zones 2 to 4
 * @throws Error naming what is wrong
 */
export function planSubnets(network: string, zones: readonly string[]): readonly SubnetPlan[] {
  const prefix = Number(network.split("/")[1]);
  const { longest, shortest } = networkPrefixes;
  if (!(prefix >= shortest && prefix <= longest)) {
    throw new Error(`network: got "${network}"; expected a range of /${shortest} to /${longest}`);
  }
  if (zones.length < 2 || zones.length > maxZones) {
    throw new Error(`zones: got ${zones.length}; expected 2 to ${maxZones}`);
  }
  const prefixes: Record<Tier, number> = {
    nodes: prefix + 3,
    ingress: prefix + 8,
    database: prefix + 8,
    endpoints: prefix + 8,
    gateway: 28,
  };
  const blocks = divide(
    network,
    zones.map((zone) => ({ name: zone, prefix: prefix + 2 })),
  );
  return zones.flatMap((zone) => {
    const ranges = divide(
      blocks[zone] as string,
      tiers.map((tier) => ({ name: tier, prefix: prefixes[tier] })),
    );
    return tiers.map((tier) => ({ name: `${tier}-${zone.slice(-1)}`, tier, zone, cidr: ranges[tier] }));
  });
}

/** The ranges of a tier, in the order of the zones. */
export function rangesOf(subnets: readonly SubnetPlan[], tier: Tier): readonly string[] {
  return subnets.filter((subnet) => subnet.tier === tier).map(({ cidr }) => cidr);
}
