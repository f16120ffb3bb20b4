import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { expect, test } from "vitest";
import { checkApplicationUserConfig, requestLines } from "./config.ts";

function problemsOf(given: Record<string, unknown>): readonly string[] {
  try {
    checkApplicationUserConfig(given);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test("what is left out has a default, and an invitation is taken as text or as what YAML made of it", () => {
  expect(checkApplicationUserConfig({})).toMatchObject({
    participants: [{ name: "carol", parties: ["Carol"], initialisation: "auto", users: [] }],
    tls: false,
  });
  expect(checkApplicationUserConfig({ invitation: { signature: {} } }).invitation).toBe('{"signature":{}}');
  expect(checkApplicationUserConfig({ invitation: '{ "signature": {} }' }).invitation).toBe('{ "signature": {} }');
});

test.each([
  [{ invitation: 7 }, /^invitation/],
  [{ domainId: "mydomain" }, /^domainId.*alias::1220/],
  [{ termsOfService: { id: "1", sha256: "short" } }, /^termsOfService.sha256.*64 hexadecimal digits/],
  [{ participants: [{ name: "postgres" }] }, /^participants\[0\].name.*another process/],
  [{ participants: [{ name: "carol", users: [{ id: "no spaces" }] }] }, /^participants\[0\].users\[0\].id/],
  [{ ports: { dave: { adminApi: 5000 } } }, /^ports.dave: there is no node/],
  [{ allowList: [] }, /^allowList/],
])("refused with the key and what is accepted: %j", (given, problem) => {
  expect(problemsOf(given)).toEqual([expect.stringMatching(problem)]);
});

test("the lines that the owner needs have the id", () => {
  expect(requestLines("PAR::carol::1220aa")).toContain("- participant: PAR::carol::1220aa");
});
