/** The configuration of the Azure template: what is accepted, what an environment's preset adds, and what does not go together. */
import {
  azureDatabaseAvailabilities,
  azureDatabaseDisks,
  azureDatabaseSizes,
  canReplicate,
  loginProblems,
} from "@pulumi-canton/components/database/azure-database-plan.ts";
import type { Deployment } from "@pulumi-canton/components/deployment/deployment.ts";
import { overlap } from "@pulumi-canton/components/network/addresses.ts";
import { networkPrefixes } from "@pulumi-canton/components/network/azure-addresses.ts";
import { gatewaySizes } from "@pulumi-canton/components/network/azure-gateway.ts";
import { azureCopies } from "@pulumi-canton/components/recovery/azure-backup-storage.ts";
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { refuseProblems } from "../config/nodes.ts";
import { cidr, infrastructureKeys, moment } from "../infrastructure/config.ts";
import { type AzurePreset, azurePresets } from "./presets.ts";
import { type AzureRegionFacts, azureRegions } from "./regions.ts";

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const port = z.int().min(1).max(65_535);
const machineSize = z.string().regex(/^Standard_[A-Z]\w+$/, 'expected a size such as "Standard_D4ds_v5"');
const machines = z.strictObject({
  /** Size of a machine. */
  size: machineSize,
  /** How many there are at least. */
  fewest: z.int().min(1).max(1000),
  /** How many there are at most. */
  most: z.int().min(1).max(1000),
});
const zone = z.preprocess(
  (given: string | number) => (typeof given === "number" ? String(given) : given),
  z.enum(["1", "2", "3"]),
);

/** All keys of the stack's configuration. Keys without a value here come from the environment's preset. */
export const azureConfigSchema = z.strictObject({
  ...infrastructureKeys,
  /** Subscription that all is made in. Default: the one that is signed in to. */
  subscription: z.string().regex(guid, "expected the id of a subscription").optional(),
  /** Region that all is made in. Example: `germanywestcentral`. */
  region: z.string().refine((name) => azureRegions.has(name), {
    error: `expected one of ${[...azureRegions.keys()].sort().join(", ")}`,
  }),
  /** Zones that machines are in; the first two are those of databases. Default: all three, where the region has zones. */
  zones: z.array(zone).max(3).optional(),
  /** The network. */
  network: z
    .strictObject({
      /** Its addresses, a private IPv4 range of /8 to /18. */
      range: cidr.optional(),
      /** TCP ports that nodes may dial on the internet: 443, and those of other organisations' sequencers. */
      egressPorts: z.array(port).min(1).max(20).optional(),
    })
    .prefault({}),
  /** The Kubernetes cluster. */
  cluster: z
    .strictObject({
      /** Minor version of Kubernetes. */
      version: z
        .string()
        .regex(/^1\.\d{2}$/, 'expected a minor version of Kubernetes such as "1.34", in quotes')
        .optional(),
      /** Machines that nodes run on. */
      machines: machines.optional(),
      /** Machines of what Kubernetes itself needs; where there are none, it runs beside nodes. */
      systemMachines: machines.optional(),
      /** Whether machines are in pools of their own, which can be given another size, other zones or another encryption. */
      ownPools: z.boolean().default(false),
      /** Whether its API is reached from inside the network only. */
      privateApi: z.boolean().optional(),
      /** Who may reach a public API. Default: allowedRanges. */
      apiRanges: z.array(cidr).optional(),
      /** Groups in Entra, by object id, whose members administer the cluster. */
      adminGroups: z.array(z.string().regex(guid, "expected the object id of a group")).optional(),
      /** Whether a certificate gives access, besides Entra. */
      localAccounts: z.boolean().optional(),
      /** Needs the feature EncryptionAtHost of the subscription. */
      hostEncryption: z.boolean().optional(),
      /** Whether Azure guarantees the availability of its API, which costs. */
      agreedAvailability: z.boolean().optional(),
      /** Addresses of pods, beside those of the network. */
      podRange: cidr.optional(),
      /** Addresses of services, beside those of the network; /24 or larger. */
      serviceRange: cidr.optional(),
      /** When Azure may upgrade it. */
      maintenance: z
        .strictObject({
          /** Day of the week. */
          day: z.enum(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]).optional(),
          /** When it starts, in UTC. */
          startTime: z
            .string()
            .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'expected a time such as "02:00", in UTC')
            .optional(),
          /** How long it may take, in hours. */
          hours: z.int().min(4).max(24).optional(),
        })
        .prefault({}),
    })
    .prefault({}),
  /** The database servers. */
  database: z
    .strictObject({
      ...infrastructureKeys.database.unwrap().shape,
      /** Machine of a server. */
      size: z.enum(Object.keys(azureDatabaseSizes) as [keyof typeof azureDatabaseSizes]).optional(),
      /** Disk of a server, in GiB. */
      storageGb: z.literal(azureDatabaseDisks).optional(),
      /** Where the standby of a server is: in another zone, in the same one, or nowhere. */
      availability: z.enum(azureDatabaseAvailabilities).optional(),
      /** Days of which any moment can be brought back. */
      retentionDays: z.int().min(7).max(35).optional(),
      /** Whether the paired region keeps a copy of the backups. */
      geoBackup: z.boolean().optional(),
      /** Networks of standby regions whose databases follow those here. */
      replicaRanges: z.array(cidr).optional(),
      /** Brings the databases back to a moment, in servers beside those there are. Default: no. */
      restore: z
        .strictObject({
          /** The moment, in UTC. Example: `2026-11-01T10:00:00Z`. */
          to: moment,
          /** The moment of the restore before, when these were brought back already. */
          of: moment.optional(),
        })
        .optional(),
    })
    .prefault({}),
  /** Whether the load balancer of the ingress has an address in the internet or in the network. */
  ingress: z.enum(["internal", "public"]).default("internal"),
  /** The way in for operators. */
  bastion: z.boolean().optional(),
  /** Joins the network to that of a participant of the domain's owner, or the other way round. Default: it stands alone. */
  gateway: z
    .strictObject({
      /** Which network this is: that of the domain, or that of the participant. */
      side: z.enum(["domain", "participant"]).default("domain"),
      /** The output `azure.gateway` of the domain's stack, on the side of a participant. */
      domainGateway: z
        .strictObject({
          /** Id of the domain's gateway. */
          gatewayId: z
            .string()
            .regex(/^\/subscriptions\/.+\/virtualNetworkGateways\/[^/]+$/, "expected the id of a gateway"),
          /** Region of it. */
          location: z.string().min(1),
          /** Addresses of the domain's network. */
          ranges: z.array(cidr).min(1),
        })
        .optional(),
      /** Addresses of the other network. */
      peerRanges: z.array(cidr).min(1),
      /** TCP ports of the domain that participants may dial. */
      ports: z.array(port).min(1).max(5).default([443]),
      /** Size of the gateway. */
      size: z.enum(gatewaySizes).default("VpnGw1AZ"),
      /** Two machines of the gateway that are both in use. */
      activeActive: z.boolean().default(false),
    })
    .optional(),
  /** A web application firewall in front of the ingress, for HTTP; gRPC goes to the ingress itself. Default: none. */
  waf: z
    .strictObject({
      /** Name that clients dial. */
      hostName: z.hostname(),
      /** Name of its certificate in the deployment's vault, brought there before. */
      certificate: z.string().regex(/^[A-Za-z0-9-]{1,127}$/, "expected the name of a certificate in the vault"),
      /** PEM of the authority of the ingress. Default: those that every machine knows. */
      backendCaPem: z.string().includes("BEGIN CERTIFICATE").optional(),
      /** Requests that one address may send in a minute. */
      requestsPerMinute: z.int().min(1).max(5000).default(600),
      /** Tells what looks like an attack, and lets it through. */
      detectOnly: z.boolean().default(false),
    })
    .optional(),
  /** Backups and logs. */
  storage: z
    .strictObject({
      /** Copies of backups: in one building, in all zones, and of either also in the paired region. */
      copies: z.enum(azureCopies).optional(),
      /** Days for which backups are kept. */
      backupDays: z.int().min(1).max(3650).optional(),
      /** Days for which logs are kept for audit, and cannot be changed. */
      auditDays: z.int().min(1).max(36_500).optional(),
      /** Months for which a weekly backup of the databases is kept on top; 0 for none. */
      longTermMonths: z.int().min(0).max(120).optional(),
    })
    .prefault({}),
  /** Whether keys are in a hardware module. */
  hardwareKeys: z.boolean().optional(),
  /** Whether databases, keys and backups outlive a mistake. */
  protect: z.boolean().optional(),
});

type Given = z.output<typeof azureConfigSchema>;
/** Sections that a preset completes. */
type Section = "network" | "cluster" | "database" | "storage";
type Switch = "bastion" | "hardwareKeys" | "protect";

/** The configuration of the Azure template, checked and complete. */
export type AzureConfig = Omit<Given, Section | Switch | "zones" | "namespace"> & {
  readonly [S in Section]: Omit<Given[S], keyof AzurePreset[S]> & AzurePreset[S];
} & { readonly [S in Switch]: boolean } & {
  readonly zones: readonly string[];
  readonly namespace: string;
  readonly cluster: { readonly apiRanges: readonly string[] };
};

/**
 * Checks the configuration of the Azure template.
 *
 * @throws ConfigError with every problem: its key, its value, and what is accepted
 */
export function checkAzureConfig(given: Readonly<Record<string, unknown>>): AzureConfig {
  const config = complete(checkConfig(azureConfigSchema, given));
  const region = azureRegions.get(config.region) as AzureRegionFacts;
  refuseProblems([
    ...loginProblems(config.nodes),
    ...regionProblems(config, region),
    ...rangeProblems(config),
    ...accessProblems(config),
    ...clusterProblems(config),
    ...databaseProblems(config, region),
    ...gatewayProblems(config),
    ...(config.environment === "production" ? productionProblems(config) : []),
  ]);
  return config;
}

function complete(given: Given): AzureConfig {
  const preset = azurePresets[given.environment];
  const { cluster } = given;
  return {
    ...given,
    zones: given.zones ?? (azureRegions.get(given.region)?.zones ? ["1", "2", "3"] : []),
    namespace: given.namespace ?? given.name,
    bastion: given.bastion ?? preset.bastion,
    hardwareKeys: given.hardwareKeys ?? preset.hardwareKeys,
    protect: given.protect ?? preset.protect,
    network: { ...preset.network, ...given.network },
    cluster: { ...preset.cluster, ...cluster, apiRanges: cluster.apiRanges ?? given.allowedRanges },
    database: { ...preset.database, ...given.database },
    storage: { ...preset.storage, ...given.storage },
  } as AzureConfig;
}

function regionProblems({ region, zones, storage }: AzureConfig, facts: AzureRegionFacts): string[] {
  const problems: string[] = [];
  if (!facts.zones && zones.length > 0) {
    problems.push(`zones: got ${zones.join(", ")}; ${region} has none; expected zones: []`);
  }
  zones.forEach((one, index) => {
    if (zones.indexOf(one) < index) problems.push(`zones[${index}]: got "${one}" a second time; expected each once`);
  });
  if (!facts.zones && /ZRS$/.test(storage.copies)) {
    problems.push(
      `storage.copies: got "${storage.copies}"; ${region} has no zones; expected Standard_GRS or Standard_LRS`,
    );
  }
  if (facts.pair === undefined && /_G/.test(storage.copies)) {
    problems.push(
      `storage.copies: got "${storage.copies}"; ${region} is paired with no other region; expected Standard_ZRS`,
    );
  }
  return problems;
}

/** Addresses that clusters of Azure use for themselves. */
const azuresOwn = ["169.254.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24"];
const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

function rangeProblems({ network, cluster, database, gateway }: AzureConfig): string[] {
  const problems: string[] = [];
  const prefix = Number(network.range.split("/")[1]);
  const { shortest, longest } = networkPrefixes;
  if (prefix < shortest || prefix > longest) {
    problems.push(`network.range: got "${network.range}"; expected a range of /${shortest} to /${longest}`);
  }
  if (!privateRanges.some((range) => overlap(range, network.range))) {
    problems.push(
      `network.range: got "${network.range}"; expected private addresses: a part of ${privateRanges.join(", ")}`,
    );
  }
  const ranges: [string, string][] = [
    ...azuresOwn.map((range): [string, string] => ["addresses that Azure uses itself", range]),
    ["network.range", network.range],
    ["cluster.podRange", cluster.podRange],
    ["cluster.serviceRange", cluster.serviceRange],
    ...database.replicaRanges.map((range, index): [string, string] => [`database.replicaRanges[${index}]`, range]),
    ...(gateway?.peerRanges ?? []).map((range, index): [string, string] => [`gateway.peerRanges[${index}]`, range]),
  ];
  ranges.forEach(([key, range], index) => {
    const clash = ranges.slice(0, index).find(([, earlier]) => overlap(range, earlier));
    if (clash !== undefined && index >= azuresOwn.length) {
      problems.push(`${key}: got "${range}", which overlaps ${clash[1]} (${clash[0]}); no route could tell them apart`);
    }
  });
  return problems;
}

const everybody = (range: string) => range.endsWith("/0");

function accessProblems({ environment, allowedRanges, ingress, bastion, waf }: AzureConfig): string[] {
  const problems: string[] = [];
  for (const [wanted, key] of [
    [ingress === "public", "ingress: public"],
    [bastion, "bastion: true"],
    [waf !== undefined, "waf"],
  ] as const) {
    if (wanted && allowedRanges.length === 0) {
      problems.push(`allowedRanges: got none with ${key}; expected who may reach it, such as 203.0.113.0/24`);
    }
  }
  if (environment !== "dev" && allowedRanges.some(everybody)) {
    problems.push(`allowedRanges: got 0.0.0.0/0 in ${environment}; expected those who use the deployment`);
  }
  return problems;
}

function clusterProblems({ cluster, zones }: AzureConfig): string[] {
  const problems: string[] = [];
  const { privateApi, apiRanges, localAccounts, adminGroups } = cluster;
  if (!privateApi && apiRanges.length === 0) {
    problems.push(
      "cluster.apiRanges: got none with cluster.privateApi: false, by which Azure would let everybody in; expected who may reach the API",
    );
  }
  if (!privateApi && apiRanges.some(everybody)) {
    problems.push(
      "cluster.apiRanges: got 0.0.0.0/0; expected those who administer the cluster, or cluster.privateApi: true",
    );
  }
  if (!localAccounts && adminGroups.length === 0) {
    problems.push(
      "cluster.adminGroups: got none with cluster.localAccounts: false; nobody could administer the cluster; expected the object id of a group in Entra",
    );
  }
  for (const key of ["machines", "systemMachines"] as const) {
    const { fewest = 1, most = 1 } = cluster[key] ?? {};
    if (fewest > most)
      problems.push(`cluster.${key}: got fewest ${fewest} and most ${most}; expected fewest not above most`);
  }
  if (zones.length > cluster.machines.most) {
    problems.push(
      `cluster.machines.most: got ${cluster.machines.most}; expected one at least for each of the ${zones.length} zones`,
    );
  }
  if (Number(cluster.serviceRange.split("/")[1]) > 24) {
    problems.push(`cluster.serviceRange: got "${cluster.serviceRange}"; expected a range of /24 or larger`);
  }
  return problems;
}

function databaseProblems({ database, region, zones, standby }: AzureConfig, facts: AzureRegionFacts): string[] {
  const problems: string[] = [];
  const { availability, size, geoBackup } = database;
  if (availability === "zone-redundant" && zones.length < 2) {
    const why = facts.zones ? `zones names ${zones.length}` : `${region} has no zones`;
    problems.push(`database.availability: got "zone-redundant"; ${why}; expected "same-zone" or two zones`);
  }
  if (!canReplicate(size)) {
    for (const [wanted, what] of [
      [availability !== "none", `database.availability: ${availability}`],
      [standby !== undefined, "standby"],
      [database.replicaRanges.length > 0, "database.replicaRanges"],
    ] as const) {
      if (wanted)
        problems.push(`database.size: got "${size}" with ${what}; expected a size from Standard_D2ds_v5 upwards`);
    }
  }
  if (geoBackup && facts.pair === undefined) {
    problems.push(
      `database.geoBackup: got true; ${region} is paired with no other region; expected false, and a standby`,
    );
  }
  if (standby !== undefined && database.restore !== undefined) {
    problems.push("database.restore: got one in a standby region; expected it in the stack that is followed");
  }
  const { restore } = database;
  if (restore?.of !== undefined && restore.of >= restore.to) {
    problems.push(`database.restore.of: got "${restore.of}"; expected the restore before, earlier than ${restore.to}`);
  }
  return problems;
}

function gatewayProblems({ gateway, domain }: AzureConfig): string[] {
  if (gateway === undefined) return [];
  const problems: string[] = [];
  if (gateway.side === "domain" && !domain) {
    problems.push('gateway.side: got "domain" where domain is false; expected "participant"');
  }
  if (gateway.side === "participant" && gateway.domainGateway === undefined) {
    problems.push("gateway.domainGateway: missing; expected the output azure.gateway of the domain's stack");
  }
  if (gateway.side === "domain" && gateway.domainGateway !== undefined) {
    problems.push(
      "gateway.domainGateway: got one on the side of the domain; the stack of the participant makes the connection",
    );
  }
  return problems;
}

function productionProblems({ database, cluster, zones, protect, domain, standby }: AzureConfig): string[] {
  const problems: string[] = [];
  const follows = standby !== undefined && !standby.promoted;
  if (database.availability === "none" && !follows) {
    const of = domain ? "the domain" : "the participants";
    problems.push(
      `database.availability: got "none" in production; expected a standby: a machine that fails would stop ${of}`,
    );
  }
  if (!cluster.privateApi) problems.push("cluster.privateApi: got false in production; expected true, and the bastion");
  if (cluster.localAccounts) {
    problems.push(
      "cluster.localAccounts: got true in production; expected false: its certificate ends only when the cluster's are changed",
    );
  }
  if (cluster.machines.fewest < zones.length) {
    problems.push(
      `cluster.machines.fewest: got ${cluster.machines.fewest} in production; expected one for each of the ${zones.length} zones`,
    );
  }
  if (!protect) {
    problems.push("protect: got false in production; expected true: databases and keys would go with the stack");
  }
  return problems;
}

/** What a deployment is called and marked with. */
export function deploymentOf({ name, environment, tags }: AzureConfig): Deployment {
  return { name, environment, tags };
}
