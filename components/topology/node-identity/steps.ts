/** The identity of a node that is initialised by hand, through its admin API. No Pulumi. */
import { waitingForInitialisation } from "@pulumi-canton/protocol/topology/initialisation-progress.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { observeInitialisation } from "@pulumi-canton/topology/observe-initialisation.ts";
import {
  type ObservedInitialisation,
  takeInitialisationStep,
} from "@pulumi-canton/topology/take-initialisation-step.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { callDeadlineMs, converge } from "../convergence.ts";
import { parseUniqueIdentifier } from "../topology-names.ts";
import { type IdentityStep, planIdentity } from "./plan.ts";
import type { NodeIdentityInputs } from "./provider.ts";

export { messageOf } from "../convergence.ts";

const deadline = { deadlineMs: callDeadlineMs };

/** How far the node is; `waiting` says what is missing, in words. */
export async function observeIdentity({
  node,
  role,
  sequencers,
}: Pick<NodeIdentityInputs, "node" | "role" | "sequencers">): Promise<
  ObservedInitialisation & { waiting: string | undefined }
> {
  const options = { ...deadline, ...(sequencers === "configured" && { sequencers }) };
  const seen = await observeInitialisation(role, node satisfies Endpoint, options);
  return { ...seen, waiting: waitingForInitialisation(seen) };
}

/**
 * Takes the steps that are left, in order.
 *
 * @returns the node's unique identifier
 * @throws Error naming the step that somebody else has to take, or the id that the node has already
 */
export async function convergeIdentity(inputs: NodeIdentityInputs): Promise<string> {
  const { node, identifier, rootKey } = inputs;
  const seen = await converge({
    what: `the identity ${identifier} of the node at ${node.url}`,
    observe: () => observeIdentity(inputs),
    plan: (observed): readonly IdentityStep[] => {
      const has = observed.uid === undefined ? undefined : parseUniqueIdentifier(observed.uid).identifier;
      const step = planIdentity({ identifier, rootKey }, { has, next: observed.next?.name });
      if (step?.do === "refuse")
        throw new Error(`the node is ${observed.uid} already, for ever: set identifier to ${has}, or make a new node`);
      if (step?.do === "ask") throw new Error(observed.waiting);
      return step === undefined ? [] : [step];
    },
    apply: async () => {
      try {
        await takeInitialisationStep(node, identifier, await observeIdentity(inputs), deadline);
      } catch (error) {
        // Somebody else was faster: the next look shows it.
        if (!isCantonError(error) || error.reason !== "TOPOLOGY_MAPPING_ALREADY_EXISTS") throw error;
      }
    },
  });
  return seen.uid ?? "";
}
