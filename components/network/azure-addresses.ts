/** Which subnets a virtual network has, where they lie and what may pass between them. Pure. */
import { divide } from "./addresses.ts";

/** What a subnet is for. Bastion and gateway bear the names that Azure insists on. */
export const azureTiers = [
  "nodes",
  "ingress",
  "database",
  "endpoints",
  "AzureBastionSubnet",
  "GatewaySubnet",
  "firewall",
  "apiserver",
] as const;
/** One of {@link azureTiers}. */
export type AzureTier = (typeof azureTiers)[number];

/** Prefix length of the largest subnet below that of the network, then of the others: a /16 gives nodes a /18. */
const tiersAt = {
  nodes: 2,
  ingress: 8,
  database: 8,
  endpoints: 8,
  AzureBastionSubnet: 8,
  GatewaySubnet: 8,
  firewall: 8,
  apiserver: 8,
};

/** Prefix lengths that a network may have: with /18 the bastion still gets the /26 that it needs. */
export const networkPrefixes = { longest: 18, shortest: 8 };

/**
 * The range of every tier. All are laid out, used or not: switching a bastion on later moves nothing.
 *
 * @param network Example: `"10.20.0.0/16"`
 * @throws Error when the network is too small or too large
 */
export function azureAddresses(network: string): Record<AzureTier, string> {
  const prefix = Number(network.split("/")[1]);
  const { longest, shortest } = networkPrefixes;
  if (prefix > longest || prefix < shortest) {
    throw new Error(`got "${network}"; expected a range from /${shortest} to /${longest}, such as "10.20.0.0/16"`);
  }
  return divide(
    network,
    azureTiers.map((name) => ({ name, prefix: prefix + tiersAt[name] })),
  );
}

/** The address in a range that is `offset` after its first. Azure keeps the first four of every subnet for itself. */
export function addressIn(range: string, offset: number): string {
  const [first = ""] = range.split("/");
  const octets = first.split(".").map(Number);
  const number = octets.reduce((sum, octet) => sum * 256 + octet, 0) + offset;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
