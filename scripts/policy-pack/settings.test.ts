import { expect, test } from "vitest";
import { packConfig, policySettings } from "./settings.ts";

const production = { "pulumi-canton:environment": "production" };

test("in development all is advice, elsewhere it stops an update", () => {
  const levels = (environment: string) =>
    new Set(
      Object.values(packConfig(policySettings("aws", { "pulumi-canton:environment": environment }))).map(
        ({ enforcementLevel }) => enforcementLevel,
      ),
    );
  expect(levels("dev")).toEqual(new Set(["advisory"]));
  expect(levels("staging")).toEqual(new Set(["mandatory"]));
  expect(levels("production")).toEqual(new Set(["mandatory"]));
});

test("a stack that names no environment is judged as production, unless it is of one machine", () => {
  expect(policySettings("local", {}).environment).toBe("dev");
  expect(policySettings("mine", { "pulumi-canton:template": "application-user" }).environment).toBe("dev");
  expect(policySettings("kubernetes", {}).environment).toBe("production");
  expect(policySettings("local", { "pulumi-canton:template": "aws" }).environment).toBe("production");
  expect(policySettings("aws", { "pulumi-canton:environment": "prod" }).environment).toBe("production");
});

test("every key gets to the policy that it is for", () => {
  const config = packConfig(
    policySettings("aws", {
      ...production,
      "policies:regions": ["eu-central-1"],
      "policies:tags": ["owner"],
      "policies:backupDays": 14,
      "policies:levels": { "required-tags": "advisory" },
      "policies:exemptions": [
        { policy: "no-open-ingress", resource: "status-*", reason: "a public page", until: "2027-01-31" },
      ],
    }),
  );
  expect(config["allowed-regions"]).toMatchObject({ environment: "production", regions: ["eu-central-1"] });
  expect(config["required-tags"]).toMatchObject({ tags: ["owner"], enforcementLevel: "advisory" });
  expect(config["backups"]).toMatchObject({ days: 14 });
  expect(config["no-open-ingress"]).toMatchObject({
    enforcementLevel: "mandatory",
    exemptions: [{ resource: "status-*", reason: "a public page", until: "2027-01-31" }],
  });
  expect(config["backups"]).toMatchObject({ exemptions: [] });
});

test.each([
  ["policies:region", ["eu-central-1"], /policies:region\b/],
  ["policies:backupDays", 90, /policies:backupDays/],
  ["policies:exemptions", [{ policy: "backups", resource: "x" }], /policies:exemptions.*reason/],
  ["policies:exemptions", [{ policy: "backup", resource: "x", reason: "r" }], /policies:exemptions.*policy/],
  ["policies:levels", { backups: "disabled" }, /policies:levels/],
])("%s: %j is refused by name", (key, value, told) => {
  expect(() => policySettings("aws", { ...production, [key]: value })).toThrow(told);
});
