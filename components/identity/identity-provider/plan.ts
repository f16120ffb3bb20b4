/** An identity provider whose tokens a Ledger API accepts. */
export interface IdentityProviderState {
  readonly issuer: string;
  readonly jwksUrl: string;
  /** Empty: the participant's id is expected. */
  readonly audience: string;
  /** False: its tokens are refused. */
  readonly active: boolean;
}

/** The fields that an update may name, as the Ledger API has them. */
export type IdentityProviderField = "issuer" | "jwks_url" | "audience" | "is_deactivated";

/** One call. */
export type IdentityProviderStep =
  | { readonly do: "create" }
  | { readonly do: "update"; readonly fields: readonly IdentityProviderField[] };

const fields: readonly (readonly [keyof IdentityProviderState, IdentityProviderField])[] = [
  ["issuer", "issuer"],
  ["jwksUrl", "jwks_url"],
  ["audience", "audience"],
  ["active", "is_deactivated"],
];

/** The steps to the wanted identity provider. */
export function planIdentityProvider(
  wanted: IdentityProviderState,
  present: IdentityProviderState | undefined,
): IdentityProviderStep[] {
  if (present === undefined) return [{ do: "create" }];
  const changed = fields.filter(([key]) => wanted[key] !== present[key]).map(([, field]) => field);
  return changed.length === 0 ? [] : [{ do: "update", fields: changed }];
}
