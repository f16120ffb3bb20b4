/** What an environment of the gcp stack gets where its configuration says nothing. */
import type { GcpPostgresSize } from "@pulumi-canton/components/database/gcp-postgres-plan.ts";
import type { Environment } from "@pulumi-canton/components/deployment/deployment.ts";
import type { gcpReleaseChannels } from "@pulumi-canton/components/platform/gcp-cluster.ts";

/** Everything that depends on the environment. */
export interface GcpPreset {
  /** How many zones machines are in. */
  readonly zones: number;
  readonly network: { readonly natAddresses: number; readonly flowSampling: number };
  readonly database: GcpPostgresSize & { readonly diskGiB: number; readonly highAvailability: boolean };
  readonly cluster: {
    readonly machineType: string;
    readonly machines: { readonly min: number; readonly max: number };
    readonly releaseChannel: (typeof gcpReleaseChannels)[number];
  };
  readonly keys: { readonly protectionLevel: "SOFTWARE" | "HSM"; readonly rotationDays: number };
  readonly storage: { readonly backupDays: number; readonly logDays: number; readonly lockLogs: boolean };
  /** Databases, keys and buckets refuse to be deleted, and stay when the stack goes. */
  readonly retain: boolean;
}

/** The presets. */
export const gcpPresets: Readonly<Record<Environment, GcpPreset>> = {
  dev: {
    zones: 2,
    network: { natAddresses: 1, flowSampling: 0.1 },
    database: {
      edition: "ENTERPRISE",
      tier: "db-custom-1-3840",
      backups: 7,
      recoveryDays: 1,
      diskGiB: 10,
      highAvailability: false,
    },
    cluster: { machineType: "e2-standard-4", machines: { min: 2, max: 4 }, releaseChannel: "REGULAR" },
    keys: { protectionLevel: "SOFTWARE", rotationDays: 90 },
    storage: { backupDays: 7, logDays: 7, lockLogs: false },
    retain: false,
  },
  staging: {
    zones: 3,
    network: { natAddresses: 1, flowSampling: 0.5 },
    database: {
      edition: "ENTERPRISE",
      tier: "db-custom-2-8192",
      backups: 14,
      recoveryDays: 7,
      diskGiB: 50,
      highAvailability: true,
    },
    cluster: { machineType: "n2d-standard-4", machines: { min: 3, max: 6 }, releaseChannel: "STABLE" },
    keys: { protectionLevel: "HSM", rotationDays: 90 },
    storage: { backupDays: 14, logDays: 30, lockLogs: false },
    retain: false,
  },
  production: {
    zones: 3,
    network: { natAddresses: 2, flowSampling: 1 },
    database: {
      edition: "ENTERPRISE_PLUS",
      tier: "db-perf-optimized-N-4",
      backups: 35,
      recoveryDays: 14,
      diskGiB: 100,
      highAvailability: true,
    },
    cluster: { machineType: "n2d-standard-8", machines: { min: 3, max: 9 }, releaseChannel: "STABLE" },
    keys: { protectionLevel: "HSM", rotationDays: 90 },
    storage: { backupDays: 35, logDays: 365, lockLogs: true },
    retain: true,
  },
};

/** Regions whose first zones are not a, b and c. */
const otherZones: Readonly<Record<string, string>> = { "us-east1": "bcd", "europe-west1": "bcd" };

/** The zones of a region, as many as are asked for. */
export function zonesOf(region: string, count: number): string[] {
  return [...(otherZones[region] ?? "abc")].slice(0, count).map((letter) => `${region}-${letter}`);
}
