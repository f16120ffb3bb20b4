/** Pulumi's view of an identifier that is delegated to a key. */
import type { Endpoint } from "../../platform/platform.ts";
import { mappingProvider } from "../mapping/provider.ts";

/** What the resource takes. */
export interface IdentifierDelegationInputs {
  readonly node: Endpoint;
  readonly identifier: string;
  readonly key: string;
  readonly domainId?: string;
  readonly force?: boolean;
}

/** See `thinProvider`. */
export const provider = mappingProvider<IdentifierDelegationInputs, object, object>({
  inputs: ["node", "identifier", "key", "domainId", "force"],
  identity: ["identifier", "key"],
  id: ({ identifier, key }) => `${identifier}/${key}`,
  failure: ({ identifier, key }) => `${identifier} is not delegated to key ${key}`,
  target: ({ node, domainId, force }) => ({ node, domainId, force }),
  wanted: () => ({}),
  outputs: () => ({}),
  kind: async () => (await import("./mapping.ts")).identifierDelegationOf,
});
