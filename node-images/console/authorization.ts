import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import type { AuthorizationData } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import type { Command } from "commander";

/** How a mapping is to be authorised, as options of a command. */
export interface AuthorizationOptions {
  readonly remove?: boolean;
  readonly force?: boolean;
  readonly replace?: boolean;
  readonly signedBy?: string;
}

/** Adds `--remove`, `--replace`, `--force` and `--signed-by`. */
export function withAuthorizationOptions(command: Command): Command {
  return command
    .option("--remove", "remove the mapping instead of adding it", false)
    .option("--replace", "also remove what says something else about the same thing", false)
    .option("--force", "even if it leaves a member without a key, or transactions without an authorised signer", false)
    .option("--signed-by <fingerprint>", "the key to sign with (default: one that the node holds and that may)");
}

/** The published message. */
export function authorizationData(options: AuthorizationOptions = {}): AuthorizationData {
  return {
    change: options.remove ? TopologyChangeOp.Remove : TopologyChangeOp.Add,
    signedBy: options.signedBy ?? "",
    replaceExisting: options.replace ?? false,
    forceChange: options.force ?? false,
  };
}
