import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { InfrastructureState } from "../infrastructure/outputs.ts";

// Vitest rewrites import(), which Pulumi then cannot store.
vi.mock("@pulumi-canton/components/dynamic/thin-provider.ts", () => ({
  thinProvider: () => ({ create: async () => ({ id: "x" }) }),
}));
// What an invitation has to be is tested where it is checked.
vi.mock("@pulumi-canton/components/invitation/accept.ts", () => ({
  whyRefused: (invitation: string) => (invitation.includes("good") ? undefined : "nobody signed it"),
}));

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: any;
}

const digest = `sha256:${"0".repeat(64)}`;
const nodes = ["domain-manager", "mediator", "sequencer1", "sequencer2", "alice", "bob", "bank"];
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
    workloadIdentity: { serviceAccount: "canton", annotations: { arn: "role" }, podLabels: {} },
  },
  namespace: "canton-prod",
  databases: { nodes: server("nodes.rds", nodes), sequencerBackend: server("backend.rds", ["sequencer-backend"]) },
  keyEncryption: { type: "aws-kms", keyId: "arn:aws:kms:key", region: "eu-central-1" },
  storage: { backups: "s3://b", logs: "s3://l" },
  ingress: { annotations: {}, allowedRanges: [] },
};

let registered: Registered[] = [];

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      call: () => ({}),
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs });
        if (type === "pulumi:pulumi:StackReference") {
          const outputs = name.endsWith("/empty") ? {} : { infrastructure };
          return { id: name, state: { ...inputs, outputs, secretOutputNames: ["infrastructure"] } };
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
});
beforeEach(() => {
  registered = [];
});

const base = {
  infrastructure: "organization/pulumi-canton/aws-production",
  images: {
    nodes: Object.fromEntries(
      ["domain-manager", "sequencer", "mediator", "participant"].map((role) => [role, `registry/${role}@${digest}`]),
    ),
    databaseSetup: `registry/database-setup@${digest}`,
  },
  ledgerApi: { auth: [{ type: "jwks", url: "https://idp.example.com/jwks" }], administratorToken: "token" },
};

/** Runs a template with a configuration, until everything that it makes is registered. */
async function run(
  template: "kubernetes" | "bridge",
  config: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`pulumi-canton:${key}`, JSON.stringify(value)])),
  );
  const module = template === "bridge" ? await import("../bridge.ts") : await import("../kubernetes.ts");
  const outputs = await module.default();
  // Until all is registered.
  await pulumi.runtime.disconnect();
  return outputs;
}

const named = (type: string) => registered.filter((each) => each.type.endsWith(type)).map(({ name }) => name);
const inputsOf = (type: string, name: string) =>
  registered.find((each) => each.type.endsWith(type) && each.name === name)?.inputs;

test("a domain and participants run on an infrastructure, with its keys, databases and identity", async () => {
  const outputs = await run("kubernetes", {
    ...base,
    domain: {},
    participants: [
      { name: "alice", parties: ["Alice"], users: [{ id: "app", actAs: ["Alice"] }] },
      { name: "bob", parties: ["Bob"] },
    ],
    hostings: [{ party: "Alice", participant: "bob" }],
  });
  expect(outputs).toMatchObject({ namespace: "canton-prod" });
  expect(named("apps/v1:Deployment").sort()).toEqual(nodes.filter((name) => name !== "bank").sort());
  expect(registered.length).toBeLessThan(150);
  expect(named("topology:AllowListing")).toEqual(["alice", "bob"]);
  expect(named("topology:DomainConnection")).toEqual(["alice-connection", "bob-connection"]);
  expect(named("topology:PartyHosting")).toEqual(["bob-hosts-Alice"]);
  expect(named(":LedgerUser")).toEqual(["alice-user-app"]);
  expect(inputsOf("core/v1:ServiceAccount", "kubernetes-namespace-service-account").metadata.annotations).toEqual({
    arn: "role",
  });
  expect(inputsOf("core/v1:ConfigMap", "sequencer1-config").data["node.yaml"]).toMatch(/host: backend\.rds/);
  expect(inputsOf("core/v1:ConfigMap", "alice-config").data["node.yaml"]).toMatch(/keyId: arn:aws:kms:key/);
  expect(named("random:index/randomPassword:RandomPassword")).toEqual([]);
  const deployment = inputsOf("apps/v1:Deployment", "alice");
  expect(deployment.metadata.labels).toMatchObject({ deployment: "canton-prod", environment: "production" });
  expect(deployment.spec.template.spec.affinity.podAntiAffinity).toHaveProperty(
    "requiredDuringSchedulingIgnoredDuringExecution",
  );
});

test("anywhere else the configuration names cluster and databases, and the stack makes logins and passphrases", async () => {
  const { infrastructure: _, ...rest } = base;
  await run("kubernetes", {
    ...rest,
    name: "canton",
    environment: "dev",
    cluster: { kubeconfig: "apiVersion: v1", context: "kind" },
    databases: { nodes: { host: "postgres.databases.svc", administrator: { user: "postgres", password: "p" } } },
    network: { databases: [{ namespace: "databases" }] },
    domain: { sequencers: "per-participant" },
    participants: [{ name: "alice" }, { name: "bob" }],
  });
  expect(named("random:index/randomPassword:RandomPassword")).toEqual(
    expect.arrayContaining(["sequencer-backend-login", "alice-login", "alice-key-passphrase"]),
  );
  expect(inputsOf(":NetworkPolicy", "kubernetes-namespace-databases").spec.egress[0].to[0]).toEqual({
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "databases" } },
  });
  const dialled = (name: string) =>
    inputsOf("topology:DomainConnection", `${name}-connection`).sequencers.map(({ alias }: { alias: string }) => alias);
  expect(dialled("alice")).toEqual(["sequencer1"]);
  expect(dialled("bob")).toEqual(["sequencer2"]);
});

test("a bridge is a participant on two domains of others", async () => {
  await run("bridge", {
    ...base,
    participant: { name: "bank" },
    domains: {
      private: { invitation: { good: 1 }, alias: "private" },
      public: { invitation: { good: 2 }, alias: "public" },
    },
    parties: { Bank: ["private", "public"], Inner: ["private"] },
    network: { sequencers: [{ peer: { cidr: "192.0.2.10/32" } }] },
    sharedNamespace: true,
  });
  expect(named("core/v1:Namespace")).toEqual([]);
  expect(named(":ResourceQuota")).toEqual([]);
  expect(named(":NetworkPolicy")).toContain("kubernetes-namespace-other-sequencers.kubernetes");
  expect(inputsOf("apps/v1:Deployment", "bank").spec.template.spec.serviceAccountName).toBe("canton");
  expect(named("invitation:AcceptedInvitation")).toEqual(["invitation-private", "invitation-public"]);
  expect(named("topology:DomainConnection")).toEqual(["bank-connection-private", "bank-connection-public"]);
  expect(named("topology:Party").sort()).toEqual([
    "bank-party-Bank-private",
    "bank-party-Bank-public",
    "bank-party-Inner-private",
  ]);
  expect(named("apps/v1:Deployment")).toEqual(["bank"]);
});

test.each([
  [
    "an invitation that nobody signed",
    {
      join: { invitation: { bad: 1 } },
      network: { sequencers: [{ peer: { cidr: "192.0.2.10/32" } }] },
      participants: [{ name: "alice" }],
    },
    /join\.invitation: is refused: nobody signed it/,
  ],
  [
    "an infrastructure that is not up",
    { infrastructure: "organization/pulumi-canton/empty", domain: {} },
    /which has no output "infrastructure"/,
  ],
  ["a node without a login", { participants: [{ name: "zoe" }] }, /zoe: .* has no login for it/],
])("%s is refused before anything is made", async (_what, config, why) => {
  await expect(run("kubernetes", { ...base, ...config })).rejects.toThrow(why);
  expect(named("apps/v1:Deployment")).toEqual([]);
});
