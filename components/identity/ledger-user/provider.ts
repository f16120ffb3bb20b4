/** Pulumi's view of a user of a participant's Ledger API. */
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import type { UserState } from "./plan.ts";
import type { UserTarget } from "./steps.ts";

/** What the resource takes. */
export interface LedgerUserInputs extends UserTarget, UserState {}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<LedgerUserInputs, object>({
  inputs: [
    "ledgerApi",
    "token",
    "userId",
    "identityProviderId",
    "primaryParty",
    "active",
    "annotations",
    "actAs",
    "readAs",
    "participantAdmin",
    "identityProviderAdmin",
  ],
  identity: ["userId", "identityProviderId"],
  id: ({ userId }) => userId,
  check: ({ userId, annotations }) => [
    ...(userId === undefined || /^[A-Za-z0-9@^$.!`\-#+'~_|:()]{1,128}$/.test(userId)
      ? []
      : [
          {
            property: "userId",
            reason: `got ${JSON.stringify(userId)}; expected 1 to 128 letters, digits or @^$.!\`-#+'~_|:()`,
          },
        ]),
    ...Object.entries(annotations ?? {}).flatMap(([key, value]) =>
      value === "" ? [{ property: `annotations.${key}`, reason: "is empty; leave it out, or give it a text" }] : [],
    ),
  ],
  converge: async (inputs) => {
    const { convergeUser, explain } = await steps();
    try {
      await convergeUser(inputs, userOf(inputs));
    } catch (error) {
      throw new Incomplete(`user ${inputs.userId} is not as it should be: ${explain(error as Error, inputs)}`);
    }
    return {};
  },
  observe: async (inputs) => {
    const found = await (await steps()).observeUser(inputs);
    if (found === undefined) return { is: "absent" };
    const { actAs, readAs, ...rest } = found;
    return {
      is: "present",
      inputs: { ...rest, actAs: inOrderOf(inputs.actAs, actAs), readAs: inOrderOf(inputs.readAs, readAs) },
    };
  },
  remove: async (inputs) => (await steps()).deleteUser(inputs),
});

function userOf(inputs: LedgerUserInputs): UserState {
  const { primaryParty, active, annotations, actAs, readAs, participantAdmin, identityProviderAdmin } = inputs;
  return { primaryParty, active, annotations, actAs, readAs, participantAdmin, identityProviderAdmin };
}

/** The order of parties is no difference: those that are asked for come as they are asked for, the others after them. */
function inOrderOf(wanted: readonly string[], found: readonly string[]): string[] {
  return [...wanted.filter((party) => found.includes(party)), ...found.filter((party) => !wanted.includes(party))];
}
