import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { deadline, type MappingKind } from "../mapping/steps.ts";
import type { DelegationKind, NamespaceDelegationInputs } from "./provider.ts";

/** The delegation of a namespace to one key. */
export function namespaceDelegationOf({ namespace, key }: NamespaceDelegationInputs): MappingKind<DelegationKind> {
  return {
    what: `the delegation of namespace ${namespace} to key ${key}`,
    read: async (client, baseQuery) => {
      const request = { baseQuery, filterNamespace: namespace };
      const { results } = await call(client, "listNamespaceDelegation", request, deadline);
      return results.flatMap(({ item, targetKeyFingerprint }) =>
        item?.namespace === namespace && targetKeyFingerprint === key
          ? [{ isRootDelegation: item.isRootDelegation }]
          : [],
      );
    },
    authorize: (client, authorization, { isRootDelegation }) =>
      call(
        client,
        "authorizeNamespaceDelegation",
        { authorization, namespace, fingerprintOfAuthorizedKey: key, isRootDelegation },
        deadline,
      ),
  };
}
