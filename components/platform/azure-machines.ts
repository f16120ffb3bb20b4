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
  readonly hostEncryption?: boolean | undefined;
}

/** The pools that are part of the cluster itself, as Azure takes them, but for their subnet: what it is made with, for good. */
export function machinePools(pools: MachinePools) {
  return poolsNamed(pools, []);
}

/** The same pools as resources of their own, which can be changed: of other names, so that both can be there at once. */
export function ownPools(pools: MachinePools) {
  return poolsNamed(pools, ["own"]);
}

/**
 * What a cluster is made with that has pools of its own: Azure makes none without a pool for its system. One machine, which runs
 * what Kubernetes itself needs until the others are there.
 */
export function firstPool({ machines, systemMachines = machines, zones, hostEncryption }: MachinePools) {
  const pools = { machines, systemMachines: { ...systemMachines, fewest: 1, most: 1 }, zones, hostEncryption };
  return poolsNamed(pools, ["first"]).slice(0, 1);
}

function poolsNamed({ machines, systemMachines, zones, hostEncryption = true }: MachinePools, kind: readonly string[]) {
  const pool = (name: string, mode: "System" | "User", { size, fewest, most }: AzureMachines) => ({
    name: poolName(name, ...kind, size, zones, hostEncryption),
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
