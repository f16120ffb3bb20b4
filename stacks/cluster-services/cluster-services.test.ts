import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import type { InfrastructureState } from "../infrastructure/outputs.ts";

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: any;
  readonly provider: string;
}

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
    storageClass: "canton-encrypted",
    storageClassToMake: { provisioner: "ebs.csi.aws.com", parameters: { encrypted: "true", kmsKeyId: "arn:key" } },
    workloadIdentity: { serviceAccount: "canton", annotations: { arn: "role" }, podLabels: {} },
  },
  namespace: "canton-prod",
  databases: { nodes: server("nodes.rds", ["alice"]), sequencerBackend: server("backend.rds", ["sequencer-backend"]) },
  keyEncryption: { type: "aws-kms", keyId: "arn:aws:kms:key", region: "eu-central-1" },
  storage: { backups: "s3://b", logs: "s3://l" },
  ingress: { annotations: { internal: "true" }, nodePort: 30_443, allowedRanges: ["203.0.113.0/24"] },
};
const file = parse(readFileSync(new URL("../../Pulumi.cluster-services.yaml", import.meta.url), "utf8"));
const example = Object.fromEntries(
  Object.entries<unknown>(file.config)
    .filter(([key]) => key.startsWith("pulumi-canton:"))
    .map(([key, value]) => [key.slice("pulumi-canton:".length), value] as const),
);
const image = `registry/image:17@sha256:${"0".repeat(64)}`;

let registered: Registered[] = [];
/** Of the infrastructure's server. */
let withLogins = ["alice"];

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      call: () => ({}),
      newResource: ({ type, name, inputs, provider }) => {
        registered.push({ type, name, inputs, provider: provider ?? "" });
        if (type === "pulumi:pulumi:StackReference") {
          const databases = { ...infrastructure.databases, nodes: server("nodes.rds", withLogins) };
          const outputs = name.endsWith("/empty") ? {} : { infrastructure: { ...infrastructure, databases } };
          return { id: name, state: { ...inputs, outputs, secretOutputNames: ["infrastructure"] } };
        }
        const { __provider: _, ...shown } = inputs;
        const made = { certPem: "PEM", privateKeyPem: "k", result: `password-of-${name}` };
        return { id: `${name}-id`, state: { ...shown, ...made } };
      },
    },
    "pulumi-canton",
    "cluster-services",
    false,
  );
});
beforeEach(() => {
  registered = [];
});

/** Runs the template with a configuration, until everything that it makes is registered. */
async function run(config: Record<string, unknown>): Promise<Record<string, any>> {
  pulumi.runtime.setAllConfig(
    Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        `pulumi-canton:${key}`,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
  );
  const { default: template } = await import("../cluster-services.ts");
  const outputs = await template();
  await pulumi.runtime.disconnect();
  return outputs;
}

const named = (type: string) => registered.filter((each) => each.type.endsWith(type)).map(({ name }) => name);
const inputsOf = (type: string, name: string) =>
  registered.find((each) => each.type.endsWith(type) && each.name === name)?.inputs;
const valueOf = (given: unknown) =>
  new Promise<any>((resolve) => (pulumi.output(given) as pulumi.Output<unknown>).apply(resolve));
const stateOf = (outputs: Record<string, unknown>) =>
  valueOf(outputs["infrastructure"]) as Promise<InfrastructureState>;
const revealed = (value: any) => value?.value ?? value;

test("in a cluster of one's own: databases, ingress, monitoring and issuer, and an infrastructure for the stacks of nodes", async () => {
  const outputs = await run(example);
  expect(registered.length).toBeLessThan(150);
  expect(named("database:ClusterPostgres")).toEqual(["databases-nodes", "databases-sequencers"]);
  expect(named("ingress:TraefikIngress")).toEqual(["ingress"]);
  expect(named("observability:Monitoring")).toEqual(["monitoring"]);
  expect(named("identity:CertificateIssuer")).toEqual(["issuer"]);
  expect(named("core/v1:Namespace").toSorted()).toEqual([
    "ingress",
    "monitoring",
    "namespace-canton-prod",
    "namespace-canton-prod-databases",
    "namespace-canton-prod-gitops",
    "namespace-canton-prod-login",
  ]);
  expect(named("storage.k8s.io/v1:StorageClass")).toEqual([]);
  expect(inputsOf(":Namespace", "namespace-canton-prod").metadata.labels).toMatchObject({
    deployment: "canton-prod",
    "pod-security.kubernetes.io/enforce": "restricted",
  });

  const cluster = inputsOf(":Cluster", "canton-prod-nodes-cluster");
  expect(cluster.metadata.namespace).toBe("canton-prod-databases");
  expect(cluster.spec).toMatchObject({ instances: 3, imageName: expect.stringMatching(/:17-.*@sha256:/) });
  const store = inputsOf(":ObjectStore", "canton-prod-nodes-objectstore").spec.configuration;
  expect(store.s3Credentials.accessKeyId.name).toBe("backup-credentials");
  const login = inputsOf("core/v1:Secret", "backup-credentials");
  expect(revealed(login.stringData)).toEqual({ accessKeyId: "canton", secretAccessKey: "change-me" });
  expect(pulumi.runtime.isRpcSecret(login.stringData)).toBe(true);
  const [rule] = inputsOf(":NetworkPolicy", "canton-prod-nodes").spec.ingress;
  const clients = rule.from
    .slice(1)
    .map((each: any) => each.namespaceSelector.matchLabels["kubernetes.io/metadata.name"]);
  expect(clients).toEqual(["canton-prod", "canton-prod-login", "canton-prod-monitoring"]);

  expect(named("apps/v1:Deployment").filter((name) => name.includes("exporter"))).toEqual(
    ["nodes", "nodes-replica", "sequencers", "sequencers-replica"].map(
      (each) => `monitoring-postgres-exporter-canton-prod-${each}`,
    ),
  );
  const watched = inputsOf("core/v1:Secret", "monitoring-postgres-exporter-canton-prod-nodes").stringData;
  expect(revealed(revealed(watched).password)).toBe("password-of-canton-prod-nodes-monitoring");

  expect(inputsOf("core/v1:Service", "ingress").spec).toMatchObject({
    type: "LoadBalancer",
    loadBalancerIP: "10.20.0.10",
    loadBalancerSourceRanges: ["203.0.113.0/24", "198.51.100.7/32", "10.244.0.0/16"],
  });
  expect(inputsOf(":Issuer", "issuer-issuer").metadata.namespace).toBe("canton-prod");

  expect(await stateOf(outputs)).toMatchObject({
    cloud: "kubernetes",
    deployment: { name: "canton-prod", environment: "production" },
    namespace: "canton-prod",
    cluster: { storageClass: "encrypted", zones: ["rack-a", "rack-b", "rack-c"] },
    databases: {
      nodes: { host: "canton-prod-nodes-rw.canton-prod-databases.svc", caPem: "PEM" },
      sequencerBackend: { logins: { "sequencer-backend": { user: "sequencer-backend" } } },
    },
    keyEncryption: { type: "vault", keyId: "canton-nodes" },
    keyFiles: { "vault-token": "change-me" },
    services: {
      namespaces: ["canton-prod"],
      databases: "canton-prod-databases",
      ingress: { namespace: "canton-prod-ingress", ingressClass: "canton-prod" },
      monitoring: "canton-prod-monitoring",
      identityProvider: {
        issuer: "https://login.example.com/realms/canton",
        jwksUri: "https://login.example.com/realms/canton/protocol/openid-connect/certs",
        authorizationEndpoint: "https://login.example.com/realms/canton/protocol/openid-connect/auth",
        tokenEndpoint: "https://login.example.com/realms/canton/protocol/openid-connect/token",
        audience: "https://daml.com/jwt/aud/participant/canton-prod",
        through: { namespace: "canton-prod-ingress", port: 8443 },
      },
    },
  });
  expect(await pulumi.isSecret(outputs["infrastructure"])).toBe(true);
  expect(await pulumi.isSecret(outputs["grafanaPassword"])).toBe(true);
  expect(await valueOf(outputs["databases"])).toMatchObject({
    servers: ["canton-prod-nodes", "canton-prod-sequencers"],
    host: "canton-prod-nodes-rw.canton-prod-databases.svc",
  });
});

test("everything is made in the cluster that was given, and nothing where the machine happens to point", async () => {
  await run(example);
  const [cluster] = registered.filter(({ type }) => type === "pulumi:providers:kubernetes");
  expect(pulumi.runtime.isRpcSecret(cluster?.inputs.kubeconfig)).toBe(true);
  const objects = registered.filter(({ type }) => type.startsWith("kubernetes:"));
  expect(objects.length).toBeGreaterThan(50);
  expect(objects.filter(({ provider }) => !/::cluster::cluster-id$/.test(provider)).map(({ name }) => name)).toEqual(
    [],
  );
});

test("no login and no channel of alerts is in the state in the clear", async () => {
  await run(example);
  const secrets = registered.filter(({ type }) => type.endsWith("core/v1:Secret"));
  expect(secrets.length).toBeGreaterThan(5);
  for (const { name, inputs } of secrets) {
    const hidden =
      pulumi.runtime.isRpcSecret(inputs.stringData) ||
      Object.values(inputs.stringData).some(pulumi.runtime.isRpcSecret);
    expect({ name, hidden }).toEqual({ name, hidden: true });
  }
  const shown = JSON.stringify(
    registered.map(({ inputs }) => inputs),
    (_key, value) => (pulumi.runtime.isRpcSecret(value) ? "[secret]" : value),
  );
  expect(shown).not.toContain("change-me");
});

test("on the infrastructure of a cloud its databases and key are passed through, its class is made, and its load balancer is met", async () => {
  const outputs = await run({
    infrastructure: "organization/pulumi-canton/aws-production",
    ingress: { image },
    monitoring: { by: "operator", namespace: "observability", labels: { release: "prometheus" } },
  });
  expect(inputsOf("storage.k8s.io/v1:StorageClass", "storage-class")).toMatchObject({
    metadata: { name: "canton-encrypted" },
    provisioner: "ebs.csi.aws.com",
    parameters: { encrypted: "true", kmsKeyId: "arn:key" },
    volumeBindingMode: "WaitForFirstConsumer",
    reclaimPolicy: "Retain",
  });
  const service = inputsOf("core/v1:Service", "ingress");
  expect(service.spec).toMatchObject({ type: "NodePort", ports: [{ port: 443, nodePort: 30_443 }] });
  expect(service.spec).not.toHaveProperty("loadBalancerSourceRanges");
  expect(named("observability:MonitoringObjects")).toEqual(["monitoring"]);
  expect(named("core/v1:Namespace").toSorted()).toEqual(["ingress", "namespace-canton-prod"]);
  const { storageClassToMake: _, ...cluster } = infrastructure.cluster;
  expect(await stateOf(outputs)).toEqual({
    ...infrastructure,
    cluster,
    services: {
      namespaces: ["canton-prod"],
      ingress: { namespace: "canton-prod-ingress", ingressClass: "canton-prod" },
      monitoring: "observability",
    },
  });
});

test("databases in the cluster take the place of the cloud's, and begin with backups of an earlier generation", async () => {
  const outputs = await run({
    infrastructure: "organization/pulumi-canton/aws-production",
    databases: {
      image,
      nodes: ["alice"],
      domain: false,
      generation: 2,
      restore: { generation: 1, at: "2026-11-01T10:00:00Z" },
      backups: { url: "s3://b", credentials: "identity" },
      identity: { arn: "role" },
    },
  });
  expect(named("database:ClusterPostgres")).toEqual(["databases-nodes-2"]);
  const { spec } = inputsOf(":Cluster", "canton-prod-nodes-2-cluster");
  expect(spec.bootstrap.recovery).toEqual({
    source: "canton-prod-nodes",
    recoveryTarget: { targetTime: "2026-11-01T10:00:00Z" },
  });
  expect(named("core/v1:Secret")).not.toContain("backup-credentials");
  const { databases } = await stateOf(outputs);
  expect(Object.keys(databases)).toEqual(["nodes"]);
  expect(databases.nodes.host).toBe("canton-prod-nodes-2-rw.canton-prod-databases.svc");
});

test("in dev and staging it is smaller, and a list that lets in nobody opens nothing", async () => {
  const { vault: _, ingress: __, identityProvider: ___, monitoring, ...rest } = example;
  const { grafana: ____, ...watching } = monitoring as Record<string, unknown>;
  for (const [environment, instances] of [
    ["dev", 1],
    ["staging", 2],
  ] as const) {
    registered = [];
    const outputs = await run({ ...rest, monitoring: watching, environment, ingress: {} });
    expect(registered.length).toBeLessThan(150);
    expect(inputsOf(":Cluster", "canton-prod-nodes-cluster").spec.instances).toBe(instances);
    const { spec } = inputsOf("core/v1:Service", "ingress");
    expect(spec.type).toBe("ClusterIP");
    expect(spec.ports[0]).not.toHaveProperty("nodePort");
    const state = await stateOf(outputs);
    expect(state.ingress).toEqual({ annotations: {}, allowedRanges: [] });
    expect(state).not.toHaveProperty("keyEncryption");
  }
});

const namespaceOf = (peer: any) => peer.namespaceSelector?.matchLabels["kubernetes.io/metadata.name"];

test("people log in by Keycloak, whose database a job makes on the server of nodes, through the ingress", async () => {
  const outputs = await run(example);
  const namespace = "canton-prod-login";
  const [keycloak] = inputsOf("apps/v1:Deployment", "login").spec.template.spec.containers;
  const variables = Object.fromEntries(keycloak.env.map(({ name, value }: any) => [name, value]));
  expect(variables).toMatchObject({
    KC_HOSTNAME: "https://login.example.com",
    KC_DB_URL: expect.stringContaining(
      "//canton-prod-nodes-rw.canton-prod-databases.svc:5432/keycloak?sslmode=verify-full",
    ),
    KC_DB_USERNAME: "keycloak",
  });
  const hidden = revealed(inputsOf("core/v1:Secret", "login").stringData);
  expect(hidden).toMatchObject({
    KC_DB_PASSWORD: "password-of-canton-prod-nodes-keycloak",
    CLIENT_SECRET_SETTLEMENT: "password-of-login-settlement",
  });
  const realm = JSON.parse(inputsOf("core/v1:ConfigMap", "login").data["realm.json"]);
  expect(realm.clients.map(({ clientId }: any) => clientId)).toEqual(["applications", "operator", "settlement"]);
  expect(inputsOf("batch/v1:Job", "keycloak-database").metadata.namespace).toBe(namespace);
  const setup = revealed(inputsOf("core/v1:Secret", "keycloak-database").stringData);
  expect(setup.password).toBe("password-of-canton-prod-nodes-keycloak");
  expect(setup["config.yaml"]).toMatch(/^owner: pulumi-canton\/\S+$/m);

  // Closed, but for these.
  expect(
    named(":NetworkPolicy")
      .filter((name) => name.startsWith("login"))
      .toSorted(),
  ).toEqual(["login", "login-databases", "login-default-deny", "login-names"]);
  const { ingress, egress } = inputsOf(":NetworkPolicy", "login").spec;
  expect([ingress[0], egress[0]].map((rule) => [namespaceOf((rule.from ?? rule.to)[0]), rule.ports[0].port])).toEqual([
    ["canton-prod-ingress", 8080],
    ["canton-prod-databases", 5432],
  ]);
  const route = inputsOf(":IngressRoute", "login-route-keycloak");
  expect(route.metadata).toMatchObject({ namespace, annotations: { "kubernetes.io/ingress.class": "canton-prod" } });
  expect(route.spec).toMatchObject({
    routes: [{ match: "Host(`login.example.com`)", services: [{ name: "login", port: 8080, scheme: "http" }] }],
    tls: { secretName: "login-tls" },
  });
  const [traefik] = inputsOf("apps/v1:Deployment", "ingress").spec.template.spec.containers;
  const watched = "canton-prod-ingress,canton-prod,canton-prod-login,canton-prod-monitoring";
  expect(traefik.args).toContain(`--providers.kubernetescrd.namespaces=${watched}`);
  expect(named("rbac.authorization.k8s.io/v1:Role")).toEqual(expect.arrayContaining([`ingress-${namespace}`]));

  expect(outputs["identityProvider"]).toMatchObject({
    namespace,
    tokenEndpoint: "https://login.example.com/realms/canton/protocol/openid-connect/token",
    client: "applications",
  });
  expect(await pulumi.isSecret(outputs["identityProviderSecrets"])).toBe(true);
  expect(await valueOf(outputs["identityProviderSecrets"])).toEqual({
    administrator: { user: "bootstrap-admin", password: "password-of-login-admin" },
    clients: {
      applications: "password-of-login-applications",
      operator: "password-of-login-operator",
      settlement: "password-of-login-settlement",
    },
  });
});

test("on a cloud its database is on the cloud's server, and elsewhere it is where the configuration says", async () => {
  const login = {
    image,
    host: "login.example.com",
    certificateSecret: "login-tls",
    allowedRanges: ["203.0.113.0/24"],
    applicationUrl: "https://app.example.com",
    ingressClass: "traefik",
    ingressNamespace: "edge",
  };
  withLogins = ["alice", "keycloak"];
  const outputs = await run({
    infrastructure: "organization/pulumi-canton/aws-production",
    identityProvider: {
      ...login,
      databaseSetup: image,
      takeOverDatabasesFrom: "pulumi-canton/services-dublin",
      caPem: "-----BEGIN CERTIFICATE-----",
    },
  });
  const setup = revealed(inputsOf("core/v1:Secret", "keycloak-database").stringData);
  expect(setup["config.yaml"]).toMatch(/^takeOverFrom: pulumi-canton\/services-dublin$/m);
  withLogins = ["alice"];
  expect(named("batch/v1:Job")).toEqual(["keycloak-database"]);
  const databases = inputsOf(":NetworkPolicy", "login").spec.egress.filter(({ ports }: any) => ports[0].port === 5432);
  expect(databases.map(({ to }: any) => to[0].ipBlock.cidr)).toEqual(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]);
  const { services } = await stateOf(outputs);
  expect(services?.identityProvider).toMatchObject({
    caPem: "-----BEGIN CERTIFICATE-----",
    through: { namespace: "edge", port: 8443 },
  });

  registered = [];
  const { name, environment, cluster } = example;
  const database = { host: "db.example.com", port: 5433, password: "of-keycloak", ranges: ["192.0.2.7/32"] };
  await run({ name, environment, cluster, identityProvider: { ...login, database } });
  expect(named("batch/v1:Job")).toEqual([]);
  expect(inputsOf(":NetworkPolicy", "login").spec.egress[0]).toEqual({
    to: [{ ipBlock: { cidr: "192.0.2.7/32" } }],
    ports: [{ port: 5433, protocol: "TCP" }],
  });
  const hidden = inputsOf("core/v1:Secret", "login").stringData;
  expect(pulumi.runtime.isRpcSecret(hidden)).toBe(true);
  expect(revealed(hidden).KC_DB_PASSWORD).toBe("of-keycloak");
});

test("Grafana is reached through the ingress, by those who are listed", async () => {
  await run(example);
  expect(inputsOf(":IngressRoute", "grafana-route-grafana")).toMatchObject({
    metadata: { namespace: "canton-prod-monitoring" },
    spec: { routes: [{ match: "Host(`grafana.example.com`)", services: [{ name: "grafana", port: 3000 }] }] },
  });
  expect(inputsOf(":Middleware", "grafana-route-grafana-allow").spec).toEqual({
    ipAllowList: { sourceRange: ["203.0.113.0/24"] },
  });
  const rules = inputsOf(":NetworkPolicy", "monitoring-grafana").spec.ingress;
  expect(rules.flatMap(({ from }: any) => from.map(namespaceOf))).toContain("canton-prod-ingress");
});

test("the Pulumi operator gets the stacks, in their order, and no secret but by reference", async () => {
  const outputs = await run(example);
  expect(named("gitops:OperatorStack")).toEqual(["domain", "bank"]);
  const bank = inputsOf("pulumi.com/v1:Stack", "bank");
  expect(bank.metadata.namespace).toBe("canton-prod-gitops");
  expect(bank.spec).toMatchObject({
    stack: "organization/pulumi-canton/bank-production",
    commit: "0123456789abcdef0123456789abcdef01234567",
    prerequisites: [{ name: "domain" }],
    gitAuth: { accessToken: { type: "Secret", secret: { name: "git", key: "token" } } },
    envRefs: { PULUMI_CONFIG_PASSPHRASE: { type: "Secret", secret: { name: "state", key: "passphrase" } } },
    destroyOnFinalize: false,
  });
  expect(outputs["gitops"]).toEqual({ namespace: "canton-prod-gitops", objects: ["domain", "bank"] });
});

test("or Argo CD takes objects to a namespace of the stack", async () => {
  const source = { repository: "https://git.example.com/canton.git", revision: "a".repeat(40), path: "clusters/prod" };
  await run({ infrastructure: "organization/pulumi-canton/aws-production", gitops: { argo: { source } } });
  const application = inputsOf("argoproj.io/v1alpha1:Application", "canton-prod-application");
  expect(application.metadata.namespace).toBe("argocd");
  expect(application.spec).toMatchObject({
    source: { targetRevision: source.revision, path: "clusters/prod" },
    destination: { namespace: "canton-prod-gitops" },
  });
  expect(application.spec.syncPolicy).not.toHaveProperty("automated");
  expect(named("core/v1:Namespace")).toContain("namespace-canton-prod-gitops");
});

test.each(["dev", "staging"])("all of it stays small enough in %s", async (environment) => {
  await run({ ...example, environment });
  expect(registered.length).toBeLessThan(150);
  expect(inputsOf("apps/v1:Deployment", "login").spec.replicas).toBe(environment === "dev" ? 1 : 2);
});

test("without databases a cluster of one's own is no infrastructure", async () => {
  const { name, environment, cluster } = example;
  const outputs = await run({ name, environment, cluster, ingress: { image } });
  expect(outputs).not.toHaveProperty("infrastructure");
  expect(await valueOf(outputs["ingress"])).toMatchObject({ namespace: "canton-prod-ingress", allowedRanges: [] });
});

test.each([
  [
    "an infrastructure that is not up",
    { infrastructure: "organization/pulumi-canton/empty", ingress: { image } },
    /which has no output "infrastructure"/,
  ],
  [
    "an image that can change",
    { infrastructure: "organization/pulumi-canton/aws-production", ingress: {} },
    /ingress\.image is required in production/,
  ],
  [
    "a context that the kubeconfig does not have",
    {
      ...example,
      cluster: {
        kubeconfig: "contexts: [{ name: kind }]",
        context: "other",
        storageClass: "encrypted",
        zones: ["a", "b", "c"],
      },
    },
    /cluster\.context: got "other"; expected one of the kubeconfig's: kind/,
  ],
])("%s is refused before anything is made", async (_what, config, why) => {
  await expect(run(config)).rejects.toThrow(why);
  expect(registered.filter(({ type }) => type.startsWith("kubernetes:"))).toEqual([]);
});
