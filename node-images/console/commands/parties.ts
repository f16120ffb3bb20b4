import { ParticipantPermission } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { TopologyAggregationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_aggregation_service.ts";
import type { AdminApi } from "../admin-api.ts";
import { nameOf } from "../enum-name.ts";
import { domainManagerOf, type Network } from "../network.ts";

/** A party and where it is hosted. */
export interface PartyView {
  party: string;
  participant: string;
  domain: string;
  permission: string;
}

/** Reads the parties that the domain knows, each with its participants; at most `limit` parties. */
export async function listParties(network: Network, api: AdminApi, limit = 1_000): Promise<PartyView[]> {
  const { results } = await api.call(
    domainManagerOf(network).adminApi,
    TopologyAggregationServiceClient,
    "listParties",
    {
      asOf: undefined,
      limit,
      filterDomain: network.domain.id,
      filterParty: "",
      filterParticipant: "",
    },
  );
  return results.flatMap(({ party, participants }) =>
    participants.flatMap(({ participant, domains }) =>
      domains.map(({ domain, permission }) => ({
        party,
        participant,
        domain,
        permission: nameOf(ParticipantPermission, permission),
      })),
    ),
  );
}
