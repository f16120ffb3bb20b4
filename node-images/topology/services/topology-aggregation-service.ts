/** `topology.admin.v0.TopologyAggregationService`: who hosts which party, and who uses which key, on the domains of the node. */

import {
  type ListKeyOwnersResponse_Result,
  type ListPartiesResponse_Result,
  TopologyAggregationServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_aggregation_service.ts";
import type { Timestamp } from "@pulumi-canton/protocol/gen/google/protobuf/timestamp.ts";
import { type MemberId, memberCode, memberUid } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { invalidValue } from "@pulumi-canton/protocol/protocol-error.ts";
import { timestampFromProto } from "@pulumi-canton/protocol/timestamp.ts";
import { permissionToProto } from "@pulumi-canton/protocol/topology/change.ts";
import type { OwnerToKeyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { authorizedStoreId } from "../stored-transaction.ts";
import type { NodeLabel } from "../topology-errors.ts";
import type { TopologyStores } from "../topology-stores.ts";
import { readingRequest } from "./request.ts";
import { uidFits } from "./topology-filter.ts";

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
          for (const party of partiesOf(domain, state, request.filterParty)) {
            for (const [participant, { permission }] of state.hostingParticipantsOn(domain, party)) {
              if (!uidFits(memberUid(participant), request.filterParticipant)) continue;
              let hosting = parties.get(party);
              // Only whole parties are cut off, so that one that is listed is listed with all its participants.
              if (hosting === undefined) {
                if (parties.size >= limit) continue;
                hosting = new Map();
                parties.set(party, hosting);
              }
              const entry = hosting.get(participant) ?? { participant, domains: [] };
              entry.domains.push({ domain, permission: permissionToProto(permission) });
              hosting.set(participant, entry);
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
          for (const owner of keyOwnersOf(state)) {
            if (results.length >= limit) break;
            if (request.filterKeyOwnerType !== "" && memberCode(owner) !== request.filterKeyOwnerType) continue;
            if (!uidFits(memberUid(owner), request.filterKeyOwnerUid)) continue;
            const { signing, encryption } = state.keysOf(owner);
            results.push({ domain, keyOwner: owner, signingKeys: signing, encryptionKeys: encryption });
          }
        }
        return { results };
      }),
  });
}

/** The parties of a domain: first those that every active participant is by itself, then the others by name. */
function* partiesOf(domain: UniqueIdentifier, state: TopologyState, filter: string): Iterable<UniqueIdentifier> {
  const seen = new Set<UniqueIdentifier>();
  for (const participant of state.activeParticipants(domain).keys()) {
    const party = memberUid(participant);
    if (!uidFits(party, filter)) continue;
    seen.add(party);
    yield party;
  }
  // The part of the filter before any `::` is a start of the name, so the index can be asked for it.
  for (const [party] of state.parties(filter.split("::")[0])) {
    if (!seen.has(party) && uidFits(party, filter)) yield party;
  }
}

const ownerOrder = ["SEQ", "DOM", "MED", "PAR"];

/** Everybody who uses a key, the domain's own members first. */
function keyOwnersOf(state: TopologyState): MemberId[] {
  const owners = new Set<MemberId>();
  for (const { transaction } of state.transactionsOfKind("OwnerToKeyMapping")) {
    owners.add((transaction.mapping as OwnerToKeyMapping).owner);
  }
  const rank = (owner: MemberId) => ownerOrder.indexOf(memberCode(owner));
  return [...owners].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function checkLimit(limit: number): number {
  if (limit < 0) throw invalidValue("limit", `${limit} is not accepted`, "0 or more");
  return limit;
}
