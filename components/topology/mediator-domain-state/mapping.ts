import { RequestSide } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { deadline, type MappingKind } from "../mapping/steps.ts";
import { withoutMemberCode } from "../topology-names.ts";
import type { MediatorDomainStateInputs } from "./provider.ts";

/** A side's consent that a mediator serves a domain; nothing of it can change. */
export function mediatorDomainStateOf({ domainId, mediator, side }: MediatorDomainStateInputs): MappingKind<object> {
  const uid = withoutMemberCode(mediator);
  return {
    what: `mediator ${uid} of ${domainId} (side ${side})`,
    read: async (client, baseQuery) => {
      const request = { baseQuery, filterDomain: domainId, filterMediator: uid };
      const { results } = await call(client, "listMediatorDomainState", request, deadline);
      return results.flatMap(({ item }) =>
        item?.domain === domainId && withoutMemberCode(item.mediator) === uid && item.side === RequestSide[side]
          ? [{}]
          : [],
      );
    },
    // Unlike a participant, a mediator comes without its three letter code.
    authorize: (client, authorization) =>
      call(
        client,
        "authorizeMediatorDomainState",
        { authorization, side: RequestSide[side], domain: domainId, mediator: uid },
        deadline,
      ),
  };
}
