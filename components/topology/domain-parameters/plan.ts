import { isDeepStrictEqual } from "node:util";
import type { WireParameters } from "./parameters.ts";

/** What there is of a domain's parameters. */
export interface ParametersState {
  /** What the domain manager has authorised. */
  readonly authorized: WireParameters | undefined;
  /** What the domain's topology says. */
  readonly effective: WireParameters | undefined;
}

/** One step. */
export type ParametersStep =
  | { readonly do: "replace"; readonly parameters: WireParameters }
  /** Nothing to do but let the change arrive. */
  | { readonly do: "wait" };

/** The steps to these parameters: there is always exactly one set of them, and a new one takes the place of the old. */
export function planParameters(wanted: WireParameters, { authorized, effective }: ParametersState): ParametersStep[] {
  if (!isDeepStrictEqual(authorized, wanted)) return [{ do: "replace", parameters: wanted }];
  return isDeepStrictEqual(effective, wanted) ? [] : [{ do: "wait" }];
}
