import { randomUUID } from "node:crypto";
import {
  type AllocatePartyRequest as AllocatePartyRequestV1,
  type PartyDetails,
  PartyManagementServiceService as PartyManagementServiceV1,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import {
  type AllocatePartyRequest as AllocatePartyRequestV2,
  type GetPartiesRequest,
  type ListKnownPartiesRequest,
  PartyManagementServiceService as PartyManagementServiceV2,
  type UpdatePartyDetailsRequest,
  type UpdatePartyIdentityProviderIdRequest,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/party_management_service.ts";
import { namespaceOf, shortenUniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { type CallContext, type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { annotationsFault, fitsAnnotations, mergeAnnotations } from "./annotations.ts";
import type { IdentityProviderStore } from "./identity-providers/identity-provider-store.ts";
import {
  checkIdentityProviderId,
  requireIdentityProvider,
  storeReferring,
} from "./identity-providers/named-identity-provider.ts";
import {
  concurrentPartyUpdate,
  invalidArguments,
  invalidPartyUpdate,
  missingField,
  noConnectedDomain,
  partyAnnotationsTooLarge,
  partyNotFound,
  type RequestFacts,
  userNotFound,
} from "./ledger-errors.ts";
import type { KnownParty, PartyDirectory } from "./party-directory.ts";
import { hintFault, partyFault } from "./party-name.ts";
import type { PartyRecord, PartyStore } from "./party-store.ts";
import { resourceVersionOf } from "./resource-version.ts";
import { maskFault, maskNames } from "./update-mask.ts";
import type { UserStore } from "./users/user-store.ts";

/** Most parties on one page of ListKnownParties, and how many there are when the caller does not say. */
export const MAX_PARTIES_PAGE_SIZE = 10_000;

export interface PartyManagementOptions {
  /** Name of the node, for the metadata of errors. */
  readonly participant: string;
  /** The unique identifier of the participant. Throws before the node has one. */
  readonly participantUid: () => string;
  readonly directory: PartyDirectory;
  readonly store: PartyStore;
  readonly users: UserStore;
  readonly providers: IdentityProviderStore;
  /**
   * Hosts a new party on this participant and waits until all connected domains know it.
   * Throws CantonError when the mapping exists, when no domain is connected or when they do not answer in time.
   */
  readonly host: (party: string, signal: AbortSignal) => Promise<void>;
  /** The ids of the domains that a party can be hosted on at the moment. */
  readonly connectedDomains: () => readonly string[];
  /** Throws when this replica may not change anything. */
  readonly requireActive: () => void;
}

/** The fields of a party that a mask may name. Those that an update cannot change are accepted and left alone, as published. */
const PARTY_FIELDS = [
  "party",
  "display_name",
  "is_local",
  "local_metadata.resource_version",
  "local_metadata.annotations",
  "identity_provider_id",
];

/** Parties as administrators manage them: Ledger API v1 and v2, over the same parties. Display names are gone from v2. */
export function partyManagementServices(options: PartyManagementOptions): GrpcService[] {
  const handlers = partyManagement(options);
  return [implement(PartyManagementServiceV1, handlers), implement(PartyManagementServiceV2, handlers)];
}

/** What v1 and v2 can ask for when a party is allocated. */
type AllocationRequest = AllocatePartyRequestV1 | AllocatePartyRequestV2;

function partyManagement(options: PartyManagementOptions) {
  const { participant, participantUid, directory, store, users, providers, host, requireActive } = options;

  const details = async (parties: readonly KnownParty[], identityProviderId: string): Promise<PartyDetails[]> => {
    const records = await store.find(parties.map(({ party }) => party));
    return parties.map((known) => toDetails(known, records.get(known.party), identityProviderId));
  };

  const checkParty = (facts: RequestFacts, party: string): void => {
    const fault = partyFault(party);
    if (fault !== undefined) throw invalidArguments(facts, fault);
  };

  const known = async (facts: RequestFacts, party: string, operation?: string): Promise<KnownParty> => {
    const found = (await directory.list()).find((each) => each.party === party);
    if (found === undefined) throw partyNotFound(facts, party, operation);
    return found;
  };

  return {
    getParticipantId: async () => ({ participantId: participantUid() }),

    getParties: async ({ parties, identityProviderId }: GetPartiesRequest) => {
      const facts = { participant, parties };
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      await requireIdentityProvider(facts, providers, identityProviderId);
      for (const party of parties) checkParty(facts, party);
      const all = new Map((await directory.list()).map((each) => [each.party, each]));
      const wanted = [...new Set(parties)].flatMap((party) => all.get(party) ?? []);
      return { partyDetails: await details(wanted, identityProviderId) };
    },

    listKnownParties: async (request: Omit<ListKnownPartiesRequest, "filterParty"> & { filterParty?: string }) => {
      const { pageSize, pageToken, identityProviderId, filterParty = "" } = request;
      const facts = { participant };
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      await requireIdentityProvider(facts, providers, identityProviderId);
      if (pageSize < 0) throw invalidArguments(facts, "Max page size must be non-negative");
      const after = pageToken === "" ? undefined : decodePageToken(pageToken);
      if (after === null) throw invalidArguments(facts, "Invalid page token");
      if (filterParty !== "") checkParty(facts, filterParty);
      const size = pageSize === 0 ? MAX_PARTIES_PAGE_SIZE : Math.min(pageSize, MAX_PARTIES_PAGE_SIZE);
      const all = (await directory.list())
        .filter(({ party }) => (after === undefined || party > after) && party.startsWith(filterParty))
        .sort((a, b) => (a.party < b.party ? -1 : 1));
      const page = all.slice(0, size);
      const last = page.at(-1);
      return {
        partyDetails: await details(page, identityProviderId),
        nextPageToken: all.length > page.length && last !== undefined ? encodePageToken(last.party) : "",
      };
    },

    allocateParty: async (request: AllocationRequest, call: CallContext) => {
      requireActive();
      const { identityProviderId } = request;
      const displayName = "displayName" in request ? request.displayName : "";
      const { synchronizerId, userId } = "userId" in request ? request : { synchronizerId: "", userId: "" };
      const hint = request.partyIdHint === "" ? `party-${randomUUID()}` : request.partyIdHint;
      const submissionId = `${request.partyIdHint === "" ? "" : `${hint}-`}${randomUUID()}`;
      const facts = { participant, submissionId, parties: [hint] };
      const annotations = { ...request.localMetadata?.annotations };
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      const fault = hintFault(hint) ?? annotationsFault(annotations, "local_metadata.annotations", false);
      if (fault !== undefined) throw invalidArguments(facts, fault);
      if ((request.localMetadata?.resourceVersion ?? "") !== "") {
        throw invalidArguments(facts, "field party_details.local_metadata.resource_version must be not set");
      }
      await requireIdentityProvider(facts, providers, identityProviderId);
      if (userId !== "" && (await users.find(userId))?.identityProviderId !== identityProviderId) {
        throw userNotFound(facts, "allocating a party", userId);
      }
      const domains = options.connectedDomains();
      if (domains.length === 0) throw noConnectedDomain(participant, submissionId);
      if (synchronizerId !== "" && !domains.includes(synchronizerId)) {
        throw invalidArguments(
          facts,
          `synchronizer_id ${JSON.stringify(synchronizerId)} is not connected; connected: ${domains.join(", ")}`,
        );
      }
      const party = `${hint}::${namespaceOf(participantUid())}`;
      if ((await directory.list()).some((each) => each.party === party)) {
        throw alreadyAllocated(facts, party);
      }
      await host(party, call.signal);
      const record = { party, displayName, annotations, identityProviderId };
      const outcome = await storeReferring(facts, identityProviderId, () =>
        store.allocate(record, userId === "" ? undefined : userId),
      );
      if (outcome === "ofOtherProvider") throw alreadyAllocated(facts, party);
      if (outcome === "userUnknown") throw userNotFound(facts, "allocating a party", userId);
      return {
        partyDetails: toDetails({ party, isLocal: true }, { ...record, resourceVersion: 0n }, identityProviderId),
      };
    },

    updatePartyDetails: async ({ partyDetails: given, updateMask }: UpdatePartyDetailsRequest) => {
      requireActive();
      const party = given?.party ?? "";
      const submissionId = `${party === "" ? "" : `${party}-`}${randomUUID()}`;
      const facts = { participant, submissionId };
      if (given === undefined) throw missingField(facts, "party_details");
      checkParty(facts, party);
      const annotations = given.localMetadata?.annotations ?? {};
      const fault = annotationsFault(annotations, "party_details.local_metadata.annotations", true);
      if (fault !== undefined) throw invalidArguments(facts, fault);
      const versionField = "party_details.local_metadata.resource_version";
      const expected = resourceVersionOf(facts, versionField, given.localMetadata?.resourceVersion ?? "");
      if (updateMask === undefined) throw missingField(facts, "update_mask");
      const { identityProviderId } = given;
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      await requireIdentityProvider(facts, providers, identityProviderId);
      const problem = maskFault(updateMask, PARTY_FIELDS);
      if (problem !== undefined) throw invalidPartyUpdate(facts, party, problem);
      const present = await known(facts, party);
      if (updateMask.includes("is_local") && given.isLocal !== present.isLocal) {
        const reason = "Update request attempted to modify not-modifiable 'is_local' attribute";
        throw invalidPartyUpdate(facts, party, reason);
      }
      const updated = await store.update(party, (record) => {
        if (record.identityProviderId !== identityProviderId) {
          const reason = "Use UpdatePartyIdentityProviderId to change identity provider IDs";
          throw invalidPartyUpdate(facts, party, reason);
        }
        if (expected !== undefined && expected !== (record.resourceVersion ?? 0n)) {
          throw concurrentPartyUpdate(facts, party);
        }
        const named = maskNames(updateMask, "local_metadata.annotations") ? annotations : {};
        const merged = mergeAnnotations(record.annotations, named);
        if (!fitsAnnotations(merged)) throw partyAnnotationsTooLarge(facts, party);
        const resourceVersion = record.resourceVersion === undefined ? 0n : record.resourceVersion + 1n;
        return { ...record, annotations: merged, resourceVersion };
      });
      return { partyDetails: toDetails(present, updated, identityProviderId) };
    },

    updatePartyIdentityProviderId: async (request: UpdatePartyIdentityProviderIdRequest) => {
      requireActive();
      const { party, sourceIdentityProviderId: source, targetIdentityProviderId: target } = request;
      const facts = { participant };
      checkParty(facts, party);
      checkIdentityProviderId(facts, "source_identity_provider_id", source);
      checkIdentityProviderId(facts, "target_identity_provider_id", target);
      await requireIdentityProvider(facts, providers, source);
      await requireIdentityProvider(facts, providers, target);
      await known(facts, party, "updating party's identity provider");
      await storeReferring(facts, target, () =>
        store.update(party, (record) => {
          if (record.identityProviderId === source) return { ...record, identityProviderId: target };
          throw partyNotFound(facts, party, "updating party's identity provider");
        }),
      );
      return {};
    },
  };
}

function alreadyAllocated(facts: RequestFacts, party: string): Error {
  const text = `Party already exists: party ${shortenUniqueIdentifier(party)} is already allocated on this node`;
  return invalidArguments(facts, text);
}

/** A party as the members of an identity provider see it: what they keep of it is shown to nobody else. */
function toDetails(known: KnownParty, record: PartyRecord | undefined, seenBy: string): PartyDetails {
  const owner = record?.identityProviderId ?? "";
  const shown = owner === seenBy ? record : undefined;
  return {
    party: known.party,
    displayName: shown?.displayName ?? "",
    isLocal: known.isLocal && (owner === seenBy || seenBy === ""),
    localMetadata: {
      resourceVersion: shown?.resourceVersion?.toString() ?? "",
      annotations: { ...shown?.annotations },
    },
    identityProviderId: shown?.identityProviderId ?? "",
  };
}

const PAGE_TOKEN = "parties:";

function encodePageToken(party: string): string {
  return Buffer.from(PAGE_TOKEN + party).toString("base64url");
}

function decodePageToken(token: string): string | null {
  const text = Buffer.from(token, "base64url").toString();
  return text.startsWith(PAGE_TOKEN) && encodePageToken(text.slice(PAGE_TOKEN.length)) === token
    ? text.slice(PAGE_TOKEN.length)
    : null;
}
