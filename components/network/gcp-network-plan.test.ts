import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { overlap } from "./addresses.ts";
import {
  gcpDefaultRules,
  isPrivate,
  machinesIn,
  planGcpAddresses,
  planGcpFirewall,
  whyNoGcpNetwork,
} from "./gcp-network-plan.ts";

const networks = fc.tuple(fc.integer({ min: 14, max: 18 }), fc.nat({ max: 2 ** 24 - 1 })).map(([prefix, address]) => {
  const size = 2 ** (32 - prefix);
  const offset = Math.floor(address / size) * size;
  return `10.${Math.floor(offset / 65536)}.${Math.floor(offset / 256) % 256}.${offset % 256}/${prefix}`;
});

function widthOf(range: string): number {
  return Number(range.split("/")[1]);
}

describe("addresses", () => {
  test("every part lies in the network, and none overlaps another", () => {
    fc.assert(
      fc.property(networks, (network) => {
        const parts = Object.values(planGcpAddresses(network)) as string[];
        for (const [index, part] of parts.entries()) {
          expect(overlap(network, part) && widthOf(part) >= widthOf(network)).toBe(true);
          for (const other of parts.slice(index + 1)) expect(overlap(part, other)).toBe(false);
        }
      }),
    );
  });

  test("every part is as large as those ask for that use it", () => {
    fc.assert(
      fc.property(networks, (network) => {
        const { database, loadBalancer, gateway, bastion, controlPlane, services, nodes } = planGcpAddresses(network);
        expect(widthOf(database)).toBeLessThanOrEqual(24);
        expect(widthOf(loadBalancer)).toBeLessThanOrEqual(26);
        expect(widthOf(services)).toBeGreaterThanOrEqual(16);
        expect(widthOf(services)).toBeLessThanOrEqual(27);
        for (const subnet of [gateway, bastion, nodes]) expect(widthOf(subnet)).toBeLessThanOrEqual(29);
        expect(widthOf(controlPlane)).toBe(28);
        // A machine has an address of its own, as well as those of its pods.
        expect(machinesIn(planGcpAddresses(network))).toBeLessThanOrEqual(2 ** (32 - widthOf(nodes)) - 4);
      }),
    );
  });

  test("a plan stays what it is: a network that moved would be made anew", () => {
    expect(planGcpAddresses("10.20.0.0/16")).toEqual({
      pods: "10.20.0.0/18",
      services: "10.20.64.0/22",
      nodes: "10.20.68.0/22",
      database: "10.20.72.0/22",
      loadBalancer: "10.20.76.0/23",
      gateway: "10.20.78.0/24",
      bastion: "10.20.79.0/28",
      controlPlane: "10.20.79.16/28",
    });
  });

  test("what cannot be a network is refused with the reason", () => {
    expect(whyNoGcpNetwork("10.20.0.0/16")).toBeUndefined();
    expect(whyNoGcpNetwork("10.20.0.0/19")).toMatch(/from \/14 to \/18/);
    expect(whyNoGcpNetwork("10.0.0.0/8")).toMatch(/from \/14 to \/18/);
    expect(whyNoGcpNetwork("11.0.0.0/16")).toMatch(/expected a part of 10\.0\.0\.0\/8/);
    expect(whyNoGcpNetwork("172.16.0.0/15")).toMatch(/Cloud SQL/);
    expect(whyNoGcpNetwork("10.20.0.1/16")).toMatch(/first address of the range/);
    expect(() => planGcpAddresses("8.8.0.0/16")).toThrow(/^range: got "8\.8\.0\.0\/16"/);
  });

  test("a range is private when all of it is", () => {
    expect(["10.0.0.0/8", "172.31.0.0/16", "192.168.4.0/24"].filter(isPrivate)).toHaveLength(3);
    expect(["8.0.0.0/6", "172.0.0.0/8", "0.0.0.0/0", "203.0.113.0/24"].filter(isPrivate)).toEqual([]);
  });
});

describe("firewall", () => {
  const addresses = planGcpAddresses("10.20.0.0/16");
  const args = { addresses, databaseRange: addresses.database, egressPorts: [443], bastion: true };

  test("nothing is reached from outside but the bastion, by Identity-Aware Proxy", () => {
    const outside = planGcpFirewall(args).filter(
      ({ direction, ranges }) => direction === "INGRESS" && !ranges.every((range) => overlap("10.20.0.0/16", range)),
    );
    expect(outside).toMatchObject([{ name: "iap-to-bastion", on: "bastion", ports: [22] }]);
  });

  test("without a bastion there is no way in at all", () => {
    const without = planGcpFirewall({ ...args, bastion: false });
    expect(without.filter(({ on }) => on === "bastion")).toEqual([]);
    expect(without.filter(({ direction }) => direction === "INGRESS").map(({ name }) => name)).toEqual([
      "cluster-ingress",
    ]);
  });

  test("the port of the ingress opens to load balancers only where there is one", () => {
    const names = planGcpFirewall(args).map(({ name }) => name);
    const withPort = planGcpFirewall({ ...args, nodePort: 30_443 });
    expect(names).not.toContain("load-balancers-to-nodes");
    expect(withPort.find(({ name }) => name === "load-balancers-to-nodes")).toMatchObject({
      ranges: [addresses.loadBalancer, "35.191.0.0/16", "130.211.0.0/22"],
      on: "nodes",
      ports: [30_443],
    });
  });

  test("with no ports given, nodes reach nothing but their own network and Google's APIs", () => {
    const reached = planGcpFirewall({ ...args, egressPorts: [] }).filter(({ direction }) => direction === "EGRESS");
    expect(reached.flatMap(({ ranges }) => ranges)).not.toContain("0.0.0.0/0");
  });

  test("what is refused by default goes last, both ways; every rule that allows is for some machines only", () => {
    const rules = planGcpFirewall({ ...args, nodePort: 30_443 });
    for (const { priority, on, action } of rules) {
      expect(action).toBe("allow");
      expect(priority).toBeLessThan(gcpDefaultRules[0]?.priority ?? 0);
      expect(on).toBeDefined();
    }
    expect(gcpDefaultRules.map(({ direction, action, ranges }) => [direction, action, ranges])).toEqual([
      ["INGRESS", "deny", ["0.0.0.0/0"]],
      ["EGRESS", "deny", ["0.0.0.0/0"]],
    ]);
    expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
  });
});
