import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../dynamic/thin-provider.ts";
import type { SequencerToDial } from "../topology/domain-connection/steps.ts";

/** Arguments of an `AcceptedInvitation`. */
export interface AcceptedInvitationArgs {
  /** The signed invitation: the JSON text that the owner's stack gave out. */
  readonly invitation: Input<string>;
  /** Id of the domain that it has to be of, as it was learnt on another way. Default: any. */
  readonly domainId?: Input<string>;
}

/**
 * An invitation that was taken up: verified before anything that depends on it is created. One that was changed, that is of
 * another domain, or that had expired before it was first taken up is refused with the reason. One resource.
 */
export class AcceptedInvitation extends dynamic.Resource {
  /** Id of the domain, proven by the invitation. */
  declare readonly invitedTo: Output<string>;
  /** What the owner calls the domain. */
  declare readonly alias: Output<string>;
  /** What a participant dials. */
  declare readonly sequencers: Output<SequencerToDial[]>;

  constructor(name: string, args: AcceptedInvitationArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/invitation/accepted-provider.ts"),
      name,
      { invitedTo: undefined, alias: undefined, sequencers: undefined, ...args },
      options,
      "invitation",
      "AcceptedInvitation",
    );
  }
}
