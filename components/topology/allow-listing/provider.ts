/** Pulumi's view of an entry of a domain's allow-list. */
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import { withoutMemberCode } from "../topology-names.ts";
import { type Grant, sameGrant } from "./plan.ts";
import type { AllowListingTarget } from "./steps.ts";

/** What the resource takes. */
export interface AllowListingInputs extends AllowListingTarget, Grant {}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<AllowListingInputs, object>({
  inputs: ["domainManager", "domainId", "participant", "permission", "trustLevel"],
  identity: ["domainId", "participant"],
  id: ({ domainId, participant }) => `${domainId}/${withoutMemberCode(participant)}`,
  converge: async (inputs) => {
    const { convergeGrant } = await steps();
    try {
      await convergeGrant(inputs, grantOf(inputs));
    } catch (error) {
      throw new Incomplete(`the allow-list entry of ${inputs.participant} was not made: ${(error as Error).message}`);
    }
    return {};
  },
  observe: async (inputs) => {
    const granted = await (await steps()).observeGrants(inputs);
    const [first] = granted;
    if (first === undefined) return { is: "absent" };
    if (granted.length === 1) return { is: "present", inputs: first };
    const others = granted.filter((grant) => !sameGrant(grant, inputs));
    const found = others.map(({ permission, trustLevel }) => `${permission} (${trustLevel})`).join(", ");
    return { is: "present", drift: `was granted more than once, besides: ${found}` };
  },
  remove: async (inputs) => (await steps()).convergeGrant(inputs, undefined),
});

function grantOf({ permission, trustLevel }: AllowListingInputs): Grant {
  return { permission, trustLevel };
}
