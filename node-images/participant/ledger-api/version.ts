import {
  CommandDeduplicationPeriodSupport_DurationSupport,
  CommandDeduplicationPeriodSupport_OffsetSupport,
  CommandDeduplicationType,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/experimental_features.ts";
import { LedgerIdentityServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/ledger_identity_service.ts";
import { VersionServiceService as VersionServiceV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/version_service.ts";
import { VersionServiceService as VersionServiceV2 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/version_service.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { ledgerIdMismatch } from "./ledger-errors.ts";
import { MAX_PARTIES_PAGE_SIZE } from "./party-management.ts";
import { MAX_RIGHTS_PER_USER, MAX_USERS_PAGE_SIZE } from "./users/user.ts";

/** The version of the Ledger API that is spoken; what clients compare with theirs. */
export const LEDGER_API_VERSION = "2.10.0";

const userManagement = {
  supported: true,
  maxRightsPerUser: MAX_RIGHTS_PER_USER,
  maxUsersPageSize: MAX_USERS_PAGE_SIZE,
};
const partyManagement = { maxPartiesPageSize: MAX_PARTIES_PAGE_SIZE };

/**
 * Which Ledger API this is and what it can do, in v1 and v2. Features that are not built are not claimed: explicit
 * disclosure, filters and pruning say `supported: false`.
 */
export function versionServices(participant: string): GrpcService[] {
  const v1 = implement(VersionServiceV1, {
    getLedgerApiVersion: async ({ ledgerId }) => {
      if (ledgerId !== "" && ledgerId !== participant) throw ledgerIdMismatch(participant, ledgerId);
      return {
        version: LEDGER_API_VERSION,
        features: {
          userManagement,
          partyManagement,
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
  const v2 = implement(VersionServiceV2, {
    getLedgerApiVersion: async () => ({
      version: LEDGER_API_VERSION,
      features: {
        userManagement,
        partyManagement,
        experimental: { staticTime: { supported: false }, commandInspectionService: { supported: false } },
        offsetCheckpoint: undefined,
        packageFeature: undefined,
      },
    }),
  });
  return [v1, v2];
}

/** The ledger id is the name of the participant. */
export function ledgerIdentityService(participant: string) {
  return implement(LedgerIdentityServiceService, {
    getLedgerIdentity: async () => ({ ledgerId: participant }),
  });
}
