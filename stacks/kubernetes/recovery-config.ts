/** What a stack keeps for bad days, as the configuration of `kubernetes` has it: dumps of databases, and of who each node is. */
import { createHash } from "node:crypto";
import type { Deployment } from "@pulumi-canton/components/deployment/deployment.ts";
import {
  cronFields,
  type ObjectStoreAccess,
  storeProblems,
} from "@pulumi-canton/components/recovery/database-backup-plan.ts";
import { z } from "zod";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { applicationsIn, peers, storesOf } from "./applications-config.ts";
import type { KubernetesConfig } from "./config.ts";
import type { PlannedNode } from "./platform-config.ts";

const schedule = z.string().regex(cronFields, 'expected the five fields of cron, such as "17 1 * * *"');
/** An hour apart: no node may be ahead of what the sequencers share. */
const defaultSchedules = { nodes: "17 1 * * *", sequencers: "17 2 * * *" } as const;

/** The section `backups`. */
export const backupsSchema = z.strictObject({
  /** With rclone and the PostgreSQL client, see docs/recovery.md; in production by its digest. */
  image: z.string().min(1),
  /** Where they go. Default: `databases` in the bucket of the infrastructure. */
  url: z.string().min(1).optional(),
  /** Of an object store that speaks S3 and is not AWS'. */
  endpoint: z.string().min(1).optional(),
  /** Region of the bucket, for S3. Default: the one that AWS tells the pods. */
  region: z.string().min(1).optional(),
  /** Login of the object store, secrets: `accessKeyId` and `secretAccessKey`, `key.json`, or `tenantId`, `clientId` and `clientSecret`. Default: the pods' cloud identity. */
  credentials: z.record(z.string(), z.string().min(1)).optional(),
  /** Cron, in UTC. */
  schedule: schedule.optional(),
  /** Where sequencers share a server of their own: when that is backed up, after the nodes. */
  sequencersSchedule: schedule.optional(),
  /** Days after which older ones are deleted. Default: never, the bucket has a rule for them. */
  keepDays: z.int().min(1).max(3650).optional(),
  /** Longest time of a run. */
  deadlineMinutes: z.int().min(1).max(1440).default(240),
  /** For the largest dump. */
  scratchGiB: z.int().min(1).max(4096).default(20),
  /** Class of encrypted disks for that. Default: that of the infrastructure; otherwise the machine's disk. */
  storageClass: z.string().min(1).optional(),
  /** Where the object store is, as the network sees it. Default: everywhere, by its port. */
  storage: peers.min(1).default([{ cidr: "0.0.0.0/0" }]),
});

/** The section `identityDumps`. */
export const identityDumpsSchema = z.strictObject({
  /** File on the machine that runs updates, whose first line encrypts private keys in the dumps: the same path on each. */
  passphraseFile: z.string().regex(/^\/\S+$/, 'expected an absolute path, such as "/run/secrets/dump-passphrase"'),
});

/** The backups of one server. */
export interface PlannedBackup {
  readonly name: string;
  readonly server: "nodes" | "sequencerBackend";
  /** Logins of the stack there; the server may have more. */
  readonly logins: readonly string[];
  readonly schedule: string;
}

/** Whether the sequencers share a server of their own. */
function separate(config: KubernetesConfig, infrastructure: InfrastructureState | undefined): boolean {
  const servers = infrastructure?.databases ?? config.databases;
  return config.domain !== undefined && servers?.sequencerBackend !== undefined;
}

/** The backups that a configuration asks for. */
export function planBackups(
  config: KubernetesConfig,
  nodes: readonly PlannedNode[],
  infrastructure: InfrastructureState | undefined,
): PlannedBackup[] {
  const { backups, domain, participants } = config;
  if (backups === undefined) return [];
  const apart = separate(config, infrastructure);
  const shared = domain === undefined ? [] : ["sequencer-backend"];
  const logins = [...nodes.map(({ name }) => name), ...applicationsIn(participants).flatMap(storesOf)];
  const { schedule: ofNodes = defaultSchedules.nodes, sequencersSchedule = defaultSchedules.sequencers } = backups;
  return [
    { name: "nodes-backup", server: "nodes", logins: apart ? logins : [...logins, ...shared], schedule: ofNodes },
    ...(apart
      ? [
          {
            name: "sequencers-backup",
            server: "sequencerBackend" as const,
            logins: shared,
            schedule: sequencersSchedule,
          },
        ]
      : []),
  ];
}

/** What backup pods ask for, at most two at the same time. */
export const backupPod = { replicas: 1, memoryMiB: 1024, cpuMillis: 100 } as const;

/** Where backups go; undefined where neither the configuration says it nor the infrastructure has a bucket. */
export function backupUrl(
  { backups }: KubernetesConfig,
  infrastructure: InfrastructureState | undefined,
): string | undefined {
  const bucket = infrastructure?.storage.backups;
  return backups?.url ?? (bucket === undefined ? undefined : `${bucket.replace(/\/$/, "")}/databases`);
}

/** How the object store is reached. */
export function accessOf({
  endpoint,
  region,
  credentials,
}: NonNullable<KubernetesConfig["backups"]>): ObjectStoreAccess {
  return { endpoint, region, login: credentials && Object.keys(credentials) };
}

/** Starts of the URLs of what the pods of a cloud have an identity for. */
const ownStores: Readonly<Partial<Record<InfrastructureState["cloud"], string>>> = {
  aws: "s3:",
  gcp: "gs:",
  azure: "https:",
};

/** What is wrong with backups in an environment, on an infrastructure. */
export function backupProblems(
  config: KubernetesConfig,
  { environment }: Pick<Deployment, "environment">,
  infrastructure: InfrastructureState | undefined,
): string[] {
  const { backups } = config;
  if (backups === undefined) return [];
  const problems: string[] = [];
  const say = (key: string, text: string) => problems.push(`backups.${key}${text}`);
  const url = backupUrl(config, infrastructure);
  if (url === undefined) {
    const why = infrastructure === undefined ? "" : `, as ${config.infrastructure} has no bucket`;
    say("url", ` is required${why}; expected where backups go, such as "s3://acme-backups/databases"`);
  } else {
    for (const problem of storeProblems(url, accessOf(backups))) say(problem, "");
    if (backups.credentials === undefined) {
      const own = infrastructure && ownStores[infrastructure.cloud];
      const namespace = config.namespace ?? infrastructure?.namespace;
      if (infrastructure?.cluster.workloadIdentity === undefined || own === undefined) {
        say("credentials", " is required: pods have no cloud identity here; expected the login of the object store");
      } else if (!url.startsWith(own) || backups.endpoint !== undefined) {
        say("credentials", ` is required: the identity of pods on ${infrastructure.cloud} is not known at ${url}`);
      } else if (namespace !== infrastructure.namespace) {
        say(
          "credentials",
          ` is required: only pods of the namespace ${infrastructure.namespace} have a cloud identity, and these are in ${namespace}`,
        );
      } else if (backups.keepDays !== undefined && infrastructure.cloud === "aws") {
        say(
          "keepDays",
          `: got ${backups.keepDays}, but the identity of pods on aws may not delete; expected credentials of one that may, or to leave it to the bucket`,
        );
      }
    }
  }
  if (separate(config, infrastructure)) {
    if (backups.schedule !== undefined && backups.sequencersSchedule === undefined) {
      say(
        "sequencersSchedule",
        " is required with schedule: what the sequencers share is on a server of its own, and is backed up after the nodes",
      );
    }
  } else if (backups.sequencersSchedule !== undefined) {
    say("sequencersSchedule", ": is set, but sequencers have no server of their own; expected schedule alone");
  }
  if (environment === "production" && !/@sha256:[0-9a-f]{64}$/.test(backups.image)) {
    say(
      "image",
      `: got "${backups.image}"; expected it by its digest in production, such as registry/postgres-rclone@sha256:…`,
    );
  }
  return problems;
}

/** Stands for all of a configuration that the identities of nodes change with. */
export function identityDigest({ domain, join, participants, allowList, hostings }: KubernetesConfig): string {
  const hosted = participants.map(({ name, parties, initialisation }) => ({ name, parties, initialisation }));
  const text = JSON.stringify({ domain, join, participants: hosted, allowList, hostings });
  return createHash("sha256").update(text).digest("hex");
}
