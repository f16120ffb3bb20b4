import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";

/** Arguments of an `OwnerToKeyMapping`. */
export interface OwnerToKeyMappingArgs {
  /** Admin API of the node whose topology manager authorises the mapping. Example: `participant.adminApi`. */
  readonly node: Input<Endpoint>;
  /** Admin API of the node that holds the key, for sequencers and mediators of a domain manager. Default: `node`. */
  readonly keyNode?: Input<Endpoint>;
  /** The member that uses the key. Example: `participant.participantId`, or `DOM::mydomain::1220…`. */
  readonly owner: Input<string>;
  readonly purpose: Input<"signing" | "encryption">;
  /** Any text; changing it rotates the key. Example: `"2026-11"`. Default: `"1"`. */
  readonly keyVersion?: Input<string>;
  /** Id of the domain on which a new key has to be in effect before an old one goes. Default: it only has to be authorised. */
  readonly domainId?: Input<string>;
  /** Has deleting it take the member's last key too. Default: false, it stays. */
  readonly force?: Input<boolean>;
}

/**
 * A key that a member uses. Takes the one that is in use when it is made; when `keyVersion` changes, generates a new one on the
 * node, has it authorised, waits until it is in effect, and only then revokes the old one, which stays in the vault. Deleting
 * it revokes a key that it generated, unless that is the member's last one. One resource.
 */
export class OwnerToKeyMapping extends dynamic.Resource {
  /** Fingerprint of the key. */
  declare readonly fingerprint: Output<string>;

  constructor(name: string, args: OwnerToKeyMappingArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/topology/owner-to-key-mapping/provider.ts"),
      name,
      { fingerprint: undefined, fingerprintOfVersion: undefined, keyVersion: "1", ...args },
      options,
      "topology",
      "OwnerToKeyMapping",
    );
  }
}
