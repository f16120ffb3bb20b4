/** Pulumi's view of an identity provider of a participant's Ledger API. */
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import type { IdentityProviderState } from "./plan.ts";
import type { IdentityProviderTarget } from "./steps.ts";

/** What the resource takes. */
export interface IdentityProviderInputs extends IdentityProviderTarget, IdentityProviderState {}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<IdentityProviderInputs, object>({
  inputs: ["ledgerApi", "token", "identityProviderId", "issuer", "jwksUrl", "audience", "active"],
  identity: ["identityProviderId"],
  id: ({ identityProviderId }) => identityProviderId,
  check: ({ jwksUrl }) =>
    jwksUrl === undefined || (URL.canParse(jwksUrl) && /^https?:/.test(jwksUrl))
      ? []
      : [{ property: "jwksUrl", reason: `got ${JSON.stringify(jwksUrl)}; expected an http or https URL` }],
  converge: async (inputs) => {
    const { convergeIdentityProvider, explain } = await steps();
    const { issuer, jwksUrl, audience, active } = inputs;
    try {
      await convergeIdentityProvider(inputs, { issuer, jwksUrl, audience, active });
    } catch (error) {
      const why = explain(error as Error, inputs);
      throw new Incomplete(`identity provider ${inputs.identityProviderId} is not as it should be: ${why}`);
    }
    return {};
  },
  observe: async (inputs) => {
    const found = await (await steps()).observeIdentityProvider(inputs);
    return found === undefined ? { is: "absent" } : { is: "present", inputs: found };
  },
  remove: async (inputs) => (await steps()).deleteIdentityProvider(inputs),
});
