import { expect, test } from "vitest";
import { stackViolations, testType, unknownText, violations } from "../testing/ask.ts";
import { permissionedDomain } from "./permissioned-domain.ts";

testType(
  permissionedDomain,
  {
    type: "pulumi-nodejs:dynamic/local:Node",
    props: {
      program: "@pulumi-canton/domain-manager/main.ts",
      config: { domain: { onboarding: { policy: "permissioned" } } },
    },
  },
  [
    ["config.domain.onboarding.policy", "open"],
    ["config.domain.onboarding.policy", undefined],
  ],
);

test("wherever its nodes run, a domain is permissioned in production", async () => {
  const domain = (policy: string) => ({ type: "pulumi-canton:domain:Domain", name: "mydomain", props: { policy } });
  expect(await stackViolations(permissionedDomain, [domain("permissioned")])).toEqual({});
  expect(await stackViolations(permissionedDomain, [domain(unknownText)])).toEqual({});
  expect(await stackViolations(permissionedDomain, [domain("open")])).toEqual({
    mydomain: ['policy: got "open"; expected "permissioned": an open domain takes in every participant that finds it'],
  });
  expect(await stackViolations(permissionedDomain, [domain("open")], { environment: "dev" })).toEqual({});
});

test("other nodes have no such setting", async () => {
  const props = { program: "@pulumi-canton/participant/main.ts", config: {} };
  expect(await violations(permissionedDomain, { type: "pulumi-nodejs:dynamic/local:Node", props })).toEqual([]);
});
