/** How the mediator is: the two status services of its admin API. */

import { MediatorStatusServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/mediator_status_service.ts";
import {
  MediatorNodeStatus,
  StatusServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import { durationToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { componentStatus } from "@pulumi-canton/runtime/component-status.ts";
import type { Diagnostics } from "@pulumi-canton/runtime/diagnostics.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { Component } from "@pulumi-canton/runtime/health.ts";

/** Where the status comes from. */
export interface StatusSource {
  /** Undefined before the mediator is initialised. */
  readonly domainId: () => Promise<string | undefined>;
  readonly ports: () => Readonly<Record<string, number>>;
  readonly components: () => readonly Component[];
  /** This process leads; of those that share a database one does. */
  readonly active: () => boolean;
  readonly protocolVersion: number;
  /** Version of this software. */
  readonly version: string;
  /** What else StatusService tells; absent: those rpcs are not built. */
  readonly diagnostics?: Diagnostics | undefined;
}

/** StatusService and MediatorStatusService. */
export function statusServices(source: StatusSource): GrpcService[] {
  const startedAt = performance.now();
  const common = () => ({
    uptime: durationToProto(BigInt(Math.round((performance.now() - startedAt) * 1000))),
    ports: { ...source.ports() },
    active: source.active(),
    // A mediator authorises nothing, so nothing waits to be passed on.
    topologyQueues: { manager: 0, dispatcher: 0, clients: 0 },
    components: source.components().map(componentStatus),
  });
  return [
    implement(StatusServiceService, {
      ...source.diagnostics,
      status: async () => {
        const domainId = await source.domainId();
        const active = source.active();
        if (domainId === undefined) return { response: { $case: "notInitialized", value: { active } } };
        const extra = Buffer.from(MediatorNodeStatus.encode({ domainId }).finish());
        return { response: { $case: "success", value: { id: domainId, ...common(), extra } } };
      },
    }),
    implement(MediatorStatusServiceService, {
      mediatorStatus: async () => {
        const domainId = await source.domainId();
        const active = source.active();
        if (domainId === undefined) return { kind: { $case: "unavailable", value: { active } } };
        return {
          kind: {
            $case: "status",
            value: {
              commonStatus: { uid: domainId, ...common(), version: source.version },
              domainId,
              protocolVersion: source.protocolVersion,
            },
          },
        };
      },
    }),
  ];
}
