import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";

/** Arguments of a `MediatorDomainState`. */
export interface MediatorDomainStateArgs {
  /** Admin API of the node that authorises it: the domain manager's, for the domain's own mediator. Example: `domain.adminApi`. */
  readonly node: Input<Endpoint>;
  /** Id of the domain. Example: `domain.domainId`. */
  readonly domainId: Input<string>;
  /** Id of the mediator, with or without `MED::`. Example: `domain.domainId`, which its own mediator has too. */
  readonly mediator: Input<string>;
  /** Who consents: the domain (`From`), the mediator (`To`), or both at once where one namespace has both. Default: `Both`. */
  readonly side?: Input<"From" | "To" | "Both">;
  /** Has deleting it succeed where that leaves a transaction without a signer. Default: false. */
  readonly force?: Input<boolean>;
}

/** A mediator of a domain, in effect when both sides consent. Deleting it takes the consent back. One resource. */
export class MediatorDomainState extends dynamic.Resource {
  /** Id of the mediator. */
  declare readonly mediator: Output<string>;

  constructor(name: string, args: MediatorDomainStateArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/topology/mediator-domain-state/provider.ts"),
      name,
      { side: "Both", ...args },
      options,
      "topology",
      "MediatorDomainState",
    );
  }
}
