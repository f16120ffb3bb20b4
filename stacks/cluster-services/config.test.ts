import { readFileSync } from "node:fs";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { checkClusterServicesConfig, ingressOf, namespacesOf, surroundingProblems } from "./config.ts";

const infrastructure = {
  deployment: { name: "canton-prod", environment: "staging" },
  namespace: "canton-prod",
  ingress: { annotations: { internal: "true" }, nodePort: 30_443, allowedRanges: ["203.0.113.0/24"] },
} as unknown as InfrastructureState;
const on = { name: "canton-prod", environment: "staging", infrastructure } as const;
const onCloud = { infrastructure: "organization/pulumi-canton/aws-production" };
const anywhere = {
  name: "canton",
  environment: "dev",
  cluster: { kubeconfig: "{}", storageClass: "encrypted", zones: ["a", "b", "c"] },
};
const slack = { slack: { channel: "#ledger", webhookUrl: "https://hooks.example.com/x" } };
const backups = { url: "s3://b/prod", credentials: { accessKeyId: "i", secretAccessKey: "s" } };
const file = parse(readFileSync(new URL("../../Pulumi.cluster-services.yaml", import.meta.url), "utf8"));
const example = Object.fromEntries(
  Object.entries<unknown>(file.config)
    .filter(([key]) => key.startsWith("pulumi-canton:"))
    .map(([key, value]) => [key.slice("pulumi-canton:".length), value] as const)
    .filter(([key]) => key !== "template"),
);

function problems(given: Record<string, unknown>): readonly string[] {
  try {
    checkClusterServicesConfig(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("the example is right, also in production", () => {
  expect(problems(example)).toEqual([]);
  const config = checkClusterServicesConfig(example);
  const surroundings = { name: "canton-prod", environment: "production", infrastructure: undefined } as const;
  expect(surroundingProblems(config, surroundings)).toEqual([]);
});

test("one section is enough, and everything in it has a default but who is told of alerts", () => {
  for (const section of ["databases", "ingress"]) expect(problems({ ...onCloud, [section]: {} })).toEqual([]);
  expect(problems({ ...anywhere, monitoring: { by: "own", channels: slack } })).toEqual([]);
  expect(checkClusterServicesConfig({ ...onCloud, databases: {} }).databases).toMatchObject({
    version: "17",
    domain: true,
    nodes: ["domain-manager", "mediator", "sequencer1", "sequencer2", "participant1"],
  });
  const names = namespacesOf(checkClusterServicesConfig({ ...onCloud, ingress: {} }), on);
  expect(names).toEqual({
    nodes: ["canton-prod"],
    databases: "canton-prod-databases",
    ingress: "canton-prod-ingress",
    monitoring: "canton-prod-monitoring",
  });
});

test("the ingress is as open as the infrastructure says, or as the configuration does, and otherwise closed", () => {
  const theirs = checkClusterServicesConfig({ ...onCloud, ingress: {} });
  expect(ingressOf(theirs, infrastructure)).toEqual({
    allowedRanges: ["203.0.113.0/24"],
    loadBalancer: { annotations: { internal: "true" }, nodePort: 30_443 },
  });
  const own = checkClusterServicesConfig({
    ...onCloud,
    ingress: { allowedRanges: ["198.51.100.7/32"], loadBalancer: { address: "10.0.0.1" } },
  });
  expect(ingressOf(own, infrastructure)).toEqual({
    allowedRanges: ["198.51.100.7/32"],
    loadBalancer: { annotations: {}, address: "10.0.0.1" },
  });
  const closed = checkClusterServicesConfig({ ...onCloud, ingress: { allowedRanges: [] } });
  expect(ingressOf(closed, infrastructure).allowedRanges).toEqual([]);
  expect(ingressOf(checkClusterServicesConfig({ ...anywhere, ingress: {} }), undefined).allowedRanges).toEqual([]);
});

describe("refused, with the reason:", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["nothing to make", onCloud, /^databases, ingress, monitoring, certificates: got none/],
    ["neither cluster nor infrastructure", { ...anywhere, cluster: undefined, ingress: {} }, /^cluster is required/],
    ["both", { ...anywhere, ...onCloud, ingress: {} }, /^cluster: is set beside infrastructure/],
    [
      "a zone twice",
      { ...anywhere, cluster: { ...anywhere.cluster, zones: ["a", "a"] }, ingress: {} },
      /each zone once/,
    ],
    [
      "no storage class",
      { ...anywhere, cluster: { kubeconfig: "{}", zones: ["a"] }, ingress: {} },
      /cluster.storageClass/,
    ],
    ["a typo", { ...anywhere, ingres: {} }, /ingres/],
    ["a name twice", { ...anywhere, databases: { nodes: ["a", "a"] } }, /databases.nodes.*each name once/],
    ["the administrator as a node", { ...anywhere, databases: { nodes: ["administrator"] } }, /databases.nodes/],
    ["an old version", { ...anywhere, databases: { version: "15" } }, /databases.version/],
    [
      "credentials of another store",
      { ...anywhere, databases: { backups: { ...backups, url: "gs://b" } } },
      /expected key\.json for gs/,
    ],
    [
      "an identity that nobody gave",
      { ...anywhere, databases: { backups: { ...backups, credentials: "identity" } } },
      /^databases\.identity is required/,
    ],
    [
      "an object store that servers do not get out to",
      { ...anywhere, databases: { backups: { ...backups, endpoint: "https://minio:9000" } } },
      /databases\.backups\.endpoint.*443/,
    ],
    [
      "a restore without backups",
      { ...anywhere, databases: { generation: 2, restore: { generation: 1 } } },
      /^databases\.backups is required/,
    ],
    [
      "a restore of oneself",
      { ...anywhere, databases: { backups, restore: { generation: 1 } } },
      /^databases\.restore\.generation: got 1/,
    ],
    ["a range that is none", { ...anywhere, ingress: { allowedRanges: ["everybody"] } }, /ingress\.allowedRanges/],
    [
      "nobody to tell",
      { ...anywhere, monitoring: { by: "own", channels: {} } },
      /at least one of mail, slack and pagerDuty/,
    ],
    [
      "half a login",
      {
        ...anywhere,
        monitoring: { by: "own", channels: { mail: { to: ["a@b.c"], from: "a@b.c", smarthost: "m:25", user: "u" } } },
      },
      /user and password/,
    ],
    [
      "a limit that is none",
      { ...anywhere, monitoring: { by: "own", channels: slack, thresholds: { usedShare: 2 } } },
      /thresholds\.usedShare: got 2/,
    ],
    [
      "Grafana on a URL without ingress",
      { ...anywhere, monitoring: { by: "own", channels: slack, grafana: { url: "https://g.example.com" } } },
      /^monitoring\.grafana\.url/,
    ],
    [
      "Canton's images without logs",
      { ...anywhere, monitoring: { by: "own", channels: slack, logs: false, cantonNamespaces: ["x"] } },
      /^monitoring\.logs: got false/,
    ],
    [
      "two kinds of issuer",
      {
        ...anywhere,
        certificates: { ca: {}, vault: example["certificates"] && (example["certificates"] as any).vault },
      },
      /^certificates: got ca and vault/,
    ],
    [
      "authorities of an authority that is yet to be made",
      { ...anywhere, certificates: { ca: {}, caPem: "-----BEGIN CERTIFICATE-----" } },
      /^certificates\.caPem/,
    ],
    [
      "a key beside the infrastructure's",
      { ...onCloud, databases: {}, vault: example["vault"] },
      /^vault: is set beside/,
    ],
    [
      "a key that nobody is handed",
      { ...anywhere, ingress: {}, vault: example["vault"] },
      /^vault: is set without databases/,
    ],
  ])("%s", (_what, given, why) => {
    expect(problems(given).join("\n")).toMatch(why);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    [
      "one namespace for two things",
      { ...onCloud, ingress: { namespace: "canton-prod" } },
      /^namespaces: got "canton-prod" for two/,
    ],
    [
      "a namespace that the cloud does not trust",
      { ...onCloud, ingress: {}, namespaces: ["other"] },
      /^namespaces: expected "canton-prod" among/,
    ],
    [
      "a load balancer for nobody",
      { ...onCloud, ingress: { allowedRanges: [], loadBalancer: {} } },
      /^ingress\.loadBalancer: is set, but nobody/,
    ],
    [
      "an issuer elsewhere",
      { ...onCloud, certificates: { ca: {}, namespace: "other" } },
      /^certificates\.namespace: got "other"/,
    ],
    [
      "a proof that cannot be shown",
      {
        ...onCloud,
        ingress: {},
        certificates: {
          acme: { server: "https://acme.example.com", email: "a@example.com", ingressClass: "canton-prod" },
        },
      },
      /no port 80/,
    ],
  ])("%s, once the infrastructure is known", (_what, given, why) => {
    expect(surroundingProblems(checkClusterServicesConfig(given), on).join("\n")).toMatch(why);
  });

  test("a stack of cluster-services on another", () => {
    const services = { ...infrastructure, services: { namespaces: [] } };
    const config = checkClusterServicesConfig({ ...onCloud, ingress: {} });
    expect(surroundingProblems(config, { ...on, infrastructure: services }).join()).toMatch(
      /of cluster-services itself/,
    );
  });

  test("in production, images that can change, databases without backups or with too few copies, keys that the state could open", () => {
    const config = checkClusterServicesConfig({
      ...anywhere,
      databases: { instances: 2 },
      ingress: { image: "traefik:v3" },
      monitoring: { by: "own", channels: slack, logs: false, grafana: false },
    });
    const found = surroundingProblems(config, { name: "canton", environment: "production", infrastructure: undefined });
    expect(found.map((each) => each.split(/[: ]/)[0])).toEqual([
      "databases.image",
      "ingress.image",
      "monitoring.images.prometheus",
      "monitoring.images.alertmanager",
      "monitoring.images.postgresExporter",
      "databases.backups",
      "databases.instances",
      "vault",
    ]);
    expect(surroundingProblems(config, { name: "canton", environment: "dev", infrastructure: undefined })).toEqual([]);
  });
});
