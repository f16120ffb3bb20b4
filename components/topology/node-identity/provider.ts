/** Pulumi's view of the identity of a node that is initialised by hand. */
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";
import type { WantedIdentity } from "./plan.ts";

/** What the resource takes. */
export interface NodeIdentityInputs extends WantedIdentity {
  readonly node: Endpoint;
  /** What the console calls it. Default: the identifier. */
  readonly nodeName?: string;
  readonly role: "participant" | "domain-manager";
  /** `configured`: the sequencers are in the domain manager's configuration, and it sets them up itself. */
  readonly sequencers?: "configured";
}

/** What the resource gives out. */
export interface NodeIdentityOutputs {
  /** `identifier::fingerprint`. */
  readonly uniqueIdentifier: string;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<NodeIdentityInputs, NodeIdentityOutputs>({
  inputs: ["node", "nodeName", "role", "identifier", "rootKey", "sequencers"],
  identity: [],
  id: ({ identifier }) => identifier,
  check: ({ identifier }) =>
    identifier === undefined || /^[A-Za-z0-9_ -]{1,185}$/.test(identifier)
      ? []
      : [{ property: "identifier", reason: `got "${identifier}"; expected 1 to 185 letters, digits, -, _ or spaces` }],
  converge: async (inputs) => {
    const { convergeIdentity, messageOf } = await steps();
    try {
      return { uniqueIdentifier: await convergeIdentity(inputs) };
    } catch (error) {
      throw new Incomplete(`${inputs.identifier}: ${messageOf(error as Error)}`);
    }
  },
  observe: async (inputs) => {
    const { uid, missing } = await (await steps()).observeIdentity(inputs);
    const outputs = uid === undefined ? {} : { uniqueIdentifier: uid };
    return { is: "present", outputs, ...(missing !== undefined && { drift: missing }) };
  },
  // An identity ends with the node that has it.
  remove: async () => undefined,
});
