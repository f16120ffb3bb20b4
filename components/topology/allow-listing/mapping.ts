/** The domain's side of a participant's state, through the domain manager's admin API. */
import { RequestSide } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { deadline, type MappingKind } from "../mapping/steps.ts";
import { participantMember, withoutMemberCode } from "../topology-names.ts";
import { permissionFromWire, permissionToWire, trustLevelFromWire, trustLevelToWire } from "../wire-names.ts";
import type { AllowListingInputs, Grant } from "./provider.ts";

/** What a domain grants one participant. */
export function grantOf({ domainId, participant }: AllowListingInputs): MappingKind<Grant> {
  const member = participantMember(participant);
  const uid = withoutMemberCode(participant);
  return {
    what: `the allow-list entry of ${member}`,
    read: async (client, baseQuery) => {
      const request = { baseQuery, filterDomain: domainId, filterParticipant: uid };
      const { results } = await call(client, "listParticipantDomainState", request, deadline);
      return results.flatMap(({ item }) => {
        if (item?.domain !== domainId || withoutMemberCode(item.participant) !== uid) return [];
        if (item.side !== RequestSide.From) return [];
        const permission = permissionFromWire(item.permission);
        const trustLevel = trustLevelFromWire(item.trustLevel);
        return permission === undefined || trustLevel === undefined ? [] : [{ permission, trustLevel }];
      });
    },
    authorize: (client, authorization, { permission, trustLevel }) =>
      call(
        client,
        "authorizeParticipantDomainState",
        {
          authorization,
          side: RequestSide.From,
          domain: domainId,
          participant: member,
          permission: permissionToWire(permission),
          trustLevel: trustLevelToWire(trustLevel),
        },
        deadline,
      ),
  };
}
