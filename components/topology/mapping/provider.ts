/** Pulumi's view of a topology mapping that is to hold. */
import { isDeepStrictEqual } from "node:util";
import { Incomplete, type Problem, type StepProvider, stepProvider } from "../../dynamic/step-provider.ts";
import type { MappingState } from "./plan.ts";
import type { MappingKind, MappingTarget } from "./steps.ts";

/** What a kind of mapping has to tell to be a resource. */
export interface MappingResource<Inputs extends object, Value extends object, Outputs extends object> {
  /** Names of all inputs. */
  readonly inputs: readonly (keyof Inputs & string)[];
  /** Inputs whose change makes it another mapping. */
  readonly identity: readonly (keyof Inputs & string)[];
  /** The id that the state knows it by. */
  id(inputs: Inputs): string;
  /** For messages: what does not hold. Example: `party Alice::1220… is not hosted`. */
  failure(inputs: Inputs): string;
  target(inputs: Inputs): MappingTarget;
  /** What may change of it, as the inputs ask for it. */
  wanted(inputs: Inputs): Value;
  outputs(inputs: Inputs): Outputs;
  check?(inputs: Partial<Inputs>): Problem[];
  /** How it is read and authorised; loaded for work only: an update that finds nothing to change does without. */
  kind(): Promise<(inputs: Inputs) => MappingKind<Value>>;
}

const steps = () => import("./steps.ts");

/** Makes the provider; see `thinProvider`. */
export function mappingProvider<Inputs extends object, Value extends object, Outputs extends object>(
  resource: MappingResource<Inputs, Value, Outputs>,
): StepProvider {
  const { inputs, identity, id, check, target, wanted } = resource;
  return stepProvider<Inputs, Outputs>({
    inputs,
    identity,
    id,
    ...(check && { check }),
    converge: async (given) => {
      const [{ convergeMapping }, kind] = await Promise.all([steps(), resource.kind()]);
      try {
        await convergeMapping(target(given), kind(given), wanted(given));
      } catch (error) {
        const { messageOf } = await import("../convergence.ts");
        throw new Incomplete(`${resource.failure(given)}: ${messageOf(error as Error)}`);
      }
      return resource.outputs(given);
    },
    observe: async (given) => {
      const [{ observeMapping }, kind] = await Promise.all([steps(), resource.kind()]);
      const state = await observeMapping(target(given), kind(given));
      if (state.authorized.length === 0) return { is: "absent" };
      const drift = driftOf(wanted(given), state);
      const [first] = state.authorized;
      // A value that inputs ask for is shown as theirs.
      const shown =
        state.authorized.length === 1 && Object.keys(first as object).every((key) => inputs.includes(key as never));
      if (shown) return { is: "present", inputs: first as Partial<Inputs>, ...(drift.late && { drift: drift.late }) };
      const found = drift.other ?? drift.late;
      return { is: "present", ...(found !== undefined && { drift: found }) };
    },
    remove: async (given) => {
      const [{ convergeMapping }, kind] = await Promise.all([steps(), resource.kind()]);
      await convergeMapping(target(given), kind(given), undefined);
    },
  });
}

/** What differs from what is wanted, in words: another value besides or instead, or one that the domain does not show. Pure. */
export function driftOf<Value extends object>(
  wanted: Value,
  { authorized, domains }: MappingState<Value>,
): { readonly other?: string; readonly late?: string } {
  const others = authorized.filter((value) => !isDeepStrictEqual(value, wanted)).map(describe);
  const missing = domains.filter(
    ({ effective }) => !effective.some((value) => authorized.some((own) => isDeepStrictEqual(own, value))),
  );
  const besides = others.length < authorized.length ? "more than once, besides" : "differently";
  return {
    ...(others.length > 0 && { other: `was authorised ${besides}: ${others.join(", ")}` }),
    ...(missing.length > 0 && {
      late: `is not in effect on the domain ${missing.map(({ domainId }) => domainId).join(", ")}`,
    }),
  };
}

function describe(value: object): string {
  return Object.entries(value)
    .map(([key, each]) => `${key} ${each}`)
    .join(" ");
}
