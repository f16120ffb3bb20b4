/** What the AWS template makes for each environment, where the configuration says nothing else. */
import type { Environment } from "@pulumi-canton/components/deployment/deployment.ts";
import type { NatMode } from "@pulumi-canton/components/network/aws-network.ts";
import type { LockMode } from "@pulumi-canton/components/recovery/aws-bucket.ts";

/** How much there is of everything, and how safe it is. */
export interface AwsPreset {
  /** How many zones. */
  readonly zones: number;
  readonly network: {
    readonly range: string;
    readonly nat: NatMode;
    /** Whether services of AWS are reached without the internet. */
    readonly endpoints: boolean;
    readonly flowLogDays: number;
  };
  readonly cluster: {
    readonly version: string;
    readonly instanceType: string;
    readonly machines: { readonly min: number; readonly max: number };
    /** GiB. */
    readonly disk: number;
    readonly apiRanges: readonly string[];
    readonly administrators: readonly string[];
    readonly logDays: number;
  };
  readonly database: {
    readonly instanceClass: string;
    /** GiB. */
    readonly storage: number;
    /** GiB. */
    readonly maxStorage: number;
    readonly highAvailability: boolean;
    readonly backupDays: number;
    readonly monitoring: boolean;
  };
  readonly bastion: boolean;
  readonly storage: {
    /** Days for which logs are kept for audit. */
    readonly auditDays: number;
    /** Whether they can be deleted before. */
    readonly auditLock: LockMode | "none";
    /** Days for which overwritten and deleted objects are still there. */
    readonly oldVersionDays: number;
  };
  /** Nightly backups besides those of the databases; 0 days: none. */
  readonly backup: { readonly days: number };
  /** Whether databases, keys and buckets outlive a mistake. */
  readonly protect: boolean;
}

const common = { range: "10.20.0.0/16" };
const cluster = { version: "1.34", apiRanges: [], administrators: [] };

/** By environment. */
export const awsPresets: Readonly<Record<Environment, AwsPreset>> = {
  dev: {
    zones: 2,
    network: { ...common, nat: "zonal", endpoints: false, flowLogDays: 7 },
    cluster: { ...cluster, instanceType: "m7i.large", machines: { min: 2, max: 4 }, disk: 50, logDays: 7 },
    database: {
      instanceClass: "db.t4g.medium",
      storage: 20,
      maxStorage: 100,
      highAvailability: false,
      backupDays: 1,
      monitoring: false,
    },
    bastion: true,
    storage: { auditDays: 30, auditLock: "none", oldVersionDays: 7 },
    backup: { days: 0 },
    protect: false,
  },
  staging: {
    zones: 3,
    network: { ...common, nat: "zonal", endpoints: true, flowLogDays: 30 },
    cluster: { ...cluster, instanceType: "m7i.large", machines: { min: 3, max: 6 }, disk: 50, logDays: 30 },
    database: {
      instanceClass: "db.m7g.large",
      storage: 50,
      maxStorage: 200,
      highAvailability: true,
      backupDays: 7,
      monitoring: false,
    },
    bastion: true,
    storage: { auditDays: 90, auditLock: "none", oldVersionDays: 30 },
    backup: { days: 14 },
    protect: false,
  },
  production: {
    zones: 3,
    network: { ...common, nat: "regional", endpoints: true, flowLogDays: 365 },
    cluster: { ...cluster, instanceType: "m7i.xlarge", machines: { min: 3, max: 9 }, disk: 100, logDays: 365 },
    database: {
      instanceClass: "db.r7g.large",
      storage: 100,
      maxStorage: 1000,
      highAvailability: true,
      backupDays: 35,
      monitoring: true,
    },
    bastion: true,
    storage: { auditDays: 2557, auditLock: "governance", oldVersionDays: 90 },
    backup: { days: 35 },
    protect: true,
  },
};
