import { isSecret, secret } from "@pulumi/pulumi";
import { beforeEach, expect, test } from "vitest";
import type { Deployment } from "../deployment/deployment.ts";
import { GcpNetwork } from "./gcp-network.ts";
import { GcpVpn, type GcpVpnArgs } from "./gcp-vpn.ts";
import { type AskedResource, ofKind, standInForGcp, valueOf } from "./testing/gcp-mocks.ts";

let asked: AskedResource[];
const deployment: Deployment = { name: "acme", environment: "production", tags: { team: "ledger" } };
const region = "europe-west3";

beforeEach(async () => {
  asked = await standInForGcp();
});

function makeVpn(args: Partial<GcpVpnArgs> = {}): GcpVpn {
  const network = new GcpNetwork("acme", { deployment, region, range: "10.20.0.0/16" });
  return new GcpVpn("acme", {
    deployment,
    region,
    network,
    side: "domain",
    announced: ["10.20.68.5/32"],
    peerRanges: ["10.30.0.0/16"],
    ports: [443],
    asn: 64_520,
    peerAsn: 65_010,
    tunnels: [{ peerAddress: "198.51.100.1" }, { peerAddress: "198.51.100.2" }],
    ...args,
  });
}

const ofType = (kind: string) => ofKind(asked, kind);
const ofVpn = () => asked.filter(({ parent }) => parent === "pulumi-canton:network:GcpVpn::acme");

test("tunnels between two gateways, each with its session, and a route policy before every session", async () => {
  const end = await valueOf(makeVpn().end);
  expect(end).toEqual({
    asn: 64_520,
    tunnels: [
      { address: "203.0.113.20", ownBgp: "169.254.21.2", peerBgp: "169.254.21.1" },
      { address: "203.0.113.21", ownBgp: "169.254.21.6", peerBgp: "169.254.21.5" },
    ],
  });
  expect(ofVpn()).toHaveLength(14);
  expect(ofType("ExternalVpnGateway")[0]?.inputs).toMatchObject({
    redundancyType: "TWO_IPS_REDUNDANCY",
    interfaces: [
      { id: 0, ipAddress: "198.51.100.1" },
      { id: 1, ipAddress: "198.51.100.2" },
    ],
  });
  expect(ofType("VPNTunnel").map(({ inputs }) => inputs)).toMatchObject([
    { name: "acme-vpn-1", ikeVersion: 2, vpnGatewayInterface: 0, peerExternalGatewayInterface: 0 },
    { name: "acme-vpn-2", ikeVersion: 2, vpnGatewayInterface: 1, peerExternalGatewayInterface: 1 },
  ]);
  expect(ofType("RouterInterface").map(({ inputs }) => inputs["ipRange"])).toEqual([
    "169.254.21.1/30",
    "169.254.21.5/30",
  ]);
  for (const { inputs } of ofType("RouterPeer")) {
    expect(inputs).toMatchObject({ peerAsn: 65_010, importPolicies: ["acme-vpn"], router: "acme-vpn" });
  }
  for (const { inputs } of ofVpn()) expect(String(inputs["name"] ?? "")).toMatch(/^(?:acme-vpn.*)?$/);
});

test("the other side is told of what is announced alone, and believed of its own ranges alone", async () => {
  await valueOf(makeVpn().end);
  const router = ofType("Router").find(({ name }) => name === "acme-vpn");
  expect(router?.inputs["bgp"]).toEqual({
    asn: 64_520,
    advertiseMode: "CUSTOM",
    advertisedIpRanges: [{ range: "10.20.68.5/32" }],
  });
  expect(ofType("RouterRoutePolicy")[0]?.inputs).toMatchObject({
    type: "ROUTE_POLICY_TYPE_IMPORT",
    terms: [{ actions: [{ expression: "accept()" }] }, { actions: [{ expression: "drop()" }] }],
  });
  const rules = ofType("Firewall").filter(({ name }) => name.startsWith("acme-vpn"));
  expect(rules.map(({ inputs }) => [inputs["direction"], inputs["allows"] ?? inputs["denies"]])).toEqual([
    ["EGRESS", [{ protocol: "all" }]],
    ["INGRESS", [{ protocol: "all" }]],
    ["INGRESS", [{ protocol: "tcp", ports: ["443"] }]],
  ]);
});

test("keys are drawn once for all tunnels, or those that were agreed on; secret in any case", async () => {
  const drawn = makeVpn();
  expect(await valueOf(drawn.keys)).toEqual(["password-of-acme-vpn", "password-of-acme-vpn"]);
  expect(await isSecret(drawn.keys)).toBe(true);
  expect(ofType("RandomPassword")).toHaveLength(1);
  for (const { secrets } of ofType("VPNTunnel")) expect(secrets).toContain("sharedSecret");

  asked = await standInForGcp();
  const tunnels = [1, 2].map((last) => ({ peerAddress: `198.51.100.${last}`, sharedKey: secret(`agreed-${last}`) }));
  const agreed = makeVpn({ tunnels });
  expect(await valueOf(agreed.keys)).toEqual(["agreed-1", "agreed-2"]);
  expect(ofType("RandomPassword")).toEqual([]);
  for (const { secrets, inputs } of ofType("VPNTunnel")) {
    expect(secrets).toContain("sharedSecret");
    expect(inputs["sharedSecret"]).toBe(`agreed-${inputs["name"].at(-1)}`);
  }
});

test("bad tunnels are named", () => {
  expect(() => makeVpn({ tunnels: [{ peerAddress: "198.51.100.1" }] })).toThrow("tunnels: got 1; expected 2, or 4");
});
