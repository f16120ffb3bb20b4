import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { parse } from "yaml";
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
  storage: { backups: "s3://backups", logs: "s3://l" },
  ingress: { annotations: {}, allowedRanges: [] },
};
/** What a stack of cluster-services hands on. */
const withServices: InfrastructureState = {
  ...infrastructure,
  databases: {
    ...infrastructure.databases,
    nodes: server("nodes-rw.canton-prod-databases.svc", [...nodes, "json-api", "trigger-service"]),
  },
  services: {
    namespaces: ["canton-prod"],
    databases: "canton-prod-databases",
    ingress: { namespace: "canton-prod-ingress", ingressClass: "canton-prod" },
    monitoring: "canton-prod-monitoring",
    issuer: { namespace: "canton-prod", name: "issuer", caPem: "-----BEGIN CERTIFICATE-----" },
  },
};

let registered: Registered[] = [];

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      call: () => ({}),
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs });
        if (type === "pulumi:pulumi:StackReference") {
          const given = name.endsWith("/services") ? withServices : infrastructure;
          const outputs = name.endsWith("/empty") ? {} : { infrastructure: given };
          return { id: name, state: { ...inputs, outputs, secretOutputNames: ["infrastructure"] } };
        }
        const { __provider: _, ...shown } = inputs;
        const made = {
          certPem: "c",
          privateKeyPem: "k",
          privateKeyPemPkcs8: "k",
          certRequestPem: "r",
          result: "p",
          ...(type.endsWith(":IdentityDump") && { content: `the dump of ${name}` }),
        };
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

test("a domain and a participant whose root keys are elsewhere are there once they have their identities", async () => {
  await run("kubernetes", {
    ...base,
    domain: { initialisation: "detached" },
    participants: [{ name: "alice", initialisation: "detached" }],
  });
  for (const [node, role, identifier] of [
    ["domain-manager", "domain-manager", "mydomain"],
    ["alice", "participant", "alice"],
  ] as const) {
    expect(inputsOf("core/v1:ConfigMap", `${node}-config`).data["node.yaml"]).toMatch(/init:\n +auto: false/);
    expect(inputsOf("kubernetes:NodeReadiness", node).waitFor).toBe("live");
    expect(inputsOf("topology:NodeIdentity", `${node}-identity`)).toMatchObject({
      role,
      identifier,
      rootKey: "elsewhere",
    });
  }
  expect(inputsOf("topology:AllowListing", "alice")).toMatchObject({
    domainId: "domain-manager-identity::1220aa",
    participant: "PAR::alice-identity::1220aa",
  });
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

test("participants alone have no login for what sequencers share, and take over the databases of the stack that is named", async () => {
  const { infrastructure: _, ...rest } = base;
  await run("kubernetes", {
    ...rest,
    name: "canton",
    environment: "dev",
    cluster: { kubeconfig: "apiVersion: v1" },
    databases: { nodes: { host: "postgres.databases.svc", administrator: { user: "postgres", password: "p" } } },
    takeOverDatabasesFrom: "pulumi-canton/canton-frankfurt",
    participants: [{ name: "alice" }],
  });
  expect(named("random:index/randomPassword:RandomPassword").filter((name) => name.endsWith("-login"))).toEqual([
    "alice-login",
  ]);
  const { value } = inputsOf("core/v1:Secret", "alice-database").stringData;
  expect(parse(value["config.yaml"])).toMatchObject({
    owner: "pulumi-canton/kubernetes",
    takeOverFrom: "pulumi-canton/canton-frankfurt",
  });
});

const services = { ...base, infrastructure: "organization/pulumi-canton/services" };
const allowedRanges = ["203.0.113.0/24"];
const program = (name: string) => ({ image: `registry/${name}@${digest}` });
const provider = {
  issuer: "https://login.example.com",
  jwksUri: "https://login.example.com/jwks",
  authorizationEndpoint: "https://login.example.com/auth",
  tokenEndpoint: "https://login.example.com/token",
};
const applications = {
  externalUrl: "https://app.example.com",
  jsonApi: { ...program("json-api"), queryStore: true },
  triggerService: { ...program("trigger-service"), dars: ["/dars/a.dar"], store: true },
  oauth2Middleware: { ...program("middleware"), provider, clientId: "canton", clientSecret: "of the client" },
};

test("what a stack of cluster-services runs is let in and used, and its namespaces are not made again", async () => {
  await run("kubernetes", { ...services, domain: {}, participants: [{ name: "alice" }] });
  expect(named("core/v1:Namespace")).toEqual([]);
  expect(named("core/v1:ResourceQuota")).toEqual(["kubernetes-namespace-quota"]);
  const namespaceIn = (peer: any) => peer.namespaceSelector.matchLabels["kubernetes.io/metadata.name"];
  const policy = (name: string) => inputsOf(":NetworkPolicy", `kubernetes-namespace-${name}`).spec;
  expect(policy("databases").egress.map(({ to }: any) => to.map(namespaceIn))).toEqual([["canton-prod-databases"]]);
  expect(policy("monitoring").ingress[0].from.map(namespaceIn)).toEqual(["canton-prod-monitoring"]);
  expect(policy("ingress-to-sequencers").ingress[0].from.map(namespaceIn)).toEqual(["canton-prod-ingress"]);
  expect(inputsOf(":Certificate", "alice-certificate").spec.issuerRef).toMatchObject({
    name: "issuer",
    kind: "Issuer",
  });
});

test("with a key of Vault nodes have the token for it, and get out to it", async () => {
  const vault = { address: "https://vault.example.com:8200", key: "canton", token: "s.token" };
  await run("kubernetes", { ...services, vault, participants: [{ name: "alice" }] });
  expect(inputsOf("core/v1:ConfigMap", "alice-config").data["node.yaml"]).toMatch(/keyId: canton/);
  const files = inputsOf("core/v1:Secret", "alice-secrets").stringData;
  expect(pulumi.runtime.isRpcSecret(files)).toBe(true);
  expect(files.value["vault-token"]).toBe("s.token");
  const [rule] = inputsOf(":NetworkPolicy", "kubernetes-namespace-outside").spec.egress;
  expect(rule.ports.map(({ port }: { port: number }) => port)).toEqual([443, 8200]);
});

test("another namespace than those that are there is made, and its certificates are the stack's own", async () => {
  await run("kubernetes", { ...services, namespace: "tenant", participants: [{ name: "alice" }] });
  expect(named("core/v1:Namespace")).toEqual(["kubernetes-namespace"]);
  expect(named(":Certificate")).toEqual([]);
  expect(named(":LocallySignedCert")).toContain("alice-server");
});

test("routes lead to sequencers and Ledger APIs, whose certificates bear the names that clients dial", async () => {
  const outputs = await run("kubernetes", {
    ...services,
    domain: { invitation: {} },
    participants: [{ name: "alice" }, { name: "bob" }],
    routes: {
      sequencers: [
        { host: "sequencers.example.com", allowedRanges },
        { host: "sequencer2.example.com", to: ["sequencer2"], allowedRanges },
      ],
      ledgerApis: [
        { participant: "alice", host: "alice.example.com", allowedRanges },
        {
          participant: "bob",
          host: "bob.example.com",
          allowedRanges,
          mode: "grpc",
          certificateSecret: "bob-tls",
          rateLimit: { average: 10, burst: 20 },
        },
      ],
    },
  });
  // Three for each where TLS goes through, six where it ends at Traefik.
  expect(registered.filter(({ type }) => type.startsWith("kubernetes:traefik.io"))).toHaveLength(3 * 3 + 6);
  expect(named("ingress:TraefikRoutes")).toEqual(["routes"]);
  const route = (kind: string, name: string) => inputsOf(kind, name);
  expect(route(":IngressRouteTCP", "routes-to-sequencers-example-com")).toMatchObject({
    metadata: { namespace: "canton-prod", annotations: { "kubernetes.io/ingress.class": "canton-prod" } },
    spec: {
      routes: [
        {
          match: "HostSNI(`sequencers.example.com`)",
          services: [
            { name: "sequencer1", port: 5001 },
            { name: "sequencer2", port: 5001 },
          ],
        },
      ],
      tls: { passthrough: true },
    },
  });
  expect(route(":MiddlewareTCP", "routes-to-sequencers-example-com-allow").spec).toEqual({
    ipAllowList: { sourceRange: allowedRanges },
  });
  expect(route(":IngressRoute", "routes-to-bob-example-com").spec.tls.secretName).toBe("bob-tls");
  expect(route(":ServersTransport", "routes-to-bob-example-com-service").spec.serverName).toMatch(
    /^bob\.canton-prod\.svc/,
  );
  expect(inputsOf("core/v1:ConfigMap", "routes-to-bob-example-com-ca").data["ca.crt"]).toMatch(/BEGIN CERTIFICATE/);
  const certified = (node: string) =>
    inputsOf(":Certificate", `${node}-certificate`).spec.dnsNames.filter((each: string) => each.endsWith(".com"));
  expect(certified("sequencer1")).toEqual(["sequencers.example.com"]);
  expect(certified("sequencer2")).toEqual(["sequencers.example.com", "sequencer2.example.com"]);
  expect(certified("alice")).toEqual(["alice.example.com"]);
  expect(certified("bob")).toEqual([]);
  expect(outputs["hosts"]).toMatchObject({ "to-alice-example-com": "alice.example.com" });
  const ca = withServices.services?.issuer?.caPem;
  expect(inputsOf("invitation:Invitation", "invitation").sequencers).toEqual([
    { alias: "sequencers.example.com", url: "https://sequencers.example.com:443", ca },
    { alias: "sequencer2.example.com", url: "https://sequencer2.example.com:443", ca },
  ]);
});

test("an invitation is to what it names, without routes and names to the Services", async () => {
  const sequencers = [{ alias: "one", url: "https://sequencer.example.com:8443" }];
  const invited = async (invitation: object) => {
    registered = [];
    await run("kubernetes", { ...services, domain: { invitation } });
    return inputsOf("invitation:Invitation", "invitation").sequencers;
  };
  expect(await invited({ sequencers })).toEqual(sequencers);
  expect(await invited({})).toMatchObject([
    { url: "https://sequencer1.canton-prod.svc.cluster.local:5001", ca: withServices.services?.issuer?.caPem },
    { url: "https://sequencer2.canton-prod.svc.cluster.local:5001" },
  ]);
});

test("routes for a Traefik of somebody else let it in, and it alone", async () => {
  await run("kubernetes", {
    ...base,
    participants: [{ name: "alice" }],
    routes: {
      ingressClass: "traefik",
      ingressNamespace: "edge",
      ledgerApis: [{ participant: "alice", host: "alice.example.com", allowedRanges }],
    },
  });
  const [rule] = inputsOf(":NetworkPolicy", "kubernetes-namespace-ingress-to-participants").spec.ingress;
  expect(rule.from).toEqual([{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "edge" } } }]);
  expect(registered.some(({ inputs }) => inputs.dnsNames?.includes("alice.example.com"))).toBe(true);
});

test("applications of a participant have databases of their own, and room in the namespace", async () => {
  await run("kubernetes", { ...services, participants: [{ name: "alice" }] });
  const before = inputsOf("core/v1:ResourceQuota", "kubernetes-namespace-quota").spec.hard;
  registered = [];
  const outputs = await run("kubernetes", {
    ...services,
    domain: {},
    participants: [{ name: "alice", parties: ["Alice"], applications }],
    routes: { jsonApi: { host: "json.example.com", allowedRanges, certificateSecret: "json-tls" } },
  });
  expect(registered.length).toBeLessThan(150);
  expect(named("participant:ApplicationStack")).toEqual(["alice-applications"]);
  expect(named("apps/v1:Deployment")).toEqual(
    expect.arrayContaining(
      ["json-api", "trigger-service", "oauth2-middleware"].map((each) => `alice-applications-${each}`),
    ),
  );
  expect(named("batch/v1:Job")).toEqual(expect.arrayContaining(["json-api-database", "trigger-service-database"]));
  const files = inputsOf("core/v1:ConfigMap", "alice-applications-json-api").data;
  expect(files["application.conf"]).toMatch(/nodes-rw\.canton-prod-databases\.svc:5432\/json-api/);
  expect(files["application.conf"]).toMatch(/alice\.canton-prod\.svc/);
  expect(files["ledger.crt"]).toMatch(/BEGIN CERTIFICATE/);
  const login = inputsOf("core/v1:Secret", "alice-applications-oauth2-middleware");
  expect(pulumi.runtime.isRpcSecret(login.stringData)).toBe(true);
  const { spec } = inputsOf(":NetworkPolicy", "alice-applications-json-api");
  expect(JSON.stringify(spec.ingress)).toMatch(/canton-prod-ingress.*canton-prod-monitoring/);
  expect(JSON.stringify(spec.egress)).toMatch(/canton-prod-databases/);
  const after = inputsOf("core/v1:ResourceQuota", "kubernetes-namespace-quota").spec.hard;
  const memory = (hard: Record<string, string>) => Number.parseInt(hard["limits.memory"] as string, 10);
  expect(memory(after) - memory(before)).toBeGreaterThanOrEqual(12);
  expect(inputsOf(":IngressRoute", "routes-to-json-example-com").spec.routes[0].services).toEqual([
    { name: "json-api", port: 7575, scheme: "http" },
  ]);
  const urls = await new Promise<any>((resolve) => (outputs["applications"] as pulumi.Output<unknown>).apply(resolve));
  expect(urls["json-api"]).toBe("http://json-api.canton-prod.svc:7575");
});

test("applications of several participants are told apart, and each has a host that leads to all of its programs", async () => {
  const oauth2Middleware = {
    ...applications.oauth2Middleware,
    provider: { ...provider, issuer: "https://login.example.com/realms/canton" },
  };
  const outputs = await run("kubernetes", {
    ...services,
    participants: [
      {
        name: "alice",
        applications: {
          externalUrl: "https://alice.example.com",
          jsonApi: program("json-api"),
          triggerService: program("trigger-service"),
          oauth2Middleware,
        },
      },
      { name: "bob", applications: { externalUrl: "https://bob.example.com", jsonApi: program("json-api") } },
    ],
    routes: {
      applications: [
        { participant: "alice", allowedRanges, certificateSecret: "alice-tls", connections: 50 },
        { participant: "bob", allowedRanges: ["198.51.100.0/24"], certificateSecret: "bob-tls" },
      ],
      jsonApi: { participant: "bob", host: "json.example.com", allowedRanges, certificateSecret: "json-tls" },
    },
  });
  const deployments = registered
    .filter(({ type }) => type.endsWith("apps/v1:Deployment"))
    .map(({ inputs }) => inputs.metadata.name);
  expect(deployments.sort()).toEqual([
    "alice",
    "alice-json-api",
    "alice-oauth2-middleware",
    "alice-trigger-service",
    "bob",
    "bob-json-api",
  ]);
  const files = (name: string) => inputsOf("core/v1:ConfigMap", name).data;
  expect(files("bob-applications-json-api")["application.conf"]).toMatch(/bob\.canton-prod\.svc/);
  expect(files("alice-applications-oauth2-middleware")["refresh.jsonnet"]).toContain("refresh_token");
  const rules = (host: string) =>
    inputsOf(":IngressRoute", `routes-to-${host}-example-com`).spec.routes.map(({ match, services: [to] }: any) => [
      match.split(" && ")[1],
      to.name,
    ]);
  expect(rules("alice")).toEqual([
    ["PathPrefix(`/v1/`)", "alice-json-api"],
    ["PathPrefix(`/trigger/`)", "alice-trigger-service"],
    ["PathPrefix(`/auth/`)", "alice-oauth2-middleware"],
  ]);
  expect(rules("bob")).toEqual([["PathPrefix(`/v1/`)", "bob-json-api"]]);
  expect(rules("json")).toEqual([[undefined, "bob-json-api"]]);
  expect(inputsOf(":Middleware", "routes-to-bob-example-com-allow").spec.ipAllowList.sourceRange).toEqual([
    "198.51.100.0/24",
  ]);
  expect(outputs["hosts"]).toMatchObject({ "to-alice-example-com": "alice.example.com" });
});

test("backups are of the stack's own databases, the sequencers' last, with who its nodes are", async () => {
  const config = {
    ...services,
    domain: {},
    participants: [{ name: "alice", parties: ["Alice"], applications }],
    identityDumps: { passphraseFile: "/run/secrets/dump-passphrase" },
    backups: program("postgres-rclone"),
  };
  await run("kubernetes", config);
  expect(registered.length).toBeLessThan(150);
  expect(named("recovery:IdentityDump").sort()).toEqual(["alice-identity-dump", "domain-manager-identity-dump"]);
  const dump = inputsOf("recovery:IdentityDump", "domain-manager-identity-dump");
  expect(dump).toMatchObject({ role: "domain-manager", passphraseFile: "/run/secrets/dump-passphrase" });
  expect(named("recovery:DatabaseBackup")).toEqual(["nodes-backup", "sequencers-backup"]);
  const of = (name: string) => {
    const { schedule, jobTemplate } = inputsOf("batch/v1:CronJob", name).spec;
    const { containers, ...pod } = jobTemplate.spec.template.spec;
    const env = Object.fromEntries(containers[0].env.map(({ name: key, value }: any) => [key, value]));
    return { schedule, pod, env, files: inputsOf("core/v1:Secret", name).stringData.value };
  };
  const ofNodes = of("nodes-backup");
  expect(ofNodes.schedule).toBe("17 1 * * *");
  expect(ofNodes.pod.serviceAccountName).toBe("canton");
  expect(ofNodes.pod.volumes[1].ephemeral.volumeClaimTemplate.spec.storageClassName).toBe("gp3");
  expect(ofNodes.env).toMatchObject({ BACKUP_REMOTE: ":s3:backups/databases", RCLONE_S3_ENV_AUTH: "true" });
  const databases = (files: Record<string, string>) =>
    files["databases"]
      ?.trim()
      .split("\n")
      .map((line) => line.split(" ")[0]);
  expect(databases(ofNodes.files)).toEqual([
    "alice",
    "domain-manager",
    "json-api",
    "mediator",
    "sequencer1",
    "sequencer2",
    "trigger-service",
  ]);
  expect(ofNodes.files).toMatchObject({ "identity-alice.json": "the dump of alice-identity-dump" });
  const ofSequencers = of("sequencers-backup");
  expect(ofSequencers.schedule).toBe("17 2 * * *");
  expect(databases(ofSequencers.files)).toEqual(["sequencer-backend"]);
  expect(inputsOf(":NetworkPolicy", "nodes-backup").spec.egress[0].to).toEqual([
    { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "canton-prod-databases" } } },
  ]);
});

test("a server that the sequencers share with the nodes is backed up at once, with a login of the object store", async () => {
  const { infrastructure: _, ...rest } = base;
  await run("kubernetes", {
    ...rest,
    name: "canton",
    environment: "dev",
    cluster: { kubeconfig: "apiVersion: v1" },
    databases: { nodes: { host: "postgres.databases.svc", administrator: { user: "postgres", password: "p" } } },
    domain: {},
    sharedNamespace: true,
    backups: {
      image: "postgres-rclone",
      url: "s3://acme-backups/databases",
      endpoint: "https://minio.example.com",
      credentials: { accessKeyId: "id", secretAccessKey: "of the store" },
    },
  });
  expect(named("batch/v1:CronJob")).toEqual(["nodes-backup-kubernetes"]);
  const { databases } = inputsOf("core/v1:Secret", "nodes-backup-kubernetes").stringData.value;
  expect(databases.trim().split("\n").at(-1)).toBe("sequencer-backend sequencer-backend");
  const open = registered.filter(({ type }) => type.endsWith(":CronJob"));
  expect(JSON.stringify(open)).not.toContain("of the store");
});

test("a bridge is a participant on two domains of others", async () => {
  await run("bridge", {
    ...base,
    participant: { name: "bank", parties: ["Bank", "Treasury"] },
    domains: {
      private: { invitation: { good: 1 } },
      public: { invitation: { good: 2 } },
    },
    network: { sequencers: [{ peer: { cidr: "192.0.2.10/32" } }] },
    sharedNamespace: true,
  });
  expect(named("core/v1:Namespace")).toEqual([]);
  expect(named(":ResourceQuota")).toEqual([]);
  expect(named(":NetworkPolicy")).toContain("kubernetes-namespace-other-sequencers.kubernetes");
  expect(inputsOf("apps/v1:Deployment", "bank").spec.template.spec.serviceAccountName).toBe("canton");
  expect(named("invitation:AcceptedInvitation")).toEqual(["invitation-private", "invitation-public"]);
  expect(named("topology:DomainConnection")).toEqual(["bank-connection-private", "bank-connection-public"]);
  expect(named("topology:Party").sort()).toEqual(["bank-party-Bank", "bank-party-Treasury"]);
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
  [
    "routes without an ingress",
    {
      participants: [{ name: "alice" }],
      routes: { ledgerApis: [{ participant: "alice", host: "a.example.com", allowedRanges }] },
    },
    /routes: .*aws-production has no ingress/,
  ],
  [
    "an application whose image can change",
    {
      participants: [
        { name: "alice", applications: { externalUrl: "https://a.example.com", jsonApi: { image: "json-api:1" } } },
      ],
    },
    /participants\[0\]\.applications\.jsonApi\.image: got "json-api:1"; expected it by its digest/,
  ],
  ["a store without a login", { participants: [{ name: "alice", applications }] }, /json-api: .* has no login for it/],
  [
    "a namespace that is there already",
    { ...services, createNamespace: true, participants: [{ name: "alice" }] },
    /createNamespace: got true, but .*services has made the namespace canton-prod/,
  ],
  ["a node without a login", { participants: [{ name: "zoe" }] }, /zoe: .* has no login for it/],
  [
    "a backup by an image that can change",
    { participants: [{ name: "alice" }], backups: { image: "postgres-rclone:18" } },
    /backups\.image: got "postgres-rclone:18"; expected it by its digest/,
  ],
])("%s is refused before anything is made", async (_what, config, why) => {
  await expect(run("kubernetes", { ...base, ...config })).rejects.toThrow(why);
  expect(named("apps/v1:Deployment")).toEqual([]);
});
