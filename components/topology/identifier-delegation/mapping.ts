import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { deadline, type MappingKind } from "../mapping/steps.ts";
import type { IdentifierDelegationInputs } from "./provider.ts";

/** The delegation of one identifier to one key; nothing of it can change. */
export function identifierDelegationOf({ identifier, key }: IdentifierDelegationInputs): MappingKind<object> {
  return {
    what: `the delegation of ${identifier} to key ${key}`,
    read: async (client, baseQuery) => {
      const request = { baseQuery, filterUid: identifier };
      const { results } = await call(client, "listIdentifierDelegation", request, deadline);
      return results.flatMap(({ item, targetKeyFingerprint }) =>
        item?.uniqueIdentifier === identifier && targetKeyFingerprint === key ? [{}] : [],
      );
    },
    authorize: (client, authorization) =>
      call(
        client,
        "authorizeIdentifierDelegation",
        { authorization, identifier, fingerprintOfAuthorizedKey: key },
        deadline,
      ),
  };
}
