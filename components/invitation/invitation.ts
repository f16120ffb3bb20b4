import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../dynamic/thin-provider.ts";
import type { Endpoint } from "../platform/platform.ts";
import type { SequencerToDial } from "../topology/domain-connection/steps.ts";

/** Arguments of an `Invitation`. */
export interface InvitationArgs {
  /** Admin API of the domain manager, which signs. Example: `domain.adminApi`. */
  readonly domainManager: Input<Endpoint>;
  /** Id of the domain. Example: `domain.domainId`. */
  readonly domainId: Input<string>;
  /** What the invited are advised to call the domain. Example: `domain.alias`. */
  readonly alias: Input<string>;
  /** Where the sequencers are, as the invited reach them. Example: `domain.sequencers`. */
  readonly sequencers: Input<readonly SequencerToDial[]>;
  /** The terms that have to be accepted, by id and SHA-256 of their text. Default: none. */
  readonly termsOfService?: Input<{ readonly id: string; readonly sha256: string }>;
  /** Days from now in which it may be taken up, 1 to 366. Default: 14. */
  readonly validDays?: Input<number>;
}

/**
 * What the owner of a domain hands to another organisation, whose stack takes it as configuration: where the domain is and how to
 * recognise it, signed by the domain's manager. It holds no secret and admits nobody: the allow-list does. Renewed by an update
 * after it has expired. One resource.
 */
export class Invitation extends dynamic.Resource {
  /** The signed invitation: JSON text. */
  declare readonly invitation: Output<string>;
  /** When it expires. Example: `Sat, 28 Nov 2026 10:20:48 GMT`. */
  declare readonly expires: Output<string>;

  constructor(name: string, args: InvitationArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/invitation/provider.ts"),
      name,
      { invitation: undefined, expires: undefined, validDays: 14, ...args },
      options,
      "invitation",
      "Invitation",
    );
  }
}
