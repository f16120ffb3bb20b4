import { StatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import type { AdminApi } from "./admin-api.ts";
import type { NetworkNode } from "./network.ts";
import type { Processes } from "./processes.ts";

/**
 * What a person needs to know of a node first.
 *
 * - `ready`: does its work
 * - `passive`: healthy, and waits for the active replica to go away
 * - `starting`: its process lives, but it does not do its work yet
 * - `down`: no process answers
 */
export type State = "ready" | "passive" | "starting" | "down";

/** A node as `status` shows it: what the stack says of it, and what was seen now. */
export type NodeView = NetworkNode & { pid: number | null; state: State };

/** What was seen of a node: `undefined` where nothing answered. */
export interface Sighting {
  /** A process is known to live. */
  alive: boolean;
  /** The readiness probe said yes. */
  ready: boolean | undefined;
  /** The admin API says that it is the active replica. */
  active: boolean | undefined;
}

/** Decides the state from what was seen. Pure. */
export function stateFrom({ alive, ready, active }: Sighting): State {
  if (active === false) return "passive";
  if (ready && active) return "ready";
  return alive || ready !== undefined || active !== undefined ? "starting" : "down";
}

/**
 * Looks at a node: its process, its readiness over HTTP, its activity through its admin API.
 *
 * @param deadlineMs how long to wait for each answer before it counts as none
 */
export async function viewNode(
  name: string,
  node: NetworkNode,
  processes: Processes,
  api: AdminApi,
  deadlineMs: number,
): Promise<NodeView> {
  const pid = processes.pidOf(name);
  const [ready, active] = await Promise.all([isReady(node.health, deadlineMs), isActive(node, api, deadlineMs)]);
  return { ...node, pid, state: stateFrom({ alive: pid !== null, ready, active }) };
}

async function isReady(url: string, deadlineMs: number): Promise<boolean | undefined> {
  try {
    const response = await fetch(new URL("/health/ready", url), { signal: AbortSignal.timeout(deadlineMs) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return undefined;
  }
}

async function isActive(node: NetworkNode, api: AdminApi, deadlineMs: number): Promise<boolean | undefined> {
  try {
    const { response } = await api.call(node.adminApi, StatusServiceClient, "status", {}, { deadlineMs });
    return response?.$case === "success" ? response.value.active : undefined;
  } catch {
    return undefined;
  }
}
