/** One region on Google Cloud, from its configuration: what the gcp stack makes, and a multi-region stack makes more than once. */
import { Provider } from "@pulumi/gcp/provider.js";
import { type ComponentResourceOptions, type Input, type Output, output, StackReference, secret } from "@pulumi/pulumi";
import { GcpPostgres, type GcpPostgresPrimary } from "@pulumi-canton/components/database/gcp-postgres.ts";
import type { Deployment } from "@pulumi-canton/components/deployment/deployment.ts";
import { nameWithin } from "@pulumi-canton/components/deployment/names.ts";
import { GcpKeys } from "@pulumi-canton/components/identity/gcp-keys.ts";
import { GcpBastion } from "@pulumi-canton/components/network/gcp-bastion.ts";
import { GcpGateway, type GcpGatewayArgs } from "@pulumi-canton/components/network/gcp-gateway.ts";
import { GcpIngressAddress } from "@pulumi-canton/components/network/gcp-ingress-address.ts";
import { type DnsRecord, GcpLoadBalancer } from "@pulumi-canton/components/network/gcp-load-balancer.ts";
import { GcpNetwork, type GcpSharedNetwork } from "@pulumi-canton/components/network/gcp-network.ts";
import { GcpVpn, type GcpVpnEnd } from "@pulumi-canton/components/network/gcp-vpn.ts";
import { GcpCluster } from "@pulumi-canton/components/platform/gcp-cluster.ts";
import { GcpServices } from "@pulumi-canton/components/platform/gcp-services.ts";
import { GcpStorage } from "@pulumi-canton/components/recovery/gcp-storage.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { type GcpConfig, sequencerBackend } from "./config.ts";

/** What a standby region is made of: the network and the key that it shares, and the servers that it copies. Secret as a whole. */
export interface GcpReplication {
  readonly network: GcpSharedNetwork;
  /** Resource name of the key that wraps the nodes' private keys, which come with the databases. */
  readonly nodesKey: string;
  readonly databases: { readonly nodes: GcpPostgresPrimary; readonly sequencerBackend?: GcpPostgresPrimary };
}

/** What makes one region different from another of the same configuration. */
export interface GcpRegionOptions {
  /** Goes behind the deployment's name in all names, where a stack makes several regions. Example: `"west"`. Default: nothing. */
  readonly suffix?: string;
  /** The region of which this one is the standby: it shares its network and copies its servers. Default: none. */
  readonly replicaOf?: Input<GcpReplication>;
  /** Makes the copies servers of their own, for good. Default: false. */
  readonly promoted?: boolean;
}

/** A region, as stacks give it out. */
export interface GcpInfrastructure {
  /** What stacks on top take. Secret. */
  readonly infrastructure: Output<InfrastructureState>;
  /** What a standby region takes. Secret. */
  readonly replication: Output<GcpReplication>;
  /** For people. */
  readonly summary: {
    readonly region: string;
    readonly zones: readonly string[];
    readonly cluster: Output<string>;
    /** What others put on their allow-lists. */
    readonly natAddresses: Output<string[]>;
    readonly ingress: {
      readonly address: Output<string>;
      /** Its name inside the network. */
      readonly host: string;
      /** What has to go into the DNS zone of `ingress.hostname` before it has a certificate. */
      readonly certificateRecord?: Output<DnsRecord | undefined>;
    };
    /** Opens a way in for operators. */
    readonly bastion?: Output<string>;
    /** What the participant behind the gateway dials. */
    readonly gateway?: Output<string>;
    /** What the other end of the VPN has to know. */
    readonly vpn?: Output<GcpVpnEnd>;
    /** Its keys, in the order of the tunnels. Secret. */
    readonly vpnKeys?: Output<string[]>;
  };
}

/**
 * What a stack gives out for its standby regions.
 *
 * @param within what the reference to the stack is a part of, where it is of something
 */
export function gcpReplicationOf(
  stack: string,
  within: Pick<ComponentResourceOptions, "parent"> = {},
): Output<GcpReplication> {
  return new StackReference(stack, {}, within).requireOutput("replication") as Output<GcpReplication>;
}

/** Port of every machine that load balancers outside the cluster forward to. */
export const ingressNodePort = 30_443;

/**
 * Makes the resources of one region.
 *
 * @param within what it is a part of, where it is of something
 */
export function gcpInfrastructure(
  config: GcpConfig,
  options: GcpRegionOptions = {},
  within: Pick<ComponentResourceOptions, "parent"> = {},
): GcpInfrastructure {
  const { project, region, zones, namespace, retain, ingress, name, environment, tags } = config;
  const site = options.suffix === undefined ? name : nameWithin({ length: 40 }, name, options.suffix);
  const deployment: Deployment = { name: site, environment, tags };
  const where = { deployment, project, region };
  const here = { ...within, provider: new Provider(site, { project, region }, within) };
  const behind = ingress.exposure === "application" || config.gateway !== undefined;
  const nodePort = behind ? { nodePort: ingressNodePort } : {};
  const replicaOf = options.replicaOf && secret(options.replicaOf);

  const services = config.enableServices
    ? new GcpServices(site, { project, more: moreServices(config) }, here)
    : undefined;
  const afterServices = { ...here, dependsOn: [...(services?.services ?? [])] };
  const network = new GcpNetwork(
    site,
    {
      ...where,
      ...config.network,
      ...nodePort,
      bastion: config.bastion !== undefined,
      ...(replicaOf && { shared: replicaOf.apply(({ network: shared }) => shared) }),
    },
    afterServices,
  );
  const { keys, keyEncryption } = new GcpKeys(
    site,
    { ...where, ...config.keys, ...(replicaOf && { nodesKey: replicaOf.apply((other) => other.nodesKey) }), retain },
    afterServices,
  );
  const cluster = new GcpCluster(
    site,
    { ...where, zones, network, keys, namespace, ...config.cluster, ...nodePort, retain },
    afterServices,
  );
  const { workload } = cluster;
  const storage = new GcpStorage(
    site,
    { ...where, key: keys.storage, workload, namespace, ...config.storage, retain },
    here,
  );

  const { backendTier, restoredTo, version, diskGiB, highAvailability, ...size } = config.database;
  const server = (
    copied: keyof GcpReplication["databases"],
    { purpose, logins, tier = size.tier }: { purpose: string; logins: readonly string[]; tier?: string | undefined },
  ) => {
    const copy = replicaOf && {
      replicaOf: replicaOf.apply((other) => primaryIn(other, copied)),
      promoted: options.promoted ?? false,
    };
    const what = { purpose, logins, version, size: { ...size, tier }, diskGiB, highAvailability, restoredTo, retain };
    return new GcpPostgres(
      `${site}-${purpose}`,
      { deployment, region, network: network.shared, keys, ...what, ...copy },
      here,
    );
  };
  const nodes = server("nodes", { purpose: "nodes", logins: config.nodes });
  const backend = config.domain
    ? server("sequencerBackend", { purpose: "sequencers", logins: [sequencerBackend], tier: backendTier })
    : undefined;

  const { address, loadBalancer, gateway, vpn, bastion } = makeWaysIn(
    config,
    { deployment, network, cluster, keys },
    here,
  );
  // Load balancers outside the cluster hand on by addresses of their own: those are what the ingress sees.
  const proxies = behind ? [network.addresses.loadBalancer] : [];
  const joined = config.vpn?.side === "domain" ? config.vpn.peerRanges : [];
  const listed = ingress.exposure === "application" ? [] : config.allowedRanges;
  const allowedRanges = [...listed, ...proxies, ...joined];

  return {
    infrastructure: output({
      cluster: cluster.cluster,
      nodes: nodes.server,
      sequencerBackend: backend?.server,
      keyEncryption,
      backups: storage.backups,
      logs: storage.logs,
      address: address.address,
    }).apply(
      (made): InfrastructureState => ({
        cloud: "gcp",
        region,
        deployment: { name, environment },
        cluster: made.cluster,
        namespace,
        databases: both(made.nodes, made.sequencerBackend),
        keyEncryption: { ...made.keyEncryption },
        storage: { backups: made.backups, logs: made.logs },
        ingress: { annotations: address.annotations, address: made.address, ...nodePort, allowedRanges },
      }),
    ),
    replication: output({
      network: network.shared,
      nodesKey: keys.nodes,
      nodes: nodes.primary,
      sequencerBackend: backend?.primary,
    }).apply(
      (made): GcpReplication => ({
        network: made.network,
        nodesKey: made.nodesKey,
        databases: both(made.nodes, made.sequencerBackend),
      }),
    ),
    summary: {
      region,
      zones,
      cluster: cluster.clusterName,
      natAddresses: network.natAddresses,
      ingress: {
        address: loadBalancer?.address ?? address.address,
        host: address.host,
        ...(loadBalancer && { certificateRecord: loadBalancer.certificateRecord }),
      },
      ...(bastion && { bastion: bastion.command }),
      ...(gateway && { gateway: gateway.address }),
      ...(vpn && { vpn: vpn.end, vpnKeys: vpn.keys }),
    },
  };
}

/** Services of Google that not every deployment uses. */
function moreServices({ bastion, ingress }: GcpConfig): string[] {
  return [
    ...(bastion ? ["iap"] : []),
    ...(bastion?.accessPolicy !== undefined ? ["accesscontextmanager"] : []),
    ...(ingress.exposure === "application" ? ["certificatemanager"] : []),
  ];
}

/** Everything by which somebody gets in: participants of others, the owner's participant, operators. */
function makeWaysIn(
  { project, region, zones, ingress, allowedRanges, gateway, vpn, bastion }: GcpConfig,
  made: Pick<GcpGatewayArgs, "deployment" | "network"> & { cluster: GcpCluster; keys: GcpKeys["keys"] },
  options: ComponentResourceOptions,
) {
  const { deployment, network, cluster, keys } = made;
  const { instanceGroups } = cluster;
  const site = deployment.name;
  const where = { deployment, region, network };
  const address = new GcpIngressAddress(site, { ...where, external: ingress.exposure === "external" }, options);
  const armor = { allowedRanges, ...ingress.armor };
  const loadBalancer =
    ingress.exposure === "application"
      ? new GcpLoadBalancer(site, { ...where, instanceGroups, hostname: ingress.hostname ?? "", armor }, options)
      : undefined;
  const from = bastion?.accessPolicy && { from: { accessPolicy: bastion.accessPolicy, ranges: allowedRanges } };
  return {
    address,
    loadBalancer,
    vpn: vpn && vpnOf(vpn, { ...where, address }, options),
    gateway: gateway && new GcpGateway(site, { ...where, instanceGroups, participant: gateway }, options),
    bastion:
      bastion &&
      new GcpBastion(
        site,
        { deployment, project, zone: zones[0] ?? "", network, diskKey: keys.disks, members: bastion.members, ...from },
        options,
      ),
  };
}

/** A VPN by which the other side is told of nothing but what it dials, or is dialled from. */
function vpnOf(
  { tunnels, ...vpn }: NonNullable<GcpConfig["vpn"]>,
  { address, ...where }: Pick<GcpGatewayArgs, "deployment" | "region" | "network"> & { address: GcpIngressAddress },
  options: ComponentResourceOptions,
): GcpVpn {
  const announced = vpn.side === "domain" ? address.address.apply((its) => `${its}/32`) : where.network.addresses.pods;
  return new GcpVpn(
    where.deployment.name,
    {
      ...where,
      ...vpn,
      announced: [announced],
      tunnels: tunnels.map(({ sharedKey, ...tunnel }) => ({
        ...tunnel,
        ...(sharedKey !== undefined && { sharedKey: secret(sharedKey) }),
      })),
    },
    options,
  );
}

/** The server of another region that one of this region copies. Pure. */
export function primaryIn(
  { databases }: GcpReplication,
  copied: keyof GcpReplication["databases"],
): GcpPostgresPrimary {
  const primary = databases[copied];
  if (primary === undefined)
    throw new Error(`the other region has no ${copied} to copy; expected domain: false here too`);
  return primary;
}

function both<T>(nodes: T, backend: T | undefined): { readonly nodes: T; readonly sequencerBackend?: T } {
  return { nodes, ...(backend !== undefined && { sequencerBackend: backend }) };
}
