import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";

/** Arguments of a `NamespaceDelegation`. */
export interface NamespaceDelegationArgs {
  /** Admin API of a node that holds a key that may delegate the namespace. Example: `participant.adminApi`. */
  readonly node: Input<Endpoint>;
  /** Fingerprint of the namespace's root key: what stands after the `::` of its identifiers. */
  readonly namespace: Input<string>;
  /** Fingerprint of the key that may sign for the namespace from now on. The node has to know its public part. */
  readonly key: Input<string>;
  /** Whether the key may delegate the namespace further. Default: false. */
  readonly isRootDelegation?: Input<boolean>;
  /** Id of the domain on which it is to be in effect before it counts as made. Default: it only has to be authorised. */
  readonly domainId?: Input<string>;
  /** Has deleting it succeed where that leaves a member without a key or a transaction without a signer. Default: false. */
  readonly force?: Input<boolean>;
}

/**
 * A key that may sign for a whole namespace besides its root key, so that the root key can be kept off the nodes. Deleting it
 * takes that back. One resource.
 */
export class NamespaceDelegation extends dynamic.Resource {
  /** The namespace. */
  declare readonly namespace: Output<string>;
  /** Fingerprint of the key. */
  declare readonly key: Output<string>;

  constructor(name: string, args: NamespaceDelegationArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/topology/namespace-delegation/provider.ts"),
      name,
      { isRootDelegation: false, ...args },
      options,
      "topology",
      "NamespaceDelegation",
    );
  }
}
