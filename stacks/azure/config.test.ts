import { readFileSync } from "node:fs";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checkAzureConfig } from "./config.ts";
import { azureRegions } from "./regions.ts";

const group = "8d1f0000-0000-4000-8000-000000000002";
const dev = { name: "canton-dev", environment: "dev", region: "westeurope", allowedRanges: ["203.0.113.0/24"] };
const production = {
  ...dev,
  name: "canton-prod",
  environment: "production",
  cluster: { adminGroups: [group] },
};

function problems(given: Record<string, unknown>): readonly string[] {
  try {
    checkAzureConfig(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("the configurations in the repository are right, and name this template", () => {
  for (const stack of ["azure-dev", "azure-production"]) {
    const { config } = parse(readFileSync(new URL(`../../Pulumi.${stack}.yaml`, import.meta.url), "utf8"));
    const { template, ...given } = Object.fromEntries(
      Object.entries(config as Record<string, unknown>).map(([key, value]) => [
        key.replace("pulumi-canton:", ""),
        value,
      ]),
    );
    expect(template).toBe("azure");
    expect(problems(given)).toEqual([]);
  }
});

test("what is left out comes from the preset of the environment, and a key that is given wins", () => {
  expect(checkAzureConfig(dev)).toMatchObject({
    namespace: "canton-dev",
    zones: ["1", "2", "3"],
    network: { range: "10.20.0.0/16", egressPorts: [443] },
    cluster: { privateApi: false, apiRanges: ["203.0.113.0/24"], localAccounts: true },
    database: { version: "17", size: "Standard_B2s", availability: "none" },
    bastion: false,
    protect: false,
  });
  expect(checkAzureConfig({ ...production, database: { retentionDays: 14, version: "18" } }).database).toMatchObject({
    version: "18",
    size: "Standard_E4ds_v5",
    availability: "zone-redundant",
    retentionDays: 14,
    geoBackup: true,
  });
  expect(checkAzureConfig({ ...production, zones: [1, "2"] }).zones).toEqual(["1", "2"]);
});

describe("a mistake, or what does not go together, is named by its key, with what was given and what is accepted", () => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ["a region that is none", { ...dev, region: "mars" }, /^region: got "mars"; expected one of australiacentral, /],
    ["a misspelt key", { ...dev, databse: {} }, /^databse: unknown key; did you mean database\?/],
    [
      "a version of PostgreSQL",
      { ...dev, database: { version: "15" } },
      /^database\.version: got "15"; expected one of/,
    ],
    ["a disk of no size", { ...dev, database: { storageGb: 100 } }, /^database\.storageGb: got 100; expected/],
    [
      "zones where there are none",
      { ...dev, region: "westus", zones: ["1"] },
      /^zones: got 1; westus has none; expected zones: \[\]/,
    ],
    [
      "a standby in another zone where there are none",
      { ...production, region: "westus", database: { geoBackup: true }, storage: { copies: "Standard_GRS" } },
      /^database\.availability: got "zone-redundant"; westus has no zones/,
    ],
    [
      "storage over zones where there are none",
      { ...production, region: "westus", database: { availability: "same-zone" } },
      /^storage\.copies: got "Standard_GZRS"; westus has no zones/,
    ],
    [
      "a copy of backups in a pair that there is not",
      { ...production, region: "polandcentral", storage: { copies: "Standard_ZRS" } },
      /^database\.geoBackup: got true; polandcentral is paired with no other region/,
    ],
    [
      "a copy of storage in a pair that there is not",
      { ...production, region: "polandcentral", database: { geoBackup: false } },
      /^storage\.copies: got "Standard_GZRS"; polandcentral is paired with no other region/,
    ],
    [
      "a standby of a machine that cannot have one",
      { ...dev, database: { availability: "same-zone" } },
      /^database\.size: got "Standard_B2s" with database\.availability: same-zone; expected a size from Standard_D2ds_v5/,
    ],
    [
      "a standby region of machines that cannot follow",
      { ...dev, standby: { of: "o/p/s" } },
      /^database\.size: got "Standard_B2s" with standby/,
    ],
    [
      "a restore of what follows",
      {
        ...dev,
        database: { size: "Standard_D2ds_v5", restore: { to: "2026-11-01T10:00:00Z" } },
        standby: { of: "o/p/s" },
      },
      /^database\.restore: got one in a standby region/,
    ],
    [
      "restores in the wrong order",
      { ...dev, database: { restore: { to: "2026-11-01T10:00:00Z", of: "2026-11-02T10:00:00Z" } } },
      /^database\.restore\.of: got "2026-11-02T10:00:00Z"/,
    ],
    [
      "a network that pods overlap",
      { ...dev, network: { range: "10.244.0.0/16" } },
      /^cluster\.podRange: got "10\.244\.0\.0\/16", which overlaps 10\.244\.0\.0\/16 \(network\.range\)/,
    ],
    [
      "a network among Azure's own",
      { ...dev, network: { range: "172.16.0.0/12" } },
      /^network\.range: got "172\.16\.0\.0\/12", which overlaps 172\.30\.0\.0\/16 \(addresses that Azure uses itself\)/,
    ],
    [
      "a network too small",
      { ...dev, network: { range: "10.0.0.0/20" } },
      /^network\.range: got "10\.0\.0\.0\/20"; expected a range of \/8 to \/18/,
    ],
    [
      "a public network",
      { ...dev, network: { range: "20.0.0.0/16" } },
      /^network\.range: got "20\.0\.0\.0\/16"; expected private addresses/,
    ],
    [
      "a peer behind the gateway that overlaps",
      { ...dev, gateway: { peerRanges: ["10.20.128.0/17"] } },
      /^gateway\.peerRanges\[0\]: got "10\.20\.128\.0\/17", which overlaps 10\.20\.0\.0\/16/,
    ],
    [
      "the participant's side without the domain's gateway",
      { ...dev, gateway: { side: "participant", peerRanges: ["10.30.0.0/16"] } },
      /^gateway\.domainGateway: missing; expected the output azure\.gateway/,
    ],
    [
      "the domain's side without a domain",
      { ...dev, domain: false, gateway: { peerRanges: ["10.30.0.0/16"] } },
      /^gateway\.side: got "domain" where domain is false/,
    ],
    ["a bastion for nobody", { ...production, allowedRanges: [] }, /^allowedRanges: got none with bastion: true/],
    [
      "an ingress for nobody",
      { ...dev, allowedRanges: [], cluster: { privateApi: true }, ingress: "public" },
      /^allowedRanges: got none with ingress: public/,
    ],
    [
      "an ingress for everybody",
      { ...production, allowedRanges: ["0.0.0.0/0"] },
      /^allowedRanges: got 0\.0\.0\.0\/0 in production/,
    ],
    [
      "an API for everybody",
      { ...dev, allowedRanges: [] },
      /^cluster\.apiRanges: got none with cluster\.privateApi: false/,
    ],
    [
      "an API whose list is everybody",
      { ...dev, cluster: { apiRanges: ["0.0.0.0/0"] } },
      /^cluster\.apiRanges: got 0\.0\.0\.0\/0; expected those who administer/,
    ],
    [
      "a cluster without administrators",
      { ...dev, cluster: { localAccounts: false } },
      /^cluster\.adminGroups: got none with cluster\.localAccounts: false/,
    ],
    [
      "fewer machines than none",
      { ...dev, cluster: { machines: { size: "Standard_D2ds_v5", fewest: 5, most: 4 } } },
      /^cluster\.machines: got fewest 5 and most 4/,
    ],
    [
      "a local account in production",
      { ...production, cluster: { adminGroups: [group], localAccounts: true } },
      /^cluster\.localAccounts: got true in production/,
    ],
    [
      "a public API in production",
      { ...production, cluster: { adminGroups: [group], privateApi: false } },
      /^cluster\.privateApi: got false in production/,
    ],
    [
      "databases alone in production",
      { ...production, database: { availability: "none" } },
      /^database\.availability: got "none" in production/,
    ],
    ["an unprotected production", { ...production, protect: false }, /^protect: got false in production/],
    [
      "a node whose database the server keeps",
      { ...dev, nodes: ["postgres"] },
      /^nodes\[0\]: got "postgres", whose database/,
    ],
    ["a node twice", { ...dev, nodes: ["a", "a"] }, /^nodes\[1\]: got "a" a second time/],
  ];
  test.each(cases)("%s", (_, given, expected) => {
    expect(problems(given)).toContainEqual(expect.stringMatching(expected));
  });
});

test("the pair of a region is a region, and a region that is nobody's pair has one of its own all the same", () => {
  for (const [region, { pair }] of azureRegions) {
    expect(pair).not.toBe(region);
    if (pair !== undefined) expect(/^[a-z]+2?3?$/.test(pair)).toBe(true);
  }
  expect(azureRegions.get("westeurope")).toEqual({ zones: true, pair: "northeurope" });
  expect(azureRegions.get("polandcentral")).toEqual({ zones: true });
});
