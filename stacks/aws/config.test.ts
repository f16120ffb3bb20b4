import { readFileSync } from "node:fs";
import { environments } from "@pulumi-canton/components/deployment/deployment.ts";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checkAwsConfig } from "./config.ts";
import { awsPresets } from "./presets.ts";

const least = {
  name: "acme",
  environment: "production",
  account: "123456789012",
  region: "eu-central-1",
  database: { caFile: "rds.pem" },
};

function problems(given: Record<string, unknown>): readonly string[] {
  try {
    checkAwsConfig({ ...least, ...given });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test.each(environments)("the least that can be configured is the preset %s", (environment) => {
  const config = checkAwsConfig({ ...least, environment });
  const { zones, ...preset } = awsPresets[environment];
  expect(config).toMatchObject(preset);
  expect(config.zones).toHaveLength(zones);
  expect(config).toMatchObject({ namespace: "acme", ingress: "internal", network: { zoneName: "acme.internal" } });
});

test("a key that is given wins over the preset, the others of its section stay", () => {
  const { network, database } = checkAwsConfig({
    ...least,
    network: { nat: "zonal" },
    database: { caFile: "rds.pem", version: "18", storage: 500 },
  });
  expect(network).toMatchObject({ nat: "zonal", endpoints: true, flowLogDays: 365 });
  expect(database).toMatchObject({ version: "18", storage: 500, maxStorage: 1000, highAvailability: true });
});

test("an account that the engine hands over as a number is the account", () => {
  expect(checkAwsConfig({ ...least, account: 123456789012 }).account).toBe("123456789012");
  expect(checkAwsConfig({ ...least, account: 1234567890 }).account).toBe("001234567890");
});

test("a moment is understood as it is written, and as the engine hands it over", () => {
  const restoredTo = (moment: string) =>
    checkAwsConfig({ ...least, database: { caFile: "x", restoredTo: [moment] } }).database.restoredTo;
  expect(restoredTo("2026-11-01T10:00:00Z")).toEqual(["2026-11-01T10:00:00Z"]);
  expect(restoredTo("2026-11-01 10:00:00 +0000 UTC")).toEqual(["2026-11-01T10:00:00Z"]);
  expect(problems({ database: { caFile: "x", restoredTo: ["yesterday"] } })).toEqual([
    'database.restoredTo[0]: got "yesterday"; expected a time in UTC such as "2026-11-01T10:00:00Z"',
  ]);
});

test.each(["aws-dev", "aws-production"])("Pulumi.%s.yaml is right", (stack) => {
  const { config } = parse(readFileSync(new URL(`../../Pulumi.${stack}.yaml`, import.meta.url), "utf8"));
  const { template, ...given } = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace("pulumi-canton:", ""), value]),
  );
  expect(template).toBe("aws");
  expect(checkAwsConfig(given).environment).toBe(stack.replace("aws-", ""));
});

describe("a mistake is named by its key, with what was given and what is accepted", () => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ["a misspelt key", { databse: {} }, /^databse: unknown key; did you mean database\?/],
    ["a region that is none", { region: "frankfurt" }, /^region: got "frankfurt"; expected a region such as/],
    ["a region of China", { region: "cn-north-1" }, /^region: got "cn-north-1"; .*China are not supported/],
    ["an account that is none", { account: "acme" }, /^account: got "acme"; expected 12 digits/],
    ["a database without its authorities", { database: {} }, /^database\.caFile is required/],
    ["days that CloudWatch does not know", { network: { flowLogDays: 10 } }, /^network\.flowLogDays: got 10; expected/],
    [
      "PostgreSQL that RDS has no more",
      { database: { caFile: "x", version: "12" } },
      /^database\.version: got "12"; expected one of "16", "17", "18"/,
    ],
    ["one zone", { zones: ["eu-central-1a"] }, /^zones: got 1; expected 2 to 4/],
    ["a zone of another region", { zones: ["eu-central-1a", "eu-west-1b"] }, /^zones\[1\]: got "eu-west-1b"/],
    [
      "a zone named twice",
      { zones: ["eu-central-1a", "eu-central-1a"] },
      /^zones\[1\]: got "eu-central-1a" a second time/,
    ],
    ["zones that differ by account", { region: "us-west-1" }, /^zones: missing; .*us-west-1 differ by account/],
    [
      "a database name that is taken",
      { nodes: ["postgres"] },
      /^nodes\[0\]: got "postgres", a name that PostgreSQL has/,
    ],
    ["a node named twice", { nodes: ["bob", "bob"] }, /^nodes\[1\]: got "bob" a second time/],
  ];
  test.each(cases)("%s", (_, given, message) => {
    expect(problems(given)).toContainEqual(expect.stringMatching(message));
  });
});

describe("what does not go together is refused with the reason", () => {
  const gateway = { peerRanges: ["10.30.0.0/16"] };
  const waf = { certificate: "arn:aws:acm:eu-central-1:123456789012:certificate/x" };
  const cases: [string, Record<string, unknown>, RegExp][] = [
    [
      "a network too small",
      { network: { range: "10.0.0.0/20" } },
      /^network\.range: got "10.0.0.0\/20"; expected .*\/16 to \/19/,
    ],
    ["public addresses", { network: { range: "52.0.0.0/16" } }, /^network\.range: .*expected private addresses/],
    [
      "the cluster's services' addresses",
      { network: { range: "172.20.0.0/16" } },
      /^network\.range: .*the cluster's services have/,
    ],
    [
      "machines that reach nothing",
      { network: { nat: "none", endpoints: false } },
      /^network\.endpoints: got false with network.nat: none; machines would reach neither/,
    ],
    ["a public ingress for nobody", { ingress: "public" }, /^allowedRanges: got none with ingress: public/],
    ["a domain for the whole world", { allowedRanges: ["0.0.0.0/0"] }, /^allowedRanges: got 0.0.0.0\/0 in production/],
    [
      "an API for the whole world, also in dev",
      { environment: "dev", cluster: { apiRanges: ["0.0.0.0/0"] } },
      /^cluster\.apiRanges: got 0.0.0.0\/0/,
    ],
    [
      "a certificate of another region",
      { waf: { certificate: "arn:aws:acm:us-east-1:1:certificate/x" }, allowedRanges: ["203.0.113.0/24"] },
      /^waf\.certificate: .*expected one of eu-central-1/,
    ],
    [
      "a public load balancer behind a gateway",
      { ingress: "public", allowedRanges: ["203.0.113.0/24"], gateway },
      /^ingress: got "public" with a gateway; expected "internal"/,
    ],
    ["a web ACL that refuses everybody", { waf }, /^waf: got a web ACL without allowedRanges/],
    [
      "a domain's side without a domain",
      { domain: false, gateway },
      /^gateway\.side: got "domain" where domain is false/,
    ],
    [
      "a participant's side without what it joins",
      { gateway: { ...gateway, side: "participant" } },
      /^gateway\.transitGateway: missing; expected the output aws\.gateway/,
    ],
    [
      "two networks with the same addresses",
      { gateway: { peerRanges: ["10.20.128.0/17"] } },
      /^gateway\.peerRanges\[0\]: got "10.20.128.0\/17", which overlaps 10.20.0.0\/16 \(network.range\)/,
    ],
    [
      "two peers with the same addresses",
      { gateway: { peerRanges: ["10.30.0.0/16", "10.30.4.0/24"] } },
      /^gateway\.peerRanges\[1\]: .*gateway\.peerRanges\[0\]/,
    ],
    [
      "fewer machines than the least",
      { cluster: { machines: { min: 9, max: 3 } } },
      /^cluster\.machines: got min 9 and max 3/,
    ],
    [
      "a disk that cannot grow",
      { database: { caFile: "x", storage: 100, maxStorage: 100 } },
      /^database\.maxStorage: got 100/,
    ],
    ["a copy to the same region", { backup: { copyTo: "eu-central-1" } }, /^backup\.copyTo: .*expected another region/],
    ["a copy to another cloud", { backup: { copyTo: "us-gov-west-1" } }, /^backup\.copyTo: .*of the same cloud/],
    [
      "copies of nothing",
      { environment: "dev", backup: { copyTo: "eu-west-1" } },
      /^backup\.days: got 0 with backup\.copyTo/,
    ],
    [
      "a replica that is brought back to a moment",
      { standby: { of: "a/b/c" }, database: { caFile: "x", restoredTo: ["2026-11-01T10:00:00Z"] } },
      /^database\.restoredTo: got a moment in a standby region/,
    ],
    [
      "a moment from before its server began",
      { database: { caFile: "x", restoredTo: ["2026-11-02T10:00:00Z", "2026-11-01T10:00:00Z"] } },
      /^database\.restoredTo\[1\]: got "2026-11-01T10:00:00Z"; expected one after 2026-11-02T10:00:00Z/,
    ],
    [
      "a lock that nobody can open for a century",
      { storage: { auditLock: "compliance", auditDays: 36_500 } },
      /^storage\.auditDays: got 36500 with auditLock: compliance/,
    ],
    [
      "production on one database server",
      { database: { caFile: "x", highAvailability: false } },
      /^database\.highAvailability: got false in production/,
    ],
    [
      "production without a past",
      { database: { caFile: "x", backupDays: 1 } },
      /^database\.backupDays: got 1 in production/,
    ],
    ["production without backups", { backup: { days: 0 } }, /^backup\.days: got 0 in production/],
    [
      "production with a zone without machines",
      { cluster: { machines: { min: 2, max: 4 } } },
      /^cluster\.machines\.min: got 2 in production; expected one for each of the 3 zones/,
    ],
    ["production that goes with its stack", { protect: false }, /^protect: got false in production/],
  ];
  test.each(cases)("%s", (_, given, message) => {
    expect(problems(given)).toEqual([expect.stringMatching(message)]);
  });

  test("all at once, each by its key", () => {
    const found = problems({ protect: false, ingress: "public", backup: { copyTo: "eu-central-1" } });
    expect(found.map((problem) => problem.split(":")[0])).toEqual(["allowedRanges", "backup.copyTo", "protect"]);
  });

  test("what goes together is not", () => {
    expect(
      problems({
        gateway,
        waf,
        backup: { copyTo: "eu-west-1" },
        network: { range: "10.64.0.0/17", nat: "none" },
        zones: ["eu-central-1a", "eu-central-1b"],
      }),
    ).toEqual([]);
  });
});
