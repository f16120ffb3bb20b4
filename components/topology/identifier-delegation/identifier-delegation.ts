import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";

/** Arguments of an `IdentifierDelegation`. */
export interface IdentifierDelegationArgs {
  /** Admin API of a node that holds a key of the identifier's namespace. Example: `participant.adminApi`. */
  readonly node: Input<Endpoint>;
  /** The one identifier that the key may sign for, `identifier::fingerprint`. Example: `"Alice::1220…"`. */
  readonly identifier: Input<string>;
  /** Fingerprint of the key. The node has to know its public part. */
  readonly key: Input<string>;
  /** Id of the domain on which it is to be in effect before it counts as made. Default: it only has to be authorised. */
  readonly domainId?: Input<string>;
  /** Has deleting it succeed where that leaves a transaction without a signer. Default: false. */
  readonly force?: Input<boolean>;
}

/** A key that may sign for one identifier, and nothing else of its namespace. Deleting it takes that back. One resource. */
export class IdentifierDelegation extends dynamic.Resource {
  /** The identifier. */
  declare readonly identifier: Output<string>;
  /** Fingerprint of the key. */
  declare readonly key: Output<string>;

  constructor(name: string, args: IdentifierDelegationArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/topology/identifier-delegation/provider.ts"),
      name,
      { ...args },
      options,
      "topology",
      "IdentifierDelegation",
    );
  }
}
