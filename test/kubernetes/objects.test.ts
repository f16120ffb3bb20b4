/** A real API server takes every object that components and stacks make, without a warning. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ApiServer } from "./api-server.ts";
import { Collector } from "./collect.ts";
import { collections, infrastructure } from "./collections.ts";
import { customResourceDefinitions } from "./definitions.ts";
import { DryRun } from "./dry-run.ts";
import type { KubernetesObject } from "./object-paths.ts";
import { controlPlanePrograms } from "./programs.ts";

// Vitest rewrites import(), which Pulumi then cannot store.
vi.mock("@pulumi-canton/components/dynamic/thin-provider.ts", () => ({
  thinProvider: () => ({ create: async () => ({ id: "x" }) }),
}));
// What an invitation has to be is tested where it is checked.
vi.mock("@pulumi-canton/components/invitation/accept.ts", () => ({ whyRefused: () => undefined }));

/** Definitions that no Go module proxy serves; objects of theirs are left out where nobody brought the definition. */
const groupsNotServed = ["pulumi.com", "barmancloud.cnpg.io"];

const programs = await controlPlanePrograms();
const definitions = "unavailable" in programs ? programs : await customResourceDefinitions();
const missing = "unavailable" in definitions ? definitions.unavailable : undefined;
if (missing !== undefined) console.warn(`SKIPPED: Kubernetes objects on a real API server: ${missing}`);
const groups = Array.isArray(definitions)
  ? new Set(definitions.map((each) => (each["spec"] as { group: string }).group))
  : new Set();
const groupsMissing = groupsNotServed.filter((group) => !groups.has(group));
if (missing === undefined && groupsMissing.length > 0) {
  console.warn(
    `SKIPPED: objects of ${groupsMissing.join(", ")} on a real API server: KUBERNETES_DEFINITIONS brings no definitions`,
  );
}

describe.skipIf(missing !== undefined)("a real API server", { timeout: 120_000 }, () => {
  let server: ApiServer;
  let dryRun: DryRun;
  let collector: Collector;

  beforeAll(async () => {
    if ("unavailable" in programs || "unavailable" in definitions) return;
    server = await ApiServer.start(programs);
    dryRun = new DryRun(server, definitions);
    collector = await Collector.start(({ type }) =>
      type === "pulumi:pulumi:StackReference"
        ? { outputs: { infrastructure }, secretOutputNames: ["infrastructure"] }
        : { uniqueIdentifier: "node::1220aa" },
    );
  }, 180_000);
  afterAll(() => server?.close());

  for (const { name, program } of collections) {
    test(`takes ${name}`, async () => {
      const objects = await collector.objects(program);
      expect(objects).not.toEqual([]);
      const known = objects.filter(({ apiVersion }) => !groupsMissing.includes(apiVersion.split("/")[0] as string));
      expect(await dryRun.apply(known)).toEqual([]);
    });
  }

  const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", namespace: "refused" } };
  const route = {
    apiVersion: "traefik.io/v1alpha1",
    kind: "IngressRoute",
    metadata: { name: "x", namespace: "refused" },
    spec: { routes: [{ kind: "Rule", match: "Host(`x.example.com`)", services: [{ name: "x", port: 1 }] }] },
  };
  const pods = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "x", namespace: "refused" },
    spec: {
      selector: { matchLabels: { app: "x" } },
      template: { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "x", image: "x" }] } },
    },
  };
  test.each<[string, KubernetesObject, RegExp]>([
    ["an unknown field", { ...configMap, dato: {} }, /field not declared in schema|unknown field/],
    ["a wrong type", { ...configMap, data: { x: 1 } }, /cannot convert|expected string/],
    ["an unknown kind", { ...configMap, kind: "ConfigMop" }, /knows no ConfigMop in v1/],
    ["a field that a published definition does not have", { ...route, spec: { ...route.spec, tsl: {} } }, /spec\.tsl/],
    [
      "a selector that does not match",
      { ...pods, spec: { ...pods.spec, selector: { matchLabels: { app: "y" } } } },
      /selector/,
    ],
    ["pods with more rights than they need", pods, /warning: .*restricted/],
    ["a namespace where none belongs", { ...configMap, kind: "Namespace" }, /a Namespace is in none/],
  ])("refuses %s", async (_, object, reason) => {
    const refusals = await dryRun.apply([object]);
    expect(refusals).toHaveLength(1);
    expect(refusals[0]?.reason).toMatch(reason);
    expect(refusals[0]?.object).toContain("refused/x");
  });

  test("keeps nothing of a dry run", async () => {
    expect(await dryRun.apply([configMap])).toEqual([]);
    const { status } = await server.ask("/api/v1/namespaces/refused/configmaps/x");
    expect(status).toBe(404);
  });
});
