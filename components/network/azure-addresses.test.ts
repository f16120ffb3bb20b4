import fc from "fast-check";
import { expect, test } from "vitest";
import { overlap } from "./addresses.ts";
import { addressIn, azureAddresses, azureTiers, networkPrefixes } from "./azure-addresses.ts";

/** Networks of every size that is accepted, each at an address where its size allows it. */
const networks = fc
  .tuple(fc.integer({ min: networkPrefixes.shortest, max: networkPrefixes.longest }), fc.nat(2 ** 18))
  .map(([prefix, at]) => {
    const number = (at % 2 ** prefix) * 2 ** (32 - prefix);
    return `${addressIn("0.0.0.0/0", number)}/${prefix}`;
  });

const size = (range: string) => 2 ** (32 - Number(range.split("/")[1]));
const number = (address: string) => address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
const first = (range: string) => number(range.split("/")[0] ?? "");

test("every tier lies in the network, none overlaps another, and each is as large as Azure needs it", () => {
  fc.assert(
    fc.property(networks, (network) => {
      const ranges = azureAddresses(network);
      expect(Object.keys(ranges)).toEqual([...azureTiers]);
      const all = Object.values(ranges);
      for (const [index, range] of all.entries()) {
        expect(first(range)).toBeGreaterThanOrEqual(first(network));
        expect(first(range) + size(range)).toBeLessThanOrEqual(first(network) + size(network));
        // Azure Bastion insists on a /26.
        expect(size(range)).toBeGreaterThanOrEqual(64);
        for (const other of all.slice(index + 1)) expect(overlap(range, other)).toBe(false);
      }
    }),
  );
});

test("the layout of a network is known by heart: another one would move subnets that are in use", () => {
  expect(azureAddresses("10.20.0.0/16")).toEqual({
    nodes: "10.20.0.0/18",
    ingress: "10.20.64.0/24",
    database: "10.20.65.0/24",
    endpoints: "10.20.66.0/24",
    AzureBastionSubnet: "10.20.67.0/24",
    GatewaySubnet: "10.20.68.0/24",
    firewall: "10.20.69.0/24",
    apiserver: "10.20.70.0/24",
  });
});

test("a network that is too small or too large is refused, with the sizes that are accepted", () => {
  expect(() => azureAddresses("10.0.0.0/19")).toThrow('got "10.0.0.0/19"; expected a range from /8 to /18');
  expect(() => azureAddresses("10.0.0.0/7")).toThrow("expected a range from /8 to /18");
});

test("addresses are counted across octets", () => {
  expect(addressIn("10.20.64.0/24", 10)).toBe("10.20.64.10");
  expect(addressIn("10.20.0.0/16", 300)).toBe("10.20.1.44");
});
