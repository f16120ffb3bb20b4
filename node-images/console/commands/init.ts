import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { observeInitialisation } from "@pulumi-canton/topology/observe-initialisation.ts";
import {
  type ObservedInitialisation,
  takeInitialisationStep,
} from "@pulumi-canton/topology/take-initialisation-step.ts";
import type { Command } from "commander";
import type { ConsoleContext } from "../console-context.ts";
import { type InitialisableNode, initialisableNode } from "../initialisable-node.ts";
import { json } from "../options.ts";
import { table } from "../table.ts";
import { print, printJson } from "../terminal.ts";

const deadlineMs = 20_000;

/** `init` */
export function registerInit(program: Command, context: ConsoleContext): void {
  const init = program
    .command("init")
    .description("initialises a node by hand, where its configuration says init.auto: false");
  const observe = ({ role, admin }: InitialisableNode) => observeInitialisation(role, admin, { deadlineMs });

  init
    .command("status", { isDefault: true })
    .description("the steps of a node's initialisation, which are done, and which is next (the default)")
    .argument("<node>", "a participant or the domain manager")
    .addOption(json())
    .action(async (name: string, { json }: { json: boolean }) => {
      const { steps, next, complete, uid } = await observe(await initialisableNode(context, name));
      if (json) return printJson({ uid: uid ?? null, complete, next: next?.name ?? null, steps });
      print(
        table(
          ["", "step", "done", "what"],
          steps.map(({ name, done, what }, index) => [String(index + 1), name, done ? "yes" : "no", what]),
        ),
      );
      print(next === undefined ? `${name} is initialised as ${uid}.` : `Next: ${next.what}`);
    });

  init
    .command("id")
    .description("gives a node its id: a participant after its root certificate, a domain manager before")
    .argument("<node>")
    .argument("<identifier>", "the first part of its id; a random one tells nothing of its owner")
    .argument("<namespace>", "fingerprint of the namespace's key")
    .action(async (name: string, identifier: string, fingerprint: string) => {
      const { adminApi } = await initialisableNode(context, name);
      const request = { identifier, fingerprint, instance: "" };
      const { uniqueIdentifier } = await context.api().call(adminApi, InitializationServiceClient, "initId", request);
      print(`${name} is ${uniqueIdentifier}.`);
    });

  init
    .command("run")
    .description(
      "does the steps that the node itself can do, in order, from wherever it stands; may be interrupted and repeated",
    )
    .argument("<node>")
    .requiredOption("--identifier <name>", "the first part of the id that it is to have")
    .action(async (name: string, { identifier }: { identifier: string }) => {
      const node = await initialisableNode(context, name);
      let taken = "";
      for (;;) {
        const observed = await observe(node);
        const { next, uid } = observed;
        if (next === undefined) return print(`${name} is initialised as ${uid}.`);
        if (next.name === taken || !(await takeInitialisationStep(node.admin, identifier, observed, { deadlineMs }))) {
          throw new ConsoleError(
            `${name} is not initialised yet.`,
            `Next step (${observed.steps.indexOf(next) + 1} of ${observed.steps.length}): ${next.what}`,
          );
        }
        taken = next.name;
        print(`done: ${next.what}`);
      }
    });
}
