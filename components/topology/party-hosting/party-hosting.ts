import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";
import type { Permission } from "../topology-names.ts";

/** Arguments of a `PartyHosting`. */
export interface PartyHostingArgs {
  /** Full id of the party. Example: `alice.party("Alice", domain).partyId`. */
  readonly party: Input<string>;
  /** Id of the participant that is to host it too, with or without `PAR::`. */
  readonly participantId: Input<string>;
  /** What that participant may do for the party. Default: `Observation`. */
  readonly permission?: Input<Permission>;
  /** Id of the domain on which it is to be in effect. */
  readonly domainId: Input<string>;
  /** Admin API of the participant that is to host the party, where this stack gives its consent (side `To`). */
  readonly target?: Input<Endpoint>;
  /** Admin API of the participant with a key of the party's namespace, where this stack authorises for it (side `From`). */
  readonly source?: Input<Endpoint>;
}

/**
 * A party on a further participant. Both sides have to say so; give `target` and `source` where both are of this stack, or one of
 * them where the other belongs to another organisation: then `active` is false and `pending` names what is missing until the
 * other side has done its part. Contracts that the party already has are not copied. Deleting it takes back what this stack gave.
 * One resource.
 */
export class PartyHosting extends dynamic.Resource {
  /** Whether both sides are in effect, so that the participant hosts the party. */
  declare readonly active: Output<boolean>;
  /** Who has to do what before it is; empty when it is. */
  declare readonly pending: Output<string>;

  constructor(name: string, args: PartyHostingArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/topology/party-hosting/provider.ts"),
      name,
      { active: undefined, pending: undefined, permission: "Observation", ...args },
      options,
      "topology",
      "PartyHosting",
    );
  }
}
