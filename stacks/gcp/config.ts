/** The configuration of the gcp stack: what is accepted, what is understood when a key is left out, and what cannot work. */
import { gcpEditions, momentProblems, sizeProblems } from "@pulumi-canton/components/database/gcp-postgres-plan.ts";
import { overlap } from "@pulumi-canton/components/network/addresses.ts";
import { armorRuleSets } from "@pulumi-canton/components/network/gcp-armor-plan.ts";
import {
  googleApis,
  isPrivate,
  machinesIn,
  planGcpAddresses,
  whyNoGcpNetwork,
} from "@pulumi-canton/components/network/gcp-network-plan.ts";
import { tunnelProblems, vpnSides } from "@pulumi-canton/components/network/gcp-vpn-plan.ts";
import { gcpReleaseChannels } from "@pulumi-canton/components/platform/gcp-cluster.ts";
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { refuseProblems } from "../config/nodes.ts";
import { cidr, infrastructureKeys } from "../infrastructure/config.ts";
import { gcpPresets, zonesOf } from "./presets.ts";

/** How the ingress is reached: by a private address, from the internet, or from the internet through Cloud Armor. */
export const gcpExposures = ["internal", "external", "application"] as const;

const days = z.int().min(1).max(3650);
const networkName = z
  .string()
  .regex(/^projects\/[^/]+\/global\/networks\/[^/]+$/, 'expected "projects/…/global/networks/…"');
const subnetworkName = z
  .string()
  .regex(/^projects\/[^/]+\/regions\/[^/]+\/subnetworks\/[^/]+$/, 'expected "projects/…/regions/…/subnetworks/…"');
const projectId = z
  .string()
  .regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, "expected a project's id: 6 to 30 lower-case letters, digits or hyphens");
const port = z.int().min(1).max(65_535);
/** Numbers of autonomous systems that are nobody's. */
const asnProblem = "expected a number for private use: 64512 to 65534, or 4200000000 to 4294967294";
const privateAsn = z
  .int()
  .min(64_512, asnProblem)
  .max(4_294_967_294, asnProblem)
  .refine((asn) => asn <= 65_534 || asn >= 4_200_000_000, asnProblem);
const machineCount = z.int().min(1).max(500);

/** A time as the engine hands it over where the configuration has it without quotes, in the notation of its own. */
function isoTime(text: string): string {
  return text.replace(/^([\d-]{10}) ([\d:.]+) \+0000 UTC$/, "$1T$2Z");
}

/** A tunnel of a VPN. */
export const gcpTunnelSchema = z.strictObject({
  /** Address of the other gateway in the internet. */
  peerAddress: z.ipv4(),
  /** A /30 of 169.254.0.0/16 for the BGP session. Default: the first of 169.254.21.0/24 for the first tunnel, and so on. */
  range: cidr.optional(),
  /** Whether ours is the first address of it, or the second. */
  own: z.enum(["first", "second"]).default("first"),
  /** The key, as a secret, where the other side gave one. Default: one is drawn. */
  sharedKey: z
    .string()
    .regex(/^[\x21-\x7e]{16,128}$/, "expected 16 to 128 characters, no blanks")
    .optional(),
});

/** All keys of the stack's configuration. Keys without a value here come from the environment's preset. */
export const gcpConfigSchema = z.strictObject({
  ...infrastructureKeys,
  /** The project that everything is made in; it exists, with billing. */
  project: projectId,
  /** Region that all is made in. Example: `europe-west3`. */
  region: z.string().regex(/^[a-z]+-[a-z]+\d+$/, 'expected a region such as "europe-west3"'),
  /** Where machines are, and the database's first choice. Default: as many as the preset says. */
  zones: z.array(z.string()).min(1).max(4).optional(),
  /** Switches on the services of Google that are used. False where that is somebody else's to do. */
  enableServices: z.boolean().default(true),
  /** The network. */
  network: z
    .strictObject({
      /** Addresses of the region. A change makes everything anew. */
      range: z
        .string()
        .superRefine((range, context) => {
          const why = whyNoGcpNetwork(range);
          if (why !== undefined) context.addIssue({ code: "custom", message: why.replace(/^got "[^"]*"; /, "") });
        })
        .default("10.20.0.0/16"),
      /** TCP ports that nodes may reach anywhere: sequencers of other domains, images, OIDC. */
      egressPorts: z.array(z.int().min(1).max(65_535)).default([443]),
      /** How many addresses nodes go out from. */
      natAddresses: z.int().min(1).max(10).optional(),
      /** Share of flows that are logged. */
      flowSampling: z.number().min(0).max(1).optional(),
    })
    .prefault({}),
  /** The database servers. */
  database: infrastructureKeys.database
    .unwrap()
    .extend({
      /** Edition of Cloud SQL, which says what machines there are. */
      edition: z.enum(gcpEditions).optional(),
      /** Machine of the nodes' server. */
      tier: z.string().optional(),
      /** Machine of the sequencers' backend. Default: the same. */
      backendTier: z.string().optional(),
      /** First size of the disk; it grows by itself. */
      diskGiB: z.int().min(10).max(65_536).optional(),
      /** A synchronous copy in a second zone. */
      highAvailability: z.boolean().optional(),
      /** Daily backups that are kept. */
      backups: z.int().min(1).max(365).optional(),
      /** Days in which any moment can be brought back. */
      recoveryDays: z.int().min(1).max(35).optional(),
      /** Moments that were brought back, in the order of time: each makes new servers, which start from what was there then. */
      restoredTo: z.array(z.string().transform(isoTime)).default([]),
    })
    .prefault({}),
  /** The Kubernetes cluster. */
  cluster: z
    .strictObject({
      /** Type of its machines. */
      machineType: z
        .string()
        .regex(/^[a-z0-9]+-[a-z0-9-]+$/, 'expected a machine type such as "n2d-standard-4"')
        .optional(),
      /** How many machines there are, over all zones. */
      machines: z
        .strictObject({
          /** At least, and at first. */
          min: machineCount,
          /** At most. */
          max: machineCount,
        })
        .optional(),
      /** How soon it gets new versions of Kubernetes. */
      releaseChannel: z.enum(gcpReleaseChannels).optional(),
      /** Private ranges that may reach the control plane, besides the bastion's. */
      authorizedRanges: z.array(cidr).default([]),
      /** Opens the control plane's DNS name to whoever Google IAM lets in, from anywhere. */
      dnsEndpoint: z.boolean().default(false),
      /** What the kubeconfig goes through. */
      proxyUrl: z
        .string()
        .regex(/^(socks5|https?):\/\/[^/]+$/, 'expected an address such as "socks5://localhost:1080"')
        .optional(),
    })
    .prefault({}),
  /** The way in for operators. Default: none. */
  bastion: z
    .strictObject({
      /** Who may sign in. */
      members: z
        .array(
          z
            .string()
            .regex(
              /^(user|group|serviceAccount):[^@\s]+@[^@\s]+$/,
              'expected a member such as "group:ops@example.com"',
            ),
        )
        .min(1),
      /** Number of the organisation's access policy: lets them in from `allowedRanges` only. Default: from anywhere. */
      accessPolicy: z.string().regex(/^\d+$/, "expected the number of an access policy").optional(),
    })
    .optional(),
  /** How clients reach the nodes. */
  ingress: z
    .strictObject({
      /** By a private address, from the internet, or from the internet through Cloud Armor. */
      exposure: z.enum(gcpExposures).default("internal"),
      /** Name in a DNS zone of your own, for the certificate of the exposure `application`. */
      hostname: z
        .string()
        .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'expected a host name such as "canton.example.com"')
        .optional(),
      /** Cloud Armor, with the exposure `application`. */
      armor: z
        .strictObject({
          /** Requests of one address in a minute; 0 for any number. */
          requestsPerMinute: z.int().min(0).max(1_000_000).default(6_000),
          /** What is looked for. */
          ruleSets: z.array(z.enum(armorRuleSets)).default([...armorRuleSets]),
        })
        .optional(),
    })
    .prefault({}),
  /** Isolates the domain from the network of its owner's participant, which gets the sequencers' port and nothing else. Default: none. */
  gateway: z
    .strictObject({
      /** Project of the participant's network. Default: that of the domain. */
      project: projectId.optional(),
      /** The participant's network. */
      network: networkName,
      /** The participant's subnetwork, in the region of the domain. */
      subnetwork: subnetworkName,
    })
    .optional(),
  /** Joins the network to that of a participant of the domain's owner elsewhere, or the other way round, by a VPN. Default: none. */
  vpn: z
    .strictObject({
      /** Which network this is: that of the domain, or that of the participant. */
      side: z.enum(vpnSides).default("domain"),
      /** Addresses of the other network. */
      peerRanges: z.array(cidr).min(1),
      /** TCP ports of the domain that participants may dial. */
      ports: z.array(port).min(1).max(5).default([443]),
      /** Number of this network's autonomous system. */
      asn: privateAsn.default(64_520),
      /** Number of the other network's. */
      peerAsn: z.int().min(1).max(4_294_967_294),
      /** Two tunnels to the other gateway, or four to one with four addresses. */
      tunnels: z.array(gcpTunnelSchema),
    })
    .optional(),
  /** The keys. */
  keys: z
    .strictObject({
      /** Whether they are in a hardware module. */
      protectionLevel: z.enum(["SOFTWARE", "HSM"]).optional(),
      /** Days after which a key gets a new version. */
      rotationDays: days.optional(),
      /** Where the key is that wraps the nodes' private keys. Default: the region. A standby region needs one that outlasts the region. */
      nodesLocation: z
        .string()
        .regex(/^[a-z][a-z0-9-]*$/, 'expected a location of Cloud KMS such as "europe"')
        .optional(),
    })
    .prefault({}),
  /** The buckets. */
  storage: z
    .strictObject({
      /** Days that a dump is kept. */
      backupDays: days.optional(),
      /** Days that logs are kept for audit. */
      logDays: days.optional(),
      /** Locks logs for these days: it cannot be taken back. */
      lockLogs: z.boolean().optional(),
    })
    .prefault({}),
});

type Given = z.output<typeof gcpConfigSchema>;

/** The configuration of the gcp stack, checked and complete. */
export type GcpConfig = ReturnType<typeof complete>;

/** Fills in what the preset says. */
function complete(given: Given) {
  const preset = gcpPresets[given.environment];
  return {
    ...given,
    namespace: given.namespace ?? given.name,
    zones: given.zones ?? zonesOf(given.region, preset.zones),
    network: over(preset.network, given.network),
    database: over(preset.database, given.database),
    cluster: over(preset.cluster, given.cluster),
    keys: over(preset.keys, given.keys),
    storage: over(preset.storage, given.storage),
    retain: preset.retain,
  };
}

type Over<P, G> = Omit<G, keyof P> & { [K in keyof P]: P[K] | (K extends keyof G ? Exclude<G[K], undefined> : never) };

/** The fields of a preset, those that are given over them. */
function over<P extends object, G extends object>(preset: P, given: G): Over<P, G> {
  const fields = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...preset, ...Object.fromEntries(fields) } as never;
}

/** Names that logins have besides those of nodes. */
export const sequencerBackend = "sequencer-backend";
const takenLogins = ["administrator", sequencerBackend];

/**
 * Checks the configuration of the gcp stack.
 *
 * @param given what the configuration file has; keys that it leaves out get the preset's values
 * @throws ConfigError with every problem: its key, its value, and what is accepted
 */
export function checkGcpConfig(given: Readonly<Record<string, unknown>>): GcpConfig {
  const config = complete(checkConfig(gcpConfigSchema, given));
  refuseProblems([
    ...zoneProblems(config),
    ...nodeProblems(config),
    ...databaseProblems(config),
    ...clusterProblems(config),
    ...ingressProblems(config),
    ...gatewayProblems(config),
    ...vpnProblems(config),
    ...standbyProblems(config),
    ...productionProblems(config),
  ]);
  return config;
}

function zoneProblems({ region, zones }: GcpConfig): string[] {
  return zones.flatMap((zone, index) => {
    if (!new RegExp(`^${region}-[a-z]$`).test(zone)) {
      return [`zones[${index}]: got "${zone}"; expected a zone of the region, such as ${region}-a`];
    }
    return zones.indexOf(zone) < index ? [`zones[${index}]: got "${zone}" a second time; expected each zone once`] : [];
  });
}

function nodeProblems({ nodes }: GcpConfig): string[] {
  return nodes.flatMap((node, index) => {
    if (takenLogins.includes(node)) {
      return [`nodes[${index}]: got "${node}", which another login has; choose another name`];
    }
    return nodes.indexOf(node) < index ? [`nodes[${index}]: got "${node}" a second time; expected each node once`] : [];
  });
}

function databaseProblems({ database, zones, domain, standby }: GcpConfig): string[] {
  const { backendTier, restoredTo, ...size } = database;
  const problems = sizeProblems(size).map((problem) => `database.${problem}`);
  problems.push(...momentProblems(restoredTo).map((problem) => `database.restoredTo${problem}`));
  if (restoredTo.length > 0 && standby?.promoted === false) {
    problems.push(
      "database.restoredTo: got a moment, but the databases are copies of another stack's; restore that one",
    );
  }
  if (backendTier !== undefined) {
    const backend = sizeProblems({ ...size, tier: backendTier }).filter((problem) => problem.startsWith("tier"));
    problems.push(...backend.map((problem) => `database.backendTier${problem.slice("tier".length)}`));
    if (!domain) problems.push("database.backendTier: there is no backend, because domain is false; remove it");
  }
  if (database.highAvailability && zones.length < 2) {
    problems.push(
      `database.highAvailability: got true with one zone (${zones.join(", ")}); expected at least two zones`,
    );
  }
  return problems;
}

function clusterProblems({ cluster, zones, network }: GcpConfig): string[] {
  const problems: string[] = [];
  const { min, max } = cluster.machines;
  if (min < zones.length) {
    problems.push(`cluster.machines.min: got ${min}; expected at least ${zones.length}, one machine for each zone`);
  }
  if (max < min) problems.push(`cluster.machines.max: got ${max}; expected at least ${min}, the min`);
  const most = machinesIn(planGcpAddresses(network.range));
  if (max > most) {
    problems.push(
      `cluster.machines.max: got ${max}; expected at most ${most}, or a network.range larger than ${network.range}`,
    );
  }
  cluster.authorizedRanges.forEach((range, index) => {
    if (!isPrivate(range)) {
      problems.push(
        `cluster.authorizedRanges[${index}]: got "${range}"; expected a private range, since the control plane has no public address (dnsEndpoint: true lets in whoever Google IAM does, from anywhere)`,
      );
    }
  });
  return problems;
}

function ingressProblems({ ingress, allowedRanges, bastion }: GcpConfig): string[] {
  const problems: string[] = [];
  const { exposure, hostname, armor } = ingress;
  if (exposure !== "internal" && allowedRanges.length === 0) {
    problems.push(
      `ingress.exposure: got "${exposure}" with no allowedRanges, so that nobody could reach it; list who may`,
    );
  }
  if (exposure === "application" && hostname === undefined) {
    problems.push('ingress.hostname: missing; the exposure "application" needs the name that its certificate is for');
  }
  if (exposure !== "application") {
    if (hostname !== undefined) {
      problems.push(
        `ingress.hostname: got "${hostname}" with the exposure "${exposure}"; only "application" has a certificate of its own`,
      );
    }
    if (armor !== undefined) {
      problems.push(
        `ingress.armor: got a section with the exposure "${exposure}"; only "application" has Cloud Armor in front`,
      );
    }
  }
  if (bastion?.accessPolicy !== undefined) {
    if (allowedRanges.length === 0) {
      problems.push(
        "bastion.accessPolicy: there are no allowedRanges, so that nobody could sign in; list from where operators may",
      );
    }
    const notPublic = allowedRanges.filter(isPrivate);
    if (notPublic.length > 0) {
      problems.push(
        `bastion.accessPolicy: allowedRanges has ${notPublic.join(", ")}; Google sees public addresses only`,
      );
    }
  }
  return problems;
}

function gatewayProblems({ gateway, domain, region }: GcpConfig): string[] {
  if (gateway === undefined) return [];
  const problems: string[] = [];
  if (!domain) problems.push("gateway: got a section, but domain is false; only a domain has sequencers to isolate");
  const subnetworkRegion = gateway.subnetwork.split("/")[3];
  if (subnetworkRegion !== region) {
    problems.push(`gateway.subnetwork: got one in ${subnetworkRegion}; expected one in ${region}, the domain's region`);
  }
  return problems;
}

function vpnProblems({ vpn, domain, network, ingress }: GcpConfig): string[] {
  if (vpn === undefined) return [];
  const { side, peerRanges, asn, peerAsn, tunnels } = vpn;
  const problems = tunnelProblems(tunnels).map((problem) => `vpn.tunnels${problem}`);
  if (side === "domain" && !domain) {
    problems.push('vpn.side: got "domain" where domain is false; expected "participant"');
  }
  if (side === "domain" && ingress.exposure === "external") {
    problems.push(
      'ingress.exposure: got "external" with a vpn; expected "internal": a public address is in no network that a route leads to',
    );
  }
  if (asn === peerAsn)
    problems.push(`vpn.peerAsn: got ${peerAsn}, which vpn.asn is; expected that of the other network`);
  tunnels.forEach(({ peerAddress }, index) => {
    if (isPrivate(`${peerAddress}/32`)) {
      problems.push(`vpn.tunnels[${index}].peerAddress: got "${peerAddress}"; expected an address in the internet`);
    }
  });
  peerRanges.forEach((range, index) => {
    const key = `vpn.peerRanges[${index}]: got "${range}"`;
    if (!isPrivate(range)) problems.push(`${key}; expected a private range`);
    for (const [other, what] of [
      [network.range, "network.range"],
      [googleApis, "Google's APIs"],
      ...peerRanges.slice(0, index).map((earlier, at) => [earlier, `vpn.peerRanges[${at}]`] as const),
    ] as const) {
      if (overlap(range, other)) {
        problems.push(`${key}, which overlaps ${other} (${what}); no route could tell them apart`);
      }
    }
  });
  return problems;
}

function standbyProblems({ standby, keys }: GcpConfig): string[] {
  if (standby === undefined || keys.nodesLocation === undefined) return [];
  return [`keys.nodesLocation: got "${keys.nodesLocation}", but the nodes' key is that of ${standby.of}; set it there`];
}

/** What a production environment must not go without, and what others had better not have. */
function productionProblems(config: GcpConfig): string[] {
  const { environment, database, zones, keys, ingress, allowedRanges, storage } = config;
  const problems: string[] = [];
  if (environment === "dev" && storage.lockLogs) {
    problems.push("storage.lockLogs: got true in dev; a locked bucket outlives its stack, for up to logDays");
  }
  if (environment !== "production") return problems;
  if (!database.highAvailability) {
    problems.push("database.highAvailability: got false; production needs a copy in a second zone");
  }
  if (zones.length < 2) problems.push(`zones: got ${zones.join(", ")}; production needs at least two`);
  if (keys.protectionLevel !== "HSM")
    problems.push(`keys.protectionLevel: got "${keys.protectionLevel}"; production needs "HSM"`);
  const everybody = allowedRanges.findIndex((range) => range.endsWith("/0"));
  if (ingress.exposure !== "internal" && everybody >= 0) {
    problems.push(
      `allowedRanges[${everybody}]: got "${allowedRanges[everybody]}"; production is open to those it lists, not to everybody`,
    );
  }
  return problems;
}
