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
const login = {
  image: "keycloak:26.4.0",
  host: "login.example.com",
  certificateSecret: "login-tls",
  allowedRanges: ["203.0.113.0/24"],
  applicationUrl: "https://app.example.com",
};
const elsewhere = {
  ingressClass: "traefik",
  ingressNamespace: "edge",
  database: { host: "db.example.com", password: "secret" },
};
const source = { repository: "https://git.example.com/canton.git", revision: "main" };
const token = { secret: "pulumi", key: "token" };
const stack = { name: "domain", stack: "organization/pulumi-canton/kubernetes-production" };
const operator = { source, environment: { PULUMI_ACCESS_TOKEN: token }, stacks: [stack] };
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
    identityProvider: "canton-prod-login",
    gitops: "canton-prod-gitops",
  });
});

test("a provider of logins takes the database and the ingress of the stack, of the infrastructure, or others", () => {
  const own = { databases: {}, ingress: { allowedRanges: ["203.0.113.0/24"] } };
  const setup = { ...login, databaseSetup: "database-setup" };
  expect(problems({ ...anywhere, ...own, identityProvider: setup })).toEqual([]);
  expect(problems({ ...anywhere, ...own, identityProvider: { ...login, database: elsewhere.database } })).toEqual([]);
  expect(problems({ ...anywhere, identityProvider: { ...login, ...elsewhere } })).toEqual([]);
  const { database: _, ...ingress } = elsewhere;
  const onTheirs = checkClusterServicesConfig({ ...onCloud, identityProvider: { ...setup, ...ingress } });
  const withLogins = (logins: readonly string[]) => ({
    ...on,
    infrastructure: {
      ...infrastructure,
      databases: { nodes: { logins: Object.fromEntries(logins.map((each) => [each, {}])) } },
    },
  });
  expect(surroundingProblems(onTheirs, withLogins(["alice", "keycloak"]) as never)).toEqual([]);
  expect(surroundingProblems(onTheirs, withLogins(["alice"]) as never)).toEqual([
    "identityProvider: organization/pulumi-canton/aws-production has no login for it; expected keycloak among its nodes, which are alice, or identityProvider.database",
  ]);
});

test("what comes from git comes one way, and in production from a commit", () => {
  expect(problems({ ...onCloud, gitops: { argo: { source } } })).toEqual([]);
  expect(problems({ ...onCloud, gitops: { operator } })).toEqual([]);
  const found = (gitops: object, environment: "staging" | "production") =>
    surroundingProblems(checkClusterServicesConfig({ ...onCloud, gitops }), { ...on, environment });
  const loose = { ...operator, image: "pulumi:3", stacks: [{ ...stack, destroyOnDelete: true }] };
  expect(found({ operator: loose }, "staging")).toEqual([]);
  expect(found({ operator: loose }, "production")).toEqual([
    'gitops.operator.source.revision: got "main", which can move; expected a commit in production, 40 hexadecimal digits',
    "gitops.operator.stacks[0].destroyOnDelete: got true; expected false in production, which does not go with an object",
    expect.stringMatching(/^gitops\.operator\.image: got "pulumi:3"; expected it by its digest/),
  ]);
  expect(found({ argo: { source: { ...source, revision: "v1.0" } } }, "production")).toEqual([
    expect.stringMatching(/^gitops\.argo\.source\.revision: got "v1\.0", which can move/),
  ]);
  expect(found({ argo: { source: { ...source, revision: "a".repeat(40) } } }, "production")).toEqual([]);
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
    ["nothing to make", onCloud, /^databases, ingress, .* gitops: got none/],
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
    [
      "Canton's logs in a bucket that is nowhere",
      { ...anywhere, monitoring: { by: "own", channels: slack, logs: { bucket: "s3://logs" } } },
      /^monitoring\.logs\.region: got none/,
    ],
    [
      "an identity for no bucket",
      { ...anywhere, monitoring: { by: "own", channels: slack, logs: { identity: { annotations: { arn: "role" } } } } },
      /^monitoring\.logs\.identity: is set without monitoring\.logs\.bucket/,
    ],
    [
      "two servers of one name to look at",
      {
        ...anywhere,
        monitoring: {
          by: "own",
          channels: slack,
          databases: [1, 2].map(() => ({ name: "nodes", host: "db", user: "monitoring", password: "p" })),
        },
      },
      /^monitoring\.databases: got the name "nodes" twice/,
    ],
    [
      "a route to Grafana for nobody",
      {
        ...anywhere,
        ingress: {},
        monitoring: { by: "own", channels: slack, grafana: { url: "https://g.example.com", certificateSecret: "tls" } },
      },
      /^monitoring\.grafana\.allowedRanges is required for a route/,
    ],
    [
      "a route to a part of a host",
      {
        ...anywhere,
        ingress: {},
        monitoring: {
          by: "own",
          channels: slack,
          grafana: { url: "https://example.com/grafana", certificateSecret: "tls", allowedRanges: ["10.0.0.0/8"] },
        },
      },
      /^monitoring\.grafana\.url: got "https:\/\/example\.com\/grafana"; expected https:\/\/HOST/,
    ],
    [
      "a provider of logins that no ingress leads to",
      { ...anywhere, identityProvider: { ...login, database: elsewhere.database } },
      /^identityProvider\.ingressClass is required without ingress.*\nidentityProvider\.ingressNamespace is required/,
    ],
    [
      "two ingresses to it",
      { ...anywhere, ingress: {}, identityProvider: { ...login, ...elsewhere } },
      /^identityProvider\.ingressClass: is set beside ingress/,
    ],
    [
      "one without a database",
      { ...anywhere, ingress: {}, identityProvider: login },
      /^identityProvider\.database is required without databases and infrastructure/,
    ],
    [
      "one whose database nobody makes",
      { ...anywhere, ingress: {}, databases: {}, identityProvider: login },
      /^identityProvider\.databaseSetup is required/,
    ],
    [
      "one whose database is there and is made",
      { ...anywhere, ingress: {}, identityProvider: { ...login, databaseSetup: "x", database: elsewhere.database } },
      /^identityProvider\.databaseSetup: is set beside identityProvider\.database/,
    ],
    [
      "a node of its name",
      {
        ...anywhere,
        ingress: {},
        databases: { nodes: ["alice", "keycloak"] },
        identityProvider: { ...login, databaseSetup: "x" },
      },
      /^databases\.nodes: got "keycloak", which is the login of identityProvider/,
    ],
    [
      "a host that is none",
      { ...anywhere, ingress: {}, identityProvider: { ...login, host: "https://login.example.com" } },
      /^identityProvider\.host: got "https:\/\/login\.example\.com"; expected a host name/,
    ],
    [
      "a file in the place of authorities",
      { ...anywhere, identityProvider: { ...login, ...elsewhere, caPem: "ca.pem" } },
      /^identityProvider\.caPem: got "ca\.pem"; expected certificates in PEM format/,
    ],
    [
      "Keycloak's own realm",
      { ...anywhere, identityProvider: { ...login, ...elsewhere, realm: "master" } },
      /^identityProvider\.realm: got "master", which is Keycloak's own/,
    ],
    [
      "an administrator that is none of the clients",
      { ...anywhere, identityProvider: { ...login, ...elsewhere, administrator: "operator" } },
      /^identityProvider\.administrator: got "operator"; expected one of services: there are none/,
    ],
    [
      "a client twice",
      { ...anywhere, identityProvider: { ...login, ...elsewhere, services: ["applications"] } },
      /^identityProvider\.services\[0\]: got "applications" a second time/,
    ],
    [
      "too little memory for it",
      { ...anywhere, identityProvider: { ...login, ...elsewhere, memoryMiB: 512 } },
      /^identityProvider\.memoryMiB/,
    ],
    ["git in no way", { ...anywhere, gitops: {} }, /^gitops: got neither argo nor operator; expected exactly one/],
    [
      "git in both ways",
      { ...anywhere, gitops: { argo: { source }, operator } },
      /^gitops: got argo and operator; expected exactly one/,
    ],
    [
      "a password in a repository's address",
      { ...anywhere, gitops: { argo: { source: { ...source, repository: "https://user:word@git.example.com/x" } } } },
      /^gitops\.argo\.source\.repository: .*without a password in it/,
    ],
    [
      "a secret that is no reference",
      { ...anywhere, gitops: { operator: { ...operator, passphrase: "word" } } },
      /^gitops\.operator\.passphrase/,
    ],
    [
      "nobody to ask for the state",
      { ...anywhere, gitops: { operator: { source, stacks: [stack] } } },
      /^gitops\.operator\.environment\.PULUMI_ACCESS_TOKEN is required without backend/,
    ],
    [
      "a state that ends with its pod",
      { ...anywhere, gitops: { operator: { ...operator, backend: "file:///state" } } },
      /^gitops\.operator\.backend: got "file:\/\/\/state"; expected s3:/,
    ],
    [
      "a passphrase twice",
      {
        ...anywhere,
        gitops: {
          operator: {
            ...operator,
            passphrase: token,
            environment: { PULUMI_ACCESS_TOKEN: token, PULUMI_CONFIG_PASSPHRASE: token },
          },
        },
      },
      /^gitops\.operator\.environment\.PULUMI_CONFIG_PASSPHRASE: is set beside passphrase/,
    ],
    [
      "stacks in a circle",
      { ...anywhere, gitops: { operator: { ...operator, stacks: [{ ...stack, after: ["domain"] }] } } },
      /^gitops\.operator\.stacks\[0\]\.after: got "domain"; expected one before it in the list, of which it is the first/,
    ],
    [
      "two objects that update one stack",
      { ...anywhere, gitops: { operator: { ...operator, stacks: [stack, { ...stack, name: "other" }] } } },
      /^gitops\.operator\.stacks\[1\]\.stack: got "organization.*" a second time/,
    ],
    [
      "two objects of one name",
      { ...anywhere, gitops: { operator: { ...operator, stacks: [stack, { ...stack, stack: "other" }] } } },
      /^gitops\.operator\.stacks\[1\]\.name: got "domain" a second time/,
    ],
    [
      "what a person presses a button for, and what nobody does",
      { ...anywhere, gitops: { argo: { source, sync: "manual", prune: true } } },
      /^gitops\.argo\.prune: got true with sync manual/,
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
      "logins for nobody",
      {
        ...onCloud,
        ingress: { allowedRanges: [] },
        identityProvider: { ...login, database: elsewhere.database },
      },
      /^identityProvider: is set, but nobody may connect; expected ingress\.allowedRanges/,
    ],
    [
      "one namespace for objects and logins",
      {
        ...onCloud,
        identityProvider: { ...login, ...elsewhere, namespace: "x" },
        gitops: { namespace: "x", operator },
      },
      /^namespaces: got "x" for two/,
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
      ingress: { image: "traefik:v3", allowedRanges: ["203.0.113.0/24"] },
      monitoring: { by: "own", channels: slack, logs: false, grafana: false },
      identityProvider: { ...login, databaseSetup: "database-setup:1", replicas: 1 },
      gitops: { operator: { ...operator, source: { ...source, revision: "a".repeat(40) } } },
    });
    const found = surroundingProblems(config, { name: "canton", environment: "production", infrastructure: undefined });
    expect(found.map((each) => each.split(/[: ]/)[0])).toEqual([
      "databases.image",
      "ingress.image",
      "identityProvider.image",
      "identityProvider.databaseSetup",
      "gitops.operator.image",
      "monitoring.images.prometheus",
      "monitoring.images.alertmanager",
      "monitoring.images.postgresExporter",
      "identityProvider.replicas",
      "databases.backups",
      "databases.instances",
      "vault",
    ]);
    expect(surroundingProblems(config, { name: "canton", environment: "dev", infrastructure: undefined })).toEqual([]);
  });
});
