import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { overlap } from "./addresses.ts";
import { gcpDefaultRules, planGcpAddresses, planGcpFirewall } from "./gcp-network-plan.ts";
import { type GcpTunnel, planTunnels, planVpnFirewall, routeTerms, tunnelProblems, vpnSides } from "./gcp-vpn-plan.ts";

const peer = (last: number) => ({ peerAddress: `198.51.100.${last}` });

describe("tunnels", () => {
  test("two, to a gateway of one address or of two, start at both of our interfaces", () => {
    expect(planTunnels([peer(1), peer(2)])).toEqual({
      redundancy: "TWO_IPS_REDUNDANCY",
      peerAddresses: ["198.51.100.1", "198.51.100.2"],
      tunnels: [
        { ownInterface: 0, peerInterface: 0, ownAddress: "169.254.21.1", peerAddress: "169.254.21.2" },
        { ownInterface: 1, peerInterface: 1, ownAddress: "169.254.21.5", peerAddress: "169.254.21.6" },
      ],
    });
    const one = planTunnels([peer(1), peer(1)]);
    expect(one.redundancy).toBe("SINGLE_IP_INTERNALLY_REDUNDANT");
    expect(one.tunnels.map(({ ownInterface, peerInterface }) => [ownInterface, peerInterface])).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  test("four, to one of AWS, end at each of its addresses; there the first address of a session is theirs", () => {
    const ranges = [10, 20, 30, 40].map((third) => `169.254.${third}.0/30`);
    const plan = planTunnels(ranges.map((range, index) => ({ ...peer(index), range, own: "second" })));
    expect(plan.redundancy).toBe("FOUR_IPS_REDUNDANCY");
    expect(plan.tunnels.map(({ ownInterface, peerInterface }) => [ownInterface, peerInterface])).toEqual([
      [0, 0],
      [0, 1],
      [1, 2],
      [1, 3],
    ]);
    expect(plan.tunnels[1]).toMatchObject({ ownAddress: "169.254.20.2", peerAddress: "169.254.20.1" });
  });

  test("of any kind are without a point that takes all of them along, and no session has another's addresses", () => {
    const tunnels = fc
      .constantFrom([1, 1], [1, 2], [1, 2, 3, 4])
      .chain((peers) =>
        fc
          .uniqueArray(fc.integer({ min: 0, max: 63 }), { minLength: peers.length, maxLength: peers.length })
          .map((blocks) =>
            peers.map(
              (last, index): GcpTunnel => ({ ...peer(last), range: `169.254.22.${4 * (blocks[index] ?? 0)}/30` }),
            ),
          ),
      );
    fc.assert(
      fc.property(tunnels, (given) => {
        const plan = planTunnels(given);
        expect(new Set(plan.tunnels.map(({ ownInterface }) => ownInterface)).size).toBe(2);
        expect(new Set(plan.tunnels.map(({ peerInterface }) => peerInterface)).size).toBe(plan.peerAddresses.length);
        const addresses = plan.tunnels.flatMap(({ ownAddress, peerAddress }) => [ownAddress, peerAddress]);
        expect(new Set(addresses).size).toBe(2 * given.length);
        plan.tunnels.forEach(({ ownAddress, peerAddress }, index) => {
          for (const address of [ownAddress, peerAddress]) {
            expect(overlap(`${address}/32`, given[index]?.range ?? "")).toBe(true);
          }
        });
      }),
    );
  });

  test.each([
    [[peer(1)], ": got 1; expected 2, or 4"],
    [[peer(1), peer(2), peer(3)], ": got 3; expected 2, or 4"],
    [
      [peer(1), peer(2), peer(1), peer(2)].slice(0, 4).map((each, i) => ({ ...each, ...(i > 2 && peer(3)) })),
      ": got 3 addresses of the other gateway for 4 tunnels",
    ],
    [[peer(1), peer(1), peer(1), peer(1)], ": got 1 addresses of the other gateway for 4 tunnels; expected 2 or 4"],
    [[peer(1), { ...peer(2), range: "169.254.21.0/30" }], '[1].range: got "169.254.21.0/30"; which the tunnel [0] has'],
    [[{ ...peer(1), range: "10.0.0.0/30" }, peer(2)], '[0].range: got "10.0.0.0/30"; expected a /30 of 169.254.0.0/16'],
    [[{ ...peer(1), range: "169.254.30.0/29" }, peer(2)], '[0].range: got "169.254.30.0/29"; expected a /30'],
    [[{ ...peer(1), range: "169.254.169.252/30" }, peer(2)], "which Google keeps for itself"],
  ] as [GcpTunnel[], string][])("that cannot be are refused with the reason: %j", (given, reason) => {
    expect(tunnelProblems(given)).toEqual([expect.stringContaining(reason)]);
    expect(() => planTunnels(given)).toThrow("tunnels");
  });
});

test("routes into the other side's ranges are believed, and none that would lead more there", () => {
  expect(routeTerms(["10.30.0.0/16", "10.40.0.0/16"])).toEqual([
    {
      priority: 1,
      match: {
        expression: "destination.inAnyRange([prefix('10.30.0.0/16').orLonger(), prefix('10.40.0.0/16').orLonger()])",
      },
      actions: [{ expression: "accept()" }],
    },
    {
      priority: 2,
      match: { expression: "destination.inAnyRange([prefix('0.0.0.0/0').orLonger()])" },
      actions: [{ expression: "drop()" }],
    },
  ]);
});

describe("the firewall", () => {
  const peerRanges = ["10.30.0.0/16"];
  const addresses = planGcpAddresses("10.20.0.0/16");
  const own = planGcpFirewall({
    addresses,
    databaseRange: addresses.database,
    egressPorts: [443, 8443],
    nodePort: 30_443,
  });

  test.each(vpnSides)("lets connections to sequencers through, in one direction: %s", (side) => {
    const rules = planVpnFirewall(side, peerRanges, [443]);
    const opening = side === "domain" ? "INGRESS" : "EGRESS";
    expect(rules.filter(({ action }) => action === "allow")).toEqual([
      expect.objectContaining({ direction: opening, ports: [443], ranges: peerRanges, on: "nodes" }),
    ]);
    // Whatever the network's own rules say of anywhere, they come after these.
    for (const direction of ["INGRESS", "EGRESS"]) {
      const deny = rules.find((rule) => rule.action === "deny" && rule.direction === direction);
      expect(deny).toMatchObject({ ranges: peerRanges });
      expect(deny).not.toHaveProperty("ports");
      expect(deny).not.toHaveProperty("on");
      const others = [...own, ...gcpDefaultRules].filter((rule) => rule.direction === direction);
      for (const { priority } of others) expect(deny?.priority).toBeLessThan(priority);
    }
    const [allow] = rules;
    for (const { priority } of rules.slice(1)) expect(allow?.priority).toBeLessThan(priority);
    const names = [...own, ...gcpDefaultRules, ...rules].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
