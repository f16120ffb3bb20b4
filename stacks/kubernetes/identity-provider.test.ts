import { beforeAll, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { base, image, type Runs, services, templateRuns } from "./testing/run-template.ts";

// Vitest rewrites import(), which Pulumi then cannot store.
vi.mock("@pulumi-canton/components/dynamic/thin-provider.ts", () => ({
  thinProvider: () => ({ create: async () => ({ id: "x" }) }),
}));

const identityProvider = {
  issuer: "https://login.example.com/realms/canton",
  jwksUri: "https://login.example.com/realms/canton/certs",
  authorizationEndpoint: "https://login.example.com/realms/canton/auth",
  tokenEndpoint: "https://login.example.com/realms/canton/token",
  audience: "canton-prod-ledger-api",
  through: { namespace: "canton-prod-ingress", port: 8443 },
};
const withLogins = { ...services, identityProvider };
const { ledgerApi, ...open } = { ...base, domain: {}, participants: [{ name: "alice" }] };
let runs: Runs;
beforeAll(async () => {
  runs = await templateRuns();
});

const tokensOf = (node: string): unknown =>
  parse(runs.inputsOf("core/v1:ConfigMap", `${node}-config`).data["node.yaml"]).ledgerApi.auth;

test("users log in by the identity provider of the infrastructure, which participants reach", async () => {
  await runs.run(open, withLogins);
  const { jwksUri: url, issuer, audience: targetAudience } = identityProvider;
  expect(tokensOf("alice")).toEqual([{ type: "jwks", url, issuer, targetAudience }]);
  expect(runs.inputsOf(":NetworkPolicy", "kubernetes-namespace-identity-provider").spec.egress).toMatchObject([
    {
      to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "canton-prod-ingress" } } }],
      ports: [{ port: 8443 }],
    },
  ]);
});

test("authorities of the provider's certificate are a file of participants", async () => {
  const caPem = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
  await runs.run(open, { ...services, identityProvider: { ...identityProvider, caPem } });
  expect(tokensOf("alice")).toEqual([
    expect.objectContaining({ url: identityProvider.jwksUri, caFile: "/etc/canton/config/tokens-0.crt" }),
  ]);
  expect(runs.inputsOf("core/v1:ConfigMap", "alice-config").data["tokens-0.crt"]).toBe(caPem);
  const [named] = ledgerApi.auth;
  await runs.run({ ...open, ledgerApi: { auth: [named, { ...named, caPem }] } }, withLogins);
  expect(tokensOf("alice")).toEqual([named, { ...named, caFile: "/etc/canton/config/tokens-1.crt" }]);
  const canton = { ...open, images: { ...base.images, flavour: "canton" } };
  await expect(runs.run(canton, { ...services, identityProvider: { ...identityProvider, caPem } })).rejects.toThrow(
    /images\.flavour: got "canton", whose images cannot be told of the authorities that the identity provider of .*aws-production has/,
  );
  await expect(runs.run({ ...canton, ledgerApi: { auth: [{ ...named, caPem }] } }, services)).rejects.toThrow(
    /cannot be told of the authorities that ledgerApi\.auth has/,
  );
});

test("people log in for applications by the provider of the infrastructure, or by the one that is named", async () => {
  const login = { image, clientId: "applications", clientSecret: "secret" };
  const withMiddleware = (given: object) => {
    const applications = { externalUrl: "https://app.example.com", oauth2Middleware: { ...login, ...given } };
    return { ...base, participants: [{ name: "alice", applications }] };
  };
  const asked = () => runs.inputsOf("core/v1:ConfigMap", "alice-applications-oauth2-middleware").data;
  await runs.run(withMiddleware({}), withLogins);
  for (const each of [
    identityProvider.jwksUri,
    identityProvider.authorizationEndpoint,
    identityProvider.tokenEndpoint,
  ]) {
    expect(asked()["application.conf"]).toContain(each);
  }
  expect(Object.keys(asked())).toContain("refresh.jsonnet");
  const url = "https://sso.example.com";
  const provider = { issuer: url, jwksUri: url, authorizationEndpoint: url, tokenEndpoint: url };
  await runs.run(withMiddleware({ provider }), withLogins);
  expect(asked()["application.conf"]).toContain(url);
  expect(JSON.stringify(asked())).not.toContain("login.example.com");
  await expect(runs.run(withMiddleware({}), services)).rejects.toThrow(
    /participants\[0\]\.applications\.oauth2Middleware\.provider is required: .*aws-production has no identity provider; expected issuer, jwksUri/,
  );
});

test("Canton's images, which hold no token against an issuer, are told of none", async () => {
  await runs.run({ ...open, images: { ...base.images, flavour: "canton" } }, withLogins);
  const { data } = runs.inputsOf("core/v1:ConfigMap", "alice-config");
  expect(JSON.stringify(data)).toContain(identityProvider.jwksUri);
  expect(JSON.stringify(data)).not.toContain("issuer");
});

test("users log in by the provider that the configuration names, where it names one", async () => {
  await runs.run({ ...open, ledgerApi }, withLogins);
  expect(tokensOf("alice")).toEqual(ledgerApi.auth);
});

test("without a provider the configuration has to name one, and a domain alone needs none", async () => {
  await expect(runs.run(open, services)).rejects.toThrow(
    /ledgerApi\.auth is required: .*aws-production has no identity provider; expected \[\{ type: jwks/,
  );
  await expect(runs.run({ ...open, participants: [] }, services)).resolves.toHaveProperty("domain");
});
