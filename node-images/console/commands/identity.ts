import { identityCommand } from "@pulumi-canton/detached-topology-manager/commands.ts";
import type { Command } from "commander";
import type { ConsoleContext } from "../console-context.ts";
import { initialisableNode } from "../initialisable-node.ts";
import { print } from "../terminal.ts";

/** `identity`: the detached topology manager. */
export function registerIdentity(program: Command, context: ConsoleContext): void {
  program.addCommand(identityCommand({ node: (name) => initialisableNode(context, name), print }));
}
