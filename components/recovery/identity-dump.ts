import { type CustomResourceOptions, dynamic, type Input, mergeOptions, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../dynamic/thin-provider.ts";
import type { Endpoint } from "../platform/platform.ts";
import type { DumpedRole } from "./identity-dump-file.ts";

/** Arguments of an `IdentityDump`. */
export interface IdentityDumpArgs {
  /** Admin API of the node, as this machine reaches it. Example: `participant.adminApi`. */
  readonly node: Input<Endpoint>;
  /** Default: `participant`. */
  readonly role?: Input<DumpedRole>;
  /**
   * File on this machine, readable by its owner only, whose first line of 12 characters or more encrypts the private keys. It is
   * in no state and no dump: keep it where neither is. For another passphrase name another file.
   * Example: `"/run/secrets/dump-passphrase"`.
   */
  readonly passphraseFile: Input<string>;
  /**
   * What the node's identity changes with, as text: when it is another one, the node is dumped again in the same update. Default:
   * nothing, a refresh finds out.
   */
  readonly changesWith?: Input<string>;
}

/**
 * A copy of who a node is, from which it can be set up anew when its database and all backups of it are lost: its id, its keys
 * with the private halves encrypted, and the topology that it has authorised. A refresh shows when the node has changed since; the
 * next update dumps it again. `content` goes to a bucket: see `identityDumps` of `DatabaseBackup`. Deleting it leaves node and
 * dumps as they are. One resource.
 *
 * Cost: none; a few kilobytes a node.
 */
export class IdentityDump extends dynamic.Resource {
  /** The dump, as text. Secret. */
  declare readonly content: Output<string>;
  /** `identifier::fingerprint`. */
  declare readonly uniqueIdentifier: Output<string>;

  constructor(name: string, args: IdentityDumpArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/recovery/identity-dump-provider.ts"),
      name,
      {
        content: undefined,
        uniqueIdentifier: undefined,
        keys: undefined,
        transactions: undefined,
        topologyDigest: undefined,
        role: "participant",
        ...args,
      },
      mergeOptions(options, { additionalSecretOutputs: ["content"] }),
      "recovery",
      "IdentityDump",
    );
  }
}
