/** Pulumi's view of a node in a cluster that is there and works. */
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import type { AwaitedNode } from "./node-readiness.ts";

/** What the resource takes. */
export interface NodeReadinessInputs extends AwaitedNode {
  readonly namespace: string;
  readonly deadlineMs: number;
}

/** What the resource gives out. */
export interface NodeReadinessOutputs {
  /** `identifier::fingerprint`; empty for a node that others set to work. */
  readonly uniqueIdentifier: string;
  /** It was seen at work: from then on an update waits until it works again. */
  readonly worked: boolean;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./node-readiness.ts");

/** See `thinProvider`. */
export const provider = stepProvider<NodeReadinessInputs, NodeReadinessOutputs>({
  inputs: ["node", "namespace", "adminApi", "revision", "waitFor", "deadlineMs"],
  identity: ["node", "namespace"],
  id: ({ node, namespace }) => `${namespace}/${node}`,
  converge: async (inputs, known) => {
    const { waitForNode } = await steps();
    const worked = known?.worked === true;
    const waitFor = worked ? "ready" : inputs.waitFor;
    try {
      const seen = await waitForNode({ ...inputs, waitFor }, inputs.namespace, inputs.deadlineMs);
      return { uniqueIdentifier: inputs.waitFor === "ready" ? seen : "", worked: worked || seen !== "" };
    } catch (error) {
      throw new Incomplete((error as Error).message, { worked });
    }
  },
  observe: async (inputs) => {
    const seen = await (await steps()).lookAtNode(inputs);
    switch (seen.is) {
      case "unreachable":
        return seen;
      case "another":
        return { is: "present", drift: "another revision of it answers" };
      case "live":
        return inputs.waitFor === "live" ? { is: "present" } : { is: "present", drift: "answers, and is not ready" };
      case "ready":
        return { is: "present", outputs: { worked: true } };
    }
  },
  // The node itself is another's to remove.
  remove: async () => undefined,
});
