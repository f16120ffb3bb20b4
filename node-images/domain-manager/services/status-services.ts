/** How the domain manager is: the three status services of its admin API. */

import { DomainManagerStatusServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_manager_status_service.ts";
import { DomainStatusServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_status_service.ts";
import {
  DomainStatusInfo,
  StatusServiceService,
  type TopologyQueueStatus,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import type { Status } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v1/status_service.ts";
import { participantMember } from "@pulumi-canton/protocol/identity/member.ts";
import { durationToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { componentStatus } from "@pulumi-canton/runtime/component-status.ts";
import type { Diagnostics } from "@pulumi-canton/runtime/diagnostics.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { Component } from "@pulumi-canton/runtime/health.ts";

/** How the domain's sequencers are, as the domain manager sees them. */
export interface SequencersStatus {
  /** At least one serves. */
  readonly active: boolean;
  /** Unique identifiers of the participants that are connected to any of them. */
  readonly connectedParticipants: readonly string[];
}

/** Where the status comes from. */
export interface StatusSource {
  /** The domain id, once the domain runs; undefined: not initialised. */
  readonly domainId: () => Promise<string | undefined>;
  readonly ports: () => Readonly<Record<string, number>>;
  readonly components: () => readonly Component[];
  /** What is authorised and not yet everywhere: all 0 when idle. */
  readonly queues: () => Promise<TopologyQueueStatus>;
  readonly sequencers: () => Promise<SequencersStatus>;
  readonly protocolVersion: number;
  /** Version of this software. */
  readonly version: string;
  /** What else StatusService tells; absent: those rpcs are not built. */
  readonly diagnostics?: Diagnostics | undefined;
}

/** StatusService, DomainStatusService and DomainManagerStatusService. */
export function statusServices(source: StatusSource): GrpcService[] {
  const startedAt = performance.now();

  const common = async (domainId: string): Promise<Status> => ({
    uid: domainId,
    uptime: durationToProto(BigInt(Math.round((performance.now() - startedAt) * 1000))),
    ports: { ...source.ports() },
    active: true,
    topologyQueues: await source.queues(),
    components: source.components().map(componentStatus),
    version: source.version,
  });

  return [
    implement(StatusServiceService, {
      ...source.diagnostics,
      status: async () => {
        const domainId = await source.domainId();
        if (domainId === undefined) return { response: { $case: "notInitialized", value: { active: true } } };
        const { uid, version: _version, ...rest } = await common(domainId);
        const sequencers = await source.sequencers();
        const extra = DomainStatusInfo.encode({
          connectedParticipants: sequencers.connectedParticipants.map(participantMember),
          sequencer: { active: sequencers.active, details: undefined },
        }).finish();
        return { response: { $case: "success", value: { id: uid, ...rest, extra: Buffer.from(extra) } } };
      },
    }),
    implement(DomainStatusServiceService, {
      domainStatus: async () => {
        const domainId = await source.domainId();
        if (domainId === undefined) return { kind: { $case: "unavailable", value: { active: true } } };
        const sequencers = await source.sequencers();
        return {
          kind: {
            $case: "status",
            value: {
              commonStatus: await common(domainId),
              connectedParticipantsUid: [...sequencers.connectedParticipants],
              sequencer: { active: sequencers.active, details: undefined },
              protocolVersion: source.protocolVersion,
            },
          },
        };
      },
    }),
    implement(DomainManagerStatusServiceService, {
      domainManagerStatus: async () => {
        const domainId = await source.domainId();
        if (domainId === undefined) return { kind: { $case: "unavailable", value: { active: true } } };
        return {
          kind: {
            $case: "status",
            value: { commonStatus: await common(domainId), protocolVersion: source.protocolVersion },
          },
        };
      },
    }),
  ];
}
