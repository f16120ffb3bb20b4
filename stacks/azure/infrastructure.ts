/** One region of Azure: network, vault, databases, cluster, storage. A template of several regions builds it once for each. */

import { getClientConfigOutput } from "@pulumi/azure-native/authorization/getClientConfig.js";
import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import { PublicIPAddress } from "@pulumi/azure-native/network/publicIPAddress.js";
import { ResourceGroup } from "@pulumi/azure-native/resources/resourceGroup.js";
import {
  all,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Input,
  type Output,
  output,
  type Resource,
  RunError,
  StackReference,
} from "@pulumi/pulumi";
import { RandomId } from "@pulumi/random/randomId.js";
import {
  AzureDatabaseServer,
  type DatabaseKey,
  type DatabaseSource,
} from "@pulumi-canton/components/database/azure-database-server.ts";
import type { DatabaseServerState } from "@pulumi-canton/components/database/database-server.ts";
import { tagsOf } from "@pulumi-canton/components/deployment/deployment.ts";
import { AzureEncryptionKey } from "@pulumi-canton/components/identity/azure-encryption-key.ts";
import { AzureKeyVault } from "@pulumi-canton/components/identity/azure-key-vault.ts";
import { grant } from "@pulumi-canton/components/identity/azure-roles.ts";
import { overlap } from "@pulumi-canton/components/network/addresses.ts";
import { addressIn } from "@pulumi-canton/components/network/azure-addresses.ts";
import { AzureBastion } from "@pulumi-canton/components/network/azure-bastion.ts";
import { AzureGateway } from "@pulumi-canton/components/network/azure-gateway.ts";
import { AzureGatewayIsolation, type GatewayEnd } from "@pulumi-canton/components/network/azure-gateway-isolation.ts";
import { AzureNetwork, type OptionalTier, publicAddress } from "@pulumi-canton/components/network/azure-network.ts";
import { AzureNetworkPeering, type PeerNetwork } from "@pulumi-canton/components/network/azure-network-peering.ts";
import { type AzurePlace, azureName, kept, placed } from "@pulumi-canton/components/network/azure-place.ts";
import { AzurePrivateEndpoint } from "@pulumi-canton/components/network/azure-private-endpoint.ts";
import { AzureWebFirewall } from "@pulumi-canton/components/network/azure-web-firewall.ts";
import { AzureCluster } from "@pulumi-canton/components/platform/azure-cluster.ts";
import { AzureBackupStorage } from "@pulumi-canton/components/recovery/azure-backup-storage.ts";
import { AzureBackupVault } from "@pulumi-canton/components/recovery/azure-backup-vault.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { type AzureConfig, deploymentOf } from "./config.ts";
import { azureRegions } from "./regions.ts";

/** What of a region other stacks and people refer to. Nothing in it is secret. */
export interface AzureIds {
  readonly resourceGroup: string;
  /** Its network, for those of standby regions. */
  readonly network: PeerNetwork & { readonly databaseRange: string };
  /** Address by which the nodes are seen on the internet. */
  readonly egressAddress: string;
  readonly clusterName: string;
  /** Id of the cluster. */
  readonly clusterId: string;
  /** Address of the cluster's API. */
  readonly api: string;
  /** Ids of the database servers, for those that follow them. */
  readonly databases: { readonly nodes: string; readonly sequencerBackend?: string };
  /** The key that wraps the nodes' keys: a standby region uses the same. */
  readonly nodeKey: { readonly vaultId: string; readonly keyId: string; readonly uri: string };
  readonly vaultName: string;
  /** Id of the bastion. */
  readonly bastion?: string;
  /** For the stack of the participant whose network is joined. */
  readonly gateway?: GatewayEnd;
  /** Address of the web firewall. */
  readonly firewallAddress?: string;
}

/** A region. */
export interface AzureRegion {
  /** Secret, for what it is made of is. */
  readonly infrastructure: Output<InfrastructureState>;
  readonly ids: Output<AzureIds>;
}

/**
 * The region that a stack gives out.
 *
 * @param within what the reference to the stack is a part of, where it is of something
 */
export function azureRegionOf(stack: string, within: Pick<ComponentResourceOptions, "parent"> = {}): AzureRegion {
  const reference = new StackReference(stack, {}, within);
  return {
    infrastructure: reference.requireOutput("infrastructure") as Output<InfrastructureState>,
    ids: reference.requireOutput("azure") as Output<AzureIds>,
  };
}

/** How a region differs from the one that the configuration stands for. */
export interface AzureRegionArgs {
  /** Behind the deployment's name in every name of this region, where a stack has several. Example: `"standby"`. */
  readonly suffix?: string;
  /** The region that this one stands by for: its databases are followed, its key for nodes is used. */
  readonly replicaOf?: AzureRegion;
  /** Lets the databases follow no more, and take writes. Default: false. */
  readonly promoted?: boolean;
}

/** How far from the start of the ingress' subnet the load balancer's address is. */
const ingressOffset = 10;

/**
 * Builds what a configuration says in one region. Its resources: see docs/azure.md.
 *
 * @param options the provider, where it is not the default one, and what it is a part of
 */
export function azureInfrastructure(
  config: AzureConfig,
  args: AzureRegionArgs = {},
  options: Pick<CustomResourceOptions, "provider" | "parent" | "transformations"> = {},
): AzureRegion {
  const { zones, hardwareKeys } = config;
  const { replicaOf: primary, promoted = false } = args;
  const follows = primary !== undefined && !promoted;
  const { group, place } = placeOf(config, args.suffix, options);
  const named = (part: string) => `${place.name}-${part}`;

  const { network, firewallAddress, ingressAddress } = networkOf(config, place, primary, options);
  const peering = primary && {
    after: [
      new AzureNetworkPeering(named("peering"), { place, network, peer: primary.ids.network }, options),
    ] as readonly Resource[],
  };
  const vault = new AzureKeyVault(named("vault"), { place, network, hardware: hardwareKeys }, options);
  const serviceKey = (part: string) =>
    new AzureEncryptionKey(named(part), { place, vault, part, rotated: true }, options);
  const nodeKey = primary
    ? followedKey(place, network, primary, options)
    : ownKey(new AzureEncryptionKey(named("nodes"), { place, vault, part: "nodes" }, options), vault);

  const encryption = databaseKey(serviceKey("databases"));
  const geoBackup =
    config.database.geoBackup && primary === undefined ? geoBackupKey(config, place, options) : undefined;
  const { size, storageGb, availability, retentionDays, version, restore } = config.database;
  const database = (server: "nodes" | "sequencerBackend", part: string, logins: readonly string[]) =>
    new AzureDatabaseServer(
      named(`${part}-database`),
      {
        place,
        part,
        network,
        vault,
        encryption,
        logins,
        version,
        size,
        storageGb,
        availability,
        zones,
        retentionDays,
        ...(geoBackup && { geoBackup }),
        ...(primary && { replicaOf: sourceOf(primary, server), promoted }),
        ...(restore && { restore: { to: restore.to, ...(restore.of !== undefined && { of: restore.of }) } }),
        ...peering,
      },
      options,
    );
  const nodes = database("nodes", "nodes", config.nodes);
  const backend = config.domain ? database("sequencerBackend", "backend", ["sequencer-backend"]) : undefined;

  const { version: kubernetesVersion, systemMachines, ...machines } = config.cluster;
  const cluster = new AzureCluster(
    named("cluster"),
    {
      place,
      network,
      diskKey: serviceKey("disks"),
      secretsKey: new AzureEncryptionKey(named("cluster"), { place, vault, part: "cluster", use: "encrypt" }, options),
      vaultId: vault.vaultId,
      podIdentity: nodeKey.identity,
      namespace: config.namespace,
      kubernetesVersion,
      zones,
      ...machines,
      ...(systemMachines && { systemMachines }),
      // Its own machines reach a public API from the internet, as everybody does.
      apiRanges: network.egressAddress.apply((address) => [...config.cluster.apiRanges, `${address}/32`]),
      maintenance: definedOf(config.cluster.maintenance),
      ...(ingressAddress && { ingressAddressId: ingressAddress.id }),
    },
    options,
  );
  const storage = new AzureBackupStorage(
    named("storage"),
    {
      place,
      network,
      encryption: serviceKey("storage"),
      ...config.storage,
      writer: nodeKey.identity.principalId,
    },
    options,
  );
  if (config.storage.longTermMonths > 0 && !follows) {
    new AzureBackupVault(
      named("backups"),
      {
        place,
        resourceGroupId: group.id,
        servers: { nodes: nodes.serverId, ...(backend && { backend: backend.serverId }) },
        months: config.storage.longTermMonths,
        geoRedundant: /_G/.test(config.storage.copies),
      },
      options,
    );
  }

  const bastion = config.bastion
    ? new AzureBastion(named("bastion"), { place, network, zones }, options).bastionId
    : undefined;
  const gateway = config.gateway && gatewayOf(config.gateway, place, network, zones, options);
  const privateAddress = addressIn(network.addresses.ingress, ingressOffset);
  const ingress = output(ingressAddress?.ipAddress).apply((address) => address ?? privateAddress);
  if (config.waf && firewallAddress) {
    new AzureWebFirewall(
      named("firewall"),
      {
        place,
        network,
        vault,
        addressId: firewallAddress.id,
        backend: ingress,
        allowedRanges: config.allowedRanges,
        zones,
        ...definedOf(config.waf),
      },
      options,
    );
  }

  const firewall = output(firewallAddress?.ipAddress);
  const infrastructure = all([
    cluster.cluster,
    nodes.server,
    backend?.server,
    nodeKey.uri,
    all([storage.backups, storage.logs]),
    all([group.name, ingress, firewall]),
  ]).apply(
    ([
      clusterState,
      ofNodes,
      sequencerBackend,
      keyId,
      [backups, logs],
      [groupName, address, behind],
    ]): InfrastructureState => ({
      cloud: "azure",
      region: config.region,
      deployment: { name: config.name, environment: config.environment },
      cluster: clusterState,
      namespace: config.namespace,
      databases: { nodes: ofNodes, ...(sequencerBackend && { sequencerBackend }) },
      keyEncryption: { type: "azure-key-vault", keyId },
      storage: { backups, logs },
      ingress: {
        annotations: loadBalancerAnnotations(config.ingress, groupName, azureName(place, "ingress"), address),
        address,
        allowedRanges: [
          ...config.allowedRanges,
          ...(config.gateway?.peerRanges ?? []),
          ...(config.waf ? [config.ingress === "public" ? `${behind}/32` : network.addresses.firewall] : []),
        ],
      },
    }),
  );
  const ids = all([
    all([group.name, network.networkId, network.zones.postgres.name, network.egressAddress]),
    all([cluster.clusterId, cluster.api]),
    all([nodes.serverId, backend?.serverId]),
    all([nodeKey.vaultId, nodeKey.keyResourceId, nodeKey.uri, vault.vaultName]),
    all([gateway, firewall, bastion]),
  ]).apply(
    ([
      [resourceGroup, networkId, databaseZone, egressAddress],
      [clusterId, api],
      [ofNodes, sequencerBackend],
      [vaultId, keyId, uri, vaultName],
      [end, address, bastionId],
    ]): AzureIds => ({
      resourceGroup,
      network: { networkId, databaseZone, databaseRange: network.addresses.database },
      egressAddress,
      clusterName: azureName(place, "cluster"),
      clusterId,
      api,
      databases: { nodes: ofNodes, ...(sequencerBackend && { sequencerBackend }) },
      nodeKey: { vaultId, keyId, uri },
      vaultName,
      ...(bastionId && { bastion: bastionId }),
      ...(end && { gateway: end }),
      ...(address && { firewallAddress: address }),
    }),
  );
  return { infrastructure, ids };
}

/** The resource group of a region, and what its resources are called. */
function placeOf(config: AzureConfig, suffix: string | undefined, options: CustomResourceOptions) {
  const name = suffix === undefined ? config.name : `${config.name}-${suffix}`;
  const tags = tagsOf(deploymentOf(config));
  const keep = config.protect;
  const unique = new RandomId(`${name}-unique`, { byteLength: 8 }).hex;
  const group = new ResourceGroup(
    name,
    { resourceGroupName: name, location: config.region, tags },
    { ...options, ...kept({ keep }) },
  );
  const place: AzurePlace = {
    name,
    location: config.region,
    resourceGroupName: group.name,
    tenantId: getClientConfigOutput(options).tenantId,
    unique,
    tags,
    keep,
  };
  return { group, place };
}

/** The network, and the public addresses that its rules have to know. */
function networkOf(
  config: AzureConfig,
  place: AzurePlace,
  primary: AzureRegion | undefined,
  options: CustomResourceOptions,
) {
  const { zones, gateway, allowedRanges, database } = config;
  const address = (part: string) =>
    new PublicIPAddress(`${place.name}-${part}`, publicAddress(place, part, zones), options);
  const publicIngress = config.ingress === "public";
  const ingressAddress = publicIngress ? address("ingress") : undefined;
  const firewallAddress = config.waf && address("firewall");
  const optional: readonly [OptionalTier, boolean][] = [
    ["AzureBastionSubnet", config.bastion],
    ["GatewaySubnet", gateway !== undefined],
    ["firewall", config.waf !== undefined],
  ];
  const network = new AzureNetwork(
    `${place.name}-network`,
    {
      place,
      addressSpace: config.network.range,
      podRange: config.cluster.podRange,
      egressPorts: config.network.egressPorts,
      apiRanges: config.cluster.privateApi ? [] : config.cluster.apiRanges,
      zones,
      publicIngress,
      // A web firewall dials a public ingress as everybody does: from its own public address.
      allowedRanges: output(publicIngress ? firewallAddress?.ipAddress : undefined).apply((behind) => [
        ...allowedRanges,
        ...(behind === undefined ? [] : [`${behind}/32`]),
      ]),
      optionalTiers: optional.filter(([, wanted]) => wanted).map(([tier]) => tier),
      ...(gateway && { gateway: { ranges: gateway.peerRanges, ports: gateway.ports } }),
      databasePeers: output(primary?.ids.network.databaseRange).apply((range) =>
        databasePeers(config.network.range, database.replicaRanges, range),
      ),
    },
    options,
  );
  return { network, ingressAddress, firewallAddress };
}

/**
 * Ranges of the databases that replicate with those here.
 *
 * @param followed range of the databases that are followed
 * @throws RunError when these are in the network itself: no route could tell them apart
 */
export function databasePeers(own: string, replicaRanges: readonly string[], followed?: string): string[] {
  if (followed === undefined) return [...replicaRanges];
  if (overlap(followed, own)) {
    throw new RunError(
      `network.range: got "${own}", which overlaps ${followed}, where the databases are that standby follows; expected another`,
    );
  }
  return [...replicaRanges, followed];
}

/** A key as nodes use it. */
interface NodeKey {
  readonly identity: UserAssignedIdentity;
  readonly uri: Output<string>;
  readonly vaultId: Output<string>;
  readonly keyResourceId: Output<string>;
}

function ownKey({ identity, uriWithVersion, keyResourceId }: AzureEncryptionKey, { vaultId }: AzureKeyVault): NodeKey {
  return { identity, uri: uriWithVersion, vaultId, keyResourceId };
}

/** The key of the region that is followed: what its databases hold was wrapped with it. Azure keeps its vault in two regions. */
function followedKey(
  place: AzurePlace,
  network: AzureNetwork,
  primary: AzureRegion,
  options: CustomResourceOptions,
): NodeKey {
  const { vaultId, keyId, uri } = primary.ids.nodeKey;
  const identity = new UserAssignedIdentity(
    `${place.name}-nodes`,
    { ...placed(place), resourceName: azureName(place, "nodes") },
    options,
  );
  const granted = grant(
    `${place.name}-nodes`,
    { principalId: identity.principalId, role: "keyUser", scope: keyId, description: "wraps with the key of nodes" },
    options,
  );
  new AzurePrivateEndpoint(
    `${place.name}-followed-vault`,
    { place, network, service: "vault", targetId: vaultId, part: "followed-vault" },
    options,
  );
  return { identity, uri: granted.id.apply(() => uri), vaultId, keyResourceId: keyId };
}

function databaseKey({ uriWithVersion, identity }: AzureEncryptionKey): DatabaseKey {
  return { keyUri: uriWithVersion, identityId: identity.id };
}

/** A key in the paired region: Azure encrypts the copy of the backups with one that is there. */
function geoBackupKey(config: AzureConfig, place: AzurePlace, options: CustomResourceOptions): DatabaseKey {
  const paired = { ...place, location: azureRegions.get(config.region)?.pair as string };
  const vault = new AzureKeyVault(
    `${place.name}-geo-vault`,
    { place: paired, part: "geo", hardware: config.hardwareKeys },
    options,
  );
  return databaseKey(
    new AzureEncryptionKey(`${place.name}-geo`, { place: paired, vault, part: "geo-backups", rotated: true }, options),
  );
}

function sourceOf({ infrastructure, ids }: AzureRegion, server: "nodes" | "sequencerBackend"): DatabaseSource {
  const there = <T>(found: T | undefined): T => {
    if (found === undefined) throw new Error(`the stack that is followed has no database server ${server}`);
    return found;
  };
  return {
    serverId: ids.databases.apply((databases) => there(databases[server])),
    server: infrastructure.databases.apply((databases): DatabaseServerState => there(databases[server])),
  };
}

/** The gateway of this network; on the side of the participant, the connection to that of the domain's too. */
function gatewayOf(
  { side, domainGateway, size, activeActive }: NonNullable<AzureConfig["gateway"]>,
  place: AzurePlace,
  network: AzureNetwork,
  zones: readonly string[],
  options: CustomResourceOptions,
): Output<GatewayEnd> {
  const { end } = new AzureGateway(`${place.name}-gateway`, { place, network, size, activeActive, zones }, options);
  if (side === "participant") {
    const domain = domainGateway as Input<GatewayEnd>;
    new AzureGatewayIsolation(`${place.name}-isolation`, { place, domain, participant: end }, options);
  }
  return end;
}

/** How Kubernetes asks for the load balancer of the ingress. Pure. */
export function loadBalancerAnnotations(
  ingress: AzureConfig["ingress"],
  resourceGroup: string,
  addressName: string,
  address: string,
): Record<string, string> {
  const annotation = (name: string) => `service.beta.kubernetes.io/azure-${name}`;
  return ingress === "public"
    ? { [annotation("load-balancer-resource-group")]: resourceGroup, [annotation("pip-name")]: addressName }
    : {
        [annotation("load-balancer-internal")]: "true",
        [annotation("load-balancer-internal-subnet")]: "ingress",
        [annotation("load-balancer-ipv4")]: address,
      };
}

/** The keys of a section that were given: where one was not, the component has a default of its own. */
function definedOf<T extends object>(section: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(section).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}
