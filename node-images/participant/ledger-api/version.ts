import {
  CommandDeduplicationPeriodSupport_DurationSupport,
  CommandDeduplicationPeriodSupport_OffsetSupport,
  CommandDeduplicationType,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/experimental_features.ts";
import { LedgerIdentityServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/ledger_identity_service.ts";
import { VersionServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/version_service.ts";
import { implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { ledgerIdMismatch } from "./ledger-errors.ts";
import { MAX_PARTIES_PAGE_SIZE } from "./party-management.ts";

/** The version of the Ledger API that is spoken; what clients compare with theirs. */
export const LEDGER_API_VERSION = "2.10.0";

/**
 * Which Ledger API this is and what it can do. Features that are not built are not claimed: user management, explicit
 * disclosure, filters and pruning say `supported: false`.
 */
export function versionService(participant: string) {
  return implement(VersionServiceService, {
    getLedgerApiVersion: async ({ ledgerId }) => {
      if (ledgerId !== "" && ledgerId !== participant) throw ledgerIdMismatch(participant, ledgerId);
      return {
        version: LEDGER_API_VERSION,
        features: {
          userManagement: { supported: false, maxRightsPerUser: 0, maxUsersPageSize: 0 },
          partyManagement: { maxPartiesPageSize: MAX_PARTIES_PAGE_SIZE },
          experimental: {
            selfServiceErrorCodes: {},
            staticTime: { supported: false },
            commandDeduplication: {
              deduplicationPeriodSupport: {
                offsetSupport: CommandDeduplicationPeriodSupport_OffsetSupport.OFFSET_NOT_SUPPORTED,
                durationSupport: CommandDeduplicationPeriodSupport_DurationSupport.DURATION_NATIVE_SUPPORT,
              },
              deduplicationType: CommandDeduplicationType.ASYNC_ONLY,
              maxDeduplicationDurationEnforced: false,
            },
            optionalLedgerId: {},
            contractIds: undefined,
            committerEventLog: undefined,
            explicitDisclosure: { supported: false },
            userAndPartyLocalMetadataExtensions: { supported: true },
            acsActiveAtOffset: { supported: false },
            templateFilters: { supported: false },
            commandInspectionService: { supported: false },
            prunedOffsets: { supported: false },
          },
        },
      };
    },
  });
}

/** The ledger id is the name of the participant. */
export function ledgerIdentityService(participant: string) {
  return implement(LedgerIdentityServiceService, {
    getLedgerIdentity: async () => ({ ledgerId: participant }),
  });
}
