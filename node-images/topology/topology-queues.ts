/** The counts of a node's status: how much topology is on its way. Canton's console waits until all are 0. */
import type { TopologyQueueStatus } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import type { TopologyStore } from "./topology-store.ts";

/** Where a node's topology may be waiting. */
export interface TopologyQueues {
  /** The store `Authorized`. */
  authorized: TopologyStore;
  /**
   * Whoever passes on what was authorised, by the name of its watermark in that store; `sent`: the part that was passed on
   * but did not come back sequenced yet counts as waiting at the clients.
   */
  dispatchers: readonly { reader: string; sent?: number | undefined }[];
}

/** Counts what is waiting: `dispatcher` is not yet passed on, `clients` is passed on and not yet applied. */
export async function topologyQueueStatus(queues: TopologyQueues): Promise<TopologyQueueStatus> {
  let dispatcher = 0;
  let clients = 0;
  for (const { reader, sent } of queues.dispatchers) {
    dispatcher += await queues.authorized.countAfter(await queues.authorized.watermark(reader));
    clients += sent ?? 0;
  }
  // The manager commits before it answers, so nothing ever waits for it.
  return { manager: 0, dispatcher, clients };
}
