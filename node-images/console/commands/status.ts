import type { Command } from "commander";
import type { AdminApi } from "../admin-api.ts";
import type { ConsoleContext } from "../console-context.ts";
import type { Network } from "../network.ts";
import { type NodeView, viewNode } from "../node-state.ts";
import { json } from "../options.ts";
import type { Processes } from "../processes.ts";
import { localProcesses } from "../processes.ts";
import { short, table } from "../table.ts";
import { print, printJson, redraw } from "../terminal.ts";

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
    domainLine(domain, identity),
    table(["node", "role", "state", "pid", "admin", "public/ledger", "identity"], nodes),
    ...(parties.length > 0 ? [table(["party", "identity"], parties)] : []),
  ].join("\n");
}

function domainLine({ alias, id, policy, sequencers }: Network["domain"], identity: (id: string) => string): string {
  if (id === "") return "no domain yet";
  const how = policy === undefined ? "" : ` (${policy})`;
  return `domain ${alias}${how}, ${identity(id)}, at ${sequencers.join(" and ")}`;
}

/** True when every node does its work or stands by for it. */
export function isHealthy(view: NetworkView): boolean {
  return Object.values(view.nodes).every((node) => node.state === "ready" || node.state === "passive");
}

function portOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).port;
}

/** `status` */
export function registerStatus(program: Command, context: ConsoleContext): void {
  program
    .command("status")
    .description("every node with its state, ports and identity; exits with 1 when one is not ready")
    .addOption(json())
    .option("--watch", "show it again every second until Ctrl-C", false)
    .action(async ({ json, watch }: { json: boolean; watch: boolean }) => {
      const view = async () => await viewNetwork(await context.network(), localProcesses(context.home), context.api());
      if (watch) {
        await redraw(
          async () => `${new Date().toISOString()}\n${renderNetwork(await view(), context.identity)}`,
          1_000,
          context.signal,
        );
        return;
      }
      const seen = await view();
      if (json) printJson(seen);
      else print(renderNetwork(seen, context.identity));
      if (!isHealthy(seen)) process.exitCode = 1;
    });
}
