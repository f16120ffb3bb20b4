/** What nodes share in a cluster of one's own violates no policy in production. */
import { readFileSync } from "node:fs";
import { runtime } from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { allPolicies } from "./all-policies.ts";
import { askedOfStack, recordForPolicies } from "./testing/recorded-stack.ts";

test("the example of the template cluster-services", { timeout: 60_000 }, async () => {
  await runtime.setMocks(
    {
      call: () => ({}),
      newResource: ({ name, inputs: { __provider: _, ...shown } }) => ({
        id: `${name}-id`,
        state: { ...shown, certPem: "c", privateKeyPem: "k", result: "p" },
      }),
    },
    "pulumi-canton",
    "cluster-services",
    false,
  );
  const { config } = parse(readFileSync(new URL("../Pulumi.cluster-services.yaml", import.meta.url), "utf8"));
  runtime.setAllConfig(
    Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    ),
  );
  const recorded = recordForPolicies();
  const { default: clusterServices } = await import("../stacks/cluster-services.ts");
  await clusterServices();
  const resources = await recorded();
  expect(resources.filter(({ type }) => type.startsWith("kubernetes:")).length).toBeGreaterThan(50);
  const told = await askedOfStack(allPolicies, resources, { environment: "production" });
  // Who collects the logs of a machine reads its files as root: in production that takes an exemption.
  const collector = /^pod-security: kubernetes:apps\/v1:DaemonSet monitoring-fluent-bit: /;
  expect(told.filter((violation) => !collector.test(violation))).toEqual([]);
});
