import { isSecret } from "@pulumi/pulumi";
import type { AskedResource } from "@pulumi-canton/components/network/testing/gcp-mocks.ts";
import { ofKind, standInForGcp, valueOf } from "@pulumi-canton/components/network/testing/gcp-mocks.ts";
import { beforeEach, describe, expect, test } from "vitest";
import { checkGcpConfig } from "./config.ts";
import { type GcpReplication, gcpInfrastructure, primaryIn } from "./infrastructure.ts";

let asked: AskedResource[];

beforeEach(async () => {
  asked = await standInForGcp();
});

const base = { name: "acme", project: "acme-canton", region: "europe-west3" };
const everything = {
  ...base,
  environment: "production",
  allowedRanges: ["203.0.113.0/24", "198.51.100.0/24"],
  ingress: { exposure: "application", hostname: "canton.example.com" },
  bastion: { members: ["group:ops@example.com", "user:jo@example.com"], accessPolicy: "4711" },
  gateway: {
    network: "projects/acme-participant/global/networks/owner",
    subnetwork: "projects/acme-participant/regions/europe-west3/subnetworks/owner",
  },
};

/** Builds, and waits until all of it is there. */
async function build(given: Record<string, unknown>, options: Parameters<typeof gcpInfrastructure>[1] = {}) {
  const built = gcpInfrastructure(checkGcpConfig(given), options);
  const state = await valueOf(built.infrastructure);
  return { ...built, state };
}

const ofType = (kind: string) => ofKind(asked, kind);
const custom = () => asked.filter(({ type }) => !type.startsWith("pulumi-canton:"));

describe("every preset", () => {
  for (const environment of ["dev", "staging", "production"]) {
    test(`${environment} stays under 150 resources, encrypted with its own keys, private, and with TLS`, async () => {
      await build({ ...base, environment });
      expect(asked.length).toBeGreaterThan(90);
      expect(asked.length).toBeLessThan(150);
      for (const { type, parent, ownProvider } of custom()) {
        if (type.startsWith("pulumi:")) continue;
        expect(parent, type).toMatch(/^pulumi-canton:/);
        if (type.startsWith("gcp:")) expect(ownProvider, type).toBe(true);
      }
      const names = asked.map(({ type, name, parent }) => `${parent} ${type} ${name}`);
      expect(new Set(names).size).toBe(names.length);

      expect(ofType("DatabaseInstance")).toHaveLength(2);
      for (const { inputs } of ofType("DatabaseInstance")) {
        expect(inputs["encryptionKeyName"]).toBe("CryptoKey/acme-database");
        expect(inputs["settings"].ipConfiguration).toMatchObject({ ipv4Enabled: false, sslMode: "ENCRYPTED_ONLY" });
        expect(inputs["settings"].backupConfiguration).toMatchObject({
          enabled: true,
          pointInTimeRecoveryEnabled: true,
        });
      }
      expect(ofType("Bucket")).toHaveLength(2);
      for (const { inputs } of ofType("Bucket")) {
        expect(inputs["encryption"]).toEqual({ defaultKmsKeyName: "CryptoKey/acme-storage" });
        expect(inputs["publicAccessPrevention"]).toBe("enforced");
      }
      expect(ofType("Cluster")[0]?.inputs["databaseEncryption"].keyName).toBe("CryptoKey/acme-disks");
      const open = [...ofType("Address"), ...ofType("GlobalAddress")].filter(
        ({ name, inputs }) => inputs["addressType"] !== "INTERNAL" && !name.includes("-nat-"),
      );
      expect(open).toEqual([]);
    });
  }

  test("with all that can be asked for, production stays under 150", async () => {
    await build(everything);
    expect(asked.length).toBeLessThan(150);
    // In the cloud a name can be had once, wherever in the program it was given.
    const names = custom().flatMap(({ type, inputs }) => {
      const { name, project = "", location = "", zone = "", keyRing = "", instance = "" } = inputs;
      return name === undefined ? [] : [[type, project, location, zone, keyRing, instance, name].join(" ")];
    });
    expect(new Set(names).size).toBe(names.length);
    const services = ofType("Service").map(({ inputs }) => inputs["service"]);
    expect(services).toEqual(
      expect.arrayContaining(["iap.googleapis.com", "certificatemanager.googleapis.com", "sqladmin.googleapis.com"]),
    );
  });

  test("only production keeps databases, keys and buckets when the stack goes", async () => {
    const kept = () =>
      custom()
        .filter(({ protect }) => protect)
        .map(({ type }) => type.split(":").at(-1));
    await build({ ...base, environment: "dev" });
    expect(kept()).toEqual([]);
    expect(ofType("DatabaseInstance").map(({ inputs }) => inputs["deletionProtection"])).toEqual([false, false]);
    asked = await standInForGcp();
    await build({ ...base, environment: "production" });
    expect(new Set(kept())).toEqual(
      new Set(["KeyRing", "CryptoKey", "DatabaseInstance", "Secret", "Bucket", "Cluster"]),
    );
    for (const type of ["KeyRing", "CryptoKey", "DatabaseInstance", "Bucket"]) {
      for (const { protect, retainOnDelete } of ofType(type))
        expect({ protect, retainOnDelete }).toEqual({ protect: true, retainOnDelete: true });
    }
  });
});

describe("what stacks on top take", () => {
  test("two servers apart, one login a node, and the ingress by a private address", async () => {
    const { state } = await build({ ...base, environment: "production", allowedRanges: ["10.99.0.0/16"] });
    expect(state).toMatchObject({
      cloud: "gcp",
      region: "europe-west3",
      deployment: { name: "acme", environment: "production" },
      namespace: "acme",
      keyEncryption: { type: "gcp-kms", keyId: "CryptoKey/acme-nodes" },
      storage: { backups: expect.stringMatching(/^gs:\/\/acme-backups-[0-9a-f]{6}$/) },
      ingress: { address: "10.20.68.5", allowedRanges: ["10.99.0.0/16"] },
    });
    expect(state.ingress.nodePort).toBeUndefined();
    expect(Object.keys(state.databases.nodes.logins)).toEqual([
      "domain-manager",
      "mediator",
      "sequencer1",
      "sequencer2",
      "participant1",
    ]);
    expect(Object.keys(state.databases.sequencerBackend?.logins ?? {})).toEqual(["sequencer-backend"]);
    expect(state.databases.nodes.host).not.toBe(state.databases.sequencerBackend?.host);
    expect(state.databases.nodes).toMatchObject({
      host: "acme-nodes.x.sql-psa.goog",
      port: 5432,
      caPem: "ROOT\nREGION",
      administrator: { user: "administrator", password: "password-of-acme-nodes-administrator" },
    });
  });

  test("an application user has no sequencers' backend", async () => {
    const { state } = await build({ ...base, environment: "dev", domain: false, nodes: ["participant1"] });
    expect(state.databases.sequencerBackend).toBeUndefined();
    expect(ofType("DatabaseInstance")).toHaveLength(1);
  });

  test("no password is an input in the clear", async () => {
    const { infrastructure, replication } = await build(everything);
    expect(await isSecret(infrastructure)).toBe(true);
    expect(await isSecret(replication)).toBe(true);
    for (const resource of asked) {
      const open = Object.entries(resource.inputs).filter(([key]) => !resource.secrets.includes(key));
      expect(JSON.stringify(open), resource.name).not.toContain("password-of-");
    }
    expect(ofType("SecretVersion").every(({ secrets }) => secrets.includes("secretData"))).toBe(true);
  });

  test("behind Cloud Armor the ingress is reached by load balancers only", async () => {
    const { state } = await build(everything);
    expect(state.ingress).toMatchObject({ nodePort: 30_443, allowedRanges: ["10.20.76.0/23"], address: "10.20.68.5" });
    const [backend] = ofType("RegionBackendService").filter(({ inputs }) => inputs["protocol"] === "HTTP2");
    expect(backend?.inputs).toMatchObject({ securityPolicy: "link/acme-armor", portName: "ingress" });
    expect(backend?.inputs["backends"]).toHaveLength(3);
  });
});

describe("a VPN", () => {
  const sharedKey = "agreed-on-by-telephone";
  const tunnels = [{ peerAddress: "198.51.100.1", sharedKey }, { peerAddress: "198.51.100.2" }];
  const vpn = { peerRanges: ["10.30.0.0/16"], peerAsn: 65_010, tunnels };

  test("tells the participant's network of the ingress alone, which lets it in", async () => {
    const { state, summary } = await build({ ...base, environment: "production", vpn });
    expect(ofType("Router").find(({ name }) => name === "acme-vpn")?.inputs["bgp"]["advertisedIpRanges"]).toEqual([
      { range: `${state.ingress.address}/32` },
    ]);
    expect(state.ingress.allowedRanges).toEqual(["10.30.0.0/16"]);
    expect(summary.vpn && (await valueOf(summary.vpn))).toMatchObject({ asn: 64_520 });
    expect(summary.vpn && (await isSecret(summary.vpn))).toBe(false);
    expect(summary.vpnKeys && (await isSecret(summary.vpnKeys))).toBe(true);
    for (const resource of asked) {
      const open = Object.entries(resource.inputs).filter(([key]) => !resource.secrets.includes(key));
      for (const key of ["password-of-", sharedKey]) expect(JSON.stringify(open), resource.name).not.toContain(key);
    }
  });

  test("tells the domain's network of the participant's pods, and lets nobody in", async () => {
    const participant = { domain: false, nodes: ["participant1"], vpn: { ...vpn, side: "participant" } };
    const { state } = await build({ ...base, environment: "dev", ...participant });
    expect(ofType("Router").find(({ name }) => name === "acme-vpn")?.inputs["bgp"]["advertisedIpRanges"]).toEqual([
      { range: "10.20.0.0/18" },
    ]);
    expect(state.ingress.allowedRanges).toEqual([]);
  });

  test("goes together with the gateway for a network of Google's", async () => {
    await build({ ...base, environment: "production", gateway: everything.gateway, vpn });
    expect(asked.length).toBeLessThan(150);
    const names = asked.map(({ type, name, parent }) => `${parent} ${type} ${name}`);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("a standby region", () => {
  test("shares the network, copies both servers, keeps their passwords, and becomes its own by one key", async () => {
    const primary = await build({ ...base, environment: "production" });
    const replicaOf: GcpReplication = await valueOf(primary.replication);
    const standby = {
      ...base,
      name: "acme-west",
      region: "europe-west4",
      environment: "production",
      network: { range: "10.21.0.0/16" },
    };

    asked = await standInForGcp();
    const { state } = await build(standby, { replicaOf });
    expect(ofType("Network")).toEqual([]);
    expect(ofType("Connection")).toEqual([]);
    expect(ofType("Firewall").filter(({ inputs }) => inputs["denies"])).toEqual([]);
    expect(
      ofType("Firewall").find(({ name }) => name === "acme-west-nodes-to-database")?.inputs["destinationRanges"],
    ).toEqual(["10.20.72.0/22"]);
    expect(
      ofType("DatabaseInstance").map(({ inputs }) => [inputs["instanceType"], inputs["masterInstanceName"]]),
    ).toEqual([
      ["READ_REPLICA_INSTANCE", "acme-nodes-1a2b3c4"],
      ["READ_REPLICA_INSTANCE", "acme-sequencers-1a2b3c4"],
    ]);
    expect(ofType("DatabaseInstance")[0]?.inputs["encryptionKeyName"]).toBe("CryptoKey/acme-west-database");
    expect(ofType("User")).toEqual([]);
    expect(ofType("RandomPassword")).toEqual([]);
    expect(state.keyEncryption).toEqual({ type: "gcp-kms", keyId: "CryptoKey/acme-nodes" });
    expect(state.databases.nodes.logins).toEqual(replicaOf.databases.nodes.server.logins);

    asked = await standInForGcp();
    await build(standby, { replicaOf, promoted: true });
    for (const { inputs } of ofType("DatabaseInstance")) {
      expect(inputs).toMatchObject({ instanceType: "CLOUD_SQL_INSTANCE" });
      expect(inputs["masterInstanceName"]).toBeUndefined();
      expect(inputs["settings"].backupConfiguration).toMatchObject({ enabled: true, pointInTimeRecoveryEnabled: true });
    }
  });

  test("a standby of an owner's domain is not made of a region that has none", async () => {
    const { replication } = await build({ ...base, environment: "dev", domain: false, nodes: ["participant1"] });
    const known = await valueOf(replication);
    expect(primaryIn(known, "nodes").instance).toBe("acme-nodes-1a2b3c4");
    expect(() => primaryIn(known, "sequencerBackend")).toThrow("the other region has no sequencerBackend to copy");
  });

  test("two regions fit into one program: no name is taken twice", async () => {
    const first = await build({ ...base, environment: "dev" });
    await build(
      {
        ...base,
        environment: "dev",
        region: "europe-west4",
        network: { range: "10.21.0.0/16" },
        enableServices: false,
      },
      { suffix: "west", replicaOf: first.replication },
    );
    const names = asked.map(({ type, name, parent }) => `${parent.split("::")[0]} ${type} ${name}`);
    expect(new Set(names).size).toBe(names.length);
  });
});
