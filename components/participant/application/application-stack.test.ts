import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Registered, register, secretly } from "../../testing/registered.ts";
import { ApplicationStack, type ApplicationStackArgs } from "./application-stack.ts";

let registered: Registered[];

beforeAll(async () => {
  registered = await register();
});
beforeEach(() => {
  registered.length = 0;
});

const server = { host: "db.internal", port: 5432, caPem: "PEM of the database" };
const login = { database: "json-api", user: "json-api", password: "the-store-password" };
const provider = {
  issuer: "https://login.example.com",
  jwksUri: "https://login.example.com/jwks",
  authorizationEndpoint: "https://login.example.com/auth",
  tokenEndpoint: "https://login.example.com/token",
};
const base: ApplicationStackArgs = {
  deployment: { name: "canton", environment: "production" },
  namespace: "canton",
  participant: { name: "bob", ledgerApi: { address: "bob.canton.svc", port: 5011 }, authorities: "PEM of the ledger" },
  externalUrl: "https://app.example.com",
  ingress: [{ namespace: "traefik" }],
  monitoring: [{ namespace: "monitoring" }],
  databases: [{ cidr: "10.0.9.0/24" }],
  https: [{ cidr: "203.0.113.7/32" }],
};
const whole: ApplicationStackArgs = {
  ...base,
  jsonApi: { image: "json-api@sha256:aa", queryStore: { server, login: pulumi.secret(login) } },
  triggerService: { image: "triggers@sha256:bb", dars: ["/dars/a.dar"] },
  oauth2Middleware: {
    image: "middleware@sha256:cc",
    provider,
    clientId: "canton-app",
    clientSecret: pulumi.secret("the-client-secret"),
  },
};

/** Makes a stack and gives all that was registered below it. */
async function made(
  args: ApplicationStackArgs,
): Promise<{ urls: Readonly<Record<string, string>>; all: Registered[] }> {
  const stack = new ApplicationStack("app", args);
  const urls = await new Promise<Readonly<Record<string, string>>>((resolve) => stack.urls.apply(resolve));
  await pulumi.runtime.disconnect();
  return { urls, all: registered };
}

const kinds = (all: readonly Registered[]) =>
  all
    .map(({ type, name }) => `${type.split(":").at(-1)} ${name}`)
    .filter((each) => !each.startsWith("ApplicationStack"))
    .sort();

test("each program is what was asked for, and no more", async () => {
  const { urls, all } = await made(whole);
  expect(urls).toEqual({
    "json-api": "http://json-api.canton.svc:7575",
    "trigger-service": "http://trigger-service.canton.svc:8088",
    "oauth2-middleware": "http://oauth2-middleware.canton.svc:3000",
  });
  const ofEach = (name: string) =>
    ["ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"].map((kind) => `${kind} app-${name}`);
  expect(kinds(all)).toEqual(
    [
      ...["json-api", "trigger-service", "oauth2-middleware"].flatMap(ofEach),
      "Secret app-json-api",
      "Secret app-oauth2-middleware",
      "NetworkPolicy app-json-api-to-bob",
      "NetworkPolicy app-trigger-service-to-bob",
    ].sort(),
  );
});

test("with a prefix several stacks share a namespace: programs, policies and what they call have it", async () => {
  const { urls, all } = await made({ ...whole, prefix: "bob-" });
  expect(urls).toEqual({
    "bob-json-api": "http://bob-json-api.canton.svc:7575",
    "bob-trigger-service": "http://bob-trigger-service.canton.svc:8088",
    "bob-oauth2-middleware": "http://bob-oauth2-middleware.canton.svc:3000",
  });
  const objects = all.filter(({ type }) => type.startsWith("kubernetes:"));
  expect(objects.every(({ inputs }) => inputs.metadata.name.startsWith("bob-"))).toBe(true);
  const of = (kind: string, name: string) =>
    objects.find(({ type, inputs }) => type.endsWith(`:${kind}`) && inputs.metadata.name === name)?.inputs;
  const pods = (name: string) => ({ podSelector: { matchLabels: { "app.kubernetes.io/instance": name } } });
  expect(of("ConfigMap", "bob-trigger-service").data["application.conf"]).toContain(
    "http://bob-oauth2-middleware:3000",
  );
  expect(of("NetworkPolicy", "bob-trigger-service").spec.egress).toContainEqual(
    expect.objectContaining({ to: [pods("bob-oauth2-middleware")] }),
  );
  expect(of("NetworkPolicy", "bob-oauth2-middleware").spec.ingress[0].from).toContainEqual(pods("bob-trigger-service"));
  const { spec } = of("Deployment", "bob-json-api").spec.template;
  expect(spec.volumes[0].configMap.name).toBe("bob-json-api");
  expect(spec.containers[0].env).toContainEqual(
    expect.objectContaining({ valueFrom: { secretKeyRef: { name: "bob-json-api", key: "storePassword" } } }),
  );
});

test("templates of requests are files of the middleware, which restarts with them", async () => {
  const middleware = async (templates: Record<string, string> | undefined) => {
    registered.length = 0;
    const { all } = await made({
      ...base,
      oauth2Middleware: { ...(whole.oauth2Middleware as any), ...(templates && { templates }) },
    });
    const of = (kind: string) => all.find(({ type }) => type.endsWith(`:${kind}`))?.inputs;
    return { data: of("ConfigMap").data, revision: of("Deployment").spec.template.metadata.annotations };
  };
  const own = await middleware(undefined);
  expect(Object.keys(own.data)).toEqual(["application.conf"]);
  expect(own.data["application.conf"]).not.toContain("template");
  const given = await middleware({ authorization: "function(config, request) {}" });
  expect(given.data["authorization.jsonnet"]).toBe("function(config, request) {}");
  expect(given.data["application.conf"]).toContain('"oauth-auth-template": "/etc/application/authorization.jsonnet"');
  expect(given.data["application.conf"]).not.toMatch(/oauth-(?:token|refresh)-template/);
  expect(given.revision).not.toEqual(own.revision);
});

test("no secret is in a ConfigMap, an argument or a plain variable", async () => {
  const { all } = await made(whole);
  const open = all.filter(({ type }) => !type.endsWith(":Secret"));
  expect(JSON.stringify(open)).not.toMatch(/the-store-password|the-client-secret/);
  const secrets = all.filter(({ type }) => type.endsWith(":Secret"));
  expect(secrets.map(({ inputs }) => inputs.stringData)).toEqual(
    expect.arrayContaining([
      secretly({ storePassword: "the-store-password" }),
      secretly({ clientId: "canton-app", clientSecret: "the-client-secret" }),
    ]),
  );
});

test("pods may do nothing that they do not need, and are told apart from nodes", async () => {
  const { all } = await made(whole);
  const deployments = all.filter(({ type }) => type.endsWith(":Deployment"));
  expect(deployments).toHaveLength(3);
  for (const { inputs } of deployments) {
    const { spec } = inputs.spec.template;
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    });
    expect(spec.containers[0]).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      },
      livenessProbe: { httpGet: { path: "/livez" } },
      readinessProbe: { httpGet: { path: "/readyz" } },
    });
    expect(inputs.spec.selector.matchLabels).toEqual({ "app.kubernetes.io/instance": inputs.metadata.name });
  }
});

describe("a change of", () => {
  const revisionOf = async (args: ApplicationStackArgs): Promise<string> => {
    registered.length = 0;
    const { all } = await made(args);
    const deployment = all.find(({ type, name }) => type.endsWith(":Deployment") && name === "app-json-api");
    return deployment?.inputs.spec.template.metadata.annotations["canton/revision"];
  };
  const withLogin = (password: string, user = "json-api") => ({
    ...base,
    jsonApi: { image: "i", queryStore: { server, login: pulumi.secret({ ...login, user, password }) } },
  });

  test("the configuration or of a password restarts the program, nothing else does", async () => {
    const revision = await revisionOf(withLogin("one"));
    expect(await revisionOf(withLogin("one"))).toBe(revision);
    expect(await revisionOf(withLogin("two"))).not.toBe(revision);
    expect(await revisionOf(withLogin("one", "other"))).not.toBe(revision);
  });
});

test("only the middleware calls the provider, and only the ingress, monitoring and each other call them", async () => {
  const { all } = await made(whole);
  const policy = (name: string) =>
    all.find(({ type, name: own }) => type.endsWith(":NetworkPolicy") && own === name)?.inputs;
  expect(policy("app-oauth2-middleware").spec.egress).toEqual([
    { to: [{ ipBlock: { cidr: "203.0.113.7/32" } }], ports: [{ port: 443, protocol: "TCP" }] },
  ]);
  expect(policy("app-json-api").spec.egress).toEqual([
    {
      to: [{ podSelector: { matchLabels: { "app.kubernetes.io/instance": "bob" } } }],
      ports: [{ port: 5011, protocol: "TCP" }],
    },
    { to: [{ ipBlock: { cidr: "10.0.9.0/24" } }], ports: [{ port: 5432, protocol: "TCP" }] },
  ]);
  expect(policy("app-json-api-to-bob").spec).toMatchObject({
    podSelector: { matchLabels: { "app.kubernetes.io/instance": "bob" } },
    ingress: [
      {
        from: [{ podSelector: { matchLabels: { "app.kubernetes.io/instance": "json-api" } } }],
        ports: [{ port: 5011, protocol: "TCP" }],
      },
    ],
  });
});

test("what cannot work is refused with the reason", () => {
  expect(() => new ApplicationStack("none", base)).toThrow(/none of jsonApi, triggerService and oauth2Middleware/);
  expect(() => new ApplicationStack("triggers", { ...base, triggerService: { image: "i" } })).toThrow(
    /triggerService: needs oauth2Middleware/,
  );
  expect(() => new ApplicationStack("many", { ...base, jsonApi: { image: "i", replicas: 0 } })).toThrow(
    /jsonApi.replicas: got 0; expected 1 to 9/,
  );
});
