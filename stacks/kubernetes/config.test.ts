import { readFileSync } from "node:fs";
import { keycloakTemplates } from "@pulumi-canton/components/participant/application/request-templates.ts";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checkBridgeConfig } from "../bridge/config.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { providerProblems, templatesOf } from "./applications-config.ts";
import { checkKubernetesConfig, nodesOf, sequencersOf } from "./config.ts";
import { environmentProblems, quotaOf } from "./platform-config.ts";

const digest = `sha256:${"0".repeat(64)}`;
const images = {
  nodes: Object.fromEntries(
    ["domain-manager", "sequencer", "mediator", "participant"].map((role) => [role, `registry/${role}@${digest}`]),
  ),
  databaseSetup: `registry/database-setup@${digest}`,
};
const ledgerApi = { auth: [{ type: "jwks", url: "https://idp.example.com/jwks" }] };
const administrator = { user: "postgres", password: "secret" };
const base = {
  infrastructure: "organization/pulumi-canton/aws-production",
  images,
  ledgerApi,
  domain: {},
  participants: [{ name: "alice", parties: ["Alice"] }],
};
const alone = {
  ...base,
  infrastructure: undefined,
  name: "canton",
  environment: "dev",
  cluster: { kubeconfig: "apiVersion: v1" },
  databases: { nodes: { host: "postgres.example.com", administrator } },
};

function problemsOf(check: () => unknown): readonly string[] {
  try {
    check();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
const problems = (given: Record<string, unknown>) => problemsOf(() => checkKubernetesConfig(given));

test("little has to be said: on an infrastructure images and who may use the Ledger API, elsewhere the cluster and its databases", () => {
  expect(problems(base)).toEqual([]);
  expect(problems(alone)).toEqual([]);
  const config = checkKubernetesConfig(base);
  expect(config).toMatchObject({
    domain: { alias: "mydomain", sequencers: 2, policy: "permissioned" },
    allowList: [{ participant: "alice", permission: "Submission", trustLevel: "Ordinary" }],
    access: { via: "cluster" },
  });
  expect(nodesOf(config)).toEqual([
    { name: "domain-manager", role: "domain-manager" },
    { name: "mediator", role: "mediator" },
    { name: "sequencer1", role: "sequencer" },
    { name: "sequencer2", role: "sequencer" },
    { name: "alice", role: "participant" },
  ]);
});

test.each([
  ["kubernetes-dev", checkKubernetesConfig],
  ["kubernetes-production", checkKubernetesConfig],
  ["bridge", checkBridgeConfig],
] as const)("the example %s is right", (name, check) => {
  const { config } = parse(readFileSync(new URL(`../../Pulumi.${name}.yaml`, import.meta.url), "utf8"));
  const { template: _, ...given } = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace("pulumi-canton:", ""), value]),
  );
  expect(problemsOf(() => check(given))).toEqual([]);
});

test("each participant can have a sequencer of its own", () => {
  const participants = [{ name: "alice" }, { name: "bob" }, { name: "carol" }];
  const config = checkKubernetesConfig({ ...base, domain: { sequencers: "per-participant" }, participants });
  expect(sequencersOf(config)).toBe(3);
});

describe("a mistake is named by its key, with what was given and what is accepted", () => {
  const user = { id: "app", actAs: ["Alice"] };
  const tunnels = {
    "domain-manager": "127.0.0.1:1",
    mediator: "127.0.0.1:2",
    sequencer1: "127.0.0.1:3",
    sequencer2: "127.0.0.1:4",
  };
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ["a misspelt key", { ...base, participant: [] }, /^participant: unknown key; did you mean participants\?/],
    [
      "neither cluster nor infrastructure",
      { ...base, infrastructure: undefined },
      /^cluster is required; expected it, or infrastructure/,
    ],
    ["both", { ...base, environment: "dev" }, /^environment: is set beside infrastructure/],
    ["no image of a role", { ...base, images: { ...images, nodes: {} } }, /^images\.nodes\.domain-manager is required/],
    [
      "an open Ledger API",
      { ...alone, ledgerApi: undefined },
      /^ledgerApi\.auth is required: the Ledger API of a participant is reached from other machines/,
    ],
    [
      "users without a token to make them",
      { ...base, participants: [{ name: "alice", parties: ["Alice"], users: [user] }] },
      /^participants\[0\]\.users: needs ledgerApi\.administratorToken/,
    ],
    [
      "a node without a tunnel",
      { ...base, access: { via: "tunnels", tunnels } },
      /^access\.tunnels\.alice is required/,
    ],
    [
      "a tunnel to nothing",
      { ...base, access: { via: "tunnels", tunnels: { ...tunnels, alice: "127.0.0.1:5", bob: "127.0.0.1:6" } } },
      /^access\.tunnels\.bob: there is no node of that name/,
    ],
    [
      "users without a tunnel to make them through",
      {
        ...base,
        ledgerApi: { ...ledgerApi, administratorToken: "t" },
        access: { via: "tunnels", tunnels: { ...tunnels, alice: "127.0.0.1:5" } },
        participants: [{ name: "alice", parties: ["Alice"], users: [user] }],
      },
      /^access\.tunnels\.alice\.ledgerApi is required/,
    ],
    [
      "databases of a stack that is named with its organisation",
      { ...base, takeOverDatabasesFrom: "organization/pulumi-canton/canton" },
      /^takeOverDatabasesFrom: .*expected project\/stack/,
    ],
    [
      "a quota of somebody else's namespace",
      { ...base, sharedNamespace: true, quota: { pods: 1, cpus: 1, memoryGiB: 1 } },
      /^quota: is set with sharedNamespace/,
    ],
    [
      "nothing to run",
      { ...base, domain: undefined, participants: [] },
      /^domain is required where there are no participants/,
    ],
    [
      "an allow-list of no domain",
      { ...base, domain: undefined, allowList: [{ participant: "alice" }] },
      /^allowList: is set without a domain/,
    ],
    [
      "a stranger admitted",
      { ...base, allowList: [{ participant: "bob" }] },
      /^allowList\[0\]\.participant: got "bob"/,
    ],
    [
      "a participant named as a node",
      { ...base, participants: [{ name: "mediator" }] },
      /^participants\[0\]\.name: got "mediator"/,
    ],
    [
      "own sequencers for nobody",
      { ...base, participants: [], domain: { sequencers: "per-participant" } },
      /^domain\.sequencers: got "per-participant" with 0 participants/,
    ],
    [
      "an invitation and no way out",
      { ...base, domain: undefined, join: { invitation: "{}" } },
      /^network\.sequencers is required/,
    ],
    [
      "a passphrase in a file",
      { ...base, keyEncryption: { type: "passphrase", passphraseFile: "x" } },
      /^keyEncryption\.type: got "passphrase"/,
    ],
    [
      "an initialisation that there is not",
      { ...base, domain: { initialisation: "offline" } },
      /^domain\.initialisation: got "offline"; expected one of "auto", "manual", "detached"/,
    ],
    [
      "an initialisation of a domain of Canton's images",
      { ...base, images: { ...images, flavour: "canton" }, domain: { initialisation: "detached" } },
      /^domain\.initialisation: got "detached" with images\.flavour canton, for which .*; expected to leave it out/,
    ],
    [
      "what Canton's images do not have",
      {
        ...base,
        images: { ...images, flavour: "canton" },
        keyEncryption: { type: "vault", address: "https://v", keyId: "k", tokenFile: "t" },
      },
      /^keyEncryption\.type: got "vault", which Canton's images do not have/,
    ],
  ];
  test.each(cases)("%s", (_what, given, expected) => {
    expect(problems(given)).toContainEqual(expect.stringMatching(expected));
  });
});

describe("what an environment or an infrastructure does not allow", () => {
  const nodes = nodesOf(checkKubernetesConfig(alone));
  const given = (more: Record<string, unknown> = {}) => checkKubernetesConfig({ ...alone, ...more });

  test("production wants keys in a key management service, images by digest, and databases over TLS", () => {
    const loose = { images: { ...images, databaseSetup: "registry/database-setup:1" } };
    const clear = { databases: { nodes: { host: "db", administrator, tls: false } } };
    expect(environmentProblems(given({ ...loose, ...clear }), "production", nodes, undefined)).toEqual([
      "databases: got tls: false; expected TLS in production",
      'images: got "registry/database-setup:1"; expected it by its digest in production, such as registry/name@sha256:…',
      expect.stringMatching(/^keyEncryption is required in production/),
    ]);
    expect(environmentProblems(given({ ...loose, ...clear }), "dev", nodes, undefined)).toEqual([]);
  });

  test("who logs in without an infrastructure is asked for a provider", () => {
    const oauth2Middleware = { image: "middleware", clientId: "canton", clientSecret: "secret" };
    const applications = { externalUrl: "https://app.example.com", oauth2Middleware };
    const { participants } = checkKubernetesConfig({ ...alone, participants: [{ name: "alice", applications }] });
    expect(providerProblems(participants, undefined, undefined)).toEqual([
      expect.stringMatching(
        /^participants\[0\]\.applications\.oauth2Middleware\.provider is required: there is no infrastructure/,
      ),
    ]);
  });

  test("an infrastructure needs logins for the nodes, and a server for sequencers where there are some", () => {
    const server = {
      host: "db",
      port: 5432,
      administrator,
      logins: { alice: { database: "a", user: "a", password: "p" } },
    };
    const infrastructure = { databases: { nodes: server }, keyEncryption: {} } as unknown as InfrastructureState;
    const found = environmentProblems(checkKubernetesConfig(base), "staging", nodes, infrastructure);
    expect(found[0]).toMatch(
      /^domain: organization\/pulumi-canton\/aws-production has no server for what sequencers share/,
    );
    expect(found[1]).toMatch(
      /^domain-manager: .* has no login for it; expected one of alice, or domain-manager among its nodes/,
    );
    expect(found).toHaveLength(5);
  });
});

test("authorities of who issues tokens are PEM, in the configuration itself", () => {
  const [source] = ledgerApi.auth;
  const withAuth = (more: object) => problems({ ...base, ledgerApi: { auth: [{ ...source, ...more }] } });
  expect(withAuth({ caPem: "-----BEGIN CERTIFICATE-----" })).toEqual([]);
  expect(withAuth({ caPem: "ca.pem" })).toEqual([
    'ledgerApi.auth[0].caPem: got "ca.pem"; expected certificates in PEM format',
  ]);
  expect(withAuth({ caFile: "ca.pem" })).toEqual([
    expect.stringMatching(/^ledgerApi\.auth\[0\]\.caFile: unknown key.*caPem/),
  ]);
});

test("the quota is enough for a rollout of everything", () => {
  const pod = fc.record({
    replicas: fc.integer({ min: 1, max: 5 }),
    memoryMiB: fc.integer({ min: 256, max: 8192 }),
    cpuMillis: fc.integer({ min: 50, max: 4000 }),
  });
  fc.assert(
    fc.property(fc.array(pod, { minLength: 1, maxLength: 12 }), (pods) => {
      const quota = quotaOf(pods);
      const all = (each: (one: (typeof pods)[number]) => number) =>
        pods.reduce((sum, one) => sum + 2 * one.replicas * each(one), 0);
      expect(quota.pods).toBeGreaterThanOrEqual(all(() => 1) + pods.length);
      expect(quota.cpus * 1000).toBeGreaterThanOrEqual(all(({ cpuMillis }) => cpuMillis));
      expect(quota.memoryGiB * 1024).toBeGreaterThanOrEqual(all(({ memoryMiB }) => memoryMiB));
    }),
  );
});

describe("a bridge", () => {
  const network = { sequencers: [{ peer: { cidr: "192.0.2.10/32" } }] };
  const bridge = {
    ...base,
    domain: undefined,
    participants: undefined,
    participant: { name: "bank", parties: ["Bank"] },
    domains: { private: { invitation: "{}" }, public: { invitation: "{}" } },
    network,
  };
  const found = (more: Record<string, unknown>) => {
    const given = Object.fromEntries(Object.entries({ ...bridge, ...more }).filter(([, value]) => value !== undefined));
    return problemsOf(() => checkBridgeConfig(given));
  };

  test("is a participant on two domains", () => {
    expect(found({})).toEqual([]);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ["one domain", { domains: { private: { invitation: "{}" } } }, /^domains: got 1; expected two or more/],
    [
      "a second name for a domain",
      { domains: { ...bridge.domains, public: { invitation: "{}", alias: "shared" } } },
      /^domains\.public\.alias/,
    ],
    [
      "a party twice",
      { participant: { name: "bank", parties: ["Bank", "Bank"] } },
      /^participant\.parties\[1\]: got "Bank" a second time/,
    ],
    ["no way out", { network: {} }, /^network\.sequencers is required/],
  ])("%s is refused", (_what, more, why) => {
    expect(found(more)).toContainEqual(expect.stringMatching(why));
  });
});

test("keys are wrapped by one service, which the images have to know", () => {
  const vault = { address: "https://vault.example.com:8200", key: "canton", token: "s.token" };
  expect(problems({ ...base, vault })).toEqual([]);
  expect(problems({ ...base, vault: { ...vault, token: "" } })).toEqual([
    expect.stringMatching(/vault.*token: is empty/),
  ]);
  const keyEncryption = { type: "aws-kms", keyId: "key" };
  expect(problems({ ...base, vault, keyEncryption })).toEqual([expect.stringMatching(/^vault: is set beside/)]);
  const canton = { ...images, flavour: "canton" };
  expect(problems({ ...base, vault, images: canton })).toEqual([
    expect.stringMatching(/^vault: is set, which Canton's/),
  ]);
});

describe("routes and applications that cannot be are refused", () => {
  const allowedRanges = ["203.0.113.0/24"];
  const ledgerRoute = { participant: "alice", host: "alice.example.com", allowedRanges };
  const withRoutes = (routes: object, more: object = {}) => ({ ...base, ...more, routes });
  const withApplications = (applications: object, more: object = {}) => ({
    ...base,
    participants: [{ name: "alice", applications: { externalUrl: "https://app.example.com", ...applications } }],
    ...more,
  });
  const jsonApi = { image: "json-api" };
  const two = {
    ...base,
    participants: ["alice", "bob"].map((name) => ({
      name,
      applications: { externalUrl: `https://${name}.example.com`, jsonApi },
    })),
  };
  const url = "https://login.example.com/x";
  const middleware = {
    image: "middleware",
    provider: { issuer: url, jwksUri: url, authorizationEndpoint: url, tokenEndpoint: url },
    clientId: "canton",
    clientSecret: "secret",
  };

  test("those that can be are not", () => {
    expect(
      problems(withRoutes({ sequencers: [{ host: "s.example.com", allowedRanges }], ledgerApis: [ledgerRoute] })),
    ).toEqual([]);
    const found = problems({
      ...withApplications({ jsonApi }),
      routes: { jsonApi: { host: "j.example.com", allowedRanges, certificateSecret: "tls" } },
    });
    expect(found).toEqual([]);
    const routes = {
      applications: ["alice", "bob"].map((participant) => ({ participant, allowedRanges, certificateSecret: "tls" })),
    };
    expect(problems({ ...two, routes })).toEqual([]);
  });

  test("a middleware asks Keycloak in its own way, whoever else in the middleware's", () => {
    const templates = (given: object) => {
      const { participants } = checkKubernetesConfig(
        withApplications({ oauth2Middleware: { ...middleware, ...given } }),
      );
      const config = participants[0]?.applications?.oauth2Middleware;
      return templatesOf(config as { templates: "own" }, config?.provider as typeof middleware.provider);
    };
    const realm = { ...middleware.provider, issuer: "https://login.example.com/realms/canton" };
    expect(templates({})).toEqual({});
    expect(templates({ provider: realm })).toBe(keycloakTemplates);
    expect(templates({ provider: realm, templates: "own" })).toEqual({});
    expect(templates({ templates: "keycloak" })).toBe(keycloakTemplates);
    expect(templates({ provider: realm, templates: { token: "mine" } })).toEqual({ token: "mine" });
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ["no route", withRoutes({}), /^routes: got none/],
    [
      "nobody's allow-list",
      withRoutes({ ledgerApis: [{ ...ledgerRoute, allowedRanges: [] }] }),
      /^routes\.ledgerApis\[0\]\.allowedRanges/,
    ],
    [
      "a participant that there is not",
      withRoutes({ ledgerApis: [{ ...ledgerRoute, participant: "zoe" }] }),
      /^routes\.ledgerApis\[0\]\.participant: got "zoe"; expected one of alice/,
    ],
    [
      "a sequencer that there is not",
      withRoutes({ sequencers: [{ host: "s.example.com", to: ["sequencer9"], allowedRanges }] }),
      /^routes\.sequencers\[0\]\.to: got "sequencer9"/,
    ],
    [
      "sequencers without a domain",
      withRoutes({ sequencers: [{ host: "s.example.com", allowedRanges }] }, { domain: undefined }),
      /^routes\.sequencers: is set without a domain/,
    ],
    [
      "a host that is none",
      withRoutes({ ledgerApis: [{ ...ledgerRoute, host: "alice" }] }),
      /^routes: to-alice\.host: got "alice"/,
    ],
    [
      "a host twice",
      withRoutes({ ledgerApis: [ledgerRoute], sequencers: [{ host: ledgerRoute.host, allowedRanges }] }),
      /second time/,
    ],
    [
      "TLS that ends without a certificate",
      withRoutes({ ledgerApis: [{ ...ledgerRoute, mode: "grpc" }] }),
      /^routes\.ledgerApis\[0\]\.certificateSecret is required/,
    ],
    [
      "a certificate where TLS goes through",
      withRoutes({ ledgerApis: [{ ...ledgerRoute, certificateSecret: "tls" }] }),
      /certificateSecret: is for TLS that ends at Traefik/,
    ],
    [
      "a JSON API that nobody has",
      withRoutes({ jsonApi: { host: "j.example.com", allowedRanges, certificateSecret: "tls" } }),
      /^routes\.jsonApi: is set, but no participant/,
    ],
    [
      "no Traefik",
      { ...alone, routes: { ingressNamespace: "edge", ledgerApis: [ledgerRoute] } },
      /^routes\.ingressClass is required/,
    ],
    ["no program", withApplications({}), /^participants\[0\]\.applications: got none/],
    [
      "triggers without a login of users",
      withApplications({ triggerService: { image: "t" } }),
      /^participants\[0\]\.applications\.oauth2Middleware is required/,
    ],
    [
      "programs of two participants on one host",
      withApplications(
        {},
        {
          participants: ["alice", "bob"].map((name) => ({
            name,
            applications: { externalUrl: "https://app.example.com", jsonApi },
          })),
        },
      ),
      /^participants\[1\]\.applications\.externalUrl: got "https:\/\/app\.example\.com" a second time/,
    ],
    [
      "a node called as a program of one of several",
      withApplications(
        {},
        {
          participants: [
            { name: "alice", applications: { externalUrl: "https://a.example.com", jsonApi } },
            { name: "bob", applications: { externalUrl: "https://b.example.com", jsonApi } },
            { name: "bob-json-api" },
          ],
        },
      ),
      /^participants: got "bob-json-api"/,
    ],
    [
      "a template that is none",
      withApplications({ oauth2Middleware: { ...middleware, templates: "auth0" } }),
      /^participants\[0\]\.applications\.oauth2Middleware\.templates: got "auth0"; expected one of "own", "keycloak"/,
    ],
    [
      "routes to programs that nobody has",
      withRoutes({ applications: [{ allowedRanges, certificateSecret: "tls" }] }),
      /^routes\.applications\[0\]: is set, but no participant has applications/,
    ],
    [
      "routes to the programs of somebody, of several",
      { ...two, routes: { applications: [{ allowedRanges, certificateSecret: "tls" }] } },
      /^routes\.applications\[0\]\.participant is required, where several have applications; expected one of alice, bob/,
    ],
    [
      "a JSON API of somebody who has none",
      {
        ...two,
        routes: { jsonApi: { host: "j.example.com", participant: "zoe", allowedRanges, certificateSecret: "tls" } },
      },
      /^routes\.jsonApi\.participant: got "zoe", which has no applications\.jsonApi; expected one of alice, bob/,
    ],
    [
      "nobody's allow-list of programs",
      { ...two, routes: { applications: [{ participant: "bob", allowedRanges: [], certificateSecret: "tls" }] } },
      /^routes\.applications\[0\]\.allowedRanges/,
    ],
    [
      "one host for a JSON API and all programs",
      {
        ...two,
        routes: {
          jsonApi: { host: "alice.example.com", participant: "alice", allowedRanges, certificateSecret: "tls" },
          applications: [{ participant: "alice", allowedRanges, certificateSecret: "tls" }],
        },
      },
      /second time/,
    ],
    [
      "a node called as a program",
      withApplications(
        {},
        { participants: [{ name: "json-api", applications: { externalUrl: "https://app.example.com", jsonApi } }] },
      ),
      /^participants: got "json-api"/,
    ],
    [
      "a store on another port",
      withApplications(
        { jsonApi: { ...jsonApi, queryStore: true } },
        {
          ...alone,
          participants: [
            {
              name: "alice",
              applications: { externalUrl: "https://app.example.com", jsonApi: { ...jsonApi, queryStore: true } },
            },
          ],
          databases: { nodes: { host: "db", port: 5433, administrator } },
        },
      ),
      /databases\.nodes\.port is 5433/,
    ],
  ])("%s", (_what, given, why) => {
    expect(problems(given)).toEqual([expect.stringMatching(why)]);
  });
});
