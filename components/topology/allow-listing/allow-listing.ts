import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";
import type { Permission, TrustLevel } from "../topology-names.ts";

/** Arguments of an `AllowListing`. */
export interface AllowListingArgs {
  /** Admin API of the domain manager. Example: `domain.adminApi`. */
  readonly domainManager: Input<Endpoint>;
  /** Id of the domain. Example: `domain.domainId`. */
  readonly domainId: Input<string>;
  /** Id of the participant, with or without `PAR::`. Example: `"PAR::alice::1220…"`. */
  readonly participant: Input<string>;
  /** What it may do; `Disabled` bars it. Default: `Submission`. */
  readonly permission?: Input<Permission>;
  /** Default: `Ordinary`. */
  readonly trustLevel?: Input<TrustLevel>;
}

/**
 * Lets a participant onto a permissioned domain (`participants.set_state`), also one that the domain has never met.
 * Deleting it takes the permission away. One resource.
 */
export class AllowListing extends dynamic.Resource {
  /** Id of the participant. */
  declare readonly participant: Output<string>;
  /** What it may do. */
  declare readonly permission: Output<Permission>;
  /** How far it is trusted. */
  declare readonly trustLevel: Output<TrustLevel>;

  constructor(name: string, args: AllowListingArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/topology/allow-listing/provider.ts"),
      name,
      { permission: "Submission", trustLevel: "Ordinary", ...args },
      options,
      "topology",
      "AllowListing",
    );
  }
}
