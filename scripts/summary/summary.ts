import { adminApi, caFileOf } from "@pulumi-canton/console/admin-api.ts";
import { renderNetwork, viewNetwork } from "@pulumi-canton/console/commands/status.ts";
import type { Network } from "@pulumi-canton/console/network.ts";
import { localProcesses } from "@pulumi-canton/console/processes.ts";
import { defaultStack } from "../environment/paths.ts";

function nextSteps(stack: string): string {
  const other = stack !== defaultStack;
  return [
    other ? `What to try next (with CANTON_STACK=${stack}):` : "What to try next:",
    "  ./scripts/console status      what runs, and how it is (--watch stays on)",
    "  ./scripts/console topology    what the domain agrees on",
    "  ./scripts/pulumi preview      what differs from what is configured",
    `  ./scripts/up                  after a change of Pulumi.${stack}.yaml: makes it so`,
    "  ./scripts/down                ends it and removes all of it",
  ].join("\n");
}

/**
 * What runs, as the console shows it, and what to do next.
 *
 * @param home folder of the deployment (CANTON_HOME)
 * @param stack that was brought up
 */
export async function summarize(network: Network, home: string, stack: string): Promise<string> {
  const view = await viewNetwork(network, localProcesses(home), adminApi({ caFile: caFileOf(home) }));
  return `${renderNetwork(view)}\n\n${nextSteps(stack)}`;
}
