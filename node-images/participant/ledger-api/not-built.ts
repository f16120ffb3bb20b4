import { ActiveContractsServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/active_contracts_service.ts";
import { CommandInspectionServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/command_inspection_service.ts";
import { ConfigManagementServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/config_management_service.ts";
import { MeteringReportServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/metering_report_service.ts";
import { PackageManagementServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/package_management_service.ts";
import { ParticipantPruningServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/participant_pruning_service.ts";
import { CommandCompletionServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/command_completion_service.ts";
import { CommandServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/command_service.ts";
import { CommandSubmissionServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/command_submission_service.ts";
import { EventQueryServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/event_query_service.ts";
import { LedgerConfigurationServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/ledger_configuration_service.ts";
import { PackageServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/package_service.ts";
import { TimeServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/testing/time_service.ts";
import { TransactionServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/transaction_service.ts";
import { type GrpcService, notBuilt } from "@pulumi-canton/runtime/grpc-server.ts";

/** The published services of the Ledger API v1 that this build does not have: every rpc answers UNIMPLEMENTED and says so. */
export function ledgerServicesNotBuilt(): GrpcService[] {
  return [
    ActiveContractsServiceService,
    CommandCompletionServiceService,
    CommandServiceService,
    CommandSubmissionServiceService,
    EventQueryServiceService,
    LedgerConfigurationServiceService,
    PackageServiceService,
    TransactionServiceService,
    TimeServiceService,
    CommandInspectionServiceService,
    ConfigManagementServiceService,
    MeteringReportServiceService,
    PackageManagementServiceService,
    ParticipantPruningServiceService,
  ].map((service) => notBuilt(service));
}
