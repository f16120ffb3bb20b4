import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { overlap } from "./addresses.ts";
import { planSubnets, rangesOf, tiers, zonesOf } from "./aws-network-plan.ts";

const letters = ["a", "b", "c", "d"];
const zones = fc
  .integer({ min: 2, max: 4 })
  .map((count) => letters.slice(0, count).map((letter) => `eu-west-1${letter}`));
const network = fc
  .record({ second: fc.integer({ min: 0, max: 255 }), prefix: fc.integer({ min: 16, max: 19 }) })
  .map(({ second, prefix }) => `10.${second}.0.0/${prefix}`);

test("subnets lie in the network, one for every tier and zone, and none overlaps another", () => {
  fc.assert(
    fc.property(network, zones, (range, all) => {
      const subnets = planSubnets(range, all);
      expect(subnets).toHaveLength(all.length * tiers.length);
      expect(new Set(subnets.map(({ name }) => name)).size).toBe(subnets.length);
      subnets.forEach((subnet, index) => {
        const [address, prefix] = subnet.cidr.split("/");
        expect(overlap(`${address}/32`, range)).toBe(true);
        expect(Number(prefix)).toBeGreaterThan(Number(range.split("/")[1]));
        expect(Number(prefix)).toBeLessThanOrEqual(28);
        for (const other of subnets.slice(index + 1)) expect(overlap(subnet.cidr, other.cidr)).toBe(false);
      });
    }),
  );
});

test("a zone that is appended moves no subnet that was there", () => {
  fc.assert(
    fc.property(network, zones, (range, all) => {
      const before = planSubnets(range, all.slice(0, 2));
      expect(planSubnets(range, all).slice(0, before.length)).toEqual(before);
    }),
  );
});

test("a load balancer has its /27 and nodes most of the addresses, also in the smallest network", () => {
  const subnets = planSubnets("10.0.0.0/19", ["eu-west-1a", "eu-west-1b"]);
  expect(rangesOf(subnets, "ingress")).toEqual(["10.0.4.0/27", "10.0.12.0/27"]);
  expect(rangesOf(subnets, "nodes")).toEqual(["10.0.0.0/22", "10.0.8.0/22"]);
});

describe("a network that cannot be divided is refused", () => {
  test.each(["10.0.0.0/15", "10.0.0.0/20", "10.0.0.0"])("%s", (range) => {
    expect(() => planSubnets(range, ["eu-west-1a", "eu-west-1b"])).toThrow(
      `network: got "${range}"; expected a range of /16 to /19`,
    );
  });
  test.each([[["eu-west-1a"]], [letters.concat("e")]])("%j", (all) => {
    expect(() => planSubnets("10.0.0.0/16", all)).toThrow(`zones: got ${all.length}; expected 2 to 4`);
  });
});

test("zones are known for a region, but not where they differ by account", () => {
  expect(zonesOf("eu-central-1", 3)).toEqual(["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
  expect(zonesOf("ap-northeast-1", 2)).toEqual(["ap-northeast-1a", "ap-northeast-1c"]);
  expect(zonesOf("us-west-1", 2)).toBeUndefined();
  expect(zonesOf("eu-central-1", 4)).toBeUndefined();
});
