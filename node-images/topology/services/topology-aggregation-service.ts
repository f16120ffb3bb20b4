/** `topology.admin.v0.TopologyAggregationService`: who hosts which party, and who uses which key, on the domains of the node. */

import {
  type ListKeyOwnersResponse_Result,
  type ListPartiesResponse_Result,
  TopologyAggregationServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_aggregation_service.ts";
import type { Timestamp } from "@pulumi-canton/protocol/gen/google/protobuf/timestamp.ts";
import { type MemberId, memberUid } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { invalidValue } from "@pulumi-canton/protocol/protocol-error.ts";
import { timestampFromProto } from "@pulumi-canton/protocol/timestamp.ts";
import { permissionToProto } from "@pulumi-canton/protocol/topology/change.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { authorizedStoreId } from "../stored-transaction.ts";
import type { NodeLabel } from "../topology-errors.ts";
import type { TopologyStores } from "../topology-stores.ts";
import { readingRequest } from "./request.ts";
import { startOfName, uidFits } from "./topology-filter.ts";

/** What {@link topologyAggregationService} needs. */
export interface TopologyAggregationServiceOptions {
  stores: TopologyStores;
  /** Put into the metadata of errors. */
  node: NodeLabel;
}

type PartyHosting = ListPartiesResponse_Result["participants"][number];

/** The service over the domain stores of a node; what is only in `Authorized` is in force nowhere yet. */
export function topologyAggregationService({ stores, node }: TopologyAggregationServiceOptions): GrpcService {
  /** The states of the domains whose id begins as the filter says. */
  async function statesOf(
    filterDomain: string,
    asOf: Timestamp | undefined,
  ): Promise<[UniqueIdentifier, TopologyState][]> {
    const states: [UniqueIdentifier, TopologyState][] = [];
    for (const id of await stores.ids()) {
      if (id === authorizedStoreId || !id.startsWith(filterDomain)) continue;
      const store = await stores.open(id);
      states.push([id, asOf === undefined ? store.state : await store.stateAt(timestampFromProto(asOf, "as_of"))]);
    }
    return states;
  }

  return implement(TopologyAggregationServiceService, {
    listParties: (request) =>
      readingRequest(node, async () => {
        const limit = checkLimit(request.limit);
        const parties = new Map<UniqueIdentifier, Map<MemberId, PartyHosting>>();
        for (const [domain, state] of await statesOf(request.filterDomain, request.asOf)) {
          for (const party of partiesOf(domain, state, request, parties, limit)) {
            for (const [participant, { permission }] of state.hostingParticipantsOn(domain, party)) {
              if (!uidFits(memberUid(participant), request.filterParticipant)) continue;
              const hosting = parties.get(party) ?? new Map<MemberId, PartyHosting>();
              const entry = hosting.get(participant) ?? { participant, domains: [] };
              entry.domains.push({ domain, permission: permissionToProto(permission) });
              parties.set(party, hosting.set(participant, entry));
            }
          }
        }
        return {
          results: [...parties].map(([party, hosting]) => ({ party, participants: [...hosting.values()] })),
        };
      }),

    listKeyOwners: (request) =>
      readingRequest(node, async () => {
        const limit = checkLimit(request.limit);
        const results: ListKeyOwnersResponse_Result[] = [];
        for (const [domain, state] of await statesOf(request.filterDomain, request.asOf)) {
          for (const owner of keyOwnersOf(state, request.filterKeyOwnerType, request.filterKeyOwnerUid)) {
            if (results.length >= limit) break;
            const { signing, encryption } = state.keysOf(owner);
            results.push({ domain, keyOwner: owner, signingKeys: signing, encryptionKeys: encryption });
          }
        }
        return { results };
      }),
  });
}

/**
 * The parties of a domain that may fit a request: first those that every active participant is by itself, then the others
 * by name. Only whole parties are cut off by the limit, so that one that is listed is listed with all its participants:
 * once enough are listed, only those are asked for.
 */
function* partiesOf(
  domain: UniqueIdentifier,
  state: TopologyState,
  { filterParty, filterParticipant }: { filterParty: string; filterParticipant: string },
  listed: ReadonlyMap<UniqueIdentifier, unknown>,
  limit: number,
): Iterable<UniqueIdentifier> {
  const seen = new Set<UniqueIdentifier>();
  for (const party of candidates()) {
    if (listed.size >= limit) break;
    if (seen.has(party) || !uidFits(party, filterParty)) continue;
    seen.add(party);
    yield party;
  }
  if (listed.size < limit) return;
  for (const party of [...listed.keys()]) if (!seen.has(party)) yield party;

  function* candidates(): Iterable<UniqueIdentifier> {
    for (const participant of state.activeParticipants(domain, startOfName(filterParty)).keys()) {
      yield memberUid(participant);
    }
    if (filterParticipant === "") {
      for (const [party] of state.parties(startOfName(filterParty))) yield party;
      return;
    }
    const hosts = [...state.activeParticipants(domain, startOfName(filterParticipant)).keys()];
    yield* hosts.flatMap((participant) => [...state.hostedParties(participant).keys()]).sort();
  }
}

const ownerOrder = ["SEQ", "DOM", "MED", "PAR"];

/** Those who use a key and fit a filter of their type and identifier, the domain's own members first. */
function* keyOwnersOf(state: TopologyState, type: string, filter: string): Iterable<MemberId> {
  for (const code of ownerOrder) {
    if (type !== "" && type !== code) continue;
    for (const owner of state.keyOwners(`${code}::${startOfName(filter)}`)) {
      if (uidFits(memberUid(owner), filter)) yield owner;
    }
  }
}

function checkLimit(limit: number): number {
  if (limit < 0) throw invalidValue("limit", `${limit} is not accepted`, "0 or more");
  return limit;
}
