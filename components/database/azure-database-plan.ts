/** What Azure is asked for when it makes a PostgreSQL server. Pure. */
import { createHash } from "node:crypto";
import type { Input } from "@pulumi/pulumi";

/** Sizes of servers, by what they are for. */
export const azureDatabaseSizes = {
  /** Shares its processors; no standby. For development. */
  Standard_B2s: "Burstable",
  Standard_B2ms: "Burstable",
  Standard_D2ds_v5: "GeneralPurpose",
  Standard_D4ds_v5: "GeneralPurpose",
  Standard_D8ds_v5: "GeneralPurpose",
  Standard_D16ds_v5: "GeneralPurpose",
  /** Twice the memory. */
  Standard_E4ds_v5: "MemoryOptimized",
  Standard_E8ds_v5: "MemoryOptimized",
  Standard_E16ds_v5: "MemoryOptimized",
} as const;
/** One of {@link azureDatabaseSizes}. */
export type AzureDatabaseSize = keyof typeof azureDatabaseSizes;

/** Disks that can be had, in GiB. */
export const azureDatabaseDisks = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384] as const;

/** Where the machine is that takes over: in another zone, in the same one, nowhere. */
export const azureDatabaseAvailabilities = ["zone-redundant", "same-zone", "none"] as const;
/** One of {@link azureDatabaseAvailabilities}. */
export type AzureDatabaseAvailability = (typeof azureDatabaseAvailabilities)[number];

/** Whether a size can have a standby and replicas. */
export function canReplicate(size: AzureDatabaseSize): boolean {
  return azureDatabaseSizes[size] !== "Burstable";
}

/** What every server is told: nobody connects without TLS, and who did is in the log. */
export const parameters = {
  require_secure_transport: "ON",
  ssl_min_protocol_version: "TLSv1.2",
  log_connections: "ON",
};

export function skuOf(size: AzureDatabaseSize): { name: string; tier: string } {
  return { name: size, tier: azureDatabaseSizes[size] };
}

/** Names that the service keeps for itself. */
const taken = /^(pg_.*|azure_.*|canton_admin|administrator|admin|root|guest|public|postgres|template[01])$/;

/** What is wrong with the names of nodes as those of databases and logins. */
export function loginProblems(nodes: readonly string[]): string[] {
  return nodes.flatMap((node, index) => {
    if (taken.test(databaseName(node))) {
      return [
        `nodes[${index}]: got "${node}", whose database would be ${databaseName(node)}, a name that the server keeps for itself`,
      ];
    }
    return nodes.indexOf(node) < index ? [`nodes[${index}]: got "${node}" a second time; expected each once`] : [];
  });
}

/** Name of a node's database and of its login. */
export function databaseName(node: string): string {
  return node.replaceAll("-", "_");
}

/** The last part of a server's name: one restored to a time stands beside the one that it comes from. */
export function namePart(part: string, restoredTo: string | undefined): string {
  if (restoredTo === undefined) return part;
  return `${part}-${createHash("sha256").update(restoredTo).digest("hex").slice(0, 6)}`;
}

export function highAvailability(availability: AzureDatabaseAvailability, zones: readonly string[]) {
  const [own, other] = zones;
  if (availability === "zone-redundant" && (own === undefined || other === undefined)) {
    throw new Error(`zones: got ${JSON.stringify(zones)}; expected two at least for a standby in another zone`);
  }
  return {
    ...(own !== undefined && { availabilityZone: own }),
    highAvailability: {
      mode: { "zone-redundant": "ZoneRedundant", "same-zone": "SameZone", none: "Disabled" }[availability],
      ...(availability === "zone-redundant" && { standbyAvailabilityZone: other as string }),
    },
  };
}

/** A moment to go back to. */
export interface Restore {
  /** In UTC. Example: `"2026-03-01T10:15:00Z"`. */
  readonly to: string;
  /** The moment that the server was restored to before, where it has been. Default: it never was. */
  readonly of?: string;
}

/** The id of a server in the resource group of a network. */
export function serverIdBeside(networkId: string, serverName: string): string {
  const [group = ""] = networkId.split("/providers/");
  return `${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${serverName}`;
}

/** How a server comes to be: empty, as a replica (let go when promoted), or as what another held at a time. */
export function creation(
  replicaOf: Input<string> | undefined,
  promoted: boolean,
  restore: { readonly serverId: Input<string>; readonly to: string } | undefined,
) {
  if (replicaOf !== undefined && restore !== undefined) {
    throw new Error("restore: got one for a replica; expected it at the server that the replica follows");
  }
  if (replicaOf !== undefined) {
    return {
      createMode: "Replica",
      sourceServerResourceId: replicaOf,
      // Forced: the region that is left behind cannot be asked to finish.
      ...(promoted && { replica: { role: "None", promoteMode: "Standalone", promoteOption: "Forced" } }),
    };
  }
  if (restore !== undefined) {
    return { createMode: "PointInTimeRestore", sourceServerResourceId: restore.serverId, pointInTimeUTC: restore.to };
  }
  return { createMode: "Default" };
}
