import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import type { ClientTarget } from "@pulumi-canton/runtime/grpc-client.ts";
import type { ConsoleContext } from "./console-context.ts";
import { nodeNamed } from "./network.ts";

/** A node that has an identity of its own, and how to reach its admin API. */
export interface InitialisableNode {
  readonly role: "participant" | "domain-manager";
  readonly admin: ClientTarget;
  readonly adminApi: string;
}

/** The node of this name. @throws ConsoleError when there is none, or when it takes its identity from its domain */
export async function initialisableNode(context: ConsoleContext, name: string): Promise<InitialisableNode> {
  const { role, adminApi } = nodeNamed(await context.network(), name);
  if (role === "participant" || role === "domain-manager") {
    return { role, admin: context.api().target(adminApi), adminApi };
  }
  throw new ConsoleError(
    `${name} is a ${role}: it has the identity of its domain.`,
    "Name a participant or the domain manager.",
  );
}
