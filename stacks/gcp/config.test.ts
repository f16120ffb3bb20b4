import { readFileSync } from "node:fs";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checkGcpConfig } from "./config.ts";
import { zonesOf } from "./presets.ts";

const base = { name: "acme", project: "acme-canton", region: "europe-west3", environment: "production" };

function problems(given: Record<string, unknown>): readonly string[] {
  try {
    checkGcpConfig({ ...base, ...given });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("the examples are accepted", () => {
  for (const environment of ["dev", "production"]) {
    test(`Pulumi.gcp-${environment}.yaml`, () => {
      const file = parse(readFileSync(new URL(`../../Pulumi.gcp-${environment}.yaml`, import.meta.url), "utf8"));
      const { template, ...given } = Object.fromEntries(
        Object.entries(file.config).map(([key, value]) => [key.replace("pulumi-canton:", ""), value]),
      );
      expect(template).toBe("gcp");
      expect(checkGcpConfig(given).environment).toBe(environment);
    });
  }
});

test("the environment says what the configuration does not", () => {
  expect(checkGcpConfig(base)).toMatchObject({
    namespace: "acme",
    zones: ["europe-west3-a", "europe-west3-b", "europe-west3-c"],
    database: { version: "17", edition: "ENTERPRISE_PLUS", highAvailability: true, recoveryDays: 14 },
    keys: { protectionLevel: "HSM" },
    storage: { lockLogs: true },
    ingress: { exposure: "internal" },
    retain: true,
  });
  expect(checkGcpConfig({ ...base, environment: "dev" })).toMatchObject({
    zones: ["europe-west3-a", "europe-west3-b"],
    database: { edition: "ENTERPRISE", highAvailability: false },
    retain: false,
  });
  expect(checkGcpConfig({ ...base, database: { version: "18", backups: 60 } }).database).toMatchObject({
    version: "18",
    backups: 60,
    tier: "db-perf-optimized-N-4",
  });
});

test("a time is understood with quotes and without", () => {
  for (const time of ["2026-03-01T10:15:00Z", "2026-03-01 10:15:00 +0000 UTC"]) {
    expect(checkGcpConfig({ ...base, database: { restoredTo: [time] } }).database.restoredTo).toEqual([
      "2026-03-01T10:15:00Z",
    ]);
  }
});

test("zones are those that a region has", () => {
  expect(zonesOf("us-east1", 3)).toEqual(["us-east1-b", "us-east1-c", "us-east1-d"]);
  expect(zonesOf("europe-west1", 1)).toEqual(["europe-west1-b"]);
});

describe("a mistake is named by its key, with what was given and what is accepted", () => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ["a misspelt key", { regions: "x" }, /^regions: unknown key; did you mean region\?/],
    ["a project that is none", { project: "Acme" }, /^project: got "Acme"; expected a project's id/],
    ["a region that is none", { region: "europe" }, /^region: got "europe"; expected a region such as/],
    [
      "a public network",
      { network: { range: "11.0.0.0/16" } },
      /^network\.range: got "11\.0\.0\.0\/16"; expected a part of 10/,
    ],
    ["a small network", { network: { range: "10.0.0.0/24" } }, /^network\.range: .*from \/14 to \/18/],
    [
      "a version that is none",
      { database: { version: "15" } },
      /^database\.version: got "15"; expected one of "16", "17", "18"/,
    ],
    [
      "a member that is none",
      { bastion: { members: ["jo"] } },
      /^bastion\.members\[0\]: got "jo"; expected a member such as/,
    ],
    [
      "an exposure that is none",
      { ingress: { exposure: "open" } },
      /^ingress\.exposure: got "open"; expected one of "internal"/,
    ],
  ];
  for (const [name, given, expected] of cases) {
    test(name, () => expect(problems(given).join("\n")).toMatch(expected));
  }
});

describe("what cannot work together is refused with the reason", () => {
  const gateway = {
    network: "projects/acme-participant/global/networks/owner",
    subnetwork: "projects/acme-participant/regions/europe-west3/subnetworks/owner",
  };
  const tunnels = [{ peerAddress: "198.51.100.1" }, { peerAddress: "198.51.100.2" }];
  const vpn = { peerRanges: ["10.30.0.0/16"], peerAsn: 65_010, tunnels };
  const dev = { environment: "dev" };
  const cases: [string, Record<string, unknown>, RegExp][] = [
    [
      "a zone of another region",
      { zones: ["europe-west3-a", "europe-west4-a"] },
      /^zones\[1\]: got "europe-west4-a"; expected a zone of the region/,
    ],
    [
      "a zone twice",
      { zones: ["europe-west3-a", "europe-west3-a"] },
      /^zones\[1\]: got "europe-west3-a" a second time/,
    ],
    ["a node twice", { nodes: ["a", "a"] }, /^nodes\[1\]: got "a" a second time/],
    [
      "a node named as a login",
      { nodes: ["sequencer-backend"] },
      /^nodes\[0\]: got "sequencer-backend", which another login has/,
    ],
    [
      "a machine of another edition",
      { database: { edition: "ENTERPRISE" } },
      /^database\.tier: got "db-perf-optimized-N-4"; expected db-custom/,
    ],
    [
      "more recovery than an edition keeps",
      { ...dev, database: { recoveryDays: 14, backups: 14 } },
      /^database\.recoveryDays: got 14; expected 1 to 7 with the edition ENTERPRISE/,
    ],
    ["recovery without backups", { database: { backups: 3 } }, /^database\.backups: got 3; expected at least 14/],
    [
      "a machine for a backend that there is not",
      { domain: false, database: { backendTier: "db-perf-optimized-N-2" } },
      /^database\.backendTier: there is no backend/,
    ],
    ["a backend's machine that is none", { database: { backendTier: "x" } }, /^database\.backendTier: got "x"/],
    [
      "two zones in one",
      { ...dev, zones: ["europe-west3-a"], database: { highAvailability: true } },
      /^database\.highAvailability: got true with one zone/,
    ],
    [
      "a zone without machine",
      { cluster: { machines: { min: 2, max: 4 } } },
      /^cluster\.machines\.min: got 2; expected at least 3/,
    ],
    [
      "fewer than the fewest",
      { cluster: { machines: { min: 5, max: 4 } } },
      /^cluster\.machines\.max: got 4; expected at least 5/,
    ],
    [
      "more machines than addresses",
      { network: { range: "10.0.0.0/18" }, cluster: { machines: { min: 3, max: 40 } } },
      /^cluster\.machines\.max: got 40; expected at most 32, or a network\.range larger/,
    ],
    [
      "the internet before the control plane",
      { cluster: { authorizedRanges: ["203.0.113.0/24"] } },
      /^cluster\.authorizedRanges\[0\]: .*expected a private range/,
    ],
    [
      "an ingress for nobody",
      { ingress: { exposure: "external" } },
      /^ingress\.exposure: got "external" with no allowedRanges/,
    ],
    [
      "a certificate for no name",
      { ingress: { exposure: "application" }, allowedRanges: ["203.0.113.0/24"] },
      /^ingress\.hostname: missing/,
    ],
    [
      "Cloud Armor before a private address",
      { ingress: { armor: {} } },
      /^ingress\.armor: got a section with the exposure "internal"/,
    ],
    [
      "a name without certificate",
      { ingress: { hostname: "a.example.com" } },
      /^ingress\.hostname: got "a.example.com" with the exposure "internal"/,
    ],
    [
      "operators from nowhere",
      { bastion: { members: ["user:a@b.com"], accessPolicy: "1" } },
      /^bastion\.accessPolicy: there are no allowedRanges/,
    ],
    [
      "operators from private addresses",
      { bastion: { members: ["user:a@b.com"], accessPolicy: "1" }, allowedRanges: ["10.0.0.0/8"] },
      /^bastion\.accessPolicy: allowedRanges has 10\.0\.0\.0\/8; Google sees public/,
    ],
    ["a gateway without domain", { domain: false, gateway }, /^gateway: got a section, but domain is false/],
    [
      "a gateway to another region",
      { region: "europe-west4", gateway },
      /^gateway\.subnetwork: got one in europe-west3; expected one in europe-west4/,
    ],
    ["a VPN's domain without a domain", { domain: false, vpn }, /^vpn\.side: got "domain" where domain is false/],
    [
      "a public ingress behind a VPN",
      { ingress: { exposure: "external" }, allowedRanges: ["203.0.113.0/24"], vpn },
      /^ingress\.exposure: got "external" with a vpn; expected "internal"/,
    ],
    [
      "a VPN of two networks with the same addresses",
      { vpn: { ...vpn, peerRanges: ["10.20.64.0/20"] } },
      /^vpn\.peerRanges\[0\]: got "10\.20\.64\.0\/20", which overlaps 10\.20\.0\.0\/16 \(network\.range\)/,
    ],
    [
      "two peers with the same addresses",
      { vpn: { ...vpn, peerRanges: ["10.30.0.0/16", "10.30.1.0/24"] } },
      /^vpn\.peerRanges\[1\]: .*overlaps 10\.30\.0\.0\/16 \(vpn\.peerRanges\[0\]\)/,
    ],
    [
      "a VPN to the whole internet",
      { vpn: { ...vpn, peerRanges: ["203.0.113.0/24"] } },
      /^vpn\.peerRanges\[0\]: got "203\.0\.113\.0\/24"; expected a private range/,
    ],
    ["one tunnel", { vpn: { ...vpn, tunnels: tunnels.slice(1) } }, /^vpn\.tunnels: got 1; expected 2, or 4/],
    [
      "a gateway that is not in the internet",
      { vpn: { ...vpn, tunnels: [tunnels[0], { peerAddress: "10.30.0.1" }] } },
      /^vpn\.tunnels\[1\]\.peerAddress: got "10\.30\.0\.1"; expected an address in the internet/,
    ],
    [
      "two sessions with the same addresses",
      { vpn: { ...vpn, tunnels: tunnels.map((tunnel) => ({ ...tunnel, range: "169.254.30.0/30" })) } },
      /^vpn\.tunnels\[1\]\.range: got "169\.254\.30\.0\/30"; which the tunnel \[0\] has/,
    ],
    ["two networks of one number", { vpn: { ...vpn, asn: 65_010 } }, /^vpn\.peerAsn: got 65010, which vpn\.asn is/],
    [
      "the number of somebody else",
      { vpn: { ...vpn, asn: 70_000 } },
      /^vpn\.asn: got 70000; expected a number for private use/,
    ],
    [
      "a key that is guessed soon",
      { vpn: { ...vpn, tunnels: tunnels.map((tunnel) => ({ ...tunnel, sharedKey: "canton" })) } },
      /^vpn\.tunnels\[0\]\.sharedKey: .*expected 16 to 128 characters/,
    ],
    [
      "production in one zone",
      { zones: ["europe-west3-a"], database: { highAvailability: false }, cluster: { machines: { min: 1, max: 3 } } },
      /highAvailability: got false; production needs.*\nzones: got europe-west3-a; production needs/,
    ],
    [
      "production with keys in software",
      { keys: { protectionLevel: "SOFTWARE" } },
      /^keys\.protectionLevel: got "SOFTWARE"; production needs "HSM"/,
    ],
    [
      "production for everybody",
      { ingress: { exposure: "external" }, allowedRanges: ["0.0.0.0/0"] },
      /^allowedRanges\[0\]: got "0\.0\.0\.0\/0"; production is open to those it lists/,
    ],
    [
      "a moment that is none",
      { database: { restoredTo: ["now"] } },
      /^database\.restoredTo\[0\]: got "now"; expected a time/,
    ],
    [
      "a moment of a copy",
      { database: { restoredTo: ["2026-03-01T10:15:00Z"] }, standby: { of: "s" } },
      /^database\.restoredTo: got a moment, but the databases are copies/,
    ],
    [
      "a key of its own for a standby",
      { keys: { nodesLocation: "europe" }, standby: { of: "s" } },
      /^keys\.nodesLocation: got "europe", but the nodes' key is that of s/,
    ],
    ["a lock in dev", { ...dev, storage: { lockLogs: true } }, /^storage\.lockLogs: got true in dev/],
  ];
  for (const [name, given, expected] of cases) {
    test(name, () => expect(problems(given).join("\n")).toMatch(expected));
  }
});

test("every problem is told at once", () => {
  expect(
    problems({ zones: ["x-a"], nodes: ["administrator"], keys: { protectionLevel: "SOFTWARE" } }).length,
  ).toBeGreaterThan(3);
});
