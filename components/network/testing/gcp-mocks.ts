/** Google Cloud for tests: answers what the cloud would, and writes down every resource that is asked for. */
import * as pulumi from "@pulumi/pulumi";
import * as settings from "@pulumi/pulumi/runtime/settings.js";

/** A resource as the engine is asked for it. */
export interface AskedResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, any>;
  /** Inputs that are secret: their keys. */
  readonly secrets: readonly string[];
  /** Type and name of its parent, `type::name`; empty where it has none but the stack. */
  readonly parent: string;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly ignoreChanges: readonly string[];
  /** Whether its provider was made by the program. */
  readonly ownProvider: boolean;
}

/** Waits for everything that was asked for; the SDK has it for its own use. */
const { waitForRPCs } = settings as unknown as { waitForRPCs(): Promise<void> };

const secretKey = "4dabf18193072939515e22adb298388d";

/** What the cloud adds to the inputs. */
const additions: Record<string, (name: string, inputs: Record<string, any>) => object> = {
  "gcp:compute/address:Address": (_, { addressType }) => ({
    address: addressType === "EXTERNAL" ? "203.0.113.7" : "10.20.68.5",
  }),
  "gcp:compute/haVpnGateway:HaVpnGateway": () => ({
    vpnInterfaces: [
      { id: 0, ipAddress: "203.0.113.20" },
      { id: 1, ipAddress: "203.0.113.21" },
    ],
  }),
  "gcp:sql/databaseInstance:DatabaseInstance": (name) => ({
    name: `${name}-1a2b3c4`,
    privateIpAddress: "10.20.72.3",
    dnsNames: [
      { connectionType: "PRIVATE_SERVICES_ACCESS", dnsScope: "CLUSTER", name: `${name}.global.sql-psa.goog.` },
      { connectionType: "PRIVATE_SERVICES_ACCESS", dnsScope: "INSTANCE", name: `${name}.x.sql-psa.goog.` },
    ],
    serverCaCerts: [{ cert: "ROOT" }, { cert: "REGION" }],
  }),
  "gcp:container/cluster:Cluster": () => ({
    endpoint: "10.20.79.18",
    masterAuth: { clusterCaCertificate: "Q0E=" },
    controlPlaneEndpointsConfig: { dnsEndpointConfig: { endpoint: "gke-1.europe-west3.gke.goog" } },
  }),
  "gcp:container/nodePool:NodePool": (_, { nodeLocations }) => ({
    managedInstanceGroupUrls: nodeLocations.map((zone: string) => `https://compute/zones/${zone}/instanceGroups/g`),
  }),
  "gcp:serviceaccount/account:Account": (_, { accountId }) => ({
    name: `projects/acme/serviceAccounts/${accountId}`,
    email: `${accountId}@acme.iam.gserviceaccount.com`,
    member: `serviceAccount:${accountId}@acme.iam.gserviceaccount.com`,
  }),
  "gcp:projects/serviceIdentity:ServiceIdentity": (_, { service }) => ({
    member: `serviceAccount:agent-of-${service}`,
  }),
  "gcp:logging/projectSink:ProjectSink": () => ({ writerIdentity: "serviceAccount:sink" }),
  "gcp:certificatemanager/dnsAuthorization:DnsAuthorization": (_, { domain }) => ({
    dnsResourceRecords: [{ name: `_acme.${domain}.`, type: "CNAME", data: "x.authorize.goog." }],
  }),
  "random:index/randomPassword:RandomPassword": (name) => ({ result: `password-of-${name}` }),
};

/** Puts the cloud's stand-in in place; gives back what is asked for, in its order. */
export async function standInForGcp(): Promise<AskedResource[]> {
  // What the test before left under way ends in the cloud that it began in.
  await waitForRPCs();
  const asked: AskedResource[] = [];
  await pulumi.runtime.setMocks(
    {
      call: ({ token }) => {
        if (token.endsWith("getProject:getProject")) return { number: "123456789012" };
        if (token.includes("getProjectServiceAccount")) return { emailAddress: "gs@storage" };
        throw new Error(`nobody answers ${token}`);
      },
      newResource: ({ type, name, inputs }) => ({
        id: `${type.split(":").at(-1)}/${name}`,
        state: { name, selfLink: `link/${name}`, ...inputs, ...additions[type]?.(name, inputs) },
      }),
    },
    "project",
    "stack",
    false,
  );
  const monitor = settings.getMonitor() as any;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request: any, callback: unknown) => {
    const inputs = request.getObject().toJavaScript();
    asked.push({
      type: request.getType(),
      name: request.getName(),
      inputs: plain(inputs) as Record<string, any>,
      secrets: Object.keys(inputs).filter((key) => isSecret(inputs[key])),
      parent: request.getParent().split("::").slice(2).join("::").replace(/^.*\$/, ""),
      protect: request.getProtect(),
      retainOnDelete: request.getRetainondelete(),
      ignoreChanges: request.getIgnorechangesList(),
      ownProvider: request.getProvider() !== "" || request.getProvidersMap().getLength() > 0,
    });
    return register(request, callback);
  };
  return asked;
}

/** Those of a kind, by name: the order in which they are asked for is nobody's promise. */
export function ofKind(asked: readonly AskedResource[], kind: string): AskedResource[] {
  return asked.filter(({ type }) => type.endsWith(`:${kind}`)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The value of an output, once everything that was asked for is there; fails when it never comes. */
export async function valueOf<T>(value: pulumi.Output<T>): Promise<T> {
  await waitForRPCs();
  return Promise.race([
    new Promise<T>((resolve) => value.apply((known) => resolve(known as T))),
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error("the output never came")), 10_000)),
  ]);
}

function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && secretKey in value;
}

/** Without the wrapping of secrets. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (secretKey in value) return plain((value as { value?: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
