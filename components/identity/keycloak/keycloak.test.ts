import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Registered, register } from "../../testing/registered.ts";
import { Keycloak, type KeycloakArgs } from "./keycloak.ts";

let registered: Registered[];

beforeAll(async () => {
  registered = await register({
    "random:index/randomPassword:RandomPassword": (name) => ({ result: pulumi.secret(`made-for-${name}`) }),
  });
});
beforeEach(() => {
  registered.length = 0;
});

const server = { host: "db.internal", port: 5432, caPem: "PEM of the database" };
const login = { database: "keycloak", user: "keycloak", password: "the-database-password" };
const base: KeycloakArgs = {
  deployment: { name: "canton", environment: "production" },
  namespace: "canton-prod",
  image: `keycloak@sha256:${"a".repeat(64)}`,
  url: "https://login.example.com",
  database: { server: pulumi.secret(server), login: pulumi.secret(login) },
  realm: {
    realm: "canton",
    applicationUrl: "https://app.example.com",
    audience: "https://ledger.example.com/participant1",
    client: "canton-app",
    services: ["json-reader"],
  },
  ingress: [{ namespace: "traefik" }],
  monitoring: [{ namespace: "monitoring" }],
  databases: [{ peer: { cidr: "10.0.9.0/24" }, port: 5432 }],
};

async function made(changes: Partial<KeycloakArgs> = {}) {
  const keycloak = new Keycloak("login", { ...base, ...changes });
  const seen = new Promise((resolve) =>
    pulumi
      .all([keycloak.clientSecrets, keycloak.administrator, keycloak.serviceUrl])
      .apply(([clientSecrets, administrator, serviceUrl]) => resolve({ clientSecrets, administrator, serviceUrl })),
  );
  await pulumi.runtime.disconnect();
  const of = (kind: string) => registered.find(({ type }) => type.endsWith(`:${kind}`))?.inputs;
  return { keycloak, outputs: await seen, of, all: registered };
}

const podOf = (deployment: any) => deployment.spec.template.spec;

describe("a Keycloak", () => {
  test("is two pods over a database, and gives out what others have to know", async () => {
    const { keycloak, outputs, of, all } = await made();
    expect(all.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort()).toEqual([
      "ConfigMap login",
      "Deployment login",
      "Keycloak login",
      "NetworkPolicy login",
      "PodDisruptionBudget login",
      "RandomPassword login-admin",
      "RandomPassword login-canton-app",
      "RandomPassword login-json-reader",
      "Secret login",
      "Service login",
    ]);
    expect(keycloak.provider).toEqual({
      issuer: "https://login.example.com/realms/canton",
      jwksUri: "https://login.example.com/realms/canton/protocol/openid-connect/certs",
      authorizationEndpoint: "https://login.example.com/realms/canton/protocol/openid-connect/auth",
      tokenEndpoint: "https://login.example.com/realms/canton/protocol/openid-connect/token",
    });
    expect(outputs).toEqual({
      clientSecrets: { "canton-app": "made-for-login-canton-app", "json-reader": "made-for-login-json-reader" },
      administrator: { user: "bootstrap-admin", password: "made-for-login-admin" },
      serviceUrl: "http://login.canton-prod.svc:8080",
    });
    expect(await pulumi.isSecret(keycloak.clientSecrets)).toBe(true);
    expect(await pulumi.isSecret(keycloak.administrator)).toBe(true);
    expect(of("Deployment").spec.replicas).toBe(2);
    expect(of("PodDisruptionBudget").spec).toEqual({
      maxUnavailable: 1,
      selector: { matchLabels: { "app.kubernetes.io/instance": "login" } },
    });
  });

  test("starts for production, with its database over TLS that is checked", async () => {
    const { of } = await made();
    const [keycloak] = podOf(of("Deployment")).containers;
    expect(keycloak.args).toEqual(["start", "--import-realm"]);
    const env = Object.fromEntries(keycloak.env.map(({ name, value, valueFrom }: any) => [name, value ?? valueFrom]));
    const secret = (key: string) => ({ secretKeyRef: { name: "login", key } });
    expect(env).toMatchObject({
      KC_DB_URL:
        "jdbc:postgresql://db.internal:5432/keycloak?sslmode=verify-full&sslrootcert=/etc/keycloak/database.crt",
      KC_DB_USERNAME: "keycloak",
      KC_DB_PASSWORD: secret("KC_DB_PASSWORD"),
      KC_HOSTNAME: "https://login.example.com",
      KC_PROXY_HEADERS: "xforwarded",
      KC_CACHE_STACK: "jdbc-ping",
      KC_BOOTSTRAP_ADMIN_PASSWORD: secret("KC_BOOTSTRAP_ADMIN_PASSWORD"),
      CLIENT_SECRET_CANTON_APP: secret("CLIENT_SECRET_CANTON_APP"),
      CLIENT_SECRET_JSON_READER: secret("CLIENT_SECRET_JSON_READER"),
    });
    for (const [probe, path] of [
      ["startupProbe", "started"],
      ["livenessProbe", "live"],
      ["readinessProbe", "ready"],
    ] as const) {
      expect(keycloak[probe].httpGet).toEqual({ path: `/health/${path}`, port: "management" });
    }
    expect(keycloak.ports).toContainEqual({ name: "management", containerPort: 9000 });
    // The variables that its files and Secret stand for are all there.
    const files = of("ConfigMap").data;
    expect(files["database.crt"]).toBe("PEM of the database");
    for (const [, variable = ""] of files["realm.json"].matchAll(/\$\{([^}]+)\}/g))
      expect(env).toHaveProperty(variable);
  });

  test("keeps its secrets in a Secret", async () => {
    const { of, all } = await made();
    const open = all.filter(({ type }) => !/:(Secret|RandomPassword)$/.test(type));
    expect(JSON.stringify(open)).not.toMatch(/the-database-password|made-for|1b47061264138c4ac30d75fd1eb44270/);
    expect(of("Secret").stringData).toEqual({
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      value: {
        KC_DB_PASSWORD: "the-database-password",
        KC_BOOTSTRAP_ADMIN_PASSWORD: "made-for-login-admin",
        CLIENT_SECRET_CANTON_APP: "made-for-login-canton-app",
        CLIENT_SECRET_JSON_READER: "made-for-login-json-reader",
      },
    });
  });

  test("may write where it has to, and nowhere else", async () => {
    const restricted = {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    };
    const { of } = await made();
    const pod = podOf(of("Deployment"));
    expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } });
    for (const container of [...pod.initContainers, ...pod.containers]) {
      expect(container.securityContext).toEqual(restricted);
    }
    const writable = pod.volumes.filter((volume: any) => volume.emptyDir).map(({ name }: any) => name);
    const mounted = pod.containers[0].volumeMounts.filter(({ name }: any) => writable.includes(name));
    expect(mounted.map(({ mountPath }: any) => mountPath).sort()).toEqual([
      "/opt/keycloak/data",
      "/opt/keycloak/lib/quarkus",
      "/tmp",
    ]);
  });

  test("whose image was built for this starts as it is", async () => {
    const { of } = await made({ optimized: true });
    const pod = podOf(of("Deployment"));
    expect(pod.containers[0].args).toEqual(["start", "--optimized", "--import-realm"]);
    expect(pod.initContainers).toBeUndefined();
    expect(JSON.stringify(pod.volumes)).not.toContain('"build"');
  });

  test("is reached by the ingress, its own pods and who reads metrics", async () => {
    const { of } = await made();
    const namespace = (name: string) => ({
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
    });
    const tcp = (...ports: number[]) => ports.map((port) => ({ port, protocol: "TCP" }));
    const own = { podSelector: { matchLabels: { "app.kubernetes.io/instance": "login" } } };
    expect(of("NetworkPolicy").spec).toEqual({
      ...own,
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        { from: [namespace("traefik")], ports: tcp(8080) },
        { from: [namespace("monitoring")], ports: tcp(9000) },
        { from: [own], ports: tcp(7800, 57800) },
      ],
      egress: [
        { to: [{ ipBlock: { cidr: "10.0.9.0/24" } }], ports: tcp(5432) },
        { to: [own], ports: tcp(7800, 57800) },
      ],
    });
  });

  test("restarts when a password changes, and not otherwise", async () => {
    const revision = async (changes: Partial<KeycloakArgs> = {}) => {
      registered.length = 0;
      const { of } = await made(changes);
      return of("Deployment").spec.template.metadata.annotations["canton/revision"];
    };
    const first = await revision();
    expect(first).toMatch(/^[0-9a-f]{16}$/);
    expect(await revision()).toBe(first);
    const other = { server: base.database.server, login: pulumi.secret({ ...login, password: "another" }) };
    expect(await revision({ database: other })).not.toBe(first);
  });

  test.each<[Partial<KeycloakArgs>, RegExp]>([
    [{ url: "http://login.example.com" }, /^url: got "http:\/\/login.example.com"; expected https/],
    [{ replicas: 0 }, /^replicas: got 0; expected 1 to 9 pods/],
    [{ memoryMiB: 512 }, /^memoryMiB: got 512; expected 1024 or more/],
    [{ image: "keycloak:26.4.0" }, /^image: got "keycloak:26.4.0"; expected an image by its digest/],
    [{ realm: { ...base.realm, client: "A" } }, /^realm.client: got "A"/],
  ])("refuses %j", (changes, message) => {
    expect(() => new Keycloak("login", { ...base, ...changes })).toThrow(message);
  });
});
