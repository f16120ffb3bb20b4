import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";

/** Arguments of a `Party`. */
export interface PartyArgs {
  /** Admin API of the participant that hosts it. Example: `participant.adminApi`. */
  readonly participant: Input<Endpoint>;
  /** Id of that participant, with or without `PAR::`. */
  readonly participantId: Input<string>;
  /** A name, which gets the participant's namespace, or a full id. Example: `"Alice"`. */
  readonly party: Input<string>;
  /**
   * Id of the domain on which it is to be seen before it counts as made; ids of all of them where the participant is on several:
   * it takes its parties to each.
   */
  readonly domainId: Input<string | Input<string>[]>;
}

/**
 * A party hosted by one participant with submission rights (`parties.enable`), seen on the domain. Deleting it ends the
 * hosting, on every domain. One resource.
 */
export class Party extends dynamic.Resource {
  /** Full id of the party, `name::fingerprint`. */
  declare readonly partyId: Output<string>;

  constructor(name: string, args: PartyArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/topology/party/provider.ts"),
      name,
      { partyId: undefined, ...args },
      options,
      "topology",
      "Party",
    );
  }
}
