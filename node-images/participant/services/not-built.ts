import { EnterpriseParticipantReplicationServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/enterprise_participant_replication_service.ts";
import { InspectionServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/inspection_service.ts";
import { PackageServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/package_service.ts";
import { ParticipantRepairServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/participant_repair_service.ts";
import { PingServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/ping_pong_service.ts";
import { PruningServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/pruning_service.ts";
import { TransferServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/transfer_service.ts";
import { type GrpcService, notBuilt } from "@pulumi-canton/runtime/grpc-server.ts";

/** The published admin services of a participant that this build does not have: every rpc answers UNIMPLEMENTED and says so. */
export function adminServicesNotBuilt(): GrpcService[] {
  return [
    PingServiceService,
    PackageServiceService,
    ParticipantRepairServiceService,
    PruningServiceService,
    InspectionServiceService,
    TransferServiceService,
    EnterpriseParticipantReplicationServiceService,
  ].map((service) => notBuilt(service));
}
