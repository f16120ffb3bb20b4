/** `SequencerAdministrationService`, `EnterpriseSequencerAdministrationService` and `SequencerVersionService`. */
import { DomainServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_service.ts";
import { EnterpriseSequencerAdministrationServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/enterprise_sequencer_administration_service.ts";
import { SequencerAdministrationServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/sequencer_administration_service.ts";
import { SequencerVersionServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/sequencer_version_service.ts";
import { checkMember } from "@pulumi-canton/protocol/identity/member.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { invalidArgument, notFound, unimplemented } from "@pulumi-canton/runtime/errors.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { answerHandshake } from "../api/handshake.ts";
import { logBounds } from "../backend/backend-domain.ts";
import type { Backend } from "../backend/open-backend.ts";

function notPruned(rpc: string) {
  return async () => {
    throw unimplemented(
      "SEQUENCER_PRUNING_NOT_BUILT",
      `EnterpriseSequencerAdministrationService/${rpc} is not built: this sequencer keeps all events`,
    );
  };
}

function askTheDomainManager(rpc: string) {
  return async () => {
    throw unimplemented("ASK_THE_DOMAIN_MANAGER", `DomainService/${rpc} is answered by the domain manager`);
  };
}

/** The services over the backend. */
export function administrationServices(backend: Backend): GrpcService[] {
  return [
    implement(SequencerVersionServiceService, { handshake: async (request) => answerHandshake(request) }),
    implement(SequencerAdministrationServiceService, {
      pruningStatus: async () => {
        const { earliest } = await logBounds(backend.database);
        const members = await backend.members.list();
        return {
          now: timestampToProto(BigInt(Date.now()) * 1000n),
          earliestEventTimestamp: earliest === undefined ? undefined : timestampToProto(earliest),
          members: members.map(({ member, registeredAt, acknowledged, enabled }) => ({
            member,
            registeredAt: timestampToProto(registeredAt),
            lastAcknowledged: acknowledged === undefined ? undefined : timestampToProto(acknowledged),
            enabled,
          })),
        };
      },
    }),
    // The domain manager asks here: participants authenticate, and so accept, at the sequencers.
    implement(DomainServiceService, {
      getDomainParameters: askTheDomainManager("GetDomainParameters"),
      getDomainParametersVersioned: askTheDomainManager("GetDomainParametersVersioned"),
      listServiceAgreementAcceptances: async () => ({
        acceptances: (await backend.acceptances.list()).map(({ agreement, participant, signature, acceptedAt }) => ({
          agreementId: agreement.id,
          participantId: participant,
          signature,
          timestamp: timestampToProto(acceptedAt),
        })),
      }),
    }),
    implement(EnterpriseSequencerAdministrationServiceService, {
      disableMember: async ({ member }) => {
        try {
          checkMember(member);
        } catch (error) {
          if (error instanceof ProtocolError) throw invalidArgument("INVALID_MEMBER_ID", error.message);
          throw error;
        }
        if (await backend.members.disable(member)) return {};
        throw notFound("MEMBER_NOT_REGISTERED", `${member} has never been a member at the sequencers of this domain`);
      },
      prune: notPruned("Prune"),
      snapshot: async () => {
        throw unimplemented(
          "SEQUENCER_SNAPSHOT_NOT_SUPPORTED",
          "EnterpriseSequencerAdministrationService/Snapshot is not built: sequencers of a domain share one backend",
        );
      },
      setSchedule: notPruned("SetSchedule"),
      setCron: notPruned("SetCron"),
      setMaxDuration: notPruned("SetMaxDuration"),
      setRetention: notPruned("SetRetention"),
      clearSchedule: notPruned("ClearSchedule"),
      getSchedule: notPruned("GetSchedule"),
      locatePruningTimestamp: notPruned("LocatePruningTimestamp"),
    }),
  ];
}
