/** The identity of a node that is initialised by hand, through its admin API. No Pulumi. */
import { namespaceOf } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { waitingForInitialisation } from "@pulumi-canton/protocol/topology/initialisation-progress.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { observeInitialisation } from "@pulumi-canton/topology/observe-initialisation.ts";
import {
  type ObservedInitialisation,
  takeInitialisationStep,
} from "@pulumi-canton/topology/take-initialisation-step.ts";
import { lookAtNode } from "../../platform/kubernetes/node-readiness.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { callDeadlineMs, converge } from "../convergence.ts";
import { parseUniqueIdentifier } from "../topology-names.ts";
import { type IdentityStep, planIdentity, signingCommands } from "./plan.ts";
import type { NodeIdentityInputs } from "./provider.ts";

export { messageOf } from "../convergence.ts";

const deadline = { deadlineMs: callDeadlineMs };

/** How long a domain may take until it runs, once its manager has its identity: its nodes may be starting. In milliseconds. */
const domainDeadlineMs = 300_000;

/** How far a node is. */
export interface ObservedIdentity extends ObservedInitialisation {
  /** The private half of its root key is on it. */
  readonly holdsRootKey: boolean;
  /** What is missing, for people; undefined: nothing. */
  readonly missing: string | undefined;
}

/** Looks how far the node is. @throws CantonError when it cannot be reached */
export async function observeIdentity(inputs: NodeIdentityInputs): Promise<ObservedIdentity> {
  const { node, role, rootKey, sequencers } = inputs;
  const options = { ...deadline, ...(sequencers === "configured" && { sequencers }) };
  const seen = await observeInitialisation(role, node satisfies Endpoint, options);
  const { uid, keys, complete } = seen;
  const namespace = uid && namespaceOf(uid);
  const holdsRootKey = keys.some(({ fingerprint, held }) => fingerprint === namespace && held);
  let missing = waitingForInitialisation(seen);
  if (rootKey === "elsewhere" && holdsRootKey) missing = rootKeyOnNode(namespace ?? "");
  else if (complete && !(await domainRuns(inputs))) missing = "the domain does not run yet";
  return { ...seen, holdsRootKey, missing };
}

/** A domain manager whose sequencers are configured sets them up once it has its identity; true of every other node. */
async function domainRuns({ node, sequencers, identifier }: NodeIdentityInputs): Promise<boolean> {
  if (sequencers !== "configured") return true;
  return (await lookAtNode({ node: identifier, adminApi: node, waitFor: "ready" })).is === "ready";
}

function rootKeyOnNode(namespace: string): string {
  return `the private half of its root key ${namespace} is on the node; let another key of the node sign for the namespace, take the root key to a file, and delete it from the node (docs/keys.md)`;
}

/**
 * Takes the steps that are left, in order, and waits until a domain runs whose manager sets it up.
 *
 * @returns the node's unique identifier
 * @throws Error naming the step that somebody else has to take, or the id that the node has already
 */
export async function convergeIdentity(inputs: NodeIdentityInputs): Promise<string> {
  const { node, nodeName, identifier, rootKey } = inputs;
  const seen = await converge({
    what: `the identity ${identifier} of the node at ${node.url}`,
    observe: () => observeIdentity(inputs),
    plan: ({ uid, next, holdsRootKey, missing }): readonly IdentityStep[] => {
      const has = uid === undefined ? undefined : parseUniqueIdentifier(uid).identifier;
      const step = planIdentity({ identifier, rootKey }, { has, next: next?.name, holdsRootKey });
      if (step?.do === "refuse")
        throw new Error(`the node is ${uid} already, for ever: set identifier to ${has}, or make a new node`);
      if (step?.do === "take-away") throw new Error(missing);
      if (step?.do === "ask") {
        const how = rootKey === "elsewhere" ? `\n${signingCommands(nodeName ?? identifier, identifier)}` : "";
        throw new Error(`${missing}${how}`);
      }
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
  await converge({
    what: `the domain of the node at ${node.url}, whose /health/ready says what is missing`,
    observe: () => domainRuns(inputs),
    plan: (runs) => (runs ? [] : ["set up its nodes"]),
    // The domain manager does it.
    apply: async () => undefined,
    deadlineMs: domainDeadlineMs,
  });
  return seen.uid ?? "";
}
