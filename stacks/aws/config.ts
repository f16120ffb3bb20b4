/** The configuration of the AWS template: what is accepted, what an environment's preset adds, and what does not go together. */
import { momentProblems, nodeProblems } from "@pulumi-canton/components/database/aws-postgres-plan.ts";
import type { Deployment } from "@pulumi-canton/components/deployment/deployment.ts";
import { overlap } from "@pulumi-canton/components/network/addresses.ts";
import { gatewaySides } from "@pulumi-canton/components/network/aws-gateway.ts";
import { natModes } from "@pulumi-canton/components/network/aws-network.ts";
import { networkPrefixes, zonesOf } from "@pulumi-canton/components/network/aws-network-plan.ts";
import { serviceRange } from "@pulumi-canton/components/platform/aws-cluster-plan.ts";
import { lockModes } from "@pulumi-canton/components/recovery/aws-bucket.ts";
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { refuseProblems } from "../config/nodes.ts";
import { cidr, infrastructureKeys, moment } from "../infrastructure/config.ts";
import { type AwsPreset, awsPresets } from "./presets.ts";

/** Days for which CloudWatch can keep logs. */
const logDays = z.literal([
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]);
const regionName = z
  .string()
  .regex(
    /^(?!cn-)[a-z]{2}(?:-[a-z]+)+-\d$/,
    'expected a region such as "eu-central-1"; those of China are not supported',
  );
const arn = (of: string) =>
  z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:(?:role|user)\/\S+$/, `expected the ARN of ${of}`);
const port = z.int().min(1).max(65_535);

/** All keys of the stack's configuration. Keys without a value here come from the environment's preset. */
export const awsConfigSchema = z.strictObject({
  ...infrastructureKeys,
  /** The account that all is made in; credentials of another are refused. */
  account: z.preprocess(
    // The engine hands over a text of digits as a number.
    (given: string | number) => (typeof given === "number" ? String(given).padStart(12, "0") : given),
    z.string().regex(/^\d{12}$/, "expected 12 digits"),
  ),
  /** Region that all is made in. Example: `eu-central-1`. */
  region: regionName,
  /** Zones that all is spread over, 2 to 4; one that is appended moves nothing. Default: as many as the preset says. */
  zones: z.array(z.string()).optional(),
  /** The network. */
  network: z
    .strictObject({
      /** Its addresses, a private IPv4 range of /16 to /19. */
      range: cidr.optional(),
      /** How nodes reach the internet: not at all, by a gateway in the first zone, or by one in every zone. */
      nat: z.enum(natModes).optional(),
      /** Whether services of AWS are reached without the internet. */
      endpoints: z.boolean().optional(),
      /** Days for which it is kept who talked to whom. */
      flowLogDays: logDays.optional(),
      /** Name of the private DNS zone. Default: `NAME.internal`. */
      zoneName: z
        .string()
        .regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/, 'expected a domain name such as "canton.internal"')
        .optional(),
    })
    .prefault({}),
  /** The Kubernetes cluster. */
  cluster: z
    .strictObject({
      /** Minor version of Kubernetes. */
      version: z
        .string()
        .regex(/^1\.\d{2}$/, 'expected a version of Kubernetes such as "1.34", in quotes')
        .optional(),
      /** Type of its machines. */
      instanceType: z
        .string()
        .regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'expected a type such as "m7i.xlarge"')
        .optional(),
      /** How many machines there are, over all zones. */
      machines: z
        .strictObject({
          /** At least, and at first. */
          min: z.int().min(1).max(100),
          /** At most. */
          max: z.int().min(1).max(450),
        })
        .optional(),
      /** Disk of a machine, in GiB. */
      disk: z.int().min(20).max(16_384).optional(),
      /** Who may reach the Kubernetes API from the internet; nobody by default. */
      apiRanges: z.array(cidr).optional(),
      /** Roles of people who administer the cluster, besides whoever makes it. */
      administrators: z.array(arn("a role or user")).optional(),
      /** Days for which its logs are kept. */
      logDays: logDays.optional(),
    })
    .prefault({}),
  /** The database servers. */
  database: z.strictObject({
    ...infrastructureKeys.database.unwrap().shape,
    /** File with the authorities of RDS in this region, PEM; beside this configuration. See docs/aws.md. */
    caFile: z.string().min(1),
    /** Class of their machines. */
    instanceClass: z
      .string()
      .regex(/^db\.[a-z0-9]+\.[a-z0-9]+$/, 'expected a class such as "db.r7g.large"')
      .optional(),
    /** Disk of a server at first, in GiB. */
    storage: z.int().min(20).max(65_536).optional(),
    /** What a disk grows to by itself, in GiB. */
    maxStorage: z.int().min(20).max(65_536).optional(),
    /** A synchronous copy of every server in a second zone. */
    highAvailability: z.boolean().optional(),
    /** Days of which any moment can be brought back. */
    backupDays: z.int().min(1).max(35).optional(),
    /** Whether the operating systems of the servers are measured too, every minute. */
    monitoring: z.boolean().optional(),
    /** Moments that the databases were brought back to, each in servers beside those of the one before. Append only. */
    restoredTo: z.array(moment).default([]),
  }),
  /** Whether the load balancer of the ingress has an address in the internet or in the network. */
  ingress: z.enum(["internal", "public"]).default("internal"),
  /** A machine without an address, over which operators forward connections. */
  bastion: z.boolean().optional(),
  /** Joins the network to that of a participant of the domain's owner, or the other way round. Default: it stands alone. */
  gateway: z
    .strictObject({
      /** Which network this is: that of the domain, or that of the participant. */
      side: z.enum(gatewaySides).default("domain"),
      /** The output `aws.gateway` of the domain's stack, on the side of a participant. */
      transitGateway: z
        .strictObject({
          /** Id of the transit gateway. */
          id: z.string().regex(/^tgw-/, "expected an id that starts with tgw-"),
          /** Ids of its route tables. */
          routeTables: z.strictObject({
            /** That of the domain's network. */
            domain: z.string(),
            /** That of the participant's network. */
            participant: z.string(),
          }),
        })
        .optional(),
      /** Addresses of the other network. */
      peerRanges: z.array(cidr).min(1),
      /** TCP ports of the domain that participants may dial. */
      ports: z.array(port).min(1).max(5).default([443]),
    })
    .optional(),
  /** Puts an application load balancer with a web ACL before the ingress. Default: a network load balancer, which looks at nothing. */
  waf: z
    .strictObject({
      /** ARN of its certificate in Certificate Manager. */
      certificate: z.string().regex(/^arn:aws[a-z-]*:acm:/, "expected the ARN of a certificate in Certificate Manager"),
      /** Requests that one address may send in 5 minutes. */
      rateLimit: z.int().min(10).max(2_000_000_000).default(10_000),
    })
    .optional(),
  /** The buckets. */
  storage: z
    .strictObject({
      /** Days for which logs are kept for audit. */
      auditDays: z.int().min(1).max(36_500).optional(),
      /** Who may shorten that time: those with a special permission, nobody, or everybody who may delete. */
      auditLock: z.enum([...lockModes, "none"]).optional(),
      /** Days for which overwritten and deleted objects are still there. */
      oldVersionDays: z.int().min(1).max(36_500).optional(),
    })
    .prefault({}),
  /** Nightly backups, besides those of the databases. */
  backup: z
    .strictObject({
      /** Days for which they are kept; 0 for none. */
      days: z.int().min(0).max(36_500).optional(),
      /** Region that backups are copied to. Default: none. */
      copyTo: regionName.optional(),
    })
    .prefault({}),
  /** Whether databases, keys and buckets outlive a mistake. */
  protect: z.boolean().optional(),
});

type Given = z.output<typeof awsConfigSchema>;
/** Sections that a preset completes. */
type Section = "network" | "cluster" | "database" | "storage" | "backup";

/** The configuration of the AWS template, checked and complete. */
export type AwsConfig = Omit<Given, Section | "zones" | "namespace" | "bastion" | "protect"> & {
  readonly [S in Section]: Given[S] & AwsPreset[S];
} & {
  readonly zones: readonly string[];
  readonly namespace: string;
  readonly bastion: boolean;
  readonly protect: boolean;
  readonly network: { readonly zoneName: string };
};

/**
 * Checks the configuration of the AWS template.
 *
 * @throws ConfigError with every problem: its key, its value, and what is accepted
 */
export function checkAwsConfig(given: Readonly<Record<string, unknown>>): AwsConfig {
  const config = complete(checkConfig(awsConfigSchema, given));
  refuseProblems([
    ...placeProblems(config),
    ...nodeProblems(config.nodes),
    ...networkProblems(config),
    ...wafProblems(config),
    ...gatewayProblems(config),
    ...sizeProblems(config),
    ...recoveryProblems(config),
    ...(config.environment === "production" ? productionProblems(config) : []),
  ]);
  return config;
}

function complete(given: Given): AwsConfig {
  const preset = awsPresets[given.environment];
  return {
    ...given,
    zones: given.zones ?? zonesOf(given.region, preset.zones) ?? [],
    namespace: given.namespace ?? given.name,
    bastion: given.bastion ?? preset.bastion,
    protect: given.protect ?? preset.protect,
    network: { zoneName: `${given.name}.internal`, ...preset.network, ...given.network },
    cluster: { ...preset.cluster, ...given.cluster },
    database: { ...preset.database, ...given.database },
    storage: { ...preset.storage, ...given.storage },
    backup: { ...preset.backup, ...given.backup },
  } as AwsConfig;
}

function placeProblems({ region, zones }: AwsConfig): string[] {
  if (zones.length === 0) {
    return [
      `zones: missing; expected 2 to 4 names, for those of ${region} differ by account: aws ec2 describe-availability-zones`,
    ];
  }
  const problems: string[] = [];
  if (zones.length < 2 || zones.length > 4) {
    problems.push(`zones: got ${zones.length}; expected 2 to 4: databases and clusters are spread over them`);
  }
  zones.forEach((zone, index) => {
    if (!new RegExp(`^${region}[a-z]$`).test(zone)) {
      problems.push(`zones[${index}]: got "${zone}"; expected a zone of ${region} such as "${region}a"`);
    }
    if (zones.indexOf(zone) < index) problems.push(`zones[${index}]: got "${zone}" a second time; expected each once`);
  });
  return problems;
}

const everybody = (range: string) => range.endsWith("/0");
const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

function networkProblems(config: AwsConfig): string[] {
  const { network, ingress, allowedRanges, cluster, environment } = config;
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
  if (overlap(network.range, serviceRange)) {
    problems.push(
      `network.range: got "${network.range}"; expected one beside ${serviceRange}, which the cluster's services have`,
    );
  }
  if (network.nat === "none" && !network.endpoints) {
    problems.push(
      "network.endpoints: got false with network.nat: none; machines would reach neither images nor the cluster; set one of them",
    );
  }
  if (ingress === "public" && allowedRanges.length === 0) {
    problems.push("allowedRanges: got none with ingress: public; expected who may reach it, such as 203.0.113.0/24");
  }
  if (environment !== "dev" && allowedRanges.some(everybody)) {
    problems.push(`allowedRanges: got 0.0.0.0/0 in ${environment}; expected those who use the domain`);
  }
  if (cluster.apiRanges.some(everybody)) {
    problems.push("cluster.apiRanges: got 0.0.0.0/0; expected those who administer the cluster, or none and a bastion");
  }
  return problems;
}

/** What is wrong with a web ACL, also one of a stack of its own. */
export function wafProblems(config: Pick<AwsConfig, "waf" | "region" | "allowedRanges" | "gateway">): string[] {
  const { waf, region } = config;
  if (waf === undefined) return [];
  const problems: string[] = [];
  if (!waf.certificate.includes(`:acm:${region}:`)) {
    problems.push(`waf.certificate: got "${waf.certificate}"; expected one of ${region}, where the load balancer is`);
  }
  if (rangesOfClients(config).length === 0) {
    problems.push(
      "waf: got a web ACL without allowedRanges, which would refuse everybody; expected who may send requests",
    );
  }
  return problems;
}

/** What is wrong with a gateway, also one of a stack of its own. */
export function gatewayProblems({
  gateway,
  domain,
  network,
  ingress,
}: Pick<AwsConfig, "gateway" | "domain" | "ingress"> & { readonly network: { readonly range: string } }): string[] {
  if (gateway === undefined) return [];
  const problems: string[] = [];
  const { side, transitGateway, peerRanges } = gateway;
  if (side === "domain" && !domain) {
    problems.push('gateway.side: got "domain" where domain is false; expected "participant"');
  }
  if (side === "domain" && ingress === "public") {
    problems.push(
      'ingress: got "public" with a gateway; expected "internal": the name of a public load balancer leads to addresses in the internet, which no gateway has a route to',
    );
  }
  if (side === "participant" && transitGateway === undefined) {
    problems.push("gateway.transitGateway: missing; expected the output aws.gateway of the domain's stack");
  }
  peerRanges.forEach((range, index) => {
    for (const [other, what] of [
      [network.range, "network.range"],
      [serviceRange, "the cluster's services"],
      ...peerRanges.slice(0, index).map((earlier, at) => [earlier, `gateway.peerRanges[${at}]`] as const),
    ] as const) {
      if (overlap(range, other)) {
        problems.push(
          `gateway.peerRanges[${index}]: got "${range}", which overlaps ${other} (${what}); no route could tell them apart`,
        );
      }
    }
  });
  return problems;
}

function sizeProblems({ cluster: { machines }, database: { storage, maxStorage } }: AwsConfig): string[] {
  const problems: string[] = [];
  if (machines.min > machines.max) {
    problems.push(
      `cluster.machines: got min ${machines.min} and max ${machines.max}; expected min not to be above max`,
    );
  }
  if (maxStorage < Math.ceil(storage * 1.1)) {
    problems.push(
      `database.maxStorage: got ${maxStorage}; expected at least a tenth above database.storage, ${storage}`,
    );
  }
  return problems;
}

function recoveryProblems({ region, backup, database, standby, storage }: AwsConfig): string[] {
  const problems: string[] = [];
  if (backup.copyTo === region) {
    problems.push(`backup.copyTo: got "${region}", where the backups are; expected another region`);
  }
  if (backup.copyTo !== undefined && backup.copyTo.startsWith("us-gov-") !== region.startsWith("us-gov-")) {
    problems.push(`backup.copyTo: got "${backup.copyTo}"; expected a region of the same cloud as ${region}`);
  }
  if (backup.copyTo !== undefined && backup.days === 0) {
    problems.push("backup.days: got 0 with backup.copyTo; expected the days for which copies are kept");
  }
  problems.push(...momentProblems(database.restoredTo).map((problem) => `database.restoredTo${problem}`));
  if (standby?.promoted === false && database.restoredTo.length > 0) {
    problems.push("database.restoredTo: got a moment in a standby region; expected it in the stack that is followed");
  }
  if (storage.auditLock === "compliance" && storage.auditDays > 3653) {
    problems.push(
      `storage.auditDays: got ${storage.auditDays} with auditLock: compliance; expected at most 3653: nobody could delete or stop paying before`,
    );
  }
  return problems;
}

function productionProblems({ database, backup, cluster, protect, zones }: AwsConfig): string[] {
  const problems: string[] = [];
  if (!database.highAvailability) {
    problems.push(
      "database.highAvailability: got false in production; expected true: a zone that fails would stop the network",
    );
  }
  if (database.backupDays < 7) {
    problems.push(`database.backupDays: got ${database.backupDays} in production; expected at least 7`);
  }
  if (backup.days === 0) problems.push("backup.days: got 0 in production; expected at least 1");
  if (cluster.machines.min < zones.length) {
    problems.push(
      `cluster.machines.min: got ${cluster.machines.min} in production; expected one for each of the ${zones.length} zones`,
    );
  }
  if (!protect)
    problems.push("protect: got false in production; expected true: databases and keys would go with the stack");
  return problems;
}

/** Who may reach the ingress: those who are listed, and the network that is joined to a domain's. */
export function rangesOfClients({
  allowedRanges,
  gateway,
}: Pick<AwsConfig, "allowedRanges" | "gateway">): readonly string[] {
  return [...allowedRanges, ...(gateway?.side === "domain" ? gateway.peerRanges : [])];
}

/** What a deployment is called and marked with. */
export function deploymentOf({ name, environment, tags }: AwsConfig): Deployment {
  return { name, environment, tags };
}
