/** What an operator does with a node's admin API, for tests. */

import type { Client } from "@grpc/grpc-js";
import { DomainStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_status_service.ts";
import {
  ParticipantPermission,
  RequestSide,
  TopologyChangeOp,
  TrustLevel,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import type { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import {
  type ListAllRequest,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { decodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { type ClientConstructor, call, withClient as withClientOf } from "@pulumi-canton/runtime/grpc-client.ts";
import { eventually } from "./test-domain.ts";
import { nameOf } from "./test-participant.ts";

export const deadlineMs = 5_000;

/** Uses a client of an admin API on this machine. */
export function withClient<C extends Client, T>(
  constructor: ClientConstructor<C>,
  port: number,
  use: (client: C) => Promise<T>,
): Promise<T> {
  return withClientOf(constructor, { address: "127.0.0.1", port }, use);
}

/** The domain's status once it runs and nothing is on its way, as Canton's console waits for it. */
export function idle(adminPort: number) {
  return withClient(DomainStatusServiceClient, adminPort, (client) =>
    eventually(async () => {
      const { kind } = await call(client, "domainStatus", {}, { deadlineMs });
      if (kind?.$case !== "status") return undefined;
      const queues = kind.value.commonStatus?.topologyQueues;
      const waiting = (queues?.manager ?? 0) + (queues?.dispatcher ?? 0) + (queues?.clients ?? 0);
      return waiting === 0 ? kind.value : undefined;
    }),
  );
}

/** `participants.set_state`, as Canton's console calls it. */
export function setState(
  adminPort: number,
  domain: string,
  participant: string,
  permission: keyof typeof ParticipantPermission = "Submission",
  trustLevel: keyof typeof TrustLevel = "Ordinary",
) {
  return withClient(TopologyManagerWriteServiceClient, adminPort, (client) =>
    call(
      client,
      "authorizeParticipantDomainState",
      {
        authorization: { change: TopologyChangeOp.Add, signedBy: "", replaceExisting: true, forceChange: false },
        side: RequestSide.From,
        domain,
        participant,
        permission: ParticipantPermission[permission],
        trustLevel: TrustLevel[trustLevel],
      },
      { deadlineMs },
    ),
  );
}

/** The transactions of a store: those in force, or all that it has seen. */
export async function listAll(
  adminPort: number,
  store: string,
  which: "state" | "history" = "state",
): Promise<string[]> {
  const { items } = await snapshotAt(adminPort, store, which);
  return items.map(({ transaction }) => nameOf(decodeSignedTransaction(transaction)));
}

/** As {@link listAll}, with the times, as other nodes take it. */
export function snapshotAt(
  adminPort: number,
  store = "Authorized",
  which: "state" | "history" = "history",
): Promise<TopologyTransactions> {
  return withClient(TopologyManagerReadServiceClient, adminPort, async (client) => {
    const baseQuery = {
      filterStore: store,
      useStateStore: which === "state",
      operation: 0,
      filterOperation: false,
      timeQuery:
        which === "state"
          ? { $case: "headState" as const, value: {} }
          : { $case: "range" as const, value: { from: undefined, until: undefined } },
      filterSignedKey: "",
      protocolVersion: undefined,
    };
    const { result } = await call(client, "listAll", { baseQuery } as ListAllRequest, { deadlineMs });
    return result ?? { items: [] };
  });
}
