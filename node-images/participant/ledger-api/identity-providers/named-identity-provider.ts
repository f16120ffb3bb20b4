import { violatedConstraint } from "@pulumi-canton/runtime/database.ts";
import { invalidArguments, invalidField, type RequestFacts } from "../ledger-errors.ts";
import { DEFAULT_IDENTITY_PROVIDER } from "../users/user.ts";
import { identityProviderIdFault } from "./identity-provider.ts";
import type { IdentityProviderStore } from "./identity-provider-store.ts";

/** Checks the form of the id of an identity provider that a request names; the empty one is the default provider's. */
export function checkIdentityProviderId(facts: RequestFacts, field: string, id: string): void {
  const fault = id === DEFAULT_IDENTITY_PROVIDER ? undefined : identityProviderIdFault(id);
  if (fault !== undefined) throw invalidField(facts, field, fault);
}

/** Refuses a request that names an identity provider which is not there. */
export async function requireIdentityProvider(
  facts: RequestFacts,
  providers: IdentityProviderStore,
  id: string,
): Promise<void> {
  if (id === DEFAULT_IDENTITY_PROVIDER || (await providers.find(id)) !== undefined) return;
  throw unknownProvider(facts, id);
}

/** Stores what refers to an identity provider: somebody may delete that after it was looked for. */
export async function storeReferring<T>(facts: RequestFacts, id: string, store: () => Promise<T>): Promise<T> {
  try {
    return await store();
  } catch (error) {
    if (violatedConstraint(error)?.endsWith("_identity_provider_id_fkey")) throw unknownProvider(facts, id);
    throw error;
  }
}

function unknownProvider(facts: RequestFacts, id: string): Error {
  return invalidArguments(facts, `Provided identity_provider_id Id(${id}) has not been found.`);
}
