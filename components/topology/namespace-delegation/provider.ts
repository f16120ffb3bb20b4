/** Pulumi's view of a namespace that is delegated to a key. */
import type { Endpoint } from "../../platform/platform.ts";
import { mappingProvider } from "../mapping/provider.ts";

/** What may change of a delegation. */
export interface DelegationKind {
  readonly isRootDelegation: boolean;
}

/** What the resource takes. */
export interface NamespaceDelegationInputs extends DelegationKind {
  readonly node: Endpoint;
  readonly namespace: string;
  readonly key: string;
  readonly domainId?: string;
  readonly force?: boolean;
}

/** See `thinProvider`. */
export const provider = mappingProvider<NamespaceDelegationInputs, DelegationKind, object>({
  inputs: ["node", "namespace", "key", "isRootDelegation", "domainId", "force"],
  identity: ["namespace", "key"],
  id: ({ namespace, key }) => `${namespace}/${key}`,
  failure: ({ namespace, key }) => `namespace ${namespace} is not delegated to key ${key}`,
  check: ({ namespace, key }) =>
    key !== undefined && namespace === key
      ? [
          {
            property: "key",
            reason:
              "is the namespace's own key: its root certificate is made when the node is initialised (NodeIdentity), and taking it back would end the namespace; name another key",
          },
        ]
      : [],
  target: ({ node, domainId, force }) => ({ node, domainId, force }),
  wanted: ({ isRootDelegation }) => ({ isRootDelegation }),
  outputs: () => ({}),
  kind: async () => (await import("./mapping.ts")).namespaceDelegationOf,
});
