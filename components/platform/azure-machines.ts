/** The machines of a cluster, in pools. Pure. */
import { createHash } from "node:crypto";

/** Machines of one kind. */
export interface AzureMachines {
  /** Processors and memory of a machine. Example: `"Standard_D4ds_v5"`. */
  readonly size: string;
  /** Fewest machines, and most. */
  readonly fewest: number;
  readonly most: number;
}

/** What the pools are made from. */
export interface MachinePools {
  readonly machines: AzureMachines;
  /** Absent: the machines of nodes run what Kubernetes itself needs. */
  readonly systemMachines?: AzureMachines;
  readonly zones: readonly string[];
  /** Default: true. */
  readonly hostEncryption?: boolean;
}

/** The pools as Azure takes them, but for their subnet. */
export function machinePools({ machines, systemMachines, zones, hostEncryption = true }: MachinePools) {
  const pool = (name: string, mode: "System" | "User", { size, fewest, most }: AzureMachines) => ({
    name: poolName(name, size, zones, hostEncryption),
    mode,
    type: "VirtualMachineScaleSets",
    osType: "Linux",
    osSKU: "AzureLinux",
    vmSize: size,
    count: fewest,
    minCount: fewest,
    maxCount: most,
    enableAutoScaling: true,
    enableNodePublicIP: false,
    enableEncryptionAtHost: hostEncryption,
    ...(zones.length > 0 && { availabilityZones: [...zones] }),
    upgradeSettings: { maxSurge: "33%" },
  });
  if (systemMachines === undefined) return [pool("nodes", "System", machines)];
  return [
    { ...pool("system", "System", systemMachines), nodeTaints: ["CriticalAddonsOnly=true:NoSchedule"] },
    pool("nodes", "User", machines),
  ];
}

/**
 * Azure changes neither size nor zones of machines that are there: with others the pool has another name, so that a new one
 * comes and the old one goes. 1 to 12 letters and digits.
 */
function poolName(start: string, ...fixed: unknown[]): string {
  return `${start}${createHash("sha256").update(JSON.stringify(fixed)).digest("hex").slice(0, 4)}`;
}
