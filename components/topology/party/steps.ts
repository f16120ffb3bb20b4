/** A party on its participant, through the participant's admin API. No Pulumi. */
import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import {
  ParticipantPermission,
  RequestSide,
  TopologyChangeOp,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { TopologyAggregationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_aggregation_service.ts";
import {
  BaseQuery,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { callDeadlineMs, converge, tolerate } from "../convergence.ts";
import { participantMember, withoutMemberCode } from "../topology-names.ts";
import { type PartyState, type PartyStep, planParty, planPartyRemoval } from "./plan.ts";

export { messageOf } from "../convergence.ts";

/** Which party, and where. */
export interface PartyTarget {
  /** Admin API of the participant that hosts it. */
  readonly participant: Endpoint;
  /** Id of that participant. */
  readonly participantId: string;
  /** Full id of the party, `name::fingerprint`. */
  readonly partyId: string;
  /** Id of the domain on which it is to be seen. */
  readonly domainId: string;
}

/** What is to be seen of the party. */
export async function observeParty(target: PartyTarget): Promise<PartyState> {
  const { participant, partyId, domainId } = target;
  const hosting = withoutMemberCode(target.participantId);
  const deadline = { deadlineMs: callDeadlineMs };
  const read = connect(TopologyManagerReadServiceClient, participant);
  const aggregation = connect(TopologyAggregationServiceClient, participant);
  const connectivity = connect(DomainConnectivityServiceClient, participant);
  try {
    const [own, seen, connections] = await Promise.all([
      call(
        read,
        "listPartyToParticipant",
        {
          baseQuery: BaseQuery.fromPartial({ filterStore: "Authorized", timeQuery: { $case: "headState", value: {} } }),
          filterParty: partyId,
          filterParticipant: hosting,
          filterRequestSide: undefined,
          filterPermission: undefined,
        },
        deadline,
      ),
      call(
        aggregation,
        "listParties",
        { asOf: undefined, limit: 1000, filterDomain: domainId, filterParty: partyId, filterParticipant: hosting },
        deadline,
      ),
      call(connectivity, "listConnectedDomains", {}, deadline),
    ]);
    return {
      // The filters are prefixes.
      authorized: own.results.some(
        ({ item }) =>
          item?.party === partyId && item.side === RequestSide.Both && withoutMemberCode(item.participant) === hosting,
      ),
      visible: seen.results.some(
        ({ party, participants }) =>
          party === partyId &&
          participants.some(
            (host) =>
              withoutMemberCode(host.participant) === hosting && host.domains.some(({ domain }) => domain === domainId),
          ),
      ),
      connected: connections.connectedDomains.some((domain) => domain.domainId === domainId),
    };
  } finally {
    read.close();
    aggregation.close();
    connectivity.close();
  }
}

/** Has the participant host the party, and waits until the domain shows it. */
export async function convergeParty(target: PartyTarget): Promise<void> {
  await converge({
    what: `party ${target.partyId} on ${participantMember(target.participantId)}`,
    observe: () => observeParty(target),
    plan: planParty,
    apply: (step) => applyStep(target, step),
  });
}

/** Has the participant host the party no more, and waits until the domain shows it where it is connected. */
export async function convergePartyRemoval(target: PartyTarget): Promise<void> {
  await converge({
    what: `the end of party ${target.partyId} on ${participantMember(target.participantId)}`,
    observe: () => observeParty(target),
    plan: planPartyRemoval,
    apply: (step) => applyStep(target, step),
  });
}

async function applyStep(target: PartyTarget, step: PartyStep): Promise<void> {
  if (step.do === "wait") return;
  const client = connect(TopologyManagerWriteServiceClient, target.participant);
  const request = {
    authorization: {
      change: step.do === "authorize" ? TopologyChangeOp.Add : TopologyChangeOp.Remove,
      signedBy: "",
      replaceExisting: false,
      forceChange: false,
    },
    side: RequestSide.Both,
    party: target.partyId,
    participant: participantMember(target.participantId),
    permission: ParticipantPermission.Submission,
  };
  try {
    await tolerate(["TOPOLOGY_MAPPING_ALREADY_EXISTS", "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE"], () =>
      call(client, "authorizePartyToParticipant", request, { deadlineMs: callDeadlineMs }),
    );
  } finally {
    client.close();
  }
}
