import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";

/** Arguments of a `NodeIdentity`. */
export interface NodeIdentityArgs {
  /** Admin API of a node with `init.auto: false`. */
  readonly node: Input<Endpoint>;
  /** Name of the node, which commands of the console take. Default: the identifier. */
  readonly nodeName?: Input<string>;
  /** Default: `participant`. */
  readonly role?: Input<"participant" | "domain-manager">;
  /** The first part of the id that it is to have; it never changes. Example: `"alice"`. */
  readonly identifier: Input<string>;
  /**
   * `node`: it makes its root key itself. `elsewhere`: the root key is kept off the node, and what it signs is carried there
   * (`console identity`); until then the update fails and says which step is missing, and so it does as long as the private
   * half of the root key is on the node. Default: `node`.
   */
  readonly rootKey?: Input<"node" | "elsewhere">;
  /**
   * Domain manager only: `configured` when its configuration names its sequencers, which it then sets up itself; the resource is
   * there once the domain runs.
   */
  readonly sequencers?: Input<"configured">;
}

/**
 * The identity of a node that does not initialise itself: keys, root certificate, id and key mappings, in the order that the
 * node insists on, from wherever it stands. Deleting it leaves the node as it is. One resource.
 */
export class NodeIdentity extends dynamic.Resource {
  /** `identifier::fingerprint`. */
  declare readonly uniqueIdentifier: Output<string>;

  constructor(name: string, args: NodeIdentityArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/topology/node-identity/provider.ts"),
      name,
      { uniqueIdentifier: undefined, role: "participant", rootKey: "node", ...args },
      options,
      "topology",
      "NodeIdentity",
    );
  }
}
