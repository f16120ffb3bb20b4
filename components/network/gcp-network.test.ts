import { output } from "@pulumi/pulumi";
import { beforeEach, describe, expect, test } from "vitest";
import type { Deployment } from "../deployment/deployment.ts";
import { GcpBastion } from "./gcp-bastion.ts";
import { GcpGateway } from "./gcp-gateway.ts";
import { GcpIngressAddress } from "./gcp-ingress-address.ts";
import { GcpLoadBalancer } from "./gcp-load-balancer.ts";
import { GcpNetwork, type GcpNetworkArgs } from "./gcp-network.ts";
import { type AskedResource, ofKind, standInForGcp, valueOf } from "./testing/gcp-mocks.ts";

let asked: AskedResource[];
const deployment: Deployment = { name: "acme", environment: "production", tags: { team: "ledger" } };
const region = "europe-west3";
const groups = [
  "https://compute/zones/europe-west3-a/instanceGroups/g",
  "https://compute/zones/europe-west3-b/instanceGroups/g",
];

beforeEach(async () => {
  asked = await standInForGcp();
});

function makeNetwork(args: Partial<GcpNetworkArgs> = {}): GcpNetwork {
  return new GcpNetwork("acme", { deployment, region, range: "10.20.0.0/16", ...args });
}

const ofType = (kind: string) => ofKind(asked, kind);
const one = (end: string, name: string) => asked.find((each) => each.type.endsWith(`:${end}`) && each.name === name);

describe("GcpNetwork", () => {
  test("a subnet for each tier, of the plan's addresses; machines' subnets reach Google privately and log their flows", async () => {
    const network = makeNetwork({ flowSampling: 0.5 });
    expect(await valueOf(network.shared)).toEqual({
      network: "Network/acme-network",
      databaseRangeName: "acme-database",
      databaseRange: "10.20.72.0/22",
      databaseZone: "acme-databases",
    });
    expect(ofType("Network")[0]?.inputs).toMatchObject({ autoCreateSubnetworks: false });
    expect(Object.fromEntries(ofType("Subnetwork").map(({ name, inputs }) => [name, inputs["ipCidrRange"]]))).toEqual({
      "acme-nodes": network.addresses.nodes,
      "acme-bastion": network.addresses.bastion,
      "acme-control-plane": network.addresses.controlPlane,
      "acme-load-balancer": network.addresses.loadBalancer,
      "acme-gateway": network.addresses.gateway,
    });
    expect(one("Subnetwork", "acme-nodes")?.inputs).toMatchObject({
      privateIpGoogleAccess: true,
      logConfig: { flowSampling: 0.5 },
      secondaryIpRanges: [
        { rangeName: "pods", ipCidrRange: "10.20.0.0/18" },
        { rangeName: "services", ipCidrRange: "10.20.64.0/22" },
      ],
    });
    expect(one("Subnetwork", "acme-load-balancer")?.inputs).toMatchObject({ purpose: "REGIONAL_MANAGED_PROXY" });
    expect(one("Subnetwork", "acme-gateway")?.inputs).toMatchObject({ purpose: "PRIVATE_SERVICE_CONNECT" });
    expect(one("GlobalAddress", "acme-database")?.inputs).toMatchObject({
      purpose: "VPC_PEERING",
      address: "10.20.72.0",
      prefixLength: 22,
    });
    for (const { parent } of asked.slice(1)) expect(parent).toBe("pulumi-canton:network:GcpNetwork::acme");
  });

  test("what no rule allows is refused and logged, both ways", async () => {
    await valueOf(makeNetwork().network);
    for (const direction of ["ingress", "egress"]) {
      expect(one("Firewall", `acme-deny-${direction}`)?.inputs).toMatchObject({
        direction: direction.toUpperCase(),
        priority: 65_534,
        denies: [{ protocol: "all" }],
        logConfig: {},
      });
    }
    const allowing = ofType("Firewall").filter(({ inputs }) => inputs["allows"] !== undefined);
    expect(allowing.length).toBeGreaterThan(4);
    for (const { inputs } of allowing) expect(inputs["targetTags"]).toEqual(["acme-nodes"]);
    expect(one("Firewall", "acme-nodes-to-database")?.inputs).toMatchObject({
      destinationRanges: ["10.20.72.0/22"],
      allows: [{ protocol: "tcp", ports: ["5432"] }],
    });
  });

  test("there is one way out, from addresses that others can list; zones are for the network only", async () => {
    const network = makeNetwork({ natAddresses: 2 });
    expect(await valueOf(network.natAddresses)).toHaveLength(2);
    expect(ofType("RouterNat")[0]?.inputs).toMatchObject({
      natIpAllocateOption: "MANUAL_ONLY",
      natIps: ["link/acme-nat-1", "link/acme-nat-2"],
      sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
    });
    expect(ofType("ManagedZone").map(({ inputs }) => inputs["dnsName"])).toEqual(["sql-psa.goog.", "acme.internal."]);
    for (const { inputs } of ofType("ManagedZone")) {
      expect(inputs).toMatchObject({
        visibility: "private",
        privateVisibilityConfig: { networks: [{ networkUrl: "Network/acme-network" }] },
      });
    }
    for (const { inputs } of ofType("ResponsePolicyRule")) {
      expect(inputs["localData"].localDatas[0].rrdatas).toContain("199.36.153.8");
    }
    expect(ofType("ResponsePolicyRule").map(({ inputs }) => inputs["dnsName"])).toEqual(
      expect.arrayContaining(["*.googleapis.com.", "*.gcr.io.", "*.pkg.dev."]),
    );
    expect(ofType("Policy")[0]?.inputs).toMatchObject({ enableLogging: true });
  });

  test("bad arguments are named", () => {
    expect(() => makeNetwork({ range: "10.20.0.0/24" })).toThrow(
      /^range: got "10.20.0.0\/24"; expected a range from \/14/,
    );
    expect(() => makeNetwork({ natAddresses: 0 })).toThrow(/^natAddresses: got 0; expected 1 to 10/);
    expect(() => makeNetwork({ flowSampling: 2 })).toThrow(/^flowSampling: got 2; expected 0 to 1/);
  });
});

describe("GcpBastion", () => {
  const members = ["group:Ops.Team@example.com"];
  const bastion = (args: object = {}) =>
    new GcpBastion("acme", {
      deployment,
      project: "acme-canton",
      zone: "europe-west3-a",
      network: makeNetwork({ bastion: true }),
      diskKey: "key",
      members,
      ...args,
    });

  test("has no public address and no account, checks what it boots, and lets in by OS Login", async () => {
    expect(await valueOf(bastion().command)).toContain("--tunnel-through-iap");
    const machine = one("Instance", "acme-bastion")?.inputs;
    expect(machine?.["networkInterfaces"]).toEqual([{ subnetwork: "Subnetwork/acme-bastion" }]);
    expect(machine).not.toHaveProperty("serviceAccount");
    expect(machine).toMatchObject({
      bootDisk: { kmsKeySelfLink: "key" },
      shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
      metadata: { "enable-oslogin": "TRUE", "block-project-ssh-keys": "TRUE" },
      tags: ["acme-bastion"],
    });
    expect(one("Firewall", "acme-iap-to-bastion")?.inputs).toMatchObject({
      sourceRanges: ["35.235.240.0/20"],
      targetTags: ["acme-bastion"],
      allows: [{ protocol: "tcp", ports: ["22"] }],
    });
    const who = "acme-bastion-group-ops-team-example-com";
    expect(one("TunnelInstanceIAMMember", who)?.inputs).toMatchObject({
      condition: { expression: "destination.port == 22" },
    });
    expect(one("InstanceIAMMember", who)?.inputs).toMatchObject({ role: "roles/compute.osLogin", member: members[0] });
  });

  test("lets in from listed ranges only, where there is an access policy", async () => {
    await valueOf(bastion({ from: { accessPolicy: "4711", ranges: ["203.0.113.0/24"] } }).command);
    const level = "accessPolicies/4711/accessLevels/acme_operators";
    expect(ofType("AccessLevel")[0]?.inputs).toMatchObject({
      name: level,
      basic: { conditions: [{ ipSubnetworks: ["203.0.113.0/24"] }] },
    });
    expect(ofType("TunnelInstanceIAMMember")[0]?.inputs["condition"].expression).toBe(
      `destination.port == 22 && "${level}" in request.auth.access_levels`,
    );
  });

  test("nobody to let in is refused", () => {
    expect(() => bastion({ members: [] })).toThrow(/^members: got none/);
    expect(() => bastion({ from: { accessPolicy: "1", ranges: [] } })).toThrow(/^from.ranges: got none/);
  });
});

describe("GcpGateway", () => {
  test("offers one port to one network, which gets an address of its own for it", async () => {
    const participant = {
      project: "acme-participant",
      network: "projects/acme-participant/global/networks/owner",
      subnetwork: "projects/acme-participant/regions/europe-west3/subnetworks/owner",
    };
    const network = makeNetwork({ nodePort: 30_443 });
    const gateway = new GcpGateway("acme", { deployment, region, network, instanceGroups: groups, participant });
    expect(await valueOf(gateway.address)).toBe("10.20.68.5");
    expect(one("ForwardingRule", "acme-gateway")?.inputs).toMatchObject({
      loadBalancingScheme: "INTERNAL_MANAGED",
      portRange: "443",
      subnetwork: "Subnetwork/acme-nodes",
    });
    expect(one("ServiceAttachment", "acme-gateway")?.inputs).toMatchObject({
      connectionPreference: "ACCEPT_MANUAL",
      consumerAcceptLists: [{ networkUrl: participant.network, connectionLimit: 1 }],
      natSubnets: ["Subnetwork/acme-gateway"],
      targetService: "link/acme-gateway",
    });
    expect(one("ForwardingRule", "acme-gateway-participant")?.inputs).toMatchObject({
      project: "acme-participant",
      network: participant.network,
      target: "link/acme-gateway",
      loadBalancingScheme: "",
    });
    expect(one("RegionBackendService", "acme-gateway")?.inputs["backends"]).toEqual(
      groups.map((group) => ({ group, balancingMode: "UTILIZATION", capacityScaler: 1 })),
    );
    // Both ends may be in one project, where a name can be had once.
    expect(new Set(ofType("ForwardingRule").map(({ inputs }) => inputs["name"])).size).toBe(2);
    // Neither network gets a route to the other.
    expect(asked.filter(({ type }) => /Peering|Route:|Vpn/.test(type))).toEqual([]);
    expect(one("Firewall", "acme-load-balancers-to-nodes")?.inputs["allows"]).toEqual([
      { protocol: "tcp", ports: ["30443"] },
    ]);
  });
});

describe("GcpLoadBalancer and GcpIngressAddress", () => {
  test("Cloud Armor stands before the ingress, with TLS on both sides", async () => {
    const front = new GcpLoadBalancer("acme", {
      deployment,
      region,
      network: makeNetwork({ nodePort: 30_443 }),
      instanceGroups: output(groups),
      hostname: "canton.example.com",
      armor: { allowedRanges: ["203.0.113.0/24"] },
    });
    expect(await valueOf(front.certificateRecord)).toMatchObject({ name: "_acme.canton.example.com.", type: "CNAME" });
    expect(one("RegionBackendService", "acme-front")?.inputs).toMatchObject({
      protocol: "HTTP2",
      securityPolicy: "link/acme-armor",
      healthChecks: "RegionHealthCheck/acme-front",
    });
    expect(ofType("RegionSslPolicy")[0]?.inputs).toMatchObject({ minTlsVersion: "TLS_1_2", profile: "RESTRICTED" });
    expect(one("ForwardingRule", "acme-front")?.inputs).toMatchObject({ portRange: "443", ipAddress: "203.0.113.7" });
    expect(ofType("RegionSecurityPolicy")[0]).toMatchObject({ parent: "pulumi-canton:network:GcpArmor::acme" });
  });

  test("an address is private unless it is asked to be public", async () => {
    const network = makeNetwork();
    const inside = new GcpIngressAddress("acme", { deployment, region, network });
    expect(await valueOf(inside.address)).toBe("10.20.68.5");
    expect(inside.annotations["networking.gke.io/load-balancer-type"]).toBe("Internal");
    expect(one("Address", "acme-ingress")?.inputs).toMatchObject({
      addressType: "INTERNAL",
      subnetwork: "Subnetwork/acme-nodes",
    });
    expect(one("RecordSet", "acme-ingress")?.inputs).toMatchObject({
      name: "ingress.acme.internal.",
      rrdatas: ["10.20.68.5"],
    });

    asked = await standInForGcp();
    const outside = new GcpIngressAddress("acme", { deployment, region, network: makeNetwork(), external: true });
    expect(await valueOf(outside.address)).toBe("203.0.113.7");
    expect(one("Address", "acme-ingress")?.inputs).not.toHaveProperty("subnetwork");
    expect(outside.annotations).toEqual({ "cloud.google.com/l4-rbs": "enabled" });
  });
});
