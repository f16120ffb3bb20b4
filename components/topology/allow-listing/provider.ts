/** Pulumi's view of an entry of a domain's allow-list. */
import type { Endpoint } from "../../platform/platform.ts";
import { mappingProvider } from "../mapping/provider.ts";
import { type Permission, type TrustLevel, withoutMemberCode } from "../topology-names.ts";

/** What a domain grants a participant. */
export interface Grant {
  readonly permission: Permission;
  readonly trustLevel: TrustLevel;
}

/** What the resource takes. */
export interface AllowListingInputs extends Grant {
  /** Admin API of the domain manager. */
  readonly domainManager: Endpoint;
  /** Id of the domain, `identifier::fingerprint`. */
  readonly domainId: string;
  /** Id of the participant, with or without `PAR::`. */
  readonly participant: string;
}

/** See `thinProvider`. */
export const provider = mappingProvider<AllowListingInputs, Grant, object>({
  inputs: ["domainManager", "domainId", "participant", "permission", "trustLevel"],
  identity: ["domainId", "participant"],
  id: ({ domainId, participant }) => `${domainId}/${withoutMemberCode(participant)}`,
  failure: ({ participant }) => `the allow-list entry of ${participant} was not made`,
  // Not waited for: a domain that cannot pass it on now keeps it and does so later.
  target: ({ domainManager }) => ({ node: domainManager }),
  wanted: ({ permission, trustLevel }) => ({ permission, trustLevel }),
  outputs: () => ({}),
  kind: async () => (await import("./mapping.ts")).grantOf,
});
