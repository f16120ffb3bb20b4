/** The allow-list of a domain, through its domain manager's admin API. No Pulumi. */
import {
  RequestSide,
  TopologyChangeOp,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import {
  BaseQuery,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { callDeadlineMs, converge, tolerate } from "../convergence.ts";
import { participantMember, withoutMemberCode } from "../topology-names.ts";
import { permissionFromWire, permissionToWire, trustLevelFromWire, trustLevelToWire } from "../wire-names.ts";
import { type AllowListingStep, type Grant, planAllowListing } from "./plan.ts";

/** Whose grant on which domain. */
export interface AllowListingTarget {
  /** Admin API of the domain manager. */
  readonly domainManager: Endpoint;
  /** Id of the domain, `identifier::fingerprint`. */
  readonly domainId: string;
  /** Id of the participant, with or without `PAR::`. */
  readonly participant: string;
}

/** What the domain manager has granted the participant: none, one, or several that were given by hand. */
export async function observeGrants(target: AllowListingTarget): Promise<Grant[]> {
  const participant = withoutMemberCode(target.participant);
  const client = connect(TopologyManagerReadServiceClient, target.domainManager);
  try {
    const request = {
      baseQuery: BaseQuery.fromPartial({ filterStore: "Authorized", timeQuery: { $case: "headState", value: {} } }),
      filterDomain: target.domainId,
      filterParticipant: participant,
    };
    const { results } = await call(client, "listParticipantDomainState", request, { deadlineMs: callDeadlineMs });
    return results.flatMap(({ item }) => {
      // The filters are prefixes.
      if (item?.domain !== target.domainId || withoutMemberCode(item.participant) !== participant) return [];
      if (item.side !== RequestSide.From) return [];
      const permission = permissionFromWire(item.permission);
      const trustLevel = trustLevelFromWire(item.trustLevel);
      return permission === undefined || trustLevel === undefined ? [] : [{ permission, trustLevel }];
    });
  } finally {
    client.close();
  }
}

/**
 * Leaves the participant with exactly this grant.
 *
 * @param wanted undefined takes every grant away
 * @throws CantonError when the domain manager refuses, Error when it is not reached in time
 */
export async function convergeGrant(target: AllowListingTarget, wanted: Grant | undefined): Promise<void> {
  await converge({
    what: `the allow-list entry of ${participantMember(target.participant)} at ${target.domainManager.url}`,
    observe: () => observeGrants(target),
    plan: (granted) => planAllowListing(wanted, granted),
    apply: (step) => applyStep(target, step),
  });
}

async function applyStep(target: AllowListingTarget, step: AllowListingStep): Promise<void> {
  const client = connect(TopologyManagerWriteServiceClient, target.domainManager);
  const request = {
    authorization: {
      change: step.do === "grant" ? TopologyChangeOp.Add : TopologyChangeOp.Remove,
      signedBy: "",
      replaceExisting: step.do === "grant" && step.replace,
      forceChange: false,
    },
    side: RequestSide.From,
    domain: target.domainId,
    participant: participantMember(target.participant),
    permission: permissionToWire(step.grant.permission),
    trustLevel: trustLevelToWire(step.grant.trustLevel),
  };
  try {
    await tolerate(["TOPOLOGY_MAPPING_ALREADY_EXISTS", "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE"], () =>
      call(client, "authorizeParticipantDomainState", request, { deadlineMs: callDeadlineMs }),
    );
  } finally {
    client.close();
  }
}
