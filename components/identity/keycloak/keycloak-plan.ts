/** The objects that run Keycloak. Pure. */
import type { apps, core, networking, policy } from "@pulumi/kubernetes/types/input.js";
import { type Input, output } from "@pulumi/pulumi";
import type { ApplicationPeer } from "../../participant/application/application-policies.ts";
import { nodeLabel, roleLabel } from "../../platform/kubernetes/labels.ts";
import { peerOf } from "../../platform/kubernetes/network-plan.ts";
import { containerSecurity, podSecurity } from "../../platform/kubernetes/pod-plan.ts";
import { secretVariable } from "./realm.ts";

/** The ports that it listens on; its pods find each other in the database, and talk over the last two. */
export const keycloakPorts = { http: 8080, management: 9000, cluster: 7800, failureDetection: 57800 } as const;

/** Where the image has Keycloak. */
const home = "/opt/keycloak";
const databaseFolder = "/etc/keycloak";

/** Variables of its environment that are secret, besides those of clients; the keys of its Secret are called so, too. */
export const secretVariables = {
  databasePassword: "KC_DB_PASSWORD",
  adminPassword: "KC_BOOTSTRAP_ADMIN_PASSWORD",
} as const;

/** The first administrator, who is to make others and go. */
export const bootstrapAdmin = "bootstrap-admin";

/** Keycloak, as its objects show it. */
export interface KeycloakPlan {
  /** Name of its objects. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  /** The image was built for this: it starts as it is. */
  readonly optimized: boolean;
  readonly replicas: number;
  readonly memoryMiB: number;
  /** Stands for all that it reads. */
  readonly revision: Input<string>;
  /** URL that everybody reaches it by. */
  readonly url: string;
  readonly database: Input<KeycloakDatabase>;
  /** Clients whose secrets are in its Secret. */
  readonly clients: readonly string[];
}

/** Where its database is; the password is in the Secret. */
export interface KeycloakDatabase {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Whether the server's certificate is of an authority in `database.crt`, and not of one that every machine knows. */
  readonly ownAuthority: boolean;
}

/** URL of the database: the server has to be who it says. */
export function databaseUrl({ host, port, database, ownAuthority }: KeycloakDatabase): string {
  const trust = ownAuthority
    ? `sslrootcert=${databaseFolder}/database.crt`
    : "sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory";
  return `jdbc:postgresql://${host}:${port}/${database}?sslmode=verify-full&${trust}`;
}

/** Labels of its objects, and of its pods for the rules of the network. */
export function keycloakLabels({ name, labels }: Pick<KeycloakPlan, "name" | "labels">): Record<string, string> {
  return { ...labels, [nodeLabel]: name, [roleLabel]: "keycloak" };
}

/** What is common to the metadata of its objects. */
export function keycloakMetadata(plan: Pick<KeycloakPlan, "name" | "namespace" | "labels">) {
  return { name: plan.name, namespace: plan.namespace, labels: keycloakLabels(plan) };
}

const selectorOf = ({ name }: Pick<KeycloakPlan, "name">) => ({ matchLabels: { [nodeLabel]: name } });

/** Its configuration, but for what is secret. */
export function keycloakEnvironment(url: string): Record<string, string> {
  return {
    // What decides how it is built.
    KC_DB: "postgres",
    KC_HEALTH_ENABLED: "true",
    KC_METRICS_ENABLED: "true",
    KC_CACHE: "ispn",
    KC_CACHE_STACK: "jdbc-ping",
    // What it reads when it starts.
    KC_HOSTNAME: url,
    // TLS ends at the ingress, which says so.
    KC_HTTP_ENABLED: "true",
    KC_HTTP_PORT: `${keycloakPorts.http}`,
    KC_HTTP_MANAGEMENT_PORT: `${keycloakPorts.management}`,
    KC_PROXY_HEADERS: "xforwarded",
    KC_LOG_CONSOLE_OUTPUT: "json",
    KC_BOOTSTRAP_ADMIN_USERNAME: bootstrapAdmin,
    // The rest of the pod's memory is for what a Java program takes besides its heap.
    JAVA_OPTS_KC_HEAP: "-XX:MaxRAMPercentage=60 -XX:InitialRAMPercentage=30",
  };
}

/** Where the image keeps what it is built to: written when it starts, unless it was built for this before. */
const buildFolder = `${home}/lib/quarkus`;

/** Its Deployment: rolled out without a pause, pods apart from each other. */
export function keycloakDeployment(plan: KeycloakPlan): apps.v1.Deployment {
  const { name, image, optimized, replicas, revision } = plan;
  const metadata = keycloakMetadata(plan);
  const selector = selectorOf(plan);
  const build = { name: "build", mountPath: buildFolder };
  return {
    metadata,
    spec: {
      replicas,
      revisionHistoryLimit: 3,
      selector,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels: metadata.labels, annotations: { "canton/revision": revision } },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: podSecurity,
          terminationGracePeriodSeconds: 60,
          topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
            maxSkew: 1,
            topologyKey,
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: selector,
          })),
          ...(!optimized && {
            initContainers: [
              {
                name: "build",
                image,
                imagePullPolicy: "IfNotPresent",
                command: ["cp", "-R", `${buildFolder}/.`, "/build/"],
                resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "64Mi" } },
                securityContext: containerSecurity,
                volumeMounts: [{ name: "build", mountPath: "/build" }],
              },
            ],
          }),
          containers: [
            {
              name: "keycloak",
              image,
              imagePullPolicy: "IfNotPresent",
              args: ["start", ...(optimized ? ["--optimized"] : []), "--import-realm"],
              env: environmentOf(plan),
              ports: [
                { name: "http", containerPort: keycloakPorts.http },
                { name: "management", containerPort: keycloakPorts.management },
                { name: "cluster", containerPort: keycloakPorts.cluster },
              ],
              // The first start makes the tables; without a built image each builds it for a minute.
              startupProbe: { ...probe("started"), periodSeconds: 5, failureThreshold: 120 },
              livenessProbe: { ...probe("live"), periodSeconds: 10, failureThreshold: 3 },
              readinessProbe: { ...probe("ready"), periodSeconds: 5, failureThreshold: 2 },
              resources: {
                requests: { cpu: "500m", memory: `${plan.memoryMiB}Mi` },
                limits: { memory: `${plan.memoryMiB}Mi` },
              },
              securityContext: containerSecurity,
              lifecycle: { preStop: { sleep: { seconds: 10 } } },
              volumeMounts: [
                { name: "config", mountPath: databaseFolder, readOnly: true },
                { name: "data", mountPath: `${home}/data` },
                { name: "realm", mountPath: `${home}/data/import`, readOnly: true },
                { name: "tmp", mountPath: "/tmp" },
                ...(optimized ? [] : [build]),
              ],
            },
          ],
          volumes: [
            { name: "config", configMap: { name, defaultMode: 0o444 } },
            {
              name: "realm",
              configMap: { name, defaultMode: 0o444, items: [{ key: "realm.json", path: "realm.json" }] },
            },
            ...["data", "tmp", ...(optimized ? [] : ["build"])].map((volume) => ({
              name: volume,
              emptyDir: { sizeLimit: "256Mi" },
            })),
          ],
        },
      },
    },
  };
}

function environmentOf({ name, url, database, clients }: KeycloakPlan): core.v1.EnvVar[] {
  const where = output(database);
  const secret = (variable: string) => ({ name: variable, valueFrom: { secretKeyRef: { name, key: variable } } });
  return [
    ...Object.entries(keycloakEnvironment(url)).map(([variable, value]) => ({ name: variable, value })),
    // Its pods find each other by the addresses that they leave in the database.
    { name: "KC_CACHE_EMBEDDED_NETWORK_BIND_ADDRESS", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    { name: "KC_DB_URL", value: where.apply(databaseUrl) },
    { name: "KC_DB_USERNAME", value: where.apply(({ user }) => user) },
    ...[...Object.values(secretVariables), ...clients.map(secretVariable)].map(secret),
  ];
}

const probe = (path: string) => ({ httpGet: { path: `/health/${path}`, port: "management" }, timeoutSeconds: 5 });

/** Its Service. */
export function keycloakService(plan: Pick<KeycloakPlan, "name" | "namespace" | "labels">): core.v1.Service {
  const ports = [
    { name: "http", port: keycloakPorts.http, targetPort: "http", protocol: "TCP" },
    { name: "management", port: keycloakPorts.management, targetPort: "management", protocol: "TCP" },
  ];
  return {
    metadata: keycloakMetadata(plan),
    spec: { type: "ClusterIP", selector: selectorOf(plan).matchLabels, ports },
  };
}

/** Its disruption budget. */
export function keycloakBudget(
  plan: Pick<KeycloakPlan, "name" | "namespace" | "labels">,
): policy.v1.PodDisruptionBudget {
  return { metadata: keycloakMetadata(plan), spec: { maxUnavailable: 1, selector: selectorOf(plan) } };
}

/** Whom it talks to besides its own pods. */
export interface KeycloakPeers {
  readonly ingress: readonly ApplicationPeer[];
  readonly monitoring: readonly ApplicationPeer[];
  readonly databases: readonly { readonly peer: ApplicationPeer; readonly port: number }[];
  /** HTTPS servers: providers that it passes logins on to. */
  readonly https: readonly ApplicationPeer[];
}

/** Who may talk to it, and whom it may talk to. Name resolution is open to all pods of a namespace of nodes already. */
export function keycloakPolicy(
  plan: Pick<KeycloakPlan, "name" | "namespace" | "labels">,
  { ingress, monitoring, databases, https }: KeycloakPeers,
) {
  const tcp = (port: number) => ({ port, protocol: "TCP" });
  const rule = <Side extends "from" | "to">(side: Side, peers: readonly ApplicationPeer[], port: number) =>
    peers.length === 0 ? [] : [{ [side]: peers.map(peerOf), ports: [tcp(port)] }];
  const cluster = [tcp(keycloakPorts.cluster), tcp(keycloakPorts.failureDetection)];
  const pods = [{ podSelector: selectorOf(plan) }];
  const spec: networking.v1.NetworkPolicySpec = {
    podSelector: selectorOf(plan),
    policyTypes: ["Ingress", "Egress"],
    ingress: [
      ...rule("from", ingress, keycloakPorts.http),
      ...rule("from", monitoring, keycloakPorts.management),
      { from: pods, ports: cluster },
    ],
    egress: [
      ...databases.flatMap(({ peer, port }) => rule("to", [peer], port)),
      ...rule("to", https, 443),
      { to: pods, ports: cluster },
    ],
  };
  return { metadata: keycloakMetadata(plan), spec };
}
