import { InstanceGroupNamedPort } from "@pulumi/gcp/compute/instanceGroupNamedPort.js";
import { Cluster as GkeCluster } from "@pulumi/gcp/container/cluster.js";
import { NodePool } from "@pulumi/gcp/container/nodePool.js";
import { IAMMember } from "@pulumi/gcp/projects/iammember.js";
import { Account } from "@pulumi/gcp/serviceaccount/account.js";
import { all, ComponentResource, type ComponentResourceOptions, type Input, type Output, secret } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";
import { GcpWorkloadIdentity } from "../identity/gcp-workload-identity.ts";
import { ingressPortName } from "../network/gcp-ingress-backend.ts";
import type { GcpNetwork } from "../network/gcp-network.ts";
import { podsPerNode } from "../network/gcp-network-plan.ts";
import { gkeKubeconfig } from "./gcp-kubeconfig.ts";
import type { Cluster, ClusterState } from "./kubernetes/cluster.ts";

/** How soon GKE brings new versions of Kubernetes. */
export const gcpReleaseChannels = ["REGULAR", "STABLE", "EXTENDED", "RAPID"] as const;

/** Arguments of a `GcpCluster`. */
export interface GcpClusterArgs {
  readonly deployment: Deployment;
  /** Id of the project. Example: `"acme-canton-prod"`. */
  readonly project: string;
  /** Example: `"europe-west3"`. */
  readonly region: string;
  /** Where its machines are. Example: `["europe-west3-a", "europe-west3-b", "europe-west3-c"]`. */
  readonly zones: readonly string[];
  readonly network: GcpNetwork;
  /** Resource names of the keys: of disks and of what Kubernetes keeps, and the one that wraps the nodes' private keys. */
  readonly keys: { readonly disks: Input<string>; readonly nodes: Input<string> };
  /** Namespace whose service account `canton` acts as the nodes' account. Example: `"canton-prod"`. */
  readonly namespace: string;
  /** Default: `"n2d-standard-4"`. */
  readonly machineType?: string;
  /** Machines over all zones. Default: 3 to 9. */
  readonly machines?: { readonly min: number; readonly max: number };
  /** Default: `STABLE`. */
  readonly releaseChannel?: (typeof gcpReleaseChannels)[number];
  /** Ranges that may reach the control plane besides the bastion's: private ones, it has no public address. Default: none. */
  readonly authorizedRanges?: readonly string[];
  /**
   * Opens the control plane's DNS name to the internet: whoever Google IAM lets in gets through, no network of ours is needed.
   * Default: false.
   */
  readonly dnsEndpoint?: boolean;
  /** What the kubeconfig goes through. Example: `"socks5://localhost:1080"`, an SSH tunnel to the bastion. Default: nothing. */
  readonly proxyUrl?: string | undefined;
  /** Port of every machine that load balancers outside the cluster forward to, under the name `ingress`. Default: none. */
  readonly nodePort?: number;
  /** Refuses to be deleted. Default: true. */
  readonly retain?: boolean;
}

/** What machines may do: what GKE asks for, and pull images. */
const machineRoles = ["roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"];

/**
 * A regional GKE cluster: machines in several zones without public addresses, a control plane reached from the network only,
 * enforced network policies, workload identity, disks and Kubernetes' own data encrypted with a key of the deployment's own,
 * machines that check what they boot, under an account that may do little.
 *
 * Resources: 10, and 1 for every zone with `nodePort`.
 *
 * Cost: 73 USD a month for the control plane, and the machines: `n2d-standard-4` some 125 USD each.
 */
export class GcpCluster extends ComponentResource implements Cluster {
  declare readonly cluster: Output<ClusterState>;
  /** Name of the cluster. */
  declare readonly clusterName: Output<string>;
  /** Groups of machines, one for every zone, as load balancers take them. */
  declare readonly instanceGroups: Output<string[]>;
  /** The account of the nodes, for the rights that it gets elsewhere: `serviceAccount:…`. */
  declare readonly workload: Output<string>;

  constructor(name: string, args: GcpClusterArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:platform:GcpCluster", name, {}, options);
    const { deployment, project, zones, keys, namespace, machines = { min: 3, max: 9 }, nodePort } = args;
    if (zones.length === 0) throw new Error("zones: got none; expected at least one");
    if (machines.min < zones.length || machines.max < machines.min) {
      throw new Error(
        `machines: got ${machines.min} to ${machines.max}; expected at least one for each of the ${zones.length} zones`,
      );
    }
    const called = (...parts: string[]) => nameWithin({ length: 40 }, deployment.name, ...parts);
    const account = this.#makeMachineAccount(project, deployment, options);
    const control = this.#makeControlPlane(called("cluster"), args, account);
    const pool = this.#makeMachines(called("machines"), args, machines, control, account);
    const identity = new GcpWorkloadIdentity(
      name,
      // The pool of identities comes with a project's first cluster.
      { deployment, project, namespace, nodesKey: keys.nodes },
      { parent: this, dependsOn: [control] },
    );

    this.clusterName = control.name;
    this.workload = identity.member;
    this.instanceGroups =
      nodePort === undefined
        ? pool.managedInstanceGroupUrls
        : this.#namePort(called(ingressPortName), zones, nodePort, pool.managedInstanceGroupUrls);
    const { dnsEndpoint = false, proxyUrl } = args;
    const kubeconfig = all([
      control.name,
      // The private one: there is no other.
      control.endpoint,
      control.masterAuth.clusterCaCertificate,
      control.controlPlaneEndpointsConfig.dnsEndpointConfig,
    ]).apply(([clusterName, address, caCertificate, dns]) => {
      const host = dnsEndpoint ? dns?.endpoint : address;
      if (!host) throw new Error(`GKE tells of no ${dnsEndpoint ? "DNS name" : "address"} of ${clusterName}`);
      return gkeKubeconfig({ name: clusterName, host, ...(!dnsEndpoint && { caCertificate }), proxyUrl });
    });
    this.cluster = secret(
      // Pods that start before there are machines would wait for nothing.
      all([kubeconfig, identity.workloadIdentity, keys.disks, pool.id]).apply(
        ([config, workloadIdentity, diskKey]) => ({
          kubeconfig: config,
          zones: [...zones],
          storageClass: "canton-encrypted",
          storageClassToMake: {
            provisioner: "pd.csi.storage.gke.io",
            parameters: { type: "pd-balanced", "disk-encryption-kms-key": diskKey },
          },
          workloadIdentity,
        }),
      ),
    );
    this.registerOutputs({ cluster: this.cluster, clusterName: this.clusterName });
  }

  #makeMachineAccount(project: string, deployment: Deployment, options: ComponentResourceOptions): Account {
    const accountId = nameWithin({ length: 30 }, deployment.name, "machines");
    const account = new Account(
      accountId,
      { accountId, displayName: `Machines of ${deployment.name}` },
      { parent: this, ...(options.dependsOn && { dependsOn: options.dependsOn }) },
    );
    for (const role of machineRoles) {
      const part = role.replace(/^roles\//, "").replaceAll(".", "-");
      new IAMMember(`${accountId}-${part}`, { project, role, member: account.member }, { parent: this });
    }
    return account;
  }

  #makeControlPlane(name: string, args: GcpClusterArgs, account: Account): GkeCluster {
    const { deployment, project, region, zones, network, keys, dnsEndpoint = false, retain = true } = args;
    const ranges = {
      bastion: network.addresses.bastion,
      ...Object.fromEntries((args.authorizedRanges ?? []).map((range) => [range, range])),
    };
    return new GkeCluster(
      name,
      {
        name,
        location: region,
        nodeLocations: [...zones],
        network: network.network,
        subnetwork: network.subnets.nodes,
        networkingMode: "VPC_NATIVE",
        ipAllocationPolicy: { clusterSecondaryRangeName: "pods", servicesSecondaryRangeName: "services" },
        defaultMaxPodsPerNode: podsPerNode,
        privateClusterConfig: {
          enablePrivateNodes: true,
          enablePrivateEndpoint: true,
          privateEndpointSubnetwork: network.subnets.controlPlane,
        },
        masterAuthorizedNetworksConfig: {
          cidrBlocks: Object.entries(ranges).map(([displayName, cidrBlock]) => ({ displayName, cidrBlock })),
          gcpPublicCidrsAccessEnabled: false,
        },
        controlPlaneEndpointsConfig: { dnsEndpointConfig: { allowExternalTraffic: dnsEndpoint } },
        masterAuth: { clientCertificateConfig: { issueClientCertificate: false } },
        datapathProvider: "ADVANCED_DATAPATH",
        enableIntranodeVisibility: true,
        workloadIdentityConfig: { workloadPool: `${project}.svc.id.goog` },
        databaseEncryption: { state: "ENCRYPTED", keyName: keys.disks },
        enableShieldedNodes: true,
        enableLegacyAbac: false,
        releaseChannel: { channel: args.releaseChannel ?? "STABLE" },
        maintenancePolicy: {
          recurringWindow: {
            startTime: "2025-01-04T02:00:00Z",
            endTime: "2025-01-04T08:00:00Z",
            recurrence: "FREQ=WEEKLY;BYDAY=SA,SU",
          },
        },
        addonsConfig: {
          gcePersistentDiskCsiDriverConfig: { enabled: true },
          dnsCacheConfig: { enabled: true },
        },
        securityPostureConfig: { mode: "BASIC" },
        loggingConfig: {
          enableComponents: ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "SCHEDULER", "CONTROLLER_MANAGER"],
        },
        // Nodes have a Prometheus of their own.
        monitoringConfig: { enableComponents: ["SYSTEM_COMPONENTS"], managedPrometheus: { enabled: false } },
        resourceLabels: tagsOf(deployment),
        // Machines are a pool of their own. The first one is gone at once, and yet must not run as what it would by default.
        removeDefaultNodePool: true,
        initialNodeCount: 1,
        nodeConfig: machineConfig(args, account),
        deletionProtection: retain,
      },
      { parent: this, protect: retain, ignoreChanges: ["nodeConfig", "initialNodeCount"] },
    );
  }

  #makeMachines(
    name: string,
    args: GcpClusterArgs,
    { min, max }: { readonly min: number; readonly max: number },
    control: GkeCluster,
    account: Account,
  ): NodePool {
    return new NodePool(
      name,
      {
        // No name: the machines of a changed pool are there before the old ones go.
        cluster: control.id,
        location: args.region,
        nodeLocations: [...args.zones],
        initialNodeCount: Math.ceil(min / args.zones.length),
        maxPodsPerNode: podsPerNode,
        autoscaling: { totalMinNodeCount: min, totalMaxNodeCount: max, locationPolicy: "BALANCED" },
        management: { autoRepair: true, autoUpgrade: true },
        upgradeSettings: { strategy: "SURGE", maxSurge: 1, maxUnavailable: 0 },
        nodeConfig: machineConfig(args, account),
      },
      { parent: this, ignoreChanges: ["initialNodeCount"] },
    );
  }

  /** Gives the port of the ingress its name in every group of machines; the groups are given out once it has it. */
  #namePort(name: string, zones: readonly string[], port: number, groups: Output<string[]>): Output<string[]> {
    const named = [...zones].map((zone) => {
      const group = groups.apply((urls) => {
        const url = urls.find((candidate) => candidate.includes(`/zones/${zone}/`));
        if (url === undefined)
          throw new Error(`GKE tells of no machines in ${zone}, only of ${urls.join(", ") || "none"}`);
        return url;
      });
      return new InstanceGroupNamedPort(
        `${name}-${zone}`,
        { group, zone, name: ingressPortName, port },
        { parent: this },
      );
    });
    return all(named.map(({ group }) => group));
  }
}

function machineConfig(
  { deployment, network, keys, machineType = "n2d-standard-4" }: GcpClusterArgs,
  account: Account,
) {
  return {
    machineType,
    imageType: "COS_CONTAINERD",
    diskType: "pd-balanced",
    diskSizeGb: 100,
    bootDiskKmsKey: keys.disks,
    serviceAccount: account.email,
    // What it may do is said by its roles.
    oauthScopes: ["https://www.googleapis.com/auth/cloud-platform"],
    shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
    workloadMetadataConfig: { mode: "GKE_METADATA" },
    metadata: { "disable-legacy-endpoints": "true" },
    tags: [network.tags.nodes],
    labels: tagsOf(deployment),
    resourceLabels: tagsOf(deployment),
  };
}
