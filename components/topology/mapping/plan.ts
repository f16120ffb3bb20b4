import { isDeepStrictEqual } from "node:util";

/** What the topology of a domain says, as the node sees it. */
export interface SeenOnDomain<Value> {
  readonly domainId: string;
  readonly effective: readonly Value[];
  /** Whether the node follows the domain now, so that a change reaches it. */
  readonly follows: boolean;
}

/** What there is of one thing that the topology may say, such as the permission of a party on a participant. */
export interface MappingState<Value> {
  /** What the node's topology manager has authorised: nothing, one value, or several that were given by hand. */
  readonly authorized: readonly Value[];
  /** What the domains say that are to be waited for. */
  readonly domains: readonly SeenOnDomain<Value>[];
}

/** One step. */
export type MappingStep<Value> =
  /** Authorises this value, in place of whatever is authorised. */
  | { readonly do: "authorize"; readonly value: Value; readonly replace: boolean }
  /** Takes this one value back. */
  | { readonly do: "revoke"; readonly value: Value }
  /** Nothing to do but let the change arrive. */
  | { readonly do: "wait" };

/**
 * The steps that leave exactly what is wanted, authorised and in effect. A node that does not follow the domain cannot learn
 * that something ended there: it is not waited for.
 *
 * @param wanted undefined: nothing is to be left
 */
export function planMapping<Value>(wanted: Value | undefined, state: MappingState<Value>): MappingStep<Value>[] {
  const { authorized, domains } = state;
  const others = authorized.filter((value) => wanted === undefined || !isDeepStrictEqual(value, wanted));
  if (wanted !== undefined && others.length === authorized.length) {
    return [{ do: "authorize", value: wanted, replace: authorized.length > 0 }];
  }
  if (others.length > 0) return others.map((value) => ({ do: "revoke", value }));
  const arrived = domains.every(({ effective, follows }) => {
    if (wanted === undefined) return effective.length === 0 || !follows;
    return effective.length > 0 && effective.every((value) => isDeepStrictEqual(value, wanted));
  });
  return arrived ? [] : [{ do: "wait" }];
}
