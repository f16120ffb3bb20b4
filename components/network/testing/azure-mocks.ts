/** An Azure that makes nothing: it answers as the real one does, and writes down what it was asked for. */
import * as pulumi from "@pulumi/pulumi";
import { getMonitor } from "@pulumi/pulumi/runtime/settings.js";
import type { AzurePlace } from "../azure-place.ts";

/** A resource that was asked for. */
export interface Registered {
  /** Without the package: `network:VirtualNetwork`. */
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, any>;
  /** Type and name of its parent: `pulumi-canton:network:AzureNetwork canton-network`. */
  readonly parent: string;
  /** Whether it is protected, and stays when the stack lets go of it. */
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
}

/** What a request to register a resource has besides its arguments. */
interface Request {
  getParent(): string;
  getProtect(): boolean;
  getRetainondelete(): boolean;
}

const group = "/subscriptions/5a1e0000-0000-4000-8000-000000000001/resourceGroups/canton-test";

/** Which argument of a kind of resource is its name. */
const nameKeys: Readonly<Record<string, string>> = {
  "resources:ResourceGroup": "resourceGroupName",
  "network:VirtualNetwork": "virtualNetworkName",
  "network:PublicIPAddress": "publicIpAddressName",
  "network:PrivateEndpoint": "privateEndpointName",
  "privatedns:PrivateZone": "privateZoneName",
  "keyvault:Vault": "vaultName",
  "dbforpostgresql:Server": "serverName",
  "storage:StorageAccount": "accountName",
  "storage:BlobContainer": "containerName",
  "dataprotection:BackupVault": "vaultName",
  "containerservice:ManagedCluster": "resourceName",
  "managedidentity:UserAssignedIdentity": "resourceName",
};

/** What a kind of resource tells that nobody gave it. */
const told: Readonly<Record<string, (name: string, inputs: Registered["inputs"]) => object>> = {
  "network:PublicIPAddress": () => ({ ipAddress: "20.1.2.3" }),
  "managedidentity:UserAssignedIdentity": (name) => ({ principalId: `${name}-principal`, clientId: `${name}-client` }),
  "keyvault:Vault": (name, { properties }) => ({
    properties: { ...properties, vaultUri: `https://${name}.vault.azure.net/` },
  }),
  "keyvault:Key": (_, { vaultName, keyName }) => ({
    keyUri: `https://${vaultName}.vault.azure.net/keys/${keyName}`,
    keyUriWithVersion: `https://${vaultName}.vault.azure.net/keys/${keyName}/4f1c`,
  }),
  "dbforpostgresql:Server": (name) => ({ fullyQualifiedDomainName: `${name}.postgres.database.azure.com` }),
  "dataprotection:BackupVault": () => ({ identity: { type: "SystemAssigned", principalId: "backups-principal" } }),
  "containerservice:ManagedCluster": (name) => ({
    privateFQDN: `${name}.private.azmk8s.io`,
    oidcIssuerProfile: { enabled: true, issuerURL: "https://issuer.example.com/" },
  }),
  "random:RandomId": () => ({ hex: "0123456789abcdef" }),
  "random:RandomPassword": (name) => ({ result: `password of ${name}` }),
};

const kubeconfig = `
apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: "https://c.private.azmk8s.io:443", certificate-authority-data: Q0E= } }]
contexts: [{ name: c, context: { cluster: c, user: u } }]
current-context: c
users: [{ name: u, user: { client-key-data: S0VZ } }]
`;

/** Sets Azure's part up; what is asked for from then on is in `registered`. */
export async function mockAzure(): Promise<{ readonly registered: Registered[]; readonly calls: string[] }> {
  const registered: Registered[] = [];
  const calls: string[] = [];
  let request: Request | undefined;
  await pulumi.runtime.setMocks(
    {
      call: ({ token }) => {
        calls.push(token);
        if (token.endsWith(":getClientConfig")) return { tenantId: "tenant", subscriptionId: "subscription" };
        if (/:listManagedCluster(Admin|User)Credentials$/.test(token)) {
          return { kubeconfigs: [{ name: "c", value: Buffer.from(kubeconfig).toString("base64") }] };
        }
        throw new Error(`nobody is expected to ask for ${token}`);
      },
      newResource: ({ type: whole, name, inputs }) => {
        const type = whole.replace(/^azure-native:/, "").replace(/^random:index\/[^:]+:/, "random:");
        const [kind = "", resource = ""] = type.split(":");
        const [, , types = "", parentName = ""] = (request?.getParent() ?? "").split("::");
        registered.push({
          type,
          name,
          inputs,
          parent: `${types.split("$").at(-1)} ${parentName}`,
          protect: request?.getProtect() ?? false,
          retainOnDelete: request?.getRetainondelete() ?? false,
        });
        const own = String(inputs[nameKeys[type] ?? ""] ?? name);
        const kept = { ...inputs, name: own, ...told[type]?.(own, inputs) };
        const id =
          type === "resources:ResourceGroup"
            ? group
            : `${group}/providers/Microsoft.${kind}/${plural(resource)}/${own}`;
        return { id, state: kept };
      },
    },
    "project",
    "stack",
    false,
  );
  // Mocks are told arguments only: what else is asked for is read off the request.
  const monitor = getMonitor() as unknown as { registerResource(asked: Request, done: unknown): Promise<void> };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (asked, done) => {
    request = asked;
    return register(asked, done);
  };
  return { registered, calls };
}

function plural(resource: string): string {
  return `${resource.charAt(0).toLowerCase()}${resource.slice(1)}s`;
}

/** A place of a production deployment. */
export const productionPlace: AzurePlace = {
  name: "canton-prod",
  location: "westeurope",
  resourceGroupName: "canton-prod",
  tenantId: "tenant",
  unique: "0123456789abcdef",
  tags: { deployment: "canton-prod", environment: "production", "managed-by": "pulumi-canton" },
  keep: true,
};

/** The value of an output; fails rather than hangs when it never comes. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<pulumi.Unwrap<T>> {
  return Promise.race([
    new Promise<pulumi.Unwrap<T>>((resolve) => output.apply((value) => resolve(value as pulumi.Unwrap<T>))),
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error("the output never came")), 10_000)),
  ]);
}

/** Waits until all that was asked for has been answered. */
export async function settled(): Promise<void> {
  await pulumi.runtime.disconnect();
}
