import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { expect, test } from "vitest";
import { checkMultiRegionConfig } from "./config.ts";

const regions = {
  primary: "organization/pulumi-canton/aws-frankfurt",
  standby: "organization/pulumi-canton/aws-dublin",
};
const record = {
  host: "canton.example.com",
  zone: { type: "route53", zoneId: "Z0123456789ABC" },
  endpoints: { primary: "nlb-1.example.net", standby: "nlb-2.example.net" },
};

function problems(given: Record<string, unknown>): readonly string[] {
  try {
    checkMultiRegionConfig(given);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}

test("one region is active until the configuration says otherwise; the standby may come later", () => {
  expect(checkMultiRegionConfig({ regions: { primary: regions.primary } })).toEqual({
    regions: { primary: regions.primary },
    active: "primary",
  });
  expect(problems({ regions, active: "standby", record })).toEqual([]);
  expect(checkMultiRegionConfig({ regions, environment: "staging" })).toMatchObject({ environment: "staging" });
});

test.each([
  [
    "a standby that is the primary",
    { regions: { ...regions, standby: regions.primary } },
    /regions.standby: got .*; expected another stack/,
  ],
  [
    "a switch to what is not there",
    { regions: { primary: regions.primary }, active: "standby" },
    /active: got "standby", and there is no regions.standby/,
  ],
  [
    "an unknown environment",
    { regions, environment: "prod" },
    /environment: got "prod"; expected one of "dev", "staging", "production"/,
  ],
  ["an unknown region", { regions, active: "both" }, /active: got "both"; expected one of "primary", "standby"/],
  [
    "a record that leads nowhere after a switch",
    { regions, record: { ...record, endpoints: { primary: "a.example.net" } } },
    /record.endpoints.standby: missing/,
  ],
  [
    "a name in another zone",
    { regions, record: { ...record, zone: { type: "azure-dns", resourceGroup: "dns", zoneName: "other.com" } } },
    /record.host: got "canton.example.com"; expected a name in the zone other.com/,
  ],
  [
    "a zone of no cloud",
    { regions, record: { ...record, zone: { type: "bind" } } },
    /record.zone.type: got "bind"; expected one of/,
  ],
])("%s is refused with the reason", (_, given, expected) => {
  expect(problems(given).join("\n")).toMatch(expected);
});
