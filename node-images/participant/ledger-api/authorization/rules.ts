import { ActiveContractsServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/active_contracts_service.ts";
import { CommandInspectionServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/command_inspection_service.ts";
import { ConfigManagementServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/config_management_service.ts";
import { IdentityProviderConfigServiceService as IdentityProviderConfigServiceV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/identity_provider_config_service.ts";
import { MeteringReportServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/metering_report_service.ts";
import { PackageManagementServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/package_management_service.ts";
import { ParticipantPruningServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/participant_pruning_service.ts";
import { PartyManagementServiceService as PartyManagementServiceV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import { UserManagementServiceService as UserManagementServiceV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import { CommandCompletionServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/command_completion_service.ts";
import { CommandServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/command_service.ts";
import { CommandSubmissionServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/command_submission_service.ts";
import type { Commands } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/commands.ts";
import { EventQueryServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/event_query_service.ts";
import { LedgerConfigurationServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/ledger_configuration_service.ts";
import { LedgerIdentityServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/ledger_identity_service.ts";
import { PackageServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/package_service.ts";
import { TimeServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/testing/time_service.ts";
import type { TransactionFilter } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/transaction_filter.ts";
import { TransactionServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/transaction_service.ts";
import { VersionServiceService as VersionServiceV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/version_service.ts";
import { IdentityProviderConfigServiceService as IdentityProviderConfigServiceV2 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/identity_provider_config_service.ts";
import { PartyManagementServiceService as PartyManagementServiceV2 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/party_management_service.ts";
import {
  type Right,
  UserManagementServiceService as UserManagementServiceV2,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/user_management_service.ts";
import { VersionServiceService as VersionServiceV2 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/version_service.ts";
import { ApiInfoServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/connection/v30/api_info.ts";
import type { MethodShape, ServiceShape } from "@pulumi-canton/runtime/grpc-service.ts";
import type { FieldPath, Requirement, Rule } from "./requirement.ts";

type RequestOf<M extends MethodShape> = ReturnType<M["requestDeserialize"]>;
type RulesOf<S extends ServiceShape> = { readonly [M in keyof S]: Rule<RequestOf<S[M]>> };
/** A rule whose types the service definition has checked. */
export type AnyRule = Rule<any>;

const anybody: () => Requirement[] = () => [{ need: "public" }];
const participantAdmin: () => Requirement[] = () => [{ need: "participantAdmin" }];

/** An administrator of the identity provider that a field of the request names. */
const adminOf =
  (...field: FieldPath) =>
  (): Requirement[] => [{ need: "admin" }, { need: "ownIdentityProvider", field }];
const admin = adminOf("identityProviderId");

const ownUserOrAdmin: () => Requirement[] = () => [
  { need: "ownUserOrAdmin", field: ["userId"] },
  { need: "ownIdentityProvider", field: ["identityProviderId"] },
];

/** Only a participant's administrator disposes of the rights that reach beyond one identity provider. */
function rightsNeed(rights: readonly Right[]): Requirement[] {
  const beyond = rights.some(({ kind }) =>
    ["participantAdmin", "canReadAsAnyParty", "canExecuteAsAnyParty"].includes(kind?.$case ?? ""),
  );
  return beyond ? [{ need: "participantAdmin" }] : [];
}

const readAs = (parties: readonly string[]): Requirement[] => [
  { need: "public" },
  ...parties.map((party): Requirement => ({ need: "readAs", party })),
];
const readAsFiltered = (filter: TransactionFilter | undefined) => readAs(Object.keys(filter?.filtersByParty ?? {}));

const submission = ({ commands }: { commands: Commands | undefined }): Requirement[] => [
  { need: "ownUser", field: ["commands", "applicationId"] },
  ...[...(commands?.party ? [commands.party] : []), ...(commands?.actAs ?? [])].map(
    (party): Requirement => ({ need: "actAs", party }),
  ),
  ...(commands?.readAs ?? []).map((party): Requirement => ({ need: "readAs", party })),
];

const table = new Map<string, AnyRule>();

/**
 * What the calls of every rpc of the Ledger API need of their caller, as published; by path, for example
 * `/com.daml.ledger.api.v1.admin.UserManagementService/GetUser`. An rpc without a rule is not served.
 */
export const RULES: ReadonlyMap<string, AnyRule> = table;

/** One rule for every rpc of a service: the compiler misses none. */
function rules<const S extends ServiceShape>(service: S, ofService: RulesOf<S>): void {
  for (const [name, { path }] of Object.entries(service)) table.set(path, ofService[name] as AnyRule);
}

const userManagement: RulesOf<typeof UserManagementServiceV2> = {
  createUser: ({ rights }) => [...adminOf("user", "identityProviderId")(), ...rightsNeed(rights)],
  getUser: ownUserOrAdmin,
  updateUser: adminOf("user", "identityProviderId"),
  deleteUser: admin,
  listUsers: admin,
  grantUserRights: ({ rights }) => [...admin(), ...rightsNeed(rights)],
  revokeUserRights: ({ rights }) => [...admin(), ...rightsNeed(rights)],
  listUserRights: ownUserOrAdmin,
  updateUserIdentityProviderId: participantAdmin,
};
rules(UserManagementServiceV1, userManagement);
rules(UserManagementServiceV2, userManagement);

const identityProviderConfig: RulesOf<typeof IdentityProviderConfigServiceV2> = {
  createIdentityProviderConfig: participantAdmin,
  getIdentityProviderConfig: participantAdmin,
  updateIdentityProviderConfig: participantAdmin,
  listIdentityProviderConfigs: participantAdmin,
  deleteIdentityProviderConfig: participantAdmin,
};
rules(IdentityProviderConfigServiceV1, identityProviderConfig);
rules(IdentityProviderConfigServiceV2, identityProviderConfig);

rules(PartyManagementServiceV1, {
  getParticipantId: anybody,
  getParties: admin,
  listKnownParties: admin,
  allocateParty: admin,
  updatePartyDetails: adminOf("partyDetails", "identityProviderId"),
  updatePartyIdentityProviderId: participantAdmin,
});
rules(PartyManagementServiceV2, {
  getParticipantId: anybody,
  getParties: admin,
  listKnownParties: admin,
  allocateParty: admin,
  allocateExternalParty: admin,
  updatePartyDetails: adminOf("partyDetails", "identityProviderId"),
  updatePartyIdentityProviderId: participantAdmin,
  generateExternalPartyTopology: anybody,
});

rules(ApiInfoServiceService, { getApiInfo: "open" });
rules(VersionServiceV1, { getLedgerApiVersion: "open" });
rules(VersionServiceV2, { getLedgerApiVersion: "open" });
rules(LedgerIdentityServiceService, { getLedgerIdentity: anybody });
rules(LedgerConfigurationServiceService, { getLedgerConfiguration: anybody });
rules(PackageServiceService, { listPackages: anybody, getPackage: anybody, getPackageStatus: anybody });
rules(TimeServiceService, { getTime: anybody, setTime: participantAdmin });

rules(CommandSubmissionServiceService, { submit: submission });
rules(CommandServiceService, {
  submitAndWait: submission,
  submitAndWaitForTransactionId: submission,
  submitAndWaitForTransaction: submission,
  submitAndWaitForTransactionTree: submission,
});
rules(CommandCompletionServiceService, {
  completionStream: ({ parties }) => [{ need: "ownUser", field: ["applicationId"] }, ...readAs(parties)],
  completionEnd: anybody,
});
rules(ActiveContractsServiceService, { getActiveContracts: ({ filter }) => readAsFiltered(filter) });
rules(TransactionServiceService, {
  getTransactions: ({ filter }) => readAsFiltered(filter),
  getTransactionTrees: ({ filter }) => readAsFiltered(filter),
  getTransactionByEventId: ({ requestingParties }) => readAs(requestingParties),
  getTransactionById: ({ requestingParties }) => readAs(requestingParties),
  getFlatTransactionByEventId: ({ requestingParties }) => readAs(requestingParties),
  getFlatTransactionById: ({ requestingParties }) => readAs(requestingParties),
  getLedgerEnd: anybody,
  getLatestPrunedOffsets: anybody,
});
rules(EventQueryServiceService, {
  getEventsByContractId: ({ requestingParties }) => readAs(requestingParties),
  getEventsByContractKey: ({ requestingParties }) => readAs(requestingParties),
});

rules(CommandInspectionServiceService, { getCommandStatus: participantAdmin });
rules(ConfigManagementServiceService, { getTimeModel: participantAdmin, setTimeModel: participantAdmin });
rules(MeteringReportServiceService, { getMeteringReport: participantAdmin });
rules(PackageManagementServiceService, {
  listKnownPackages: participantAdmin,
  uploadDarFile: participantAdmin,
  validateDarFile: participantAdmin,
});
rules(ParticipantPruningServiceService, { prune: participantAdmin });
