/** How a sequencer is: `StatusService` and `SequencerStatusService`. */

import { SequencerStatusServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/sequencer_status_service.ts";
import {
  SequencerNodeStatus,
  StatusServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import type { Status } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v1/status_service.ts";
import { type MemberCode, memberCode, memberUid } from "@pulumi-canton/protocol/identity/member.ts";
import { durationToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { componentStatus } from "@pulumi-canton/runtime/component-status.ts";
import type { Diagnostics } from "@pulumi-canton/runtime/diagnostics.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { Component, Health } from "@pulumi-canton/runtime/health.ts";
import { softwareVersion } from "@pulumi-canton/runtime/software-version.ts";
import type { ServingSequencer } from "../serving-sequencer.ts";

/** @param serving undefined while there is no domain to serve */
export function statusServices(options: {
  serving: () => ServingSequencer | undefined;
  ports: () => Record<string, number>;
  health: Health;
  diagnostics?: Diagnostics | undefined;
}): GrpcService[] {
  const { serving, ports, health } = options;
  const startedAt = performance.now();
  const common = ({ domainId }: ServingSequencer): Status => ({
    uid: domainId,
    uptime: durationToProto(BigInt(Math.round((performance.now() - startedAt) * 1000))),
    ports: ports(),
    active: true,
    topologyQueues: { manager: 0, dispatcher: 0, clients: 0 },
    components: health.components().map(componentStatus),
    version: softwareVersion,
  });
  const ofSequencer = (sequencer: ServingSequencer) => {
    const members = sequencer.subscriptions.connected();
    const connected = (code: MemberCode) => members.filter((member) => memberCode(member) === code);
    const why = health.whyNotReady();
    return {
      connectedParticipants: connected("PAR"),
      connectedMediators: connected("MED"),
      sequencer: { active: why === undefined, details: why },
      domainId: sequencer.domainId,
      // Members can be disabled at any sequencer: they share the backend.
      admin: { acceptsAdminChanges: true },
    };
  };
  return [
    implement(StatusServiceService, {
      ...options.diagnostics,
      status: async () => {
        const sequencer = serving();
        if (sequencer === undefined) return { response: { $case: "notInitialized", value: { active: true } } };
        const { uid, version: _version, ...rest } = common(sequencer);
        const extra = Buffer.from(SequencerNodeStatus.encode(ofSequencer(sequencer)).finish());
        return { response: { $case: "success", value: { id: uid, ...rest, extra } } };
      },
    }),
    implement(SequencerStatusServiceService, {
      sequencerStatus: async () => {
        const sequencer = serving();
        if (sequencer === undefined) return { kind: { $case: "unavailable", value: { active: true } } };
        const { connectedParticipants, connectedMediators, ...status } = ofSequencer(sequencer);
        return {
          kind: {
            $case: "status",
            value: {
              ...status,
              commonStatus: common(sequencer),
              connectedParticipantsUid: connectedParticipants.map(memberUid),
              connectedMediatorsUid: connectedMediators.map(memberUid),
              protocolVersion: sequencer.staticParameters.protocolVersion,
            },
          },
        };
      },
    }),
  ];
}
