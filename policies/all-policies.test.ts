import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { allPolicies } from "./all-policies.ts";

const require = createRequire(import.meta.url);

test("names are there once, and every key of a configuration is described and has a default", () => {
  const names = allPolicies.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, configSchema } of allPolicies) {
    for (const [key, schema] of Object.entries(configSchema?.properties ?? {})) {
      expect(schema.default, `${name}: ${key}`).toBeDefined();
      expect(schema.description, `${name}: ${key}`).toMatch(/\w/);
    }
  }
});

test("every policy is described in docs/policies.md", () => {
  const docs = readFileSync(join(import.meta.dirname, "..", "docs", "policies.md"), "utf8");
  for (const { name } of allPolicies) expect(docs).toContain(`\`${name}\``);
});

describe("a type that a policy has rules for is one of its SDK", () => {
  // Traefik's are custom resources: they have no SDK.
  const types = new Set(allPolicies.flatMap((policy) => policy.types).filter((type) => !type.includes("traefik.io")));
  test.each([...types].filter((type) => /^(aws|azure-native|gcp|kubernetes):/.test(type)))("%s", (type) => {
    const file = sdkFile(type);
    expect(existsSync(file), file).toBe(true);
    expect(readFileSync(file, "utf8")).toContain(`__pulumiType = '${type}'`);
  });
  test.each([...types].filter((type) => type.startsWith("pulumi-nodejs:")))("%s", (type) => {
    const [, module = "", name = ""] = /dynamic\/(\w+):(\w+)$/.exec(type) ?? [];
    const file = {
      Node: "components/platform/local/local-platform.ts",
      NodeIdentity: "components/topology/node-identity/node-identity.ts",
    }[name];
    expect(readFileSync(join(import.meta.dirname, "..", String(file)), "utf8")).toMatch(
      new RegExp(`"${module}",\\s+"${name}"`),
    );
  });
});

/** Where an SDK has a type: `aws:rds/instance:Instance` in `rds/instance.js`, `azure-native:network:SecurityRule` in `network/securityRule.js`. */
function sdkFile(type: string): string {
  const [sdk = "", module = "", name = ""] = type.split(":");
  const folder = dirname(require.resolve(`@pulumi/${sdk}/package.json`));
  if (module.includes("/") && sdk !== "kubernetes") return join(folder, `${module}.js`);
  const group = sdk === "kubernetes" ? module.replace(/\.k8s\.io/, "") : module;
  return join(folder, group, `${name[0]?.toLowerCase()}${name.slice(1)}.js`);
}
