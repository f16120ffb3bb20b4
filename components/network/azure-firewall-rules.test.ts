import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { azureAddresses } from "./azure-addresses.ts";
import { type AzureTraffic, azureRules, type FilteredTier, securityRules } from "./azure-firewall-rules.ts";

const addresses = azureAddresses("10.20.0.0/16");
const closed: AzureTraffic = {
  addresses,
  podRange: "10.244.0.0/16",
  publicIngress: false,
  allowedRanges: [],
  egressPorts: [443],
};
const isolated: AzureTraffic = { ...closed, gateway: { ranges: ["10.30.0.0/16"], ports: [443, 5001] } };

/** What one subnet lets through in one direction, as `from -> to: ports`. */
function open(traffic: AzureTraffic, tier: FilteredTier, direction: string): string[] {
  return azureRules(traffic)
    [tier].filter((rule) => rule.direction === direction && rule.access === "Allow")
    .map(({ from, to, ports }) => `${from.join(" ")} -> ${to.join(" ")}: ${ports.join(" ")}`);
}

describe("every subnet refuses what it does not name", () => {
  const traffics = fc.record({
    addresses: fc.constant(addresses),
    podRange: fc.constant("10.244.0.0/16"),
    publicIngress: fc.boolean(),
    allowedRanges: fc.subarray(["203.0.113.0/24", "198.51.100.7/32"]),
    databasePeers: fc.subarray(["10.40.65.0/24"]),
    egressPorts: fc.subarray([443, 5001], { minLength: 1 }),
  });
  test("a refusal of everything comes last in both directions, wherever Azure lets it", () => {
    fc.assert(
      fc.property(traffics, (traffic) => {
        for (const [tier, rules] of Object.entries(azureRules(traffic))) {
          const planned = securityRules(rules);
          for (const direction of ["firewall", "apiserver"].includes(tier) ? ["Inbound"] : ["Inbound", "Outbound"]) {
            const last = planned.filter((rule) => rule.direction === direction).at(-1);
            expect(last).toMatchObject({ access: "Deny", protocol: "*", priority: 4096, sourceAddressPrefix: "*" });
          }
          const keys = planned.map(({ direction, priority }) => `${direction} ${priority}`);
          expect(new Set(keys).size).toBe(planned.length);
          expect(new Set(planned.map(({ name }) => name)).size).toBe(planned.length);
        }
      }),
    );
  });
  test("nobody listed is nobody let in: nothing comes from outside of the network", () => {
    for (const tier of Object.keys(azureRules(closed)) as FilteredTier[]) {
      const from = open(closed, tier, "Inbound").map((rule) => rule.split(" ->")[0] ?? "");
      expect(from.filter((source) => /Internet|^\*$|0\.0\.0\.0/.test(source))).toEqual([]);
    }
  });
});

test("databases are reached by nodes and by their own standby, on the ports of PostgreSQL", () => {
  expect(open(closed, "database", "Inbound")).toEqual([
    "10.20.0.0/18 -> 10.20.65.0/24: 5432 6432",
    "10.20.65.0/24 -> 10.20.65.0/24: 5432 6432",
  ]);
  expect(open({ ...closed, databasePeers: ["10.40.65.0/24"] }, "database", "Inbound")[1]).toBe(
    "10.20.65.0/24 10.40.65.0/24 -> 10.20.65.0/24: 5432 6432",
  );
});

test("of the network behind a gateway, only the ports of sequencers pass, and only to the ingress", () => {
  const other = (rule: string) => rule.includes("10.30.");
  expect(open(isolated, "nodes", "Inbound").filter(other)).toEqual(["10.30.0.0/16 -> 10.20.64.0/24: 443 5001"]);
  expect(open(isolated, "nodes", "Outbound").filter(other)).toEqual([
    "10.20.0.0/18 10.244.0.0/16 -> 10.30.0.0/16: 443 5001",
  ]);
  for (const tier of ["database", "endpoints", "AzureBastionSubnet", "firewall", "apiserver"] as const) {
    expect([...open(isolated, tier, "Inbound"), ...open(isolated, tier, "Outbound")].filter(other)).toEqual([]);
  }
});

test("those on the allow-list reach the ingress on 443, whose address is public or the load balancer's", () => {
  const listed = { ...closed, allowedRanges: ["203.0.113.0/24"] };
  expect(open(listed, "nodes", "Inbound")).toContain("203.0.113.0/24 10.20.69.0/24 -> 10.20.64.0/24: 443");
  expect(open({ ...listed, publicIngress: true }, "nodes", "Inbound")).toContain(
    "203.0.113.0/24 10.20.69.0/24 -> *: 443",
  );
});

test("Azure is given one value or a list, as it tells them apart", () => {
  const [rule] = securityRules(azureRules(closed).database);
  expect(rule).toEqual({
    name: "nodes",
    priority: 100,
    direction: "Inbound",
    access: "Allow",
    protocol: "Tcp",
    sourceAddressPrefix: "10.20.0.0/18",
    destinationAddressPrefix: "10.20.65.0/24",
    sourcePortRange: "*",
    destinationPortRanges: ["5432", "6432"],
  });
  const cluster = securityRules(azureRules(closed).nodes)[0];
  expect(cluster?.sourceAddressPrefixes).toEqual(["10.20.0.0/18", "10.244.0.0/16"]);
});

test("the Kubernetes API is reached by its machines and over the bastion, and from outside by those listed for it", () => {
  expect(open(closed, "apiserver", "Inbound").slice(0, 2)).toEqual([
    "10.20.0.0/18 10.244.0.0/16 -> 10.20.70.0/24: 443 4443",
    "10.20.67.0/24 -> *: 443",
  ]);
  expect(open({ ...closed, apiRanges: ["203.0.113.0/24"] }, "apiserver", "Inbound")).toContain(
    "10.20.67.0/24 203.0.113.0/24 -> *: 443",
  );
});
