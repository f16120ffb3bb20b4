/** What the Azure template makes for each environment, where the configuration says nothing else. */
import type {
  AzureDatabaseAvailability,
  AzureDatabaseSize,
} from "@pulumi-canton/components/database/azure-database-plan.ts";
import type { Environment } from "@pulumi-canton/components/deployment/deployment.ts";
import type { AzureMachines } from "@pulumi-canton/components/platform/azure-machines.ts";
import type { AzureCopies } from "@pulumi-canton/components/recovery/azure-backup-storage.ts";

/** How much there is of everything, and how safe it is. */
export interface AzurePreset {
  readonly network: { readonly range: string; readonly egressPorts: readonly number[] };
  readonly cluster: {
    readonly version: string;
    readonly machines: AzureMachines;
    /** Absent: the machines of nodes run what Kubernetes itself needs. */
    readonly systemMachines?: AzureMachines;
    readonly privateApi: boolean;
    readonly adminGroups: readonly string[];
    readonly localAccounts: boolean;
    readonly hostEncryption: boolean;
    readonly agreedAvailability: boolean;
    readonly podRange: string;
    readonly serviceRange: string;
  };
  readonly database: {
    readonly size: AzureDatabaseSize;
    /** GiB. */
    readonly storageGb: number;
    readonly availability: AzureDatabaseAvailability;
    readonly retentionDays: number;
    /** Whether the paired region keeps a copy of the backups. */
    readonly geoBackup: boolean;
    readonly replicaRanges: readonly string[];
  };
  readonly bastion: boolean;
  readonly storage: {
    readonly copies: AzureCopies;
    /** Days for which backups are kept. */
    readonly backupDays: number;
    /** Days for which logs are kept for audit, and cannot be changed. */
    readonly auditDays: number;
    /** Months for which a weekly backup of the databases is kept on top; 0: none. */
    readonly longTermMonths: number;
  };
  /** Whether keys are in a hardware module. */
  readonly hardwareKeys: boolean;
  /** Whether databases, keys and backups outlive a mistake. */
  readonly protect: boolean;
}

const network = { range: "10.20.0.0/16", egressPorts: [443] };
const cluster = {
  version: "1.34",
  adminGroups: [],
  hostEncryption: true,
  podRange: "10.244.0.0/16",
  serviceRange: "10.245.0.0/16",
};

/** By environment. */
export const azurePresets: Readonly<Record<Environment, AzurePreset>> = {
  dev: {
    network,
    cluster: {
      ...cluster,
      machines: { size: "Standard_D2ds_v5", fewest: 2, most: 4 },
      privateApi: false,
      localAccounts: true,
      agreedAvailability: false,
    },
    database: {
      size: "Standard_B2s",
      storageGb: 32,
      availability: "none",
      retentionDays: 7,
      geoBackup: false,
      replicaRanges: [],
    },
    bastion: false,
    storage: { copies: "Standard_LRS", backupDays: 14, auditDays: 30, longTermMonths: 0 },
    hardwareKeys: false,
    protect: false,
  },
  staging: {
    network,
    cluster: {
      ...cluster,
      machines: { size: "Standard_D4ds_v5", fewest: 3, most: 6 },
      systemMachines: { size: "Standard_D2ds_v5", fewest: 2, most: 3 },
      privateApi: true,
      localAccounts: false,
      agreedAvailability: true,
    },
    database: {
      size: "Standard_D2ds_v5",
      storageGb: 64,
      availability: "zone-redundant",
      retentionDays: 14,
      geoBackup: false,
      replicaRanges: [],
    },
    bastion: true,
    storage: { copies: "Standard_ZRS", backupDays: 35, auditDays: 90, longTermMonths: 0 },
    hardwareKeys: false,
    protect: false,
  },
  production: {
    network,
    cluster: {
      ...cluster,
      machines: { size: "Standard_D4ds_v5", fewest: 3, most: 9 },
      systemMachines: { size: "Standard_D2ds_v5", fewest: 3, most: 3 },
      privateApi: true,
      localAccounts: false,
      agreedAvailability: true,
    },
    database: {
      size: "Standard_E4ds_v5",
      storageGb: 128,
      availability: "zone-redundant",
      retentionDays: 35,
      geoBackup: true,
      replicaRanges: [],
    },
    bastion: true,
    storage: { copies: "Standard_GZRS", backupDays: 35, auditDays: 2555, longTermMonths: 0 },
    hardwareKeys: true,
    protect: true,
  },
};
