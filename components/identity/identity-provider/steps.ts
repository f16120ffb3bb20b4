/** An identity provider of a participant's Ledger API (v1 of the config service). No Pulumi. */
import { IdentityProviderConfigServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/identity_provider_config_service.ts";
import { converge, tolerate } from "../../topology/convergence.ts";
import { ifFound, type LedgerAccess, withLedger } from "../ledger-call.ts";
import { type IdentityProviderState, planIdentityProvider } from "./plan.ts";

export { explain } from "../ledger-call.ts";

/** Which identity provider. */
export interface IdentityProviderTarget extends LedgerAccess {
  readonly identityProviderId: string;
}

/** The identity provider as it is; undefined when there is none. */
export function observeIdentityProvider(target: IdentityProviderTarget): Promise<IdentityProviderState | undefined> {
  const { identityProviderId } = target;
  return withLedger(target, IdentityProviderConfigServiceClient, async (call) => {
    const found = (await ifFound(call("getIdentityProviderConfig", { identityProviderId })))?.identityProviderConfig;
    if (found === undefined) return undefined;
    const { issuer, jwksUrl, audience, isDeactivated } = found;
    return { issuer, jwksUrl, audience, active: !isDeactivated };
  });
}

/** Makes it what is wanted. @throws CantonError when the participant refuses, Error when it is not reached in time */
export async function convergeIdentityProvider(
  target: IdentityProviderTarget,
  { active, ...wanted }: IdentityProviderState,
): Promise<void> {
  const { identityProviderId } = target;
  const identityProviderConfig = { identityProviderId, isDeactivated: !active, ...wanted };
  await converge({
    what: `identity provider ${identityProviderId} at ${target.ledgerApi.url}`,
    observe: () => observeIdentityProvider(target),
    plan: (present) => planIdentityProvider({ active, ...wanted }, present),
    apply: (step) =>
      withLedger(target, IdentityProviderConfigServiceClient, async (call) => {
        if (step.do === "update") {
          await call("updateIdentityProviderConfig", { identityProviderConfig, updateMask: [...step.fields] });
        } else {
          await tolerate(["IDP_CONFIG_ALREADY_EXISTS"], () =>
            call("createIdentityProviderConfig", { identityProviderConfig }),
          );
        }
      }),
  });
}

/** Deletes it; well when there is none. @throws CantonError while users belong to it */
export async function deleteIdentityProvider(target: IdentityProviderTarget): Promise<void> {
  const { identityProviderId } = target;
  await withLedger(target, IdentityProviderConfigServiceClient, (call) =>
    ifFound(call("deleteIdentityProviderConfig", { identityProviderId })),
  );
}
