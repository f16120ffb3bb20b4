import type { AdminApi } from "../admin-api.ts";
import type { Network } from "../network.ts";
import { type NodeView, viewNode } from "../node-state.ts";
import type { Processes } from "../processes.ts";
import { short, table } from "../table.ts";

/** The stack's outputs with process id and state added to every node: what `status --json` prints. */
export type NetworkView = Pick<Network, "domain" | "parties" | "console"> & { nodes: Record<string, NodeView> };

const probeDeadlineMs = 2_000;

/** Looks at every node at once. */
export async function viewNetwork(network: Network, processes: Processes, api: AdminApi): Promise<NetworkView> {
  const views = await Promise.all(
    Object.entries(network.nodes).map(
      async ([name, node]) => [name, await viewNode(name, node, processes, api, probeDeadlineMs)] as const,
    ),
  );
  return { ...network, nodes: Object.fromEntries(views) };
}

/**
 * The network as a person wants to see it: the domain in one line, a row a node, the parties.
 *
 * @param identity how identities are written; cut to what tells them apart unless said otherwise
 */
export function renderNetwork(view: NetworkView, identity: (id: string) => string = short): string {
  const { domain } = view;
  const nodes = Object.entries(view.nodes).map(([name, node]) => [
    name,
    node.role,
    node.state,
    node.pid?.toString(),
    portOf(node.adminApi),
    portOf(node.publicApi ?? node.ledgerApi),
    identity(node.id),
  ]);
  const parties = Object.entries(view.parties).map(([name, id]) => [name, identity(id)]);
  return [
    `domain ${domain.alias} (${domain.policy}), ${identity(domain.id)}, at ${domain.sequencers.join(" and ")}`,
    table(["node", "role", "state", "pid", "admin", "public/ledger", "identity"], nodes),
    ...(parties.length > 0 ? [table(["party", "identity"], parties)] : []),
  ].join("\n");
}

/** True when every node does its work or stands by for it. */
export function isHealthy(view: NetworkView): boolean {
  return Object.values(view.nodes).every((node) => node.state === "ready" || node.state === "passive");
}

function portOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).port;
}
