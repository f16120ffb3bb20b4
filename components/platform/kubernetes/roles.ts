/**
 * How nodes of a role can be had more than once. Pure.
 *
 * No role scales by adding pods to it, so there is no HorizontalPodAutoscaler: a sequencer more is a node more, with an identity
 * and a database of its own, in the domain's configuration (`sequencers`); mediators and participants stand by for each other
 * over one database, and only the one that holds its lock works.
 */
import type { Role } from "../platform.ts";

/** How a role is run. */
export interface RolePlan {
  /**
   * `single`: one process only may use its database, the old one ends before the new one starts. `standby`: any number may, one
   * of which works, and another takes over in seconds.
   */
  readonly processes: "single" | "standby";
  /** Memory of a pod in MiB, and CPUs that are reserved, in thousandths. */
  readonly memoryMiB: number;
  readonly cpuMillis: number;
}

/** By role. */
export const rolePlans: Readonly<Record<Role, RolePlan>> = {
  "domain-manager": { processes: "single", memoryMiB: 768, cpuMillis: 250 },
  sequencer: { processes: "single", memoryMiB: 1024, cpuMillis: 500 },
  mediator: { processes: "standby", memoryMiB: 768, cpuMillis: 250 },
  participant: { processes: "standby", memoryMiB: 1536, cpuMillis: 500 },
};

/** What a pod may use. */
export interface NodeResources {
  /** Memory in MiB: reserved, and the most that it gets. */
  readonly memoryMiB: number;
  /** CPU that is reserved, in thousandths. */
  readonly cpuMillis: number;
  /** The most CPU that it gets, in thousandths. */
  readonly cpuLimitMillis: number;
}

/** Share of a pod's memory that the program's heap may take; the rest is for buffers and the program itself. */
const heapShare = 0.75;

/**
 * What a node's pod may use.
 *
 * @param given what the configuration says of the role
 * @param heapMiB what the node's component asks for
 */
export function resourcesOf(role: Role, given: Partial<NodeResources> = {}, heapMiB?: number): NodeResources {
  const plan = rolePlans[role];
  const memoryMiB = given.memoryMiB ?? (heapMiB === undefined ? plan.memoryMiB : Math.ceil(heapMiB / heapShare));
  const cpuMillis = given.cpuMillis ?? plan.cpuMillis;
  return { memoryMiB, cpuMillis, cpuLimitMillis: given.cpuLimitMillis ?? cpuMillis * 4 };
}

/** The heap of a pod's program, in MiB. */
export function heapOf({ memoryMiB }: NodeResources): number {
  return Math.floor(memoryMiB * heapShare);
}

/** Pods of a node. */
export function replicasOf(role: Role, standbys: number): number {
  return rolePlans[role].processes === "standby" ? 1 + standbys : 1;
}
