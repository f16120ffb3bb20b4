import type { Permission, TrustLevel } from "../topology-names.ts";

/** What a domain grants a participant. */
export interface Grant {
  readonly permission: Permission;
  readonly trustLevel: TrustLevel;
}

/** One change of the allow-list. */
export type AllowListingStep =
  /** Grants this, in place of whatever is granted. */
  | { readonly do: "grant"; readonly grant: Grant; readonly replace: boolean }
  /** Takes this one grant away. */
  | { readonly do: "revoke"; readonly grant: Grant };

/** Whether two grants are the same. */
export function sameGrant(a: Grant, b: Grant): boolean {
  return a.permission === b.permission && a.trustLevel === b.trustLevel;
}

/**
 * The steps that leave exactly what is wanted. Several grants for one participant may be found: whoever grants by hand
 * without replacing leaves them.
 *
 * @param wanted undefined: nothing is to be left
 */
export function planAllowListing(wanted: Grant | undefined, granted: readonly Grant[]): AllowListingStep[] {
  const others = granted.filter((grant) => wanted === undefined || !sameGrant(grant, wanted));
  if (wanted === undefined || granted.length > others.length) return others.map((grant) => ({ do: "revoke", grant }));
  return [{ do: "grant", grant: wanted, replace: granted.length > 0 }];
}
