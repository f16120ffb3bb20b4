/** One side, or both, of the mapping of a party to a participant. */
import { RequestSide } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { deadline, type MappingKind } from "../mapping/steps.ts";
import { type Permission, participantMember, withoutMemberCode } from "../topology-names.ts";
import { permissionFromWire, permissionToWire } from "../wire-names.ts";

/** What may change of a hosting. */
export interface HostingPermission {
  readonly permission: Permission;
}

/** Whose say: the party's (`From`), the hosting participant's (`To`), or both at once where one namespace has both. */
export type HostingSide = "From" | "To" | "Both";

/** Which party on which participant, and whose say. */
export interface Hosting {
  readonly side: HostingSide;
  /** Full id of the party. */
  readonly partyId: string;
  /** Id of the participant, with or without `PAR::`. */
  readonly participantId: string;
}

/** The permission that one side gives. */
export function hostingOf({ side, partyId, participantId }: Hosting): MappingKind<HostingPermission> {
  const uid = withoutMemberCode(participantId);
  return {
    what: `party ${partyId} on ${participantMember(participantId)}${side === "Both" ? "" : ` (side ${side})`}`,
    read: async (client, baseQuery) => {
      const request = {
        baseQuery,
        filterParty: partyId,
        filterParticipant: uid,
        filterRequestSide: { value: RequestSide[side] },
        filterPermission: undefined,
      };
      const { results } = await call(client, "listPartyToParticipant", request, deadline);
      return results.flatMap(({ item }) => {
        const permission = item && permissionFromWire(item.permission);
        const same = item?.party === partyId && withoutMemberCode(item.participant) === uid;
        return same && item.side === RequestSide[side] && permission !== undefined ? [{ permission }] : [];
      });
    },
    authorize: (client, authorization, { permission }) =>
      call(
        client,
        "authorizePartyToParticipant",
        {
          authorization,
          side: RequestSide[side],
          party: partyId,
          participant: participantMember(participantId),
          permission: permissionToWire(permission),
        },
        deadline,
      ),
  };
}
