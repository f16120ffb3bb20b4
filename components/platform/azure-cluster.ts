import { DiskEncryptionSet } from "@pulumi/azure-native/compute/diskEncryptionSet.js";
import { AgentPool } from "@pulumi/azure-native/containerservice/agentPool.js";
import { listManagedClusterAdminCredentialsOutput } from "@pulumi/azure-native/containerservice/listManagedClusterAdminCredentials.js";
import { listManagedClusterUserCredentialsOutput } from "@pulumi/azure-native/containerservice/listManagedClusterUserCredentials.js";
import { MaintenanceConfiguration } from "@pulumi/azure-native/containerservice/maintenanceConfiguration.js";
import { ManagedCluster } from "@pulumi/azure-native/containerservice/managedCluster.js";
import { FederatedIdentityCredential } from "@pulumi/azure-native/managedidentity/federatedIdentityCredential.js";
import type { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResource,
  type Input,
  type Output,
  output,
  type Resource,
  secret,
} from "@pulumi/pulumi";
import type { AzureEncryptionKey } from "../identity/azure-encryption-key.ts";
import { grant } from "../identity/azure-roles.ts";
import { addressIn } from "../network/azure-addresses.ts";
import type { AzureNetwork } from "../network/azure-network.ts";
import { type AzurePlace, azureName, placed } from "../network/azure-place.ts";
import { kubeconfigOf, withKubelogin } from "./azure-kubeconfig.ts";
import { type AzureMachines, firstPool, machinePools, ownPools } from "./azure-machines.ts";
import type { Cluster, ClusterState } from "./kubernetes/cluster.ts";

/** When Azure may update the cluster. */
export interface AzureMaintenance {
  /** Default: `Sunday`. */
  readonly day?: "Monday" | "Tuesday" | "Wednesday" | "Thursday" | "Friday" | "Saturday" | "Sunday";
  /** Start, in UTC. Default: `"02:00"`. */
  readonly startTime?: string;
  /** Length in hours, at least 4. Default: 4. */
  readonly hours?: number;
}

/** Arguments of an `AzureCluster`. */
export interface AzureClusterArgs {
  readonly place: AzurePlace;
  readonly network: AzureNetwork;
  /** What disks are encrypted with. */
  readonly diskKey: AzureEncryptionKey;
  /** What the cluster encrypts its secrets with; its identity is that of the cluster. Not rotated by itself. */
  readonly secretsKey: AzureEncryptionKey;
  /** The vault of that key, which the cluster is joined to. */
  readonly vaultId: Input<string>;
  /** As whom pods act in Azure. */
  readonly podIdentity: UserAssignedIdentity;
  /** Namespace whose service account is trusted to act so. Example: `"canton-prod"`. */
  readonly namespace: string;
  /** Minor version of Kubernetes; Azure adds its patches. Example: `"1.33"`. */
  readonly kubernetesVersion: string;
  /** Zones that machines are spread over. Default: none, for regions without. */
  readonly zones?: readonly string[];
  /** Machines that run the nodes. */
  readonly machines: AzureMachines;
  /** Machines of their own for what Kubernetes itself runs. Default: it shares those of the nodes. */
  readonly systemMachines?: AzureMachines;
  /**
   * Whether machines are in pools of their own instead of the cluster's: those can be given another size, other zones or another
   * encryption, for which a new pool comes before the old one goes. Pools that the cluster was made with stay until somebody
   * deletes them. Default: false.
   */
  readonly ownPools?: boolean;
  /** Its API has no public address. Default: true. */
  readonly privateApi?: boolean;
  /** Who may reach a public API, in CIDR notation. */
  readonly apiRanges?: Input<readonly string[]>;
  /** Groups in Entra, by object id, whose members administer the cluster. */
  readonly adminGroups: readonly string[];
  /**
   * Whether there is an administrator with a certificate that no directory knows. Without, the kubeconfig holds no credential: it
   * signs in by `kubelogin`, as a member of `adminGroups`. Default: false.
   */
  readonly localAccounts?: boolean;
  /** Encrypts temporary disks too, where the subscription has the feature `EncryptionAtHost`. Default: true. */
  readonly hostEncryption?: boolean;
  /** An agreed availability of its API, and support. Default: true. */
  readonly agreedAvailability?: boolean;
  readonly maintenance?: AzureMaintenance;
  /** Addresses of pods and of services, which are of no network. Default: `10.244.0.0/16`, `10.245.0.0/16`. */
  readonly podRange?: string;
  readonly serviceRange?: string;
  /** Id of the public address of the ingress, for the cluster to use. Default: none. */
  readonly ingressAddressId?: Input<string>;
  /** Waits for these. Default: nothing. */
  readonly after?: readonly Resource[];
}

/**
 * A cluster of Azure (AKS) for the nodes: no public machine, disks under one's own key, people signed in by Entra, pods by
 * workload identity, NetworkPolicies enforced by Cilium, patched in a window; its secrets
 * are under a key of one's own.
 *
 * Resources: 1 + 10, with a public ingress 1 more, with pools of its own 1 for each.
 *
 * Cost: the machines, `Standard_D4ds_v5` about 165 a month each; with an agreed availability 73 a month more.
 */
export class AzureCluster extends ComponentResource implements Cluster {
  declare readonly cluster: Output<ClusterState>;
  /** Address of its API, inside of the network where that is private. */
  declare readonly api: Output<string>;
  declare readonly clusterId: Output<string>;

  constructor(name: string, args: AzureClusterArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:platform:AzureCluster", name, {}, options);
    const { place, network, diskKey, zones = [], privateApi = true, localAccounts = false } = args;
    const { podRange = "10.244.0.0/16", serviceRange = "10.245.0.0/16" } = args;
    if (!localAccounts && args.adminGroups.length === 0) {
      throw new Error("adminGroups: got none; without local accounts nobody could administer the cluster");
    }
    const parent = { parent: this };
    const { identity } = args.secretsKey;
    const disks = new DiskEncryptionSet(
      `${name}-disks`,
      {
        ...placed(place),
        diskEncryptionSetName: azureName(place, "disks"),
        encryptionType: "EncryptionAtRestWithCustomerKey",
        identity: { type: "UserAssigned", userAssignedIdentities: [diskKey.identity.id] },
        activeKey: { keyUrl: diskKey.uriWithVersion },
        rotationToLatestKeyVersionEnabled: true,
      },
      parent,
    );
    const grants = [
      ["nodes", "networkContributor", network.subnet("nodes"), "puts machines into their subnet"],
      ["ingress", "networkContributor", network.subnet("ingress"), "puts the load balancer into its subnet"],
      ["api", "networkContributor", network.subnet("apiserver"), "puts its API into its subnet"],
      ["vault", "vaultContributor", args.vaultId, "joins the vault of its key to its API"],
      ["disks", "reader", disks.id, "makes disks under the key"],
      ...(args.ingressAddressId === undefined
        ? []
        : ([
            ["address", "networkContributor", args.ingressAddressId, "puts the address onto the load balancer"],
          ] as const)),
    ] as const;
    const granted = grants.map(([part, role, scope, description]) =>
      grant(`${name}-${part}`, { principalId: identity.principalId, role, scope, description }, parent),
    );

    const cluster = new ManagedCluster(
      name,
      {
        ...placed(place),
        resourceName: azureName(place, "cluster"),
        dnsPrefix: azureName(place, "cluster"),
        nodeResourceGroup: azureName(place, "machines"),
        kubernetesVersion: args.kubernetesVersion,
        sku: { name: "Base", tier: (args.agreedAvailability ?? true) ? "Standard" : "Free" },
        identity: { type: "UserAssigned", userAssignedIdentities: [identity.id] },
        enableRBAC: true,
        disableLocalAccounts: !localAccounts,
        aadProfile: { managed: true, enableAzureRBAC: true, adminGroupObjectIDs: [...args.adminGroups] },
        apiServerAccessProfile: {
          // In the network even where it is public: the vault of its key is nowhere else.
          enableVnetIntegration: true,
          subnetId: network.subnet("apiserver"),
          disableRunCommand: true,
          ...(privateApi
            ? { enablePrivateCluster: true, enablePrivateClusterPublicFQDN: false, privateDNSZone: "system" }
            : { authorizedIPRanges: output(args.apiRanges ?? []).apply((ranges) => [...ranges]) }),
        },
        networkProfile: {
          networkPlugin: "azure",
          networkPluginMode: "overlay",
          networkDataplane: "cilium",
          networkPolicy: "cilium",
          outboundType: "userAssignedNATGateway",
          loadBalancerSku: "standard",
          podCidr: podRange,
          serviceCidr: serviceRange,
          dnsServiceIP: addressIn(serviceRange, 10),
        },
        oidcIssuerProfile: { enabled: true },
        securityProfile: {
          workloadIdentity: { enabled: true },
          azureKeyVaultKms: {
            enabled: true,
            keyId: args.secretsKey.uriWithVersion,
            keyVaultNetworkAccess: "Private",
            keyVaultResourceId: args.vaultId,
          },
          imageCleaner: { enabled: true, intervalHours: 168 },
        },
        diskEncryptionSetID: disks.id,
        autoUpgradeProfile: { upgradeChannel: "patch", nodeOSUpgradeChannel: "NodeImage" },
        agentPoolProfiles: (args.ownPools ? firstPool : machinePools)({ ...args, zones }).map((pool) => ({
          ...pool,
          vnetSubnetID: network.subnet("nodes"),
        })),
      },
      {
        parent: this,
        dependsOn: [...granted, ...(args.after ?? [])],
        // The number of machines is the autoscaler's; with pools of its own, those here are what Azure says they are.
        ignoreChanges: args.ownPools
          ? ["agentPoolProfiles"]
          : ["agentPoolProfiles[0].count", "agentPoolProfiles[1].count"],
      },
    );
    this.clusterId = cluster.id;
    this.api = all([cluster.privateFQDN, cluster.fqdn]).apply(([closed, open]) => `https://${closed ?? open}`);
    this.#maintain(name, args, cluster);
    const pools = args.ownPools ? this.#ownPools(name, args, cluster) : [];
    const trusted = new FederatedIdentityCredential(
      name,
      {
        resourceGroupName: place.resourceGroupName,
        resourceName: args.podIdentity.name,
        federatedIdentityCredentialResourceName: "canton",
        issuer: cluster.oidcIssuerProfile.apply((profile) => profile?.issuerURL ?? ""),
        subject: `system:serviceaccount:${args.namespace}:canton`,
        audiences: ["api://AzureADTokenExchange"],
      },
      parent,
    );
    this.cluster = this.#state(args, cluster, [trusted, ...pools]);
    this.registerOutputs({ clusterId: this.clusterId });
  }

  /** One window for Kubernetes itself and one, the same, for what its machines run on. */
  #maintain(name: string, { place, maintenance = {} }: AzureClusterArgs, cluster: ManagedCluster): void {
    const { day = "Sunday", startTime = "02:00", hours = 4 } = maintenance;
    for (const [part, configName] of [
      ["kubernetes", "aksManagedAutoUpgradeSchedule"],
      ["machines", "aksManagedNodeOSUpgradeSchedule"],
    ] as const) {
      new MaintenanceConfiguration(
        `${name}-${part}`,
        {
          resourceGroupName: place.resourceGroupName,
          resourceName: cluster.name,
          configName,
          maintenanceWindow: {
            schedule: { weekly: { intervalWeeks: 1, dayOfWeek: day } },
            startTime,
            durationHours: hours,
            utcOffset: "+00:00",
          },
        },
        { parent: this, deletedWith: cluster },
      );
    }
  }

  /** Each under the name in the program that it has always had: another one in Azure comes before the one until now goes. */
  #ownPools(name: string, args: AzureClusterArgs, cluster: ManagedCluster): AgentPool[] {
    return ownPools({ ...args, zones: args.zones ?? [] }).map(
      ({ name: agentPoolName, ...pool }) =>
        new AgentPool(
          `${name}-${agentPoolName.startsWith("system") ? "system" : "nodes"}`,
          {
            ...pool,
            resourceGroupName: args.place.resourceGroupName,
            resourceName: cluster.name,
            agentPoolName,
            // Follows the cluster, which is upgraded first.
            orchestratorVersion: args.kubernetesVersion,
            vnetSubnetID: args.network.subnet("nodes"),
            tags: args.place.tags,
          },
          { parent: this, deletedWith: cluster, ignoreChanges: ["count"] },
        ),
    );
  }

  #state(args: AzureClusterArgs, cluster: ManagedCluster, needed: readonly CustomResource[]): Output<ClusterState> {
    const asked = { resourceGroupName: args.place.resourceGroupName, resourceName: cluster.name };
    const kubeconfig =
      (args.localAccounts ?? false)
        ? listManagedClusterAdminCredentialsOutput(asked, { parent: this }).apply(kubeconfigOf)
        : listManagedClusterUserCredentialsOutput({ ...asked, format: "exec" }, { parent: this }).apply((credentials) =>
            withKubelogin(kubeconfigOf(credentials)),
          );
    const { zones = [] } = args;
    return secret(
      // Pods find machines, and an identity that is trusted.
      all([kubeconfig, args.podIdentity.clientId, all(needed.map(({ id }) => id))]).apply(([text, clientId]) => ({
        kubeconfig: text,
        zones: zones.map((zone) => `${args.place.location}-${zone}`),
        storageClass: "managed-csi-premium",
        workloadIdentity: {
          serviceAccount: "canton",
          annotations: { "azure.workload.identity/client-id": clientId },
          podLabels: { "azure.workload.identity/use": "true" },
        },
      })),
    );
  }
}
