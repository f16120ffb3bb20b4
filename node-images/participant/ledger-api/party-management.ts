import { randomUUID } from "node:crypto";
import type { PartyDetails } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import { PartyManagementServiceService } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import { namespaceOf, shortenUniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { annotationsFault } from "./annotations.ts";
import {
  concurrentPartyUpdate,
  invalidField,
  invalidPartyUpdate,
  missingField,
  noConnectedDomain,
  partyNotFound,
  type RequestFacts,
} from "./ledger-errors.ts";
import type { PartyDirectory } from "./party-directory.ts";
import { hintFault, partyFault } from "./party-name.ts";
import type { PartyRecord, PartyStore } from "./party-store.ts";

/** Most parties on one page of ListKnownParties, and how many there are when the caller does not say. */
export const MAX_PARTIES_PAGE_SIZE = 10_000;

export interface PartyManagementOptions {
  /** Name of the node, for the metadata of errors. */
  readonly participant: string;
  /** The unique identifier of the participant. Throws before the node has one. */
  readonly participantUid: () => string;
  readonly directory: PartyDirectory;
  readonly store: PartyStore;
  /**
   * Hosts a new party on this participant and waits until all connected domains know it.
   * Throws CantonError when the mapping exists, when no domain is connected or when they do not answer in time.
   */
  readonly host: (party: string, signal: AbortSignal) => Promise<void>;
  /** Whether a party can be hosted at all at the moment. */
  readonly hasConnectedDomain: () => boolean;
  /** Throws when this replica may not change anything. */
  readonly requireActive: () => void;
}

/** Parties as applications manage them: Ledger API v1. */
export function partyManagementService(options: PartyManagementOptions) {
  const { participant, participantUid, directory, store, host, requireActive } = options;

  const details = async (parties: readonly { party: string; isLocal: boolean }[]): Promise<PartyDetails[]> => {
    const records = await store.find(parties.map(({ party }) => party));
    return parties.map(({ party, isLocal }) => toDetails(party, isLocal, records.get(party)));
  };

  /** Identity providers are not built: every party belongs to the default one. */
  const requireDefaultProvider = (identityProviderId: string, facts: RequestFacts): void => {
    if (identityProviderId === "") return;
    throw invalidField(facts, `Provided identity_provider_id Id(${identityProviderId}) has not been found.`);
  };

  return implement(PartyManagementServiceService, {
    getParticipantId: async () => ({ participantId: participantUid() }),

    getParties: async ({ parties, identityProviderId }) => {
      const facts = { participant, parties };
      requireDefaultProvider(identityProviderId, facts);
      for (const party of parties) {
        const fault = partyFault(party);
        if (fault !== undefined) throw invalidField(facts, fault);
      }
      const known = new Map((await directory.list()).map((each) => [each.party, each]));
      const wanted = [...new Set(parties)].flatMap((party) => known.get(party) ?? []);
      return { partyDetails: await details(wanted) };
    },

    listKnownParties: async ({ pageSize, pageToken, identityProviderId }) => {
      const facts = { participant };
      requireDefaultProvider(identityProviderId, facts);
      if (pageSize < 0) throw invalidField(facts, "Max page size must be non-negative");
      const after = pageToken === "" ? undefined : decodePageToken(pageToken);
      if (after === null) throw invalidField(facts, "Invalid page token");
      const size = pageSize === 0 ? MAX_PARTIES_PAGE_SIZE : Math.min(pageSize, MAX_PARTIES_PAGE_SIZE);
      const known = (await directory.list())
        .filter(({ party }) => after === undefined || party > after)
        .sort((a, b) => (a.party < b.party ? -1 : 1));
      const page = known.slice(0, size);
      const last = page.at(-1);
      return {
        partyDetails: await details(page),
        nextPageToken: known.length > page.length && last !== undefined ? encodePageToken(last.party) : "",
      };
    },

    allocateParty: async (request, call) => {
      requireActive();
      const hint = request.partyIdHint === "" ? `party-${randomUUID()}` : request.partyIdHint;
      const submissionId = `${request.partyIdHint === "" ? "" : `${hint}-`}${randomUUID()}`;
      const facts = { participant, submissionId, parties: [hint] };
      const annotations = request.localMetadata?.annotations ?? {};
      requireDefaultProvider(request.identityProviderId, facts);
      const fault = hintFault(hint) ?? annotationsFault(annotations) ?? emptyValueFault(annotations);
      if (fault !== undefined) throw invalidField(facts, fault);
      if ((request.localMetadata?.resourceVersion ?? "") !== "") {
        throw invalidField(facts, "field party_details.local_metadata.resource_version must be not set");
      }
      if (!options.hasConnectedDomain()) throw noConnectedDomain(participant, submissionId);
      const party = `${hint}::${namespaceOf(participantUid())}`;
      if ((await directory.list()).some((known) => known.party === party)) {
        throw invalidField(
          facts,
          `Party already exists: party ${shortenUniqueIdentifier(party)} is already allocated on this node`,
        );
      }
      await host(party, call.signal);
      await store.allocate(party, request.displayName, annotations);
      const [allocated] = await details([{ party, isLocal: true }]);
      return { partyDetails: allocated };
    },

    updatePartyDetails: async ({ partyDetails, updateMask }) => {
      requireActive();
      const party = partyDetails?.party ?? "";
      const submissionId = `${party === "" ? "" : `${party}-`}${randomUUID()}`;
      const facts = { participant, submissionId };
      if (partyDetails === undefined) throw missingField(facts, "party_details");
      if (updateMask === undefined) throw missingField(facts, "update_mask");
      const fault = partyFault(party);
      if (fault !== undefined) throw invalidField(facts, fault);
      requireDefaultProvider(partyDetails.identityProviderId, facts);
      const problem = maskFault(updateMask);
      if (problem !== undefined) throw invalidPartyUpdate(facts, party, problem);
      const given = partyDetails.localMetadata?.annotations ?? {};
      const annotationFault = annotationsFault(given);
      if (annotationFault !== undefined) throw invalidField(facts, annotationFault);
      const expected = resourceVersion(partyDetails.localMetadata?.resourceVersion ?? "", facts);
      const known = (await directory.list()).find((each) => each.party === party);
      if (known === undefined) throw partyNotFound(facts, party);
      // The mask's path names the annotations: they are merged, and an empty value removes its key.
      const updated = await store.updateAnnotations(party, expected, (present) =>
        Object.fromEntries(Object.entries({ ...present, ...given }).filter(([, value]) => value !== "")),
      );
      if (updated === "stale") throw concurrentPartyUpdate(facts, party);
      return { partyDetails: toDetails(party, known.isLocal, updated) };
    },
  });
}

const ANNOTATION_PATHS = ["local_metadata.annotations", "local_metadata"];

function maskFault(paths: readonly string[]): string | undefined {
  if (paths.length === 0) return "The update mask contains no entries";
  const unknown = paths.find((path) => !ANNOTATION_PATHS.includes(path));
  if (unknown !== undefined) {
    return `The update path: '${unknown}' points to an unknown or unmodifiable field. Accepted: ${ANNOTATION_PATHS.join(", ")}.`;
  }
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  return twice === undefined ? undefined : `The update path: '${twice}' is duplicated.`;
}

function emptyValueFault(annotations: Record<string, string>): string | undefined {
  const key = Object.keys(annotations).find((each) => annotations[each] === "");
  return key === undefined ? undefined : `The value of an annotation is empty for key: '${key}'`;
}

function resourceVersion(text: string, facts: RequestFacts): bigint | undefined {
  if (text === "") return undefined;
  if (!/^\d{1,18}$/.test(text)) throw invalidField(facts, `Invalid field resource_version: '${text}' is not a number`);
  return BigInt(text);
}

function toDetails(party: string, isLocal: boolean, record: PartyRecord | undefined): PartyDetails {
  return {
    party,
    displayName: record?.displayName ?? "",
    isLocal,
    localMetadata: {
      resourceVersion: record?.resourceVersion?.toString() ?? "",
      annotations: { ...record?.annotations },
    },
    identityProviderId: "",
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
