/** What the nodes of a network ask for on Kubernetes violates no policy. */
import { runtime } from "@pulumi/pulumi";
import { expect, test, vi } from "vitest";
import type { InfrastructureState } from "../stacks/infrastructure/outputs.ts";
import { allPolicies } from "./all-policies.ts";
import { askedOfStack, recordForPolicies } from "./testing/recorded-stack.ts";

// Vitest rewrites import(), which Pulumi then cannot store.
vi.mock("@pulumi-canton/components/dynamic/thin-provider.ts", () => ({
  thinProvider: () => ({ create: async () => ({ id: "x" }) }),
}));

const nodes = ["domain-manager", "mediator", "sequencer1", "sequencer2", "alice", "json-api", "trigger-service"];
const server = (host: string, logins: readonly string[]) => ({
  host,
  port: 5432,
  administrator: { user: "administrator", password: "p" },
  logins: Object.fromEntries(logins.map((name) => [name, { database: name, user: name, password: "p" }])),
});
const infrastructure: InfrastructureState = {
  cloud: "aws",
  region: "eu-central-1",
  deployment: { name: "canton-prod", environment: "production" },
  cluster: {
    kubeconfig: "apiVersion: v1",
    zones: ["a", "b", "c"],
    storageClass: "gp3",
    workloadIdentity: { serviceAccount: "canton", annotations: {}, podLabels: {} },
  },
  namespace: "canton-prod",
  databases: { nodes: server("nodes.rds", nodes), sequencerBackend: server("backend.rds", ["sequencer-backend"]) },
  keyEncryption: { type: "aws-kms", keyId: "arn:aws:kms:key", region: "eu-central-1" },
  storage: { backups: "s3://backups", logs: "s3://l" },
  ingress: { annotations: {}, allowedRanges: [] },
};

test("a domain and a participant with all that they can have, their root keys elsewhere, in production", {
  timeout: 60_000,
}, async () => {
  await runtime.setMocks(
    {
      call: () => ({}),
      newResource: ({ type, name, inputs }) => {
        if (type === "pulumi:pulumi:StackReference") {
          return { id: name, state: { ...inputs, outputs: { infrastructure }, secretOutputNames: ["infrastructure"] } };
        }
        const { __provider: _, ...shown } = inputs;
        const made = { certPem: "c", privateKeyPem: "k", privateKeyPemPkcs8: "k", certRequestPem: "r", result: "p" };
        return { id: `${name}-id`, state: { ...shown, ...made, uniqueIdentifier: `${name}::1220aa` } };
      },
    },
    "pulumi-canton",
    "kubernetes",
    false,
  );
  const allowedRanges = ["203.0.113.0/24"];
  const provider = {
    issuer: "https://login.example.com/realms/canton",
    jwksUri: "https://login.example.com/jwks",
    authorizationEndpoint: "https://login.example.com/auth",
    tokenEndpoint: "https://login.example.com/token",
  };
  const digest = `sha256:${"0".repeat(64)}`;
  const images = ["domain-manager", "sequencer", "mediator", "participant"].map((role) => [
    role,
    `r/${role}@${digest}`,
  ]);
  const config = {
    infrastructure: "organization/pulumi-canton/aws-production",
    images: { nodes: Object.fromEntries(images), databaseSetup: `r/database-setup@${digest}` },
    ledgerApi: { auth: [{ type: "jwks", url: "https://idp.example.com/jwks" }], administratorToken: "token" },
    domain: { initialisation: "detached" },
    participants: [
      {
        name: "alice",
        parties: ["Alice"],
        initialisation: "detached",
        applications: {
          externalUrl: "https://app.example.com",
          jsonApi: { image: `r/json-api@${digest}`, queryStore: true },
          triggerService: { image: `r/trigger-service@${digest}`, store: true },
          oauth2Middleware: { image: `r/middleware@${digest}`, provider, clientId: "canton", clientSecret: "secret" },
        },
      },
    ],
    routes: {
      ingressClass: "traefik",
      ingressNamespace: "edge",
      sequencers: [{ host: "sequencers.example.com", allowedRanges }],
      ledgerApis: [{ participant: "alice", host: "alice.example.com", allowedRanges }],
      applications: [{ allowedRanges, certificateSecret: "app-tls" }],
    },
    reverseProxy: { image: `r/haproxy@${digest}`, host: "proxy.example.com", allowedRanges },
    identityDumps: { passphraseFile: "/run/secrets/dump-passphrase" },
    backups: { image: `r/postgres-rclone@${digest}` },
  };
  runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`pulumi-canton:${key}`, JSON.stringify(value)])),
  );
  const recorded = recordForPolicies();
  const { default: kubernetes } = await import("../stacks/kubernetes.ts");
  await kubernetes();
  const resources = await recorded();
  expect(resources.filter(({ type }) => type === "kubernetes:apps/v1:Deployment").length).toBeGreaterThanOrEqual(5);
  expect(await askedOfStack(allPolicies, resources, { environment: "production" })).toEqual([]);
});
