import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { parse } from "yaml";
import type { DatabaseServerState } from "../../database/database-server.ts";
import { Domain } from "../../domain/domain.ts";
import { Participant } from "../../participant/participant.ts";
import { KubernetesPlatform, type KubernetesPlatformArgs } from "./kubernetes-platform.ts";

// Vitest rewrites import(), which Pulumi then cannot store.
vi.mock("../../dynamic/thin-provider.ts", () => ({ thinProvider: () => ({ create: async () => ({ id: "x" }) }) }));

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly provider: string | undefined;
  readonly inputs: any;
}

let registered: Registered[] = [];
const folder = mkdtempSync(join(tmpdir(), "kubernetes-platform-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      call: () => ({}),
      newResource: ({ type, name, inputs, provider }) => {
        registered.push({ type, name, inputs, provider });
        const { __provider: _, ...shown } = inputs;
        return {
          id: `${name}-id`,
          state: {
            ...shown,
            certPem: `certificate of ${name}`,
            privateKeyPem: `key of ${name}`,
            privateKeyPemPkcs8: `PKCS #8 key of ${name}`,
            certRequestPem: `request of ${name}`,
            result: `password of ${name}`,
            uniqueIdentifier: `${name}::1220aa`,
          },
        };
      },
    },
    "project",
    "stack",
    false,
  );
});
beforeEach(() => {
  registered = [];
});

const nodes = ["domain-manager", "mediator", "sequencer1", "sequencer2", "alice"];
const digest = `sha256:${"a".repeat(64)}`;

function serverOf(host: string, logins: readonly string[], caPem?: string): DatabaseServerState {
  return {
    host,
    port: 5432,
    administrator: { user: "postgres", password: "of the administrator" },
    ...(caPem !== undefined && { caPem }),
    logins: Object.fromEntries(logins.map((name) => [name, { database: name, user: name, password: `of ${name}` }])),
  };
}

function argsWith(given: Partial<KubernetesPlatformArgs> = {}): KubernetesPlatformArgs {
  return {
    deployment: { name: "canton-test", environment: "production" },
    cluster: {
      kubeconfig: "apiVersion: v1",
      workloadIdentity: { serviceAccount: "canton", annotations: { role: "r" }, podLabels: { identity: "true" } },
    },
    namespace: "canton-test",
    images: {
      flavour: "pulumi-canton",
      nodes: Object.fromEntries(
        ["domain-manager", "sequencer", "mediator", "participant"].map((role) => [role, `registry/${role}@${digest}`]),
      ),
      databaseSetup: `registry/database-setup@${digest}`,
    },
    databases: {
      nodes: serverOf("nodes.db", nodes, "authorities of nodes.db"),
      sequencerBackend: serverOf("backend.db", ["sequencer-backend"]),
    },
    keyEncryption: { type: "aws-kms", keyId: "alias/canton", region: "eu-central-1" },
    spread: "required",
    outside: {
      databases: [{ peer: { cidr: "10.0.0.0/8" }, port: 5432 }],
      https: [],
      sequencers: [],
      operators: [],
      monitoring: [],
      ingress: [],
      workloadIdentity: true,
    },
    quota: { pods: 40, cpus: 20, memoryGiB: 40 },
    ...given,
  };
}

const auth = [{ type: "jwks", url: "https://idp.example.com/jwks" }];

async function network(given: Partial<KubernetesPlatformArgs> = {}): Promise<{ domain: Domain; alice: Participant }> {
  const platform = new KubernetesPlatform("cluster", argsWith(given));
  const domain = new Domain("mydomain", { platform, alias: "mydomain" });
  const alice = new Participant("alice", { platform, auth });
  const listing = domain.admit("alice", { participant: alice.participantId });
  alice.connect(domain, {}, { dependsOn: [listing] });
  await pulumi.runtime.disconnect();
  return { domain, alice };
}

function of(type: string): Map<string, Registered["inputs"]> {
  return new Map(
    registered.filter((each) => each.type.endsWith(type)).map(({ name, inputs }) => [name, inputs] as const),
  );
}

function plain(value: unknown): Registered["inputs"] {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  // A secret as the engine is sent it.
  if ("4dabf18193072939515e22adb298388d" in value && "value" in value)
    return plain((value as { value: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

test("a domain and a participant are pods in a closed namespace, each able to what it needs only", async () => {
  await network();
  // What the documentation of the platform says, and what is not its own: the domain, the participant, and two resources.
  expect(registered.length - 4).toBe(98);
  for (const { type, provider } of registered) {
    if (type.startsWith("kubernetes:")) expect(provider, type).toContain("::cluster-cluster::");
  }
  const deployments = of("apps/v1:Deployment");
  expect([...deployments.keys()].sort()).toEqual(["alice", "domain-manager", "mediator", "sequencer1", "sequencer2"]);
  for (const [name, { metadata, spec }] of deployments) {
    const { spec: pod, metadata: podMetadata } = spec.template;
    const [container] = pod.containers;
    expect(metadata.namespace, name).toBe("canton-test");
    expect(podMetadata.labels).toMatchObject({ ...spec.selector.matchLabels, identity: "true" });
    expect(podMetadata.annotations["canton/revision"]).toMatch(/^[0-9a-f]{16}$/);
    expect(container.env).toContainEqual({ name: "NODE_REVISION", value: podMetadata.annotations["canton/revision"] });
    expect(pod).toMatchObject({ serviceAccountName: "canton", automountServiceAccountToken: false });
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(container.image).toContain(`@${digest}`);
    expect(container.resources.limits.memory).toBe(container.resources.requests.memory);
    expect(pod.topologySpreadConstraints[0]).toMatchObject({ whenUnsatisfiable: "DoNotSchedule" });
    expect(container.startupProbe.httpGet.path).toBe("/health/startup");
    expect(container.livenessProbe.httpGet.path).toBe("/health/live");
    expect(container.readinessProbe.httpGet.path).toBe("/health/ready");
  }
  const replicas = (name: string) => deployments.get(name)?.spec.replicas;
  expect(["sequencer1", "domain-manager", "mediator", "alice"].map(replicas)).toEqual([1, 1, 2, 2]);
  expect(deployments.get("sequencer1")?.spec.strategy).toEqual({ type: "Recreate" });
  expect(deployments.get("alice")?.spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 2 });
  // Both sequencers are one group: kept apart, one at a time.
  expect(
    [...of("PodDisruptionBudget").values()]
      .map(({ spec }) => [spec.selector.matchLabels["canton/group"], spec.maxUnavailable])
      .sort(),
  ).toEqual([
    ["alice", 2],
    ["domain-manager", 1],
    ["mediator", 2],
    ["sequencers", 1],
  ]);
  const namespace = of("core/v1:Namespace").get("cluster-namespace");
  expect(namespace.metadata.labels["pod-security.kubernetes.io/enforce"]).toBe("restricted");
});

test("what nodes are configured with is what their schemas accept, with TLS and client certificates", async () => {
  await network();
  const files = (name: string) => plain(of("core/v1:ConfigMap").get(`${name}-config`)).data;
  const configuration = (name: string) => parse(files(name)["node.yaml"]);
  expect(configuration("alice")).toMatchObject({
    adminApi: {
      address: "0.0.0.0",
      port: 5002,
      tls: {
        certChainFile: "/etc/canton/certificate/tls.crt",
        clientCaFile: "/etc/canton/config/administrators.crt",
      },
    },
    ledgerApi: { port: 5011, auth },
    storage: {
      host: "nodes.db",
      user: "alice",
      passwordFile: "/etc/canton/secrets/database-alice",
      tls: { caFile: "/etc/canton/config/database-alice.crt" },
    },
    crypto: { keyEncryption: { type: "aws-kms" } },
  });
  expect(configuration("alice").ledgerApi.tls.clientCaFile).toBeUndefined();
  expect(files("alice")["database-alice.crt"]).toBe("authorities of nodes.db");
  expect(configuration("sequencer1").backend).toMatchObject({ host: "backend.db", user: "sequencer-backend", tls: {} });
  expect(configuration("domain-manager").domain.sequencers[0]).toEqual({
    name: "sequencer1",
    adminApi: {
      address: "sequencer1.canton-test.svc.cluster.local",
      port: 5002,
      tls: {
        caFile: "/etc/canton/config/servers.crt",
        certChainFile: "/etc/canton/secrets/administrator.crt",
        privateKeyFile: "/etc/canton/secrets/administrator.key",
      },
    },
    publicApi: "https://sequencer1.canton-test.svc.cluster.local:5001",
    publicApiCaFile: "/etc/canton/config/servers.crt",
  });
});

test("only who administers others can show so, and nobody but the job sees the administrator of databases", async () => {
  await network();
  const secrets = of("core/v1:Secret");
  const keys = (name: string) => Object.keys(plain(secrets.get(name)).stringData).sort();
  expect(keys("domain-manager-secrets")).toEqual([
    "administrator.crt",
    "administrator.key",
    "database-domain-manager",
    "tls.crt",
    "tls.key",
  ]);
  expect(keys("sequencer1-secrets")).toEqual([
    "database-sequencer-backend",
    "database-sequencer1",
    "tls.crt",
    "tls.key",
  ]);
  const texts = (name: string) => JSON.stringify(plain(secrets.get(name)));
  for (const node of nodes) expect(texts(`${node}-secrets`)).not.toContain("of the administrator");
  expect(texts("alice-database")).toContain("of the administrator");
  const setup = (name: string) => parse(plain(secrets.get(`${name}-database`)).stringData["config.yaml"]);
  expect(setup("alice").owner).toBe(setup("sequencer-backend").owner);
  expect(setup("alice").owner).toMatch(/^[^/]+\/stack$/);
  const job = of("batch/v1:Job").get("alice-database");
  expect(job.spec.template.spec.containers[0].image).toBe(`registry/database-setup@${digest}`);
  const open = [
    ...of("core/v1:ConfigMap").values(),
    ...of("apps/v1:Deployment").values(),
    ...of("batch/v1:Job").values(),
  ];
  expect(JSON.stringify(plain(open))).not.toMatch(/of the administrator|of alice|PKCS #8/);
});

test("nodes may call whom components say, and the program dials with its own certificate", async () => {
  const { domain, alice } = await network({
    access: {
      via: "tunnels",
      tunnels: {
        "domain-manager": "127.0.0.1:15001",
        mediator: "127.0.0.1:15002",
        sequencer1: "127.0.0.1:15003",
        sequencer2: "127.0.0.1:15004",
        alice: { adminApi: "127.0.0.1:15005", ledgerApi: "127.0.0.1:15006" },
      },
    },
  });
  expect([...of("NetworkPolicy").keys()].filter((name) => name.includes("-to-")).sort()).toEqual([
    "alice-to-sequencers",
    "alice-to-sequencers.canton-test",
    "domain-manager-to-mediator",
    "domain-manager-to-mediator.canton-test",
    "domain-manager-to-sequencers",
    "domain-manager-to-sequencers.canton-test",
    "mediator-to-sequencers",
    "mediator-to-sequencers.canton-test",
  ]);
  const value = <T>(output: pulumi.Output<T>) =>
    new Promise<T>((resolve) => output.apply((known) => resolve(known as T)));
  expect(await value(alice.adminApi)).toEqual({
    address: "127.0.0.1",
    port: 15005,
    url: "https://127.0.0.1:15005",
    tls: {
      ca: "certificate of cluster-servers",
      certChain: "certificate of cluster-administrators-program",
      privateKey: "PKCS #8 key of cluster-administrators-program",
      serverName: "alice.canton-test.svc.cluster.local",
    },
  });
  expect(await value(alice.ledgerApi)).toMatchObject({
    port: 15006,
    tls: { serverName: "alice.canton-test.svc.cluster.local" },
  });
  // Participants dial sequencers where nodes do, however the program is told of them.
  expect((await value(domain.sequencers))[0]).toEqual({
    alias: "sequencer1",
    url: "https://sequencer1.canton-test.svc.cluster.local:5001",
    ca: "certificate of cluster-servers",
  });
});

test("terms of service go with the configuration, and a passphrase is made where nothing else encrypts keys", async () => {
  const textFile = join(folder, "terms.txt");
  writeFileSync(textFile, "Be nice.\n");
  const platform = new KubernetesPlatform("cluster", argsWith({ keyEncryption: undefined }));
  new Domain("mydomain", { platform, alias: "mydomain", sequencers: 1, termsOfService: { id: "1", textFile } });
  await pulumi.runtime.disconnect();
  const { data } = plain(of("core/v1:ConfigMap").get("sequencer1-config"));
  expect(data["terms.txt"]).toBe("Be nice.\n");
  expect(parse(data["node.yaml"]).termsOfService).toEqual({ id: "1", textFile: "/etc/canton/config/terms.txt" });
  expect(parse(data["node.yaml"]).crypto.keyEncryption.type).toBe("passphrase");
  expect(plain(of("core/v1:Secret").get("sequencer1-secrets")).stringData["key-passphrase"]).toBe(
    "password of sequencer1-key-passphrase",
  );
});

test("files that keyEncryption names are in the Secret of every node, beside its own", async () => {
  await network({ keyFiles: pulumi.secret({ "vault-token": "a token" }) });
  const { stringData } = plain(of("core/v1:Secret").get("alice-secrets"));
  expect(stringData).toMatchObject({ "vault-token": "a token", "database-alice": "of alice" });
  expect(plain(of("core/v1:Secret").get("mediator-secrets")).stringData["vault-token"]).toBe("a token");
});

test("authorities of who issues tokens are a file of the participant, which restarts with them", async () => {
  const withAuthorities = async (caPem?: string) => {
    registered = [];
    const platform = new KubernetesPlatform("cluster", argsWith());
    const own = { ...auth[0], caPem };
    new Participant("alice", { platform, auth: [...auth, own] });
    await pulumi.runtime.disconnect();
    const { data } = plain(of("core/v1:ConfigMap").get("alice-config"));
    const { annotations } = of("apps/v1:Deployment").get("alice").spec.template.metadata;
    return { data, auth: parse(data["node.yaml"]).ledgerApi.auth, revision: annotations["canton/revision"] };
  };
  const first = await withAuthorities("authorities of the provider");
  expect(first.auth).toEqual([auth[0], { ...auth[0], caFile: "/etc/canton/config/tokens-1.crt" }]);
  expect(first.data["tokens-1.crt"]).toBe("authorities of the provider");
  expect((await withAuthorities("others")).revision).not.toBe(first.revision);
  const without = await withAuthorities();
  expect(without.auth).toEqual([auth[0], auth[0]]);
  expect(Object.keys(without.data)).not.toContain("tokens-1.crt");
});

test("cert-manager can make the certificates of servers", async () => {
  await network({ issuer: { name: "private-ca", caPem: "authorities of cert-manager" } });
  const certificate = of("cert-manager.io/v1:Certificate").get("alice-certificate");
  expect(certificate.spec).toMatchObject({
    secretName: "alice-certificate",
    issuerRef: { name: "private-ca", kind: "ClusterIssuer" },
    dnsNames: expect.arrayContaining(["alice.canton-test.svc.cluster.local"]),
  });
  const { volumes } = of("apps/v1:Deployment").get("alice").spec.template.spec;
  expect(volumes.find(({ name }: { name: string }) => name === "certificate").secret.secretName).toBe(
    "alice-certificate",
  );
  expect(plain(of("core/v1:ConfigMap").get("alice-config")).data["servers.crt"]).toBe("authorities of cert-manager");
});

test("a participant that waits for its identity is called before it works, and its standbys never are", async () => {
  const platform = new KubernetesPlatform("cluster", argsWith());
  new Participant("alice", { platform, initialisation: "detached", auth: [{ type: "jwks", url: "https://idp/jwks" }] });
  new Domain("mydomain", { platform, alias: "mydomain", initialisation: "detached" });
  await pulumi.runtime.disconnect();
  const probed = (name: string) =>
    of("apps/v1:Deployment").get(name).spec.template.spec.containers[0].readinessProbe.httpGet.path;
  const beforeReady = (name: string) => of("core/v1:Service").get(name).spec.publishNotReadyAddresses;
  expect([probed("alice"), beforeReady("alice")]).toEqual(["/health/reachable", false]);
  // A domain manager is one pod.
  expect([probed("domain-manager"), beforeReady("domain-manager")]).toEqual(["/health/ready", true]);
});

test("Canton's own images run from their own configuration", async () => {
  await network({ images: { ...argsWith().images, flavour: "canton" } });
  const { containers } = of("apps/v1:Deployment").get("alice").spec.template.spec;
  expect(containers[0].args).toContain("--config=/etc/canton/config/canton.conf");
  expect(containers[0].readinessProbe.grpc).toEqual({ port: 8080, service: "" });
  expect(containers[0].env).toContainEqual({
    name: "CANTON_DATABASE_PASSWORD",
    valueFrom: { secretKeyRef: { name: "alice", key: "database-alice" } },
  });
  expect(of("kubernetes:NodeReadiness").get("alice").revision).toBeUndefined();
});

test.each([
  [{ standbys: 5 }, /standbys: got 5; expected a whole number, 0 to 4/],
  [{ mutualTls: false }, /mutualTls: got false; expected true in production/],
  [{ spread: "preferred" as const }, /spread: got "preferred"; expected "required" in production/],
  [
    {
      images: {
        flavour: "pulumi-canton" as const,
        nodes: { participant: "registry/participant:1" },
        databaseSetup: "x",
      },
    },
    /images: got "registry\/participant:1"; expected an image by its digest/,
  ],
])("%j is refused", (given, why) => {
  expect(() => new KubernetesPlatform("cluster", argsWith(given))).toThrow(why);
});

test("a tunnel that is missing is told before anything is made of the node", () => {
  const platform = new KubernetesPlatform("cluster", argsWith({ access: { via: "tunnels", tunnels: {} } }));
  expect(() => new Participant("alice", { platform, auth })).toThrow(/access.tunnels.alice: is missing/);
});

test("a participant that would let everybody in is refused", () => {
  const platform = new KubernetesPlatform("cluster", argsWith());
  expect(() => new Participant("alice", { platform })).toThrow(/alice: auth is missing; .* expected a list such as/);
});
